"""Who has to approve and when it is decided: any, all or n of them, in order or at once, up to an amount."""

from collections.abc import Iterable
from datetime import datetime

from models.messages.employee_requests.items import Approval, ApprovalRule
from models.messages.employee_requests.lives import ApprovalState
from models.messages.employee_requests.requests import ApprovalStatus

WAITED_FOR = frozenset({ApprovalStatus.PENDING, ApprovalStatus.ASKED})


def needed(approval: Approval, amount_minor: int | None) -> tuple[int, ...]:
    """The positions of those who are asked: up to the first whose own limit holds the amount."""
    asked: list[int] = []
    for position, approver in enumerate(approval.approvers):
        asked.append(position)
        if approver.up_to_minor and amount_minor is not None and amount_minor <= approver.up_to_minor:
            break
    return tuple(asked)


def verdict(approval: Approval, asked: Iterable[ApprovalState]) -> bool | None:
    """Whether it is approved; None while that is open. Those who were asked the same have one word."""
    words = list(_by_position(asked).values())
    yes, no = words.count(True), words.count(False)
    least = {ApprovalRule.ALL: len(words), ApprovalRule.ANY: 1}.get(approval.rule, approval.n)
    least = max(1, min(least, len(words)))
    if yes >= least:
        return True
    return False if len(words) - no < least else None


def next_in_order(asked: Iterable[ApprovalState]) -> ApprovalState | None:
    """Whose turn it is when nobody is asked any more."""
    known = sorted(asked, key=lambda one: (one.position, one.id))
    if any(one.status in WAITED_FOR for one in known):
        return None
    return next((one for one in known if one.status is ApprovalStatus.LATER), None)


def next_due(asked: Iterable[ApprovalState]) -> datetime | None:
    """When the silence of one of them is too long."""
    moments = [moment for one in asked if (moment := due_of(one)) is not None]
    return min(moments, default=None)


def due_of(one: ApprovalState) -> datetime | None:
    """When the silence of this one is too long."""
    if one.status is ApprovalStatus.ASKED:
        return one.answer_by
    if one.status is not ApprovalStatus.PENDING:
        return None
    return min((at for at in (one.remind_at, one.escalate_at) if at is not None), default=None)


def _by_position(asked: Iterable[ApprovalState]) -> dict[int, bool | None]:
    words: dict[int, bool | None] = {}
    for one in asked:
        said = {ApprovalStatus.APPROVED: True, ApprovalStatus.REJECTED: False}.get(one.status)
        if words.get(one.position) is None:
            words[one.position] = said
    return words
