"""What belongs to no ticket but to an order or a change: how its steps and waits say whose they are."""

from dataclasses import replace

from models.billing import Invoice
from models.messages.journeys import WaitNotes


def whose(invoice: Invoice) -> dict[str, str | None]:
    """What says whose an entry is that belongs to no ticket."""
    case = case_of(invoice)
    return {"case_id": case, "customer_id": invoice.customer_id if case else None}


def case_of(invoice: Invoice) -> str | None:
    """The order or change of an invoice; one of a bill run is its own case."""
    return invoice.case_id or (invoice.id if invoice.run_id else None)


def of_case(notes: WaitNotes, invoice: Invoice) -> WaitNotes:
    """The same waits, under the ticket, order or change that the invoice belongs to."""
    case, owner = case_of(invoice), invoice.customer_id
    if case is None:
        ticket = invoice.ticket_id or ""
        return replace(notes, opened=tuple(replace(one, ticket_id=ticket) for one in notes.opened))
    opened = tuple(replace(one, case_id=case, customer_id=owner) for one in notes.opened)
    return replace(notes, opened=opened)
