"""What a change does to a contract once it takes effect."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from models.messages.subscriptions import ChangeKind, SubscriptionStatus, Wish
from models.rules.subscriptions.periods import (
    Contract,
    Stretch,
    add_months,
    anchor,
    bill_date_from,
    moved,
    period_on,
    total_days,
)


def begun(contract: Contract, on: date) -> Contract:
    """The contract as it stands on the day of a change: the regular rent up to it has been charged."""
    add_ons = tuple(begun(one, on) if one.ends_on is None else one for one in contract.add_ons)
    return replace(contract, billed_until=max(contract.billed_until, on), add_ons=add_ons)


def obligation_of(contract: Contract) -> date | None:
    """The end of the minimum term of a contract that begins; pauses already agreed move it."""
    if not contract.terms.obligation_months:
        return None
    end = add_months(contract.starts_on, contract.terms.obligation_months)
    return date.fromordinal(end.toordinal() + total_days(contract.pauses))


def obligation_after(contract: Contract, wish: Wish) -> date | None:
    """The end of the minimum term once a change is in force."""
    end = contract.obligation_until
    if wish.kind is ChangeKind.RENEWAL and wish.plan is not None:
        return add_months(wish.effective_on, wish.plan.obligation_months)
    if wish.kind in (ChangeKind.UPGRADE, ChangeKind.DOWNGRADE) and wish.plan is not None:
        ends = (end, obligation_of(replace(contract, terms=wish.plan)))
        return max((one for one in ends if one is not None), default=None)
    if wish.kind is ChangeKind.PAUSE and wish.pause_until is not None:
        return obligation_moved(contract, Stretch(wish.effective_on, wish.pause_until))
    if wish.kind is ChangeKind.RESUME:
        return _resumed(contract, wish.effective_on).obligation_until
    return end


def obligation_moved(contract: Contract, pause: Stretch) -> date | None:
    """A pause within the minimum term moves its end by the days of the pause."""
    end = contract.obligation_until
    if end is None or end <= pause.from_on:
        return end
    return date.fromordinal(end.toordinal() + pause.days)


def add_on(contract: Contract, wish: Wish) -> Contract:
    """The contract of an add-on: billed on its parent's day, its first days charged with the change."""
    assert wish.plan is not None
    on = wish.effective_on
    pauses = tuple(
        Stretch(max(one.from_on, on), one.until_on) for one in contract.pauses if one.until_on > on
    )
    made = Contract(
        id=wish.new_id, customer_id=contract.customer_id, terms=wish.plan, starts_on=on, billed_until=on,
        bill_day=contract.bill_day, anchor_on=bill_date_from(on, contract.bill_day), pauses=pauses,
    )  # fmt: skip
    until = period_on(made, on).until_on if wish.plan.in_advance else on
    return replace(made, billed_until=until, obligation_until=obligation_of(made))


def takes_effect(contract: Contract, wish: Wish) -> tuple[Contract, Contract | None]:
    """The contract with its add-ons after a change, and the receiver's contract of a transfer."""
    contract = begun(contract, wish.effective_on)
    on, kind = wish.effective_on, wish.kind
    if kind in (ChangeKind.UPGRADE, ChangeKind.DOWNGRADE, ChangeKind.RENEWAL) and wish.plan is not None:
        end = obligation_after(contract, wish)
        return moved(contract, terms=wish.plan, obligation_until=end), None
    if kind is ChangeKind.ADD_ON:
        return moved(contract, add_ons=(*contract.add_ons, add_on(contract, wish))), None
    if kind is ChangeKind.DROP_ADD_ON:
        rest = (_ended(one, on) if one.id == wish.add_on_id else one for one in contract.add_ons)
        return moved(contract, add_ons=tuple(rest)), None
    if kind is ChangeKind.PAUSE and wish.pause_until is not None:
        pause = Stretch(on, wish.pause_until)
        return _all(contract, lambda one: _paused(one, pause)), None
    if kind is ChangeKind.RESUME:
        return _all(contract, lambda one: _resumed(one, on)), None
    if kind is ChangeKind.TERMINATION:
        return _all(contract, lambda one: _ended(one, on)), None
    if kind is ChangeKind.TRANSFER:
        return _all(contract, lambda one: _ended(one, on)), received_by(contract, wish)
    return moved(contract), None


def _all(contract: Contract, change: Callable[[Contract], Contract]) -> Contract:
    """The same for a contract and those of its add-ons that run."""
    add_ons = tuple(change(one) if one.ends_on is None else one for one in contract.add_ons)
    return replace(change(contract), add_ons=add_ons)


def _ended(contract: Contract, on: date) -> Contract:
    """Days given back are no longer charged days."""
    return moved(
        contract, ends_on=on, billed_until=min(contract.billed_until, on), status=SubscriptionStatus.ENDED
    )


def _paused(contract: Contract, pause: Stretch) -> Contract:
    return moved(
        contract,
        pauses=(*contract.pauses, pause),
        obligation_until=obligation_moved(contract, pause),
        status=SubscriptionStatus.PAUSED,
    )


def _resumed(contract: Contract, on: date) -> Contract:
    """The pause ends early; what it had moved beyond this day moves back."""
    pause = contract.pause_on(on)
    if pause is None:
        return contract
    end = contract.obligation_until
    if end is not None and end > pause.until_on:
        end = date.fromordinal(end.toordinal() - Stretch(on, pause.until_on).days)
    kept = tuple(one for one in contract.pauses if one != pause)
    if pause.from_on < on:
        kept = (*kept, Stretch(pause.from_on, on))
    return moved(contract, pauses=kept, obligation_until=end, status=SubscriptionStatus.ACTIVE)


def received_by(contract: Contract, wish: Wish) -> Contract:
    """The receiver's contract goes on where the holder's ended: same terms, days, phases and obligation."""
    on = wish.effective_on
    ahead = [
        tuple(Stretch(max(one.from_on, on), one.until_on) for one in member.pauses if one.until_on > on)
        for member in contract.family
    ]
    made = [
        replace(
            member, id=wish.new_id if number == 0 else f"{wish.new_id}.{number}", seq=0, add_ons=(),
            customer_id=wish.receiver_id, starts_on=on, anchor_on=anchor(member), pauses=ahead[number],
        )
        for number, member in enumerate(contract.family)
    ]  # fmt: skip
    return replace(made[0], add_ons=tuple(made[1:]))
