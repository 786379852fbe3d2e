"""What a change costs before anyone confirms: the same lines are charged, never computed again."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from models.messages.subscriptions import ChangeKind, MoneyLine, Preview, SubscriptionStatus, Wish
from models.rules.subscriptions.charges import documented, for_days, move_fee, termination_fee
from models.rules.subscriptions.effects import add_on, begun, obligation_after, received_by
from models.rules.subscriptions.periods import (
    DAY,
    Contract,
    Stretch,
    begins_at,
    monthly,
    period_on,
)

PLAN_KINDS = frozenset({ChangeKind.UPGRADE, ChangeKind.DOWNGRADE, ChangeKind.RENEWAL})
LONGEST_PAUSE = 90  # days
AHEAD = 90  # days that a change may be asked for before its day
RUNNING = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED)
ALLOWED_WHILE_PAUSED = frozenset({ChangeKind.RESUME, ChangeKind.TERMINATION})


def refusal(contract: Contract, wish: Wish, today: date) -> str:
    """Why a change is not possible, as a code; nothing when it is."""
    is_leaving = wish.kind is ChangeKind.TERMINATION and contract.status is SubscriptionStatus.SUSPENDED
    if (contract.status not in RUNNING and not is_leaving) or contract.ends_on:
        return "contract_not_running"
    if (
        not today <= wish.effective_on <= today + timedelta(days=AHEAD)
        or wish.effective_on < contract.starts_on
    ):
        return "change_day"
    if wish.kind not in ALLOWED_WHILE_PAUSED and contract.pause_on(wish.effective_on):
        return "contract_paused"
    return _of_kind(contract, wish)


def _of_kind(contract: Contract, wish: Wish) -> str:
    kind = wish.kind
    if kind in PLAN_KINDS and not _replaces(contract, wish):
        return "change_plan"
    if kind is ChangeKind.ADD_ON and not _adds(contract, wish):
        return "change_plan"
    if kind is ChangeKind.DROP_ADD_ON and wish.add_on_id not in [one.id for one in contract.family[1:]]:
        return "not_found"
    if kind is ChangeKind.PAUSE and not _may_pause(contract, wish):
        return "change_pause"
    if kind is ChangeKind.RESUME and contract.pause_on(wish.effective_on) is None:
        return "contract_not_paused"
    if kind is ChangeKind.RENEWAL and wish.effective_on != period_end(contract, wish.effective_on - DAY):
        return "change_day"
    return ""


def _replaces(contract: Contract, wish: Wish) -> bool:
    """Plans of one family replace each other: up by rank, down by rank, or the same one anew."""
    plan, now = wish.plan, contract.terms
    if plan is None or plan.family != now.family or plan.is_add_on != now.is_add_on:
        return False
    if wish.kind is ChangeKind.RENEWAL:
        return plan.plan_id == now.plan_id and plan.obligation_months > 0
    if plan.plan_id == now.plan_id:
        return False
    return plan.rank > now.rank if wish.kind is ChangeKind.UPGRADE else plan.rank < now.rank


def _adds(contract: Contract, wish: Wish) -> bool:
    """An add-on of the family that is not there yet."""
    plan = wish.plan
    if plan is None or not plan.is_add_on or plan.family != contract.terms.family:
        return False
    return plan.plan_id not in [one.terms.plan_id for one in contract.family]


def _may_pause(contract: Contract, wish: Wish) -> bool:
    if wish.pause_until is None:
        return False
    asked = Stretch(wish.effective_on, wish.pause_until)
    free = all(one.until_on <= asked.from_on or asked.until_on <= one.from_on for one in contract.pauses)
    return free and 0 < asked.days <= LONGEST_PAUSE


def period_end(contract: Contract, day: date) -> date:
    """The first day after the period of a day: where changes "at the end of the period" take effect."""
    return period_on(contract, day).until_on


def preview(contract: Contract, wish: Wish, today: date) -> Preview:
    """The exact money of a change that is not refused, valid until the end of the day that shows it."""
    contract = begun(contract, wish.effective_on)
    lines = documented(_lines(contract, wish), contract.customer_id)
    if wish.kind is ChangeKind.TRANSFER:
        lines = documented(lines, wish.receiver_id)
    return Preview(
        kind=wish.kind,
        effective_on=wish.effective_on,
        lines=lines,
        total_minor=_sum(one for one in lines if one.customer_id == contract.customer_id),
        monthly_before_minor=sum(monthly(one) for one in contract.family),
        monthly_after_minor=monthly_after(contract, wish),
        obligation_until=obligation_after(contract, wish),
        valid_until=valid_until(today),
        currency=contract.terms.currency,
        other_total_minor=_sum(one for one in lines if one.customer_id != contract.customer_id),
        contract_seq=contract.seq,
    )


def valid_until(today: date) -> datetime:
    """Midnight: tomorrow a day less is left to be charged."""
    return begins_at(today + DAY)


def monthly_after(contract: Contract, wish: Wish) -> int:
    """The rent of a month once the change is in force."""
    if wish.kind is ChangeKind.TERMINATION or wish.kind is ChangeKind.TRANSFER:
        return 0
    rents = {one.id: monthly(one) for one in contract.family}
    if wish.kind in PLAN_KINDS and wish.plan is not None:
        rents[contract.id] = monthly(replace(contract, terms=wish.plan))
    if wish.kind is ChangeKind.ADD_ON:
        rents[wish.new_id] = monthly(add_on(contract, wish))
    rents.pop(wish.add_on_id, None)
    return sum(rents.values())


def _sum(lines: Iterable[MoneyLine]) -> int:
    return sum(one.gross_minor for one in lines)


def _lines(contract: Contract, wish: Wish) -> tuple[MoneyLine, ...]:
    on, kind = wish.effective_on, wish.kind
    if kind in PLAN_KINDS and wish.plan is not None:
        charged = Stretch(on, contract.billed_until)
        after = replace(contract, terms=wish.plan)
        return (*for_days(contract, charged, is_credit=True), *for_days(after, charged))
    if kind is ChangeKind.ADD_ON:
        return _first_days(contract, wish)
    if kind is ChangeKind.DROP_ADD_ON:
        return _ended([one for one in contract.family if one.id == wish.add_on_id], on)
    if kind is ChangeKind.TERMINATION:
        return _ended(contract.family, on)
    if kind is ChangeKind.PAUSE and wish.pause_until is not None:
        return tuple(
            one
            for member in contract.family
            for one in for_days(
                member, Stretch(on, min(wish.pause_until, member.billed_until)), is_credit=True
            )
        )
    if kind is ChangeKind.RESUME:
        return _woken(contract, on)
    if kind is ChangeKind.TRANSFER:
        return _handed_over(contract, wish)
    return (move_fee(contract, on),) if kind is ChangeKind.MOVE else ()


def _first_days(contract: Contract, wish: Wish) -> tuple[MoneyLine, ...]:
    """The add-on's days up to where its contract is charged; from there the regular bill goes on."""
    added = add_on(contract, wish)
    return for_days(added, Stretch(wish.effective_on, added.billed_until))


def _ended(members: Iterable[Contract], on: date) -> tuple[MoneyLine, ...]:
    """Days charged and not used are given back; an obligation not kept costs its fee."""
    lines: list[MoneyLine] = []
    for member in members:
        lines += for_days(member, Stretch(on, member.billed_until), is_credit=True)
        if (fee := termination_fee(member, on)) is not None:
            lines.append(fee)
    return tuple(lines)


def _woken(contract: Contract, on: date) -> tuple[MoneyLine, ...]:
    """The rest of a pause within what is charged already is charged after all."""
    lines: list[MoneyLine] = []
    for member in contract.family:
        pause = member.pause_on(on)
        if pause is not None:
            awake = replace(member, pauses=tuple(one for one in member.pauses if one != pause))
            lines += for_days(awake, Stretch(on, min(pause.until_on, member.billed_until)))
    return tuple(lines)


def _handed_over(contract: Contract, wish: Wish) -> tuple[MoneyLine, ...]:
    """The holder gets the days back that the receiver pays."""
    lines: list[MoneyLine] = []
    for member, new in zip(contract.family, received_by(contract, wish).family, strict=True):
        charged = Stretch(wish.effective_on, member.billed_until)
        lines += for_days(member, charged, is_credit=True)
        lines += for_days(new, charged)
    return tuple(lines)
