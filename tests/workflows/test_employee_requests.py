"""The life of an employee's request: every kind of step, every silence, every refusal, every end."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.messages.employee_requests.items import (
    Approval,
    ApprovalRule,
    Approver,
    ApproverKind,
    Case,
    Form,
    Hands,
    Item,
    Lane,
    Message,
    Moment,
    Notice,
    Outcome,
    Step,
    StepKind,
    Task,
    Wait,
)
from models.messages.employee_requests.requests import (
    Answer,
    CheckOff,
    EventArrived,
    FillIn,
    FinishTask,
    NameReader,
    RequestStatus,
    TakeTask,
    Verdict,
)
from models.messages.staff import ApproverChanged, Why
from models.staff import Account
from tests.builders.items import a_task, an_account, an_approval, an_item, texts
from tests.conftest import Database
from tests.desk import RunningDesk, StandIns
from tests.workflows.requesting import Asking, RequestPost, Systems
from workflows.kit.options import DIRECTORY_QUEUE, MAIL_QUEUE, OFFICE_QUEUE, STOCK_QUEUE

SYSTEMS = Systems()
POST = RequestPost()


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


def now() -> datetime:
    return datetime.now(UTC)


def step(id: str, kind: StepKind, **parts: object) -> Step:
    return Step(id, kind, texts(id), **parts)  # type: ignore[arg-type]


EACH = Message(Hands.ASKER, texts("{what}"), texts("{what}"), values={"what": "each"})
TELL = Step("tell", StepKind.MESSAGE, texts("tell"), message=EACH)


def whole() -> Item:
    """Every kind of step once."""
    lanes = (Lane(texts("IT"), (an_account(),)), Lane(texts("HR"), (a_task("papers", "tm_hr"),)))
    return an_item(
        an_approval("manager", remind_after_hours=8, escalate_after_hours=24),
        step("beside", StepKind.PARALLEL, lanes=lanes),
        step(
            "large", StepKind.BRANCH, cases=(Case("form.amount > 1000", (a_task("check", "tm_finance"),)),),
            otherwise=(a_task("nothing", "tm_finance"),),
        ),
        step("rounds", StepKind.EACH, over="['a', 'b']", steps=(TELL,)),
        step("more", StepKind.FORM, form=Form(Hands.ASKER, an_item().form)),
        step("delivery", StepKind.WAIT, wait=Wait(event="delivered", at_most_days=5)),
        step("day", StepKind.WAIT, wait=Wait(until="today + days(30)")),
        replace(an_approval("never"), when="form.amount > 9000000"),
        is_confidential=False, sla_hours=40, messages=(Notice(Moment.DONE, texts("done"), texts("done")),),
    )  # fmt: skip


async def test_a_request_walks_through_every_kind_of_step(asking: Asking) -> None:
    await asking.begin(whole(), "approval_asked", amount=5_000)
    assert await asking.waits() == [("request_approval", "remind_approver")]
    assert await asking.refusal("decide", asking.decision("emp_jane")) == "approval_not_yours"

    await asking.decide("emp_chief", comment="fine")
    await asking.until_step("1.1.0")
    await asking.until_step("1.0.0", "done")
    await asking.finish("1.1.0", "acc_hr")
    await asking.until_step("2.0.0")
    await asking.finish("2.0.0", "acc_finance")
    await asking.until_step("4")
    await asking.say("fill_in", FillIn("f1", "acc_emp_jane", now(), path="4", answers={"amount": 7}))
    await asking.until_step("5")
    await asking.tell("event_arrived", EventArrived("delivered", now()))
    await asking.until_step("6")
    assert await asking.waits() == [("request_day", "request_goes_on")]
    await asking.pass_time(await asking.wait_until())

    assert await asking.result() is RequestStatus.DONE
    assert [(one[1], one[2]) for one in await asking.steps()] == [
        ("manager", "done"), ("beside", "done"), ("account", "done"), ("papers", "done"), ("large", "done"),
        ("check", "done"), ("rounds", "done"), ("tell", "done"), ("tell", "done"), ("more", "done"),
        ("delivery", "done"), ("day", "done"), ("never", "skipped"),
    ]  # fmt: skip
    row = await asking.row()
    assert (row.status, row.owner_team_id) == ("done", "tm_it")
    assert row.due_at > row.created_at
    assert await asking.waits() == []
    assert SYSTEMS.directory.accounts == {"HR-emp_jane": f"{asking.id}.1.0.0"}
    assert sorted(set(POST.names())) == ["approval", "form", "message", "notice", "task"]
    readers = await asking.readers()
    assert readers["acc_emp_jane"] == "asker"
    assert readers["acc_emp_chief"] == "approver"
    assert readers["acc_hr"] == "team"


async def test_silence_is_reminded_and_then_goes_to_the_manager_as_well(asking: Asking) -> None:
    await asking.begin(an_item(an_approval(remind_after_hours=8, escalate_after_hours=12)), "approval_asked")

    await asking.pass_time(await asking.wait_until())
    await asking.until_story("reminded")
    assert await asking.waits() == [("request_approval", "escalate_approval")]
    await asking.pass_time(await asking.wait_until())
    await asking.until_story("escalated")

    assert await asking.approvals() == [
        ("emp_chief", "manager", "pending"), ("emp_boss", "escalated", "pending"),
    ]  # fmt: skip
    await asking.decide("emp_boss", approval_id=f"{asking.id}.0.0.up1")
    assert await asking.result() is RequestStatus.DONE
    assert [one[2] for one in await asking.approvals()] == ["void", "approved"]
    assert POST.names()[:3] == ["approval", "approval_reminder", "approval"]


async def test_approvers_in_order_up_to_their_limits_and_a_link_is_not_enough_above_an_amount(
    asking: Asking,
) -> None:
    approval = Approval(
        (
            Approver(ApproverKind.MANAGER, up_to_minor=1_000),
            Approver(ApproverKind.COST_OWNER, up_to_minor=10_000),
            Approver(ApproverKind.TEAM, who="tm_finance"),
        ),
        amount="form.amount", is_ordered=True, second_factor_above_minor=1_500,
    )  # fmt: skip
    item = an_item(Step("money", StepKind.APPROVAL, texts("money"), approval=approval))
    await asking.begin(item, "approval_asked", amount=5_000)

    assert [(one[0], one[2]) for one in await asking.approvals()] == [
        ("emp_chief", "pending"), ("emp_money", "later"),
    ]  # fmt: skip
    assert await asking.refusal("decide", asking.decision("emp_money", position=1)) == "approval_not_open"
    assert (
        await asking.refusal("decide", asking.decision("emp_chief", is_signed_in=False)) == "sign_in_needed"
    )
    await asking.decide("emp_chief")
    await asking.until_story("approval_asked", 2)
    await asking.decide("emp_money", position=1)

    assert await asking.result() is RequestStatus.DONE


@pytest.mark.parametrize(
    ("rule", "n", "words", "ends"),
    [
        (ApprovalRule.ANY, 0, "na", RequestStatus.DONE),
        (ApprovalRule.ALL, 0, "an", RequestStatus.REJECTED),
        (ApprovalRule.N_OF, 2, "naa", RequestStatus.DONE),
        (ApprovalRule.N_OF, 2, "nn", RequestStatus.REJECTED),
    ],
)
async def test_any_all_or_n_of_several_decide(
    asking: Asking, rule: ApprovalRule, n: int, words: str, ends: RequestStatus
) -> None:
    people = ("emp_chief", "emp_money", "emp_peer")
    approvers = tuple(Approver(ApproverKind.PERSON, who=one) for one in people)
    item = an_item(
        Step("many", StepKind.APPROVAL, texts("many"), approval=Approval(approvers, rule=rule, n=n))
    )
    await asking.begin(item, "approval_asked")
    await asking.until_story("approval_asked", 3)

    for position, word in enumerate(words):
        verdict = Verdict.APPROVE if word == "a" else Verdict.REJECT
        await asking.decide(people[position], verdict, position=position)

    assert await asking.result() is ends


async def test_an_approver_asks_back_and_hands_over(asking: Asking) -> None:
    await asking.begin(an_item(an_approval()), "approval_asked")
    assert await asking.refusal("answer", Answer("a0", "acc_emp_jane", now(), text="x")) == "no_question"
    assert await asking.refusal("decide", asking.decision("emp_chief", Verdict.ASK)) == "question_missing"
    hand_over = asking.decision("emp_chief", Verdict.DELEGATE, delegate_to="emp_jane")
    assert await asking.refusal("decide", hand_over) == "cannot_decide"

    await asking.decide("emp_chief", Verdict.ASK, comment="why?")
    assert await asking.waits() == [("request_question", "remind_asker")]
    answer = Answer("a1", "acc_emp_jane", now(), approval_id=f"{asking.id}.0.0", text="because")
    await asking.say("answer", answer)
    assert await asking.waits() == [("request_approval", "remind_approver")]
    await asking.decide("emp_chief", Verdict.DELEGATE, delegate_to="emp_peer")
    assert await asking.refusal("decide", asking.decision("emp_chief")) == "approval_not_yours"
    await asking.decide("emp_peer")

    assert await asking.result() is RequestStatus.DONE
    story = await asking.story()
    assert story[:5] == ["opened", "approval_asked", "asked_back", "answered", "delegated"]


async def test_an_open_question_reminds_whoever_asked_until_it_is_answered(asking: Asking) -> None:
    await asking.begin(an_item(an_approval(remind_after_hours=8)), "approval_asked")
    await asking.decide("emp_chief", Verdict.ASK, comment="why?")
    for times in (1, 2):
        await asking.pass_time(until=await asking.wait_until())
        await asking.until_story("asker_reminded", times)
    assert "reminded" not in await asking.story()  # the approver is not: they have had their say

    answer = Answer("a1", "acc_emp_jane", now(), approval_id=f"{asking.id}.0.0", text="because")
    await asking.say("answer", answer)
    assert await asking.waits() == [("request_approval", "remind_approver")]
    await asking.decide("emp_chief")

    assert await asking.result() is RequestStatus.DONE
    assert POST.names().count("question") == 3


async def test_a_colleague_is_let_in_by_whoever_works_on_it(asking: Asking) -> None:
    await asking.begin(an_item(a_task(), is_confidential=True), "task_given")
    later = Account(
        id="acc_later", login="later@example.test", name="Later", roles=["employee"], team_id="tm_it",
        created_at=now(),
    )  # fmt: skip
    await asking.desk.store(later)
    assert "acc_later" not in await asking.readers()

    await asking.say("name_reader", NameReader("n1", "acc_it", now(), account_id="acc_later"))

    assert (await asking.readers())["acc_later"] == "named"
    assert "reader_named" in await asking.story()
    await asking.finish("0")
    assert await asking.result() is RequestStatus.DONE


async def test_an_approver_who_left_is_asked_no_more(asking: Asking) -> None:
    await asking.begin(an_item(an_approval()), "approval_asked")
    await asking.desk.change(
        "update employees set status = 'left', ends_on = current_date - 1 where id = 'emp_chief'"
    )

    fact = ApproverChanged("gone-1", f"{asking.id}.0.0", "emp_chief", Why.LEFT, now())
    await asking.tell("approver_changed", fact, "gone-1")
    await asking.until_story("approver_changed")

    assert await asking.approvals() == [("emp_boss", "left", "pending")]
    assert "acc_emp_chief" not in await asking.readers()
    assert await asking.refusal("decide", asking.decision("emp_chief")) == "approval_not_yours"
    await asking.decide("emp_boss")
    assert await asking.result() is RequestStatus.DONE


async def test_a_task_is_ticked_off_before_it_is_done_and_late_is_told_once(asking: Asking) -> None:
    task = Task("tm_it", texts("Do"), (texts("one"), texts("two")), due_hours=8)
    await asking.begin(an_item(Step("work", StepKind.TASK, texts("work"), task=task)), "task_given")
    id = f"{asking.id}.0"

    await asking.pass_time(await asking.wait_until())
    await asking.until_story("task_late")
    assert await asking.waits() == [("request_task", "")]
    await asking.say("take_task", TakeTask("t1", "acc_it", now(), task_id=id, assignee="acc_it"))
    assert (
        await asking.refusal("finish_task", FinishTask("t2", "acc_it", now(), task_id=id)) == "checklist_open"
    )
    for point in (0, 1):
        await asking.say("check_off", CheckOff(f"t3{point}", "acc_it", now(), task_id=id, point=point))
    assert (
        await asking.refusal("check_off", CheckOff("t4", "acc_it", now(), task_id=id, point=2))
        == "task_not_open"
    )
    await asking.finish("0")

    assert await asking.result() is RequestStatus.DONE
    [row] = await asking.desk.rows("select * from request_tasks")
    assert (row.status, row.assignee, row.is_late, row.done_by) == ("done", "acc_it", True, "acc_it")
    assert POST.names()[:2] == ["task", "task_late"]


async def test_what_does_not_happen_in_time_is_done_otherwise(asking: Asking) -> None:
    wait = Wait(event="signed", at_most_days=3, otherwise=(a_task("chase", "tm_legal"),))
    item = an_item(
        step("signature", StepKind.WAIT, wait=wait), step("end", StepKind.END, outcome=Outcome.REJECTED)
    )
    await asking.begin(item)
    await asking.until_step("0")

    await asking.pass_time(await asking.wait_until())
    await asking.until_step("0.0.0")
    await asking.finish("0.0.0", "acc_legal")

    assert await asking.result() is RequestStatus.REJECTED
    assert "not_arrived" in await asking.story()
