"""A ticket as its customer sees it, signed in or by a link: stations, story, and what they may do."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import col

from api.kit.desk import DeskAt
from api.tickets.kin import keeper_of
from api.tickets.page import (
    Head,
    InvoiceCard,
    VisitCard,
    WaitLine,
    head_of,
    invoice_of,
    steps_of,
    visit_of,
    waits_of,
)
from api.tickets.stages import Step
from api.tickets.story import Entry, story
from models.messages.journeys import WaitFor
from models.messages.staff import LinkPurpose
from models.messages.tickets import OVER, TicketStatus
from models.rules import tickets as rules
from models.tickets import TicketRating


@dataclass(frozen=True)
class OwnTicket:
    """What a customer may know about their ticket; nothing of the desk's own is in it."""

    id: str
    subject: str
    status: TicketStatus
    created_at: datetime
    steps: tuple[Step, ...]
    wait: WaitLine | None
    story: tuple[Entry, ...]
    visit: VisitCard | None
    invoice: InvoiceCard | None
    stars: int | None
    base: str  # where this page's forms go: "/tickets/T100123" or "/links/<token>"
    may_write: bool = False
    may_cancel: bool = False
    may_confirm: bool = False
    may_rate: bool = False


async def own_ticket(desk: DeskAt, ticket_id: str, base: str = "") -> OwnTicket:
    """Read one ticket for its customer."""
    head = await head_of(desk.session, desk.person, ticket_id)
    visit = await visit_of(desk.session, desk.person, ticket_id)
    invoice = await invoice_of(desk.session, desk.person, ticket_id)
    stars = desk.visible(TicketRating).with_only_columns(col(TicketRating.stars))
    given = await desk.session.scalar(stars.where(col(TicketRating.ticket_id) == ticket_id))
    waits = await waits_of(desk.session, desk.person, ticket_id)
    possible = rules.may(head.status)
    return OwnTicket(
        id=head.id, subject=head.subject, status=head.status, created_at=head.created_at,
        steps=steps_of(head, visit, invoice), wait=for_customer(waits),
        story=await story(desk.session, desk.person, ticket_id, is_public=True),
        visit=replace(visit, note="") if visit else None,  # what technicians write is for us
        invoice=invoice, stars=given,
        base=base or f"/tickets/{ticket_id}",
        may_write=await is_heard(desk, head) and is_for(desk, LinkPurpose.FOLLOW),
        may_cancel="cancel" in possible and is_for(desk, LinkPurpose.FOLLOW),
        may_confirm="confirm" in possible and is_for(desk, LinkPurpose.CONFIRM),
        may_rate=head.status is TicketStatus.CLOSED and given is None and is_for(desk, LinkPurpose.RATE),
    )  # fmt: skip


async def is_heard(desk: DeskAt, head: Head) -> bool:
    """Whether somebody reads what the customer writes; of a merged ticket where it goes on."""
    if head.status is TicketStatus.MERGED:
        return not (await keeper_of(desk, head.id))[1]
    return head.status not in OVER


def is_for(desk: DeskAt, purpose: LinkPurpose) -> bool:
    """A link does its one thing; who is signed in may do all of them."""
    return desk.person.purpose in (None, purpose)


def for_customer(waits: tuple[WaitLine, ...]) -> WaitLine | None:
    """The wait that concerns the customer most; what we do to each other when we are late is ours."""
    theirs = [wait for wait in waits if wait.who is WaitFor.CUSTOMER]
    if theirs:
        return theirs[0]
    return replace(waits[0], until=None, then="") if waits else None
