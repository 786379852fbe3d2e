"""What may be done with a ticket when, to whom it goes, and which deadline counts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from models.messages.journeys import WaitNotes
from models.messages.tickets import OVER, TicketStatus

WORKING = frozenset(
    {TicketStatus.OPEN, TicketStatus.IN_PROGRESS, TicketStatus.WAITING_CUSTOMER, TicketStatus.DISPATCHED}
)
_TALK = frozenset({"assign", "reply", "note"})
_REST = frozenset({"snooze", "wake"})
_SOLVE = _TALK | _REST | {"resolve", "dispatch", "cancel", "merge", "split"}
_MAY: dict[TicketStatus, frozenset[str]] = {
    TicketStatus.RECEIVED: _SOLVE,
    TicketStatus.OPEN: _SOLVE,
    TicketStatus.IN_PROGRESS: _SOLVE,
    TicketStatus.WAITING_CUSTOMER: _SOLVE,
    TicketStatus.DISPATCHED: _TALK | _REST | {"cancel", "split"},
    TicketStatus.RESOLVED: _TALK | {"confirm", "reopen"},
    TicketStatus.PAYMENT_DUE: _TALK,
    TicketStatus.CLOSED: frozenset(),
    TicketStatus.CANCELLED: frozenset(),
    TicketStatus.MERGED: frozenset({"unmerge"}),
}


def may(status: TicketStatus) -> frozenset[str]:
    """The commands that are possible in this status; validators, pages and waits all ask here."""
    return _MAY[status]


def refusal(command: str, status: TicketStatus) -> str | None:
    """Why this command is not possible now, as a refusal code; None when it is."""
    if command in may(status):
        return None
    if status is TicketStatus.MERGED:
        return "ticket_merged"
    if status in OVER:
        return "ticket_closed"
    if command == "unmerge":
        return "ticket_not_merged"
    if command == "merge" and status == TicketStatus.DISPATCHED:
        return "merge_has_visit"
    if command in ("confirm", "reopen"):
        return "ticket_confirmed" if status == TicketStatus.PAYMENT_DUE else "ticket_not_resolved"
    if status == TicketStatus.DISPATCHED:
        return "ticket_already_dispatched"
    return "ticket_already_resolved" if status == TicketStatus.RESOLVED else "ticket_confirmed"


@dataclass(frozen=True)
class TeamSkills:
    """A team as routing sees it."""

    id: str
    skills: frozenset[str]
    is_default: bool = False


def route(category: str | None, teams: Iterable[TeamSkills]) -> str | None:
    """The team for a product category: the most specialised that can, else the default, else none."""
    ordered = sorted(teams, key=lambda team: (len(team.skills), team.id))
    able = [team.id for team in ordered if category is not None and category in team.skills]
    default = [team.id for team in ordered if team.is_default]
    return next(iter(able + default), None)


@dataclass(frozen=True)
class Deadlines:
    """The promises of one ticket."""

    answer_due: datetime | None = None
    resolve_due: datetime | None = None
    confirm_due: datetime | None = None
    reply_due: datetime | None = None  # to the newest message


def next_due(status: TicketStatus, is_answered: bool, due: Deadlines) -> datetime | None:
    """The nearest deadline still open, even when it has passed: the order of the queue."""
    if status == TicketStatus.RESOLVED:
        return due.confirm_due
    if status not in WORKING:
        return None
    still_open = [due.reply_due, due.resolve_due] if is_answered else [due.answer_due, due.resolve_due]
    return min((moment for moment in still_open if moment is not None), default=None)


def with_deadline(notes: WaitNotes, key: str, until: datetime | None, then: str | None = None) -> WaitNotes:
    """The same notes, with the deadline that was just decided on the wait `key`, and what happens then."""
    opened = tuple(
        replace(wait, until=until, then=wait.then if then is None else then) if wait.key == key else wait
        for wait in notes.opened
    )
    return replace(notes, opened=opened)
