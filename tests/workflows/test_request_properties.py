"""Whatever an item says: its requests end, or wait for somebody or something and say for what."""

import asyncio
import os
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.kit.item_files import examine, to_yaml
from models.messages.employee_requests.items import (
    Approval,
    ApprovalRule,
    Approver,
    ApproverKind,
    Case,
    Child,
    Form,
    Hands,
    Item,
    Lane,
    Message,
    Outcome,
    Step,
    StepKind,
    Wait,
)
from models.messages.employee_requests.requests import EventArrived, FillIn, RequestStatus, Verdict
from tests.builders.items import a_task, an_account, an_item, texts, the_world
from tests.conftest import Database
from tests.desk import RunningDesk, StandIns
from tests.workflows.requesting import Asking, RequestPost, Systems
from workflows.kit.options import DIRECTORY_QUEUE, MAIL_QUEUE, OFFICE_QUEUE, STOCK_QUEUE

SYSTEMS, POST = Systems(), RequestPost()
SEEDS = range(int(os.environ.get("ITEM_SEEDS", "3")))
MOST_ACTS = 120


@pytest.fixture
def stand_ins(worker_engine: AsyncEngine) -> StandIns:
    SYSTEMS.__init__()  # type: ignore[misc]
    POST.__init__()  # type: ignore[misc]
    call = SYSTEMS.acts(worker_engine).call
    return StandIns(
        acts={
            MAIL_QUEUE: [POST.write], DIRECTORY_QUEUE: [call], OFFICE_QUEUE: [call], STOCK_QUEUE: [call],
        }
    )  # fmt: skip


@pytest.fixture
async def asking(desk: RunningDesk, database: Database) -> Asking:
    asking = Asking(desk, SYSTEMS, POST, database.owner_url)
    await asking.settle_in()
    return asking


CHILD = an_item(a_task("small"), key="small")


class Chance:
    """Items made by chance from one number: the same number gives the same item."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.names = 0

    def item(self) -> Item:
        return an_item(*self.steps(3))

    def steps(self, depth: int) -> tuple[Step, ...]:
        return tuple(self.step(depth) for _ in range(self.dice.randint(1, 3)))

    def step(self, depth: int) -> Step:
        self.names += 1
        id = f"s{self.names}"
        kinds = ["approval", "task", "call", "day", "event", "form", "message", "request", "end"]
        if depth > 1:
            kinds += ["branch", "parallel", "each"] * 2
        made = getattr(self, self.dice.choice(kinds))(id, depth)
        assert isinstance(made, Step)
        return made

    def approval(self, id: str, depth: int) -> Step:
        people = self.dice.sample(("emp_chief", "emp_money", "emp_peer"), self.dice.randint(1, 3))
        rule = self.dice.choice(list(ApprovalRule))
        approval = Approval(
            tuple(Approver(ApproverKind.PERSON, who=one) for one in people), rule=rule,
            n=1 if rule is ApprovalRule.N_OF else 0, is_ordered=self.dice.random() < 0.5,
            is_final=self.dice.random() < 0.7,
        )  # fmt: skip
        return Step(id, StepKind.APPROVAL, texts(id), approval=approval)

    def task(self, id: str, depth: int) -> Step:
        return a_task(id)

    def call(self, id: str, depth: int) -> Step:
        return an_account(id)

    def day(self, id: str, depth: int) -> Step:
        return Step(id, StepKind.WAIT, texts(id), wait=Wait(until="today + days(2)"))

    def event(self, id: str, depth: int) -> Step:
        otherwise = self.steps(1) if self.dice.random() < 0.5 else ()
        return Step(id, StepKind.WAIT, texts(id), wait=Wait(event=id, at_most_days=1, otherwise=otherwise))

    def form(self, id: str, depth: int) -> Step:
        return Step(id, StepKind.FORM, texts(id), form=Form(Hands.ASKER, an_item().form))

    def message(self, id: str, depth: int) -> Step:
        return Step(id, StepKind.MESSAGE, texts(id), message=Message(Hands.ASKER, texts("s"), texts("b")))

    def request(self, id: str, depth: int) -> Step:
        child = Child(CHILD.key, {"amount": "form.amount"}, is_awaited=self.dice.random() < 0.7)
        return Step(id, StepKind.REQUEST, texts(id), request=child)

    def end(self, id: str, depth: int) -> Step:
        outcome = self.dice.choice(list(Outcome))
        return Step(id, StepKind.END, texts(id), when="form.amount > 9000", outcome=outcome)

    def branch(self, id: str, depth: int) -> Step:
        limit = self.dice.choice((100, 100_000))
        return Step(
            id, StepKind.BRANCH, texts(id), cases=(Case(f"form.amount > {limit}", self.steps(depth - 1)),),
            otherwise=self.steps(depth - 1) if self.dice.random() < 0.5 else (),
        )  # fmt: skip

    def parallel(self, id: str, depth: int) -> Step:
        lanes = tuple(Lane(texts(f"{id}{n}"), self.steps(depth - 1)) for n in range(2))
        return Step(id, StepKind.PARALLEL, texts(id), lanes=lanes)

    def each(self, id: str, depth: int) -> Step:
        over = self.dice.choice(("[]", "[1]", "['a', 'b']"))
        return Step(id, StepKind.EACH, texts(id), over=over, steps=self.steps(depth - 1))


async def act(asking: Asking, dice: random.Random) -> None:
    """Do one thing that the request waits for."""
    waits = await asking.desk.rows(
        "select key, what, until from waits where workflow_id = :id and ended_at is null"
        " and what <> 'request_call' order by key", id=f"employee-request:{asking.id}",
    )  # fmt: skip
    if not waits:
        return  # a child has just ended and the request went on
    wait = dice.choice(waits)
    path = wait.key.partition(":")[2]
    if wait.what == "request_approval":
        [asked, *_] = await asking.desk.rows(
            "select id, approver_employee_id from request_approvals where request_id = :id and path = :path"
            " and status = 'pending' order by position", id=asking.id, path=path,
        )  # fmt: skip
        verdict = Verdict.APPROVE if dice.random() < 0.8 else Verdict.REJECT
        await asking.decide(asked.approver_employee_id, verdict, approval_id=asked.id)
    elif wait.what == "request_task":
        await asking.finish(path)
    elif wait.what == "request_form":
        fill = FillIn(f"f{path}", "acc_emp_jane", datetime.now(UTC), path=path, answers={"amount": 1})
        await asking.say("fill_in", fill)
    elif wait.what == "request_child":
        await settle_child(asking, path)
    elif wait.what == "request_event" and dice.random() < 0.5:
        [step] = await asking.desk.rows(
            "select step_id from request_steps where request_id = :id and path = :path",
            id=asking.id,
            path=path,
        )
        await asking.handle.signal("event_arrived", EventArrived(step.step_id, datetime.now(UTC)))
    else:
        await asking.pass_time(wait.until)


async def settle_child(asking: Asking, path: str) -> None:
    """Do what the other request waits for; then this one hears of it."""
    [child] = await asking.desk.rows(
        "select id, status from employee_requests where parent_id = :id and parent_path = :path",
        id=asking.id, path=path,
    )  # fmt: skip
    if child.status == "open":
        own = replace(asking, id=child.id)
        await own.until_step("0")
        await own.finish("0")
        await own.result()

    async def is_heard() -> bool:
        return (path, "active") not in [(one[0], one[2]) for one in await asking.steps()]

    await asking.desk.until(is_heard)


async def is_over_or_waits(asking: Asking) -> bool:
    """Whether nothing happens until somebody acts: over, or waiting for somebody or something by name."""
    before = (await asking.row()).seq
    await asyncio.sleep(0.15)
    row = await asking.row()
    if row.status != "open":
        return True
    waits = [what for what, _ in await asking.waits() if what != "request_call"]  # a system answers soon
    return bool(row.seq == before and waits)


@pytest.mark.parametrize("seed", SEEDS)
async def test_any_item_ends_or_says_what_it_waits_for(asking: Asking, seed: int) -> None:
    item, dice = Chance(seed).item(), random.Random(seed + 1_000)
    people = frozenset({"emp_chief", "emp_money", "emp_peer"})
    world = the_world(people=people, items={CHILD.key: ()})
    _, problems = examine(to_yaml(item), world)
    assert [one for one in problems if one.code != "never_reached"] == []
    await asking.publish(CHILD)
    await asking.begin(item, amount=dice.choice((5_000, 10_000)))

    for _ in range(MOST_ACTS):
        await asking.desk.until(lambda: is_over_or_waits(asking))
        if (await asking.row()).status != "open":
            break
        await act(asking, dice)

    status = await asking.result()
    assert status in (RequestStatus.DONE, RequestStatus.REJECTED)
    assert await asking.waits() == []
    steps = {one[2] for one in await asking.steps()}
    assert "active" not in steps
    if status is RequestStatus.REJECTED:
        assert SYSTEMS.directory.accounts == {}
