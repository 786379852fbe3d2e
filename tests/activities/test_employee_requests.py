"""What requests do to our rows and whom they write to: each done twice, each once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.connectors.mail import ConsoleMail
from activities.connectors.office import ConsoleOffice
from activities.connectors.stock import ConsoleStock
from activities.employee_requests import CallActivities, RequestActivities, RequestLetterActivities
from activities.kit.links import Links
from activities.kit.transactions import transaction
from models.employee_requests import EmployeeRequest
from models.messages.employee_requests.items import (
    BudgetOf,
    Hands,
    Item,
    Message,
    Moment,
    Notice,
    Step,
    StepKind,
)
from models.messages.employee_requests.lives import (
    ApprovalWord,
    Ask,
    Asking,
    CallOrder,
    Place,
    RequestChange,
    StepEnd,
)
from models.messages.employee_requests.requests import (
    ApprovalStatus,
    RequestOrder,
    RequestStatus,
    StepStatus,
)
from models.messages.letters import Delivery, Letter
from tests.builders.items import a_task, an_account, an_approval, an_item, texts
from tests.conftest import Database
from tests.workflows.requesting import Moody, publish, rows

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # a Monday morning in Seoul
ID = "E1"
ORDER = RequestOrder(ID, "thing", 1, "acc_emp_jane", "emp_jane", AT)


def the_item() -> Item:
    hello = Step(
        "hello", StepKind.MESSAGE, texts("hello"),
        message=Message(Hands.BENEFICIARY, texts("Hello {who}"), texts("{who}!"), values={"who": "me.name"}),
    )  # fmt: skip
    return an_item(
        an_approval(remind_after_hours=4), a_task(), an_account(), hello, sla_hours=16,
        messages=(Notice(Moment.DONE, texts("Done"), texts("All done")),),
    )  # fmt: skip


@pytest.fixture
async def engine(worker_engine: AsyncEngine, database: Database) -> AsyncEngine:
    """A company with one item and one request of it."""
    for group in rows(AT):
        async with transaction(worker_engine) as session:
            session.add_all(group)
    await publish(database.owner_url, the_item())
    async with transaction(worker_engine) as session:
        session.add(
            EmployeeRequest(
                id=ID, submission_key=ID, item_key="thing", item_version=1, asked_by="acc_emp_jane",
                for_employee_id="emp_jane", status=RequestStatus.OPEN, created_at=AT, updated_at=AT,
            )
        )  # fmt: skip
    return worker_engine


def place(path: str, seq: int, at: datetime = AT) -> Place:
    return Place(ID, "thing", 1, path, seq, at)


async def twice(act: Any, *values: Any) -> Any:
    """The same answer both times."""
    first, second = [await ActivityEnvironment().run(act, *values) for _ in range(2)]
    assert first == second
    return first


async def story(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        found = await connection.scalars(text("select sentence from timeline_entries order by id"))
        return [one.removeprefix("employee_requests.") for one in found]


async def asked_once(engine: AsyncEngine, statement: str) -> Any:
    async with engine.connect() as connection:
        return (await connection.execute(text(statement))).one()


async def test_a_request_is_opened_once_with_readers_and_a_promised_day(engine: AsyncEngine) -> None:
    acts = RequestActivities(engine)

    stands = await twice(acts.open, place("", 1), ORDER)

    assert (stands.item.version, stands.asker_employee_id, stands.seq) == (1, "emp_jane", 1)
    assert stands.due_at == datetime(2026, 11, 25, 1, 0, tzinfo=UTC)  # two working days
    assert await story(engine) == ["opened"]


async def test_an_approval_begins_once_and_is_reminded_once_for_each_deadline(engine: AsyncEngine) -> None:
    acts = RequestActivities(engine)
    await twice(acts.open, place("", 1), ORDER)

    begun = await twice(acts.begin, place("0", 2))
    [asked] = begun.approvals
    assert (asked.employee_id, asked.status) == ("emp_chief", ApprovalStatus.PENDING)
    assert asked.remind_at == AT + timedelta(hours=5)  # lunch is not counted
    late = place("0", 3, AT + timedelta(hours=5))
    reminded = await ActivityEnvironment().run(acts.ask, Asking(late, Ask.OVERDUE, asked.id))
    again = await ActivityEnvironment().run(acts.ask, Asking(late, Ask.OVERDUE, asked.id))

    assert reminded.written == (f"approval_reminder:{asked.id}",)
    assert (again.approvals, again.written) == (reminded.approvals, ())
    assert await story(engine) == ["opened", "approval_asked", "reminded"]
    wait = await asked_once(engine, "select details, who from waits where ended_at is null")
    assert (wait.details, wait.who) == ({"approver": "Name Chief"}, "employee")


async def test_a_decision_is_written_once_and_never_taken_back(engine: AsyncEngine) -> None:
    acts = RequestActivities(engine)
    await acts.open(place("", 1), ORDER)
    await acts.begin(place("0", 2))
    word = ApprovalWord(f"{ID}.0.0", ApprovalStatus.APPROVED, "acc_emp_chief", "fine")

    change = RequestChange(ID, 3, AT, "employee_requests.approved", approval=word, path="0")
    await twice(acts.record, change)
    end = StepEnd("0", StepStatus.DONE, {"approved": True})
    await twice(acts.record, RequestChange(ID, 4, AT, step=end))

    row = await asked_once(engine, "select status, comment from request_approvals")
    assert tuple(row) == ("approved", "fine")
    row = await asked_once(engine, "select status, result from request_steps")
    assert tuple(row) == ("done", {"approved": True, "comment": "fine"})
    assert await story(engine) == ["opened", "approval_asked", "approved"]


async def test_a_task_begins_once_and_the_end_of_a_request_is_its_last_word(engine: AsyncEngine) -> None:
    acts = RequestActivities(engine)
    await acts.open(place("", 1), ORDER)
    begun = await twice(acts.begin, place("1", 2))
    assert begun.task is not None

    off = RequestChange(ID, 3, AT, "employee_requests.cancelled", RequestStatus.CANCELLED, voids=True)
    await twice(acts.record, off)
    await twice(
        acts.record, RequestChange(ID, 4, AT, "employee_requests.done", RequestStatus.DONE, voids=True)
    )

    row = await asked_once(
        engine, "select r.status, t.status as task from employee_requests r, request_tasks t"
    )
    assert tuple(row) == ("cancelled", "void")


async def test_an_operation_is_called_once_per_reference_and_taken_back(engine: AsyncEngine) -> None:
    acts, directory = RequestActivities(engine), Moody()
    systems = CallActivities(engine, directory, ConsoleOffice(), ConsoleStock())
    await acts.open(place("", 1), ORDER)
    await acts.begin(place("2", 2))

    made = await twice(systems.call, CallOrder(ID, "2", "directory", "create_account"))
    assert made == {"account": "account-HR-emp_jane"}
    assert directory.accounts == {"HR-emp_jane": f"{ID}.2"}
    await twice(systems.call, CallOrder(ID, "2", "directory", "remove_account", is_undo=True))
    assert directory.accounts == {}
    with pytest.raises(ApplicationError) as unknown:
        await ActivityEnvironment().run(systems.call, CallOrder(ID, "2", "directory", "nothing"))
    assert unknown.value.type == "operation_unknown"


async def test_an_approver_gets_one_letter_and_its_link_ends_with_the_decision(
    engine: AsyncEngine,
) -> None:
    acts, mail = RequestActivities(engine), ConsoleMail()
    letters = RequestLetterActivities(engine, mail, Links(b"secret", "https://desk.example"))
    await acts.open(place("", 1), ORDER)
    await acts.begin(place("0", 2))
    letter = Letter("k1", "", "employee_requests/approval", case_id=ID, values={"approval_id": f"{ID}.0.0"})

    assert await twice(letters.write, letter) is Delivery.MAIL

    [sent] = mail.sent.values()
    assert sent.to == "emp_chief@example.test"
    assert "https://desk.example/links/" in sent.text
    link = await asked_once(
        engine, "select purpose, subject, case_id, customer_id, revoked_at from signed_links"
    )
    assert tuple(link) == ("approve", f"{ID}.0.0", ID, None, None)
    word = ApprovalWord(f"{ID}.0.0", ApprovalStatus.REJECTED, "acc_emp_chief")
    await acts.record(RequestChange(ID, 3, AT, "employee_requests.refused", approval=word, path="0"))
    link = await asked_once(engine, "select revoked_at from signed_links")
    assert link.revoked_at is not None


async def test_an_items_own_words_are_filled_in_for_whom_they_are(engine: AsyncEngine) -> None:
    acts, mail = RequestActivities(engine), ConsoleMail()
    letters = RequestLetterActivities(engine, mail, Links(b"secret", "https://desk.example"))
    await acts.open(place("", 1), ORDER)
    await acts.begin(place("3", 2))

    hello = Letter("k2", "", "employee_requests/message", case_id=ID, values={"path": "3"})
    done = Letter("k3", "", "employee_requests/notice", case_id=ID, values={"moment": "done"})
    assert await twice(letters.write, hello) is Delivery.MAIL
    assert await twice(letters.write, done) is Delivery.MAIL

    subjects = [one.subject for one in mail.sent.values()]
    assert subjects == ["Hello Name Jane 한글", "Done 한글 · Thing 한글"]


async def test_of_a_confidential_request_letters_reach_only_those_who_may_see_it_then(
    engine: AsyncEngine,
) -> None:
    acts, mail = RequestActivities(engine), ConsoleMail()
    letters = RequestLetterActivities(engine, mail, Links(b"secret", "https://desk.example"))
    await acts.open(place("", 1), ORDER)
    await acts.begin(place("1", 2))
    async with engine.begin() as connection:
        await connection.execute(text(
            "insert into accounts (id, login, name, roles, team_id, created_at, locale, is_active, version)"
            " values ('acc_late', 'late@example.test', 'Late', '{employee}', 'tm_it', now(), 'ko', true, 1)"
        ))  # fmt: skip
    late = Letter("k4", "", "employee_requests/task_late", case_id=ID, values={"path": "1"})

    assert await twice(letters.write, late) is Delivery.MAIL
    assert {one.to for one in mail.sent.values()} == {"tm_it@example.test", "late@example.test"}
    async with engine.begin() as connection:
        await connection.execute(text("update employee_requests set is_confidential = true"))
    mail.sent.clear()
    assert await twice(letters.write, replace(late, key="k5")) is Delivery.MAIL
    assert {one.to for one in mail.sent.values()} == {"tm_it@example.test"}
    async with engine.begin() as connection:
        await connection.execute(text("delete from request_readers where account_id = 'acc_it'"))
    mail.sent.clear()
    assert await twice(letters.write, replace(late, key="k6")) is Delivery.NOWHERE
    assert not mail.sent


async def test_a_shared_budget_is_spent_by_what_was_approved_and_nothing_else(
    engine: AsyncEngine, database: Database
) -> None:
    shared = an_approval(amount="form.amount", budget="5000", budget_of=BudgetOf.COST_CENTRE)
    await publish(database.owner_url, an_item(shared, key="buy"))
    acts = RequestActivities(engine)

    async def ask(id: str, amount: int, person: str = "emp_jane", at: datetime = AT, **facts: Any) -> Place:
        async with transaction(engine) as session:
            session.add(
                EmployeeRequest(
                    id=id, submission_key=id, item_key="buy", item_version=1, asked_by="acc_emp_jane",
                    for_employee_id=person, status=RequestStatus.OPEN, created_at=at, updated_at=at,
                    answers={"amount": amount}, **facts,
                )
            )  # fmt: skip
        where = Place(id, "buy", 1, "0", 2, at)
        await twice(acts.begin, where)
        return where

    async def decided(id: str, is_agreed: bool, seq: int = 3) -> None:
        end = StepEnd("0", StepStatus.DONE, {"approved": is_agreed})
        await acts.record(RequestChange(id, seq, AT, "employee_requests.approved", step=end, path="0"))

    for id, is_agreed in (("E10", True), ("E11", True), ("E12", False)):
        await ask(id, 1_000, "emp_peer")
        await decided(id, is_agreed)
    await ask("E13", 700)  # still asked for
    await ask("E14", 900, at=AT - timedelta(days=365))
    await decided("E14", True)
    await ask("E15", 800, is_confidential=True)
    await decided("E15", True)
    async with engine.begin() as connection:
        await connection.execute(text("update employees set cost_centre = 'CC2' where id = 'emp_boss'"))
    await ask("E16", 600, "emp_boss")
    await ask("E17", 300)

    row = await asked_once(engine, "select details from request_steps where request_id = 'E17'")
    assert row.details["budget_minor"] == 5_000
    assert (row.details["spent_minor"], row.details["asked_minor"]) == (2_000, 700)
    assert row.details["spent_since"] == "2026-01-01"

    await decided("E13", True)
    again = Asking(Place("E17", "buy", 1, "0", 3, AT), Ask.OVERDUE, "E17.0.0")
    await ActivityEnvironment().run(acts.ask, again)
    row = await asked_once(engine, "select details from request_steps where request_id = 'E17'")
    assert (row.details["spent_minor"], row.details["asked_minor"]) == (2_700, 0)
