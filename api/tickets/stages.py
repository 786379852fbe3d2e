"""How far a ticket has come, as a row of stations that customers and agents both understand."""

from dataclasses import dataclass
from datetime import datetime

from api.kit import formats
from api.kit.labels import label_text
from api.kit.language import gettext as _
from models.messages.field_service import VisitStatus
from models.messages.tickets import TicketStatus

RECEIVED, ANSWERED, VISIT, RESOLVED, CONFIRMED, PAYMENT = range(6)


@dataclass(frozen=True)
class Step:
    """One station: passed, here, or still to come."""

    name: str
    state: str  # done, now, late, next
    icon: str
    sub: str = ""
    at: str = ""


@dataclass(frozen=True)
class Facts:
    """What the stations are worked out from."""

    status: TicketStatus
    created_at: datetime
    answered_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    visit_status: VisitStatus | None = None
    technician: str = ""
    starts_at: datetime | None = None
    finished_at: datetime | None = None
    has_invoice: bool = False
    paid_at: datetime | None = None
    is_late: bool = False


def stages(facts: Facts) -> tuple[Step, ...]:
    """The stations of a repair; a cancelled ticket ends where it was cancelled."""
    if facts.status is TicketStatus.CANCELLED:
        return (
            _station(_("Received"), "done", "inbox", facts.created_at),
            _station(_("Cancelled"), "now", "x", facts.closed_at),
        )
    if facts.status is TicketStatus.MERGED:
        return (
            _station(_("Received"), "done", "inbox", facts.created_at),
            _station(_("Merged"), "now", "waypoints", facts.closed_at),
        )
    here = _here(facts)
    names = [
        (_("Received"), "inbox", facts.created_at, ""),
        (_("Answered"), "message-circle", facts.answered_at, ""),
        *([_visit(facts)] if facts.visit_status else []),
        (_("Resolved"), "wrench", facts.resolved_at, ""),
        (_("Confirmed"), "badge-check", facts.closed_at if here > CONFIRMED else None, ""),
        *([(_("Paid"), "receipt", facts.paid_at, "")] if facts.has_invoice else []),
    ]
    visit = [VISIT] if facts.visit_status else []
    payment = [PAYMENT] if facts.has_invoice else []
    order = [RECEIVED, ANSWERED, *visit, RESOLVED, CONFIRMED, *payment]
    made = []
    for (name, icon, at, sub), place in zip(names, order, strict=True):
        state = "done" if place < here else "now" if place == here else "next"
        if place == PAYMENT and here > CONFIRMED:
            state = "done" if facts.paid_at else "late" if facts.is_late else "now"
        made.append(_station(name, state, icon, at, sub))
    return tuple(made)


def _here(facts: Facts) -> int:
    """The station where the ticket stands: the first that is not behind it."""
    if facts.status in (TicketStatus.RECEIVED, TicketStatus.OPEN):
        return ANSWERED
    if facts.status is TicketStatus.DISPATCHED:
        return VISIT
    if facts.status in (TicketStatus.IN_PROGRESS, TicketStatus.WAITING_CUSTOMER):
        return RESOLVED
    if facts.status is TicketStatus.RESOLVED:
        return CONFIRMED
    return PAYMENT if facts.status is TicketStatus.PAYMENT_DUE else PAYMENT + 1


def _visit(facts: Facts) -> tuple[str, str, datetime | None, str]:
    at = facts.finished_at or facts.starts_at
    return _("Visit"), "truck", at, facts.technician or label_text(str(facts.visit_status), "visit")


def _station(name: str, state: str, icon: str, at: datetime | None, sub: str = "") -> Step:
    return Step(name, state, icon, sub, formats.moment(at) if at else "")
