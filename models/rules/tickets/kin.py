"""When tickets may be merged, and until when one may be out of the queue."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from models.messages.tickets import TicketKind, TicketStatus
from models.messages.tickets.kin import MOST_CHILDREN, MOST_DAYS_SNOOZED, MOST_DEEP
from models.rules.tickets import WORKING

BUSY = WORKING | {TicketStatus.RECEIVED}
"""A part in one of these holds its whole up: what we do for it is not done."""


@dataclass(frozen=True)
class Side:
    """A ticket as the question of a merge sees it."""

    id: str
    status: TicketStatus
    customer_id: str
    kind: TicketKind = TicketKind.FAULT
    case_id: str = ""
    team_id: str | None = None
    is_confidential: bool = False
    has_visit: bool = False  # somebody was ever sent
    has_request: bool = False  # another department works for it
    has_parts: bool = False  # an open part, or itself a part of another


def why_not_merged(gone: Side, keeper: Side, is_across: bool) -> str:
    """Why `gone` cannot go on in `keeper`, as a refusal code; nothing when it can."""
    if gone.id == keeper.id:
        return "merge_same"
    if keeper.status not in WORKING:
        return "merge_not_open"
    if any(one.case_id or one.kind is not TicketKind.FAULT for one in (gone, keeper)):
        return "merge_of_case"
    if gone.customer_id != keeper.customer_id and not is_across:
        return "merge_other_customer"
    readers = {(one.is_confidential, one.team_id if one.is_confidential else None) for one in (gone, keeper)}
    if len(readers) > 1:
        return "merge_confidential"
    if gone.has_visit:
        return "merge_has_visit"
    if gone.has_request:
        return "merge_request_open"
    return "merge_has_parts" if gone.has_parts else ""


def why_not_joined(is_circle: bool, deep: int, parts: int) -> str:
    """Why a ticket cannot become a part of another, as a refusal code; `deep` counts both ends."""
    if is_circle:
        return "link_circle"
    return "link_deep" if deep > MOST_DEEP or parts >= MOST_CHILDREN else ""


def why_not_snoozed(
    until: datetime | None, now: datetime, deadline: datetime | None, knows_deadline: bool
) -> str:
    """Why a ticket cannot rest until then, as a refusal code; without an end every promise is due before."""
    if until is not None and not now < until <= now + timedelta(days=MOST_DAYS_SNOOZED):
        return "snooze_in_past"
    is_due_before = deadline is not None and (until is None or deadline < until)
    return "snooze_past_deadline" if is_due_before and not knows_deadline else ""
