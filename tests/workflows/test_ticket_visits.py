"""What a ticket makes of its visits and its invoice: how each of them ends decides what happens next."""

from datetime import UTC, date, datetime

import pytest
from temporalio.service import RPCError

from models.field_service import Visit
from models.messages.billing.invoices import InvoiceSettled, InvoiceStatus, invoice_workflow_id
from models.messages.field_service import Outcome, VisitStatus, visit_workflow_id
from models.messages.tickets import TicketStatus
from models.tickets import Ticket
from tests.builders import tickets as say
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import InvoiceAsTold, Post, VisitAsTold
from workflows.kit.options import MAIL_QUEUE

S = TicketStatus


@pytest.fixture
def stand_ins() -> StandIns:
    return StandIns([VisitAsTold, InvoiceAsTold], {MAIL_QUEUE: [Post().send]})


async def test_a_repair_by_visit_asks_the_customer_to_confirm(desk: RunningDesk) -> None:
    ticket = await desk.report()
    assert await desk.say(ticket, "dispatch", say.dispatch(desk.company)) is S.DISPATCHED
    [wait] = await desk.open_waits(ticket)
    assert (wait.what, wait.who) == ("visit", "technician")

    await end_visit(desk, ticket, 1, Outcome.REPAIRED)

    await desk.until(lambda: desk.has_status(ticket, S.RESOLVED))
    [wait] = await desk.open_waits(ticket)
    assert (wait.what, wait.who, wait.then) == ("confirmation", "customer", "close_silently")
    assert wait.until == (await desk.row(ticket)).confirm_due


async def test_a_missing_part_brings_a_follow_up_visit_of_the_same_technician(desk: RunningDesk) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "dispatch", say.dispatch(desk.company))

    await end_visit(desk, ticket, 1, Outcome.PART_NEEDED)
    await desk.until(lambda: told(desk, ticket, "tickets.follow_up"))
    await end_visit(desk, ticket, 2, Outcome.REPAIRED)

    await desk.until(lambda: desk.has_status(ticket, S.RESOLVED))
    assert await desk.story(ticket) == [
        "tickets.opened", "tickets.dispatched", "tickets.follow_up", "tickets.resolved",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        (Outcome.NOT_REPAIRABLE, "tickets.not_repairable"),
        (Outcome.CUSTOMER_ABSENT, "tickets.visit_failed"),
        (Outcome.CANCELLED, "tickets.visit_failed"),
        (Outcome.NOBODY, "tickets.visit_failed"),
    ],
)
async def test_a_visit_without_a_repair_asks_the_agent(
    desk: RunningDesk, outcome: Outcome, sentence: str
) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "dispatch", say.dispatch(desk.company))

    await end_visit(desk, ticket, 1, outcome)

    await desk.until(lambda: desk.has_status(ticket, S.IN_PROGRESS))
    assert (await desk.story(ticket))[-1] == sentence
    [wait] = await desk.open_waits(ticket)
    assert (wait.what, wait.who) == ("agent", "us")
    assert await desk.say(ticket, "dispatch", say.dispatch(desk.company)) is S.DISPATCHED
    await desk.until(lambda: has_visit(desk, ticket, 2))


async def test_a_visit_that_broke_asks_the_agent(desk: RunningDesk) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "dispatch", say.dispatch(desk.company))

    await desk.client.get_workflow_handle(visit_of(ticket, 1)).terminate("somebody ended it by hand")

    await desk.until(lambda: desk.has_status(ticket, S.IN_PROGRESS))
    assert (await desk.story(ticket))[-1] == "tickets.visit_failed"


async def test_the_leader_is_warned_while_a_visit_is_under_way(desk: RunningDesk) -> None:
    ticket = await desk.report(resolve_minutes=0)
    await desk.say(ticket, "dispatch", say.dispatch(desk.company))

    await desk.until(lambda: told(desk, ticket, "tickets.overdue"))
    await end_visit(desk, ticket, 1, Outcome.REPAIRED)

    await desk.until(lambda: desk.has_status(ticket, S.RESOLVED))


async def test_a_cancelled_ticket_calls_its_visit_off_first(desk: RunningDesk) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "dispatch", say.dispatch(desk.company))

    assert await desk.say(ticket, "cancel", say.cancel(desk.company, "customer")) is S.CANCELLED

    assert await desk.result(ticket) is S.CANCELLED
    visit = await desk.client.get_workflow_handle(visit_of(ticket, 1)).result()
    assert visit["outcome"] == "cancelled"
    assert (await desk.story(ticket))[-1] == "tickets.cancelled_by_customer"
    assert (await desk.row(ticket)).close_reason == "cancelled_by_customer"


async def test_a_repair_that_was_quicker_than_the_cancellation_counts(desk: RunningDesk) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "dispatch", say.dispatch(desk.company))
    await desk.client.get_workflow_handle(visit_of(ticket, 1)).signal("too_late_to_call_off")

    refused = await desk.refusal(ticket, "cancel", say.cancel(desk.company))

    assert refused == "ticket_already_resolved"
    assert (await desk.row(ticket)).status == S.RESOLVED
    assert "tickets.cancelled" not in await desk.story(ticket)


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [
        (InvoiceStatus.PAID, "tickets.paid"),
        (InvoiceStatus.OVERDUE, "tickets.unpaid"),
        (InvoiceStatus.CANCELLED, "tickets.bill_withdrawn"),
    ],
)
async def test_a_repair_out_of_warranty_waits_for_its_invoice(
    desk: RunningDesk, ending: InvoiceStatus, sentence: str
) -> None:
    ticket = await a_repaired_ticket(desk)
    assert await desk.say(ticket, "confirm", say.confirmation(desk.company)) is S.PAYMENT_DUE
    [wait] = await desk.open_waits(ticket)
    assert (wait.what, wait.who) == ("invoice", "customer")
    assert await desk.refusal(ticket, "reopen", say.reopening(desk.company)) == "ticket_confirmed"

    invoice = "I" + ticket.id[1:] + "-1"
    settled = InvoiceSettled(invoice, ending, datetime.now(UTC))
    await desk.handle(ticket).signal("invoice_settled", settled)

    assert await desk.result(ticket) is S.CLOSED
    assert (await desk.story(ticket))[-4:] == [
        "tickets.confirmed", "tickets.payment_due", sentence, "tickets.closed",
    ]  # fmt: skip
    assert (await desk.row(ticket)).close_reason == "confirmed"
    await desk.client.get_workflow_handle(invoice_workflow_id(invoice)).describe()  # it outlives the ticket


async def test_a_repair_under_warranty_is_closed_without_an_invoice(desk: RunningDesk) -> None:
    await desk.change("update owned_products set warranty_until = :day", day=date(2999, 12, 31))
    ticket = await a_repaired_ticket(desk)

    assert await desk.say(ticket, "confirm", say.confirmation(desk.company)) is S.CLOSED

    assert (await desk.story(ticket))[-2:] == ["tickets.not_billed_warranty", "tickets.closed"]
    with pytest.raises(RPCError, match="not found"):
        await desk.client.get_workflow_handle(invoice_workflow_id("I" + ticket.id[1:] + "-1")).describe()


async def a_repaired_ticket(desk: RunningDesk) -> Ticket:
    """A ticket whose visit repaired the device; the visit's row is what the real visit would have left."""
    ticket = await desk.report()
    await desk.say(ticket, "dispatch", say.dispatch(desk.company))
    now = datetime.now(UTC)
    await desk.store(
        Visit(
            id=f"V{ticket.id[1:]}-1", ticket_id=ticket.id, customer_id=ticket.customer_id,
            status=VisitStatus.COMPLETED, is_over=True, outcome=Outcome.REPAIRED, labour_minutes=40,
            created_at=now, finished_at=now,
        )
    )  # fmt: skip
    await end_visit(desk, ticket, 1, Outcome.REPAIRED)
    await desk.until(lambda: desk.has_status(ticket, S.RESOLVED))
    return ticket


def visit_of(ticket: Ticket, ordinal: int) -> str:
    return visit_workflow_id(f"V{ticket.id[1:]}-{ordinal}")


async def has_visit(desk: RunningDesk, ticket: Ticket, ordinal: int) -> bool:
    try:
        return bool((await desk.client.get_workflow_handle(visit_of(ticket, ordinal)).describe()).id)
    except RPCError:
        return False


async def end_visit(desk: RunningDesk, ticket: Ticket, ordinal: int, outcome: Outcome) -> None:
    await desk.until(lambda: has_visit(desk, ticket, ordinal))
    await desk.client.get_workflow_handle(visit_of(ticket, ordinal)).signal("ended", outcome)


async def told(desk: RunningDesk, ticket: Ticket, sentence: str) -> bool:
    return sentence in await desk.story(ticket)
