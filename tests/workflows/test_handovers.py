"""A ticket handed to another department: it waits for them, hears how it ended, shows no more than it may."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.service import RPCError

from activities.kit.transactions import transaction
from models.employee_requests import EmployeeRequest, RequestHandover
from models.kit.ids import employee_request_id
from models.kit.outbox import announce_signal, announce_start
from models.messages.employee_requests.items import Field, FieldKind, Form, Hands, Item, Step, StepKind
from models.messages.employee_requests.requests import (
    ChildAsked,
    FillIn,
    RequestOrder,
    RequestStatus,
    Verdict,
    request_workflow_id,
)
from models.messages.field_service import Outcome, visit_workflow_id
from models.messages.tickets import TicketStatus, ticket_workflow_id
from models.tickets import Ticket
from tests.builders import tickets as say
from tests.builders.items import an_approval, an_item, texts
from tests.conftest import Database
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import Post, VisitAsTold
from tests.workflows.requesting import Asking, RequestPost, Systems
from workflows.kit.options import MAIL_QUEUE

LETTERS, POST = Post(), RequestPost()
S = TicketStatus


@pytest.fixture
def stand_ins() -> StandIns:
    LETTERS.__init__()  # type: ignore[misc]
    POST.__init__()  # type: ignore[misc]
    return StandIns([VisitAsTold], {MAIL_QUEUE: [LETTERS.send, POST.write]})


@pytest.fixture
async def asking(desk: RunningDesk, database: Database) -> Asking:
    asking = Asking(desk, Systems(), POST, database.owner_url)
    await asking.settle_in()
    return asking


def for_tickets(**changes: Any) -> Item:
    """Finance says what the customer is given, and keeps a note for itself; a manager agrees."""
    questions = (
        Field("granted", FieldKind.MONEY, texts("granted"), readers=("ticket", "owners")),
        Field("internal", FieldKind.TEXT, texts("internal"), readers=("owners",)),
    )
    form = Form(Hands.TEAM, questions, team="tm_finance", due_hours=8)
    look = Step("look", StepKind.FORM, texts("look"), form=form)
    item = an_item(look, an_approval(), from_ticket={"amount": "size(ticket.subject)"})
    return replace(item, owner_team="tm_finance", **changes)


async def handed_over(asking: Asking, ticket: Ticket, item: Item) -> str:
    """Row, what the ticket shows, and both announcements, as the api makes them."""
    id, at = employee_request_id(), datetime.now(UTC)
    life = ticket_workflow_id(ticket.id)
    common = {"item_key": item.key, "item_version": 1, "is_confidential": item.is_confidential,
              "status": RequestStatus.OPEN, "asked_by": "acc_emp_jane", "ticket_id": ticket.id,
              "created_at": at, "updated_at": at}  # fmt: skip
    async with transaction(asking.desk.engine) as session:
        session.add(
            EmployeeRequest(id=id, submission_key=id, for_employee_id="emp_jane", answers={"amount": 5},
                            owner_team_id=item.owner_team, **common)
        )  # fmt: skip
        await session.flush()
        session.add(RequestHandover(request_id=id, **common))
        order = RequestOrder(id, item.key, 1, "acc_emp_jane", "emp_jane", at, item.is_confidential, life)
        await announce_start(session, "EmployeeRequest", request_workflow_id(id), order, summary=id)
        fact = ChildAsked(id, "acc_emp_jane", at)
        await announce_signal(session, life, "child_asked", fact, key=f"child_asked:{id}")
    asking.id = id
    await asking.desk.until(lambda: is_told(asking.desk, ticket, "tickets.child_asked"))
    return id


async def is_told(desk: RunningDesk, ticket: Ticket, sentence: str) -> bool:
    return sentence in await desk.story(ticket)


async def shown(asking: Asking) -> Any:
    found = await asking.desk.rows("select * from request_handovers where request_id = :id", id=asking.id)
    return found[0]


async def test_a_ticket_handed_over_does_not_go_on_in_another_one(desk: RunningDesk, asking: Asking) -> None:
    await asking.publish(for_tickets())
    ticket, keeper = await desk.report(), await desk.report()
    await handed_over(asking, ticket, for_tickets())

    assert await desk.refusal(ticket, "merge", say.merge(desk.company, keeper)) == "merge_request_open"


async def decided(asking: Asking, verdict: Verdict = Verdict.APPROVE) -> None:
    """Finance fills in, the manager decides."""
    await asking.until_step("0")
    answers = {"granted": 50_000, "internal": "a good customer"}
    await asking.say("fill_in", FillIn("fill", "acc_finance", datetime.now(UTC), path="0", answers=answers))
    await asking.until_step("1")
    await asking.decide("emp_chief", verdict, path="1", comment="between us")


async def test_a_ticket_handed_over_is_not_resolved_before_the_department_is_done(
    desk: RunningDesk, asking: Asking
) -> None:
    await asking.publish(for_tickets())
    ticket = await desk.report()
    await handed_over(asking, ticket, for_tickets())
    await asking.until_step("0")

    [stage] = (await shown(asking)).stages
    assert (stage["names"]["en"], stage["state"], stage["team_id"]) == ("look", "now", "tm_finance")
    assert stage["due_at"] is not None
    assert await desk.refusal(ticket, "resolve", say.resolve(desk.company)) == "ticket_child_open"

    await decided(asking)
    assert await asking.result() is RequestStatus.DONE
    await desk.until(lambda: is_told(desk, ticket, "tickets.child_settled"))
    row = await shown(asking)
    assert (row.status, row.answers) == ("done", {"granted": 50_000})
    assert not [word for word in ("between us", "a good customer", "acc_finance") if word in str(row)]
    assert await desk.say(ticket, "resolve", say.resolve(desk.company)) is S.RESOLVED
    assert await desk.say(ticket, "confirm", say.confirmation(desk.company)) is S.CLOSED
    assert await desk.result(ticket) is S.CLOSED
    [line] = await desk.rows("select details from timeline_entries where sentence = 'tickets.child_settled'")
    assert line.details["item_en"] == "Thing"


async def test_a_refusal_of_the_department_is_told_as_one(desk: RunningDesk, asking: Asking) -> None:
    secret = for_tickets(is_confidential=True)
    await asking.publish(secret)
    ticket = await desk.report()
    await handed_over(asking, ticket, secret)

    await decided(asking, Verdict.REJECT)

    assert await asking.result() is RequestStatus.REJECTED
    await desk.until(lambda: is_told(desk, ticket, "tickets.child_not_done"))
    told = "select details ->> 'item_en' as said from timeline_entries where sentence like 'tickets.child%'"
    assert {line.said for line in await desk.rows(told)} == {"a confidential request"}


async def test_a_ticket_that_is_off_withdraws_what_it_asked_for(desk: RunningDesk, asking: Asking) -> None:
    await asking.publish(for_tickets())
    ticket = await desk.report()
    await handed_over(asking, ticket, for_tickets())
    await asking.until_step("0")

    await desk.say(ticket, "cancel", say.cancel(desk.company))

    assert await desk.result(ticket) is S.CANCELLED
    assert await asking.result() is RequestStatus.CANCELLED
    assert (await shown(asking)).status == "cancelled"


async def test_a_repair_waits_for_the_department_before_the_customer_is_asked(
    desk: RunningDesk, asking: Asking
) -> None:
    await asking.publish(for_tickets())
    ticket = await desk.report()
    await handed_over(asking, ticket, for_tickets())
    await desk.say(ticket, "dispatch", say.dispatch(desk.company))
    visit = desk.client.get_workflow_handle(visit_workflow_id(f"V{ticket.id[1:]}-1"))

    async def has_ended() -> bool:
        try:
            await visit.signal("ended", Outcome.REPAIRED)
        except RPCError:
            return await is_told(desk, ticket, "tickets.repaired_child_open")
        return False

    await desk.until(has_ended)
    assert (await desk.row(ticket)).status == S.IN_PROGRESS
    assert "tickets/confirm" not in LETTERS.templates(ticket.id)

    await decided(asking)
    await desk.until(lambda: is_told(desk, ticket, "tickets.child_settled"))
    assert await desk.say(ticket, "resolve", say.resolve(desk.company)) is S.RESOLVED
