"""What may come back until when, what is possible with a return, and what its goods are worth then."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from models.messages.orders import ShipmentStatus
from models.messages.orders.returns import (
    RETURN_OVER,
    Condition,
    ReturnGround,
    ReturnKind,
    ReturnPolicy,
    ReturnStatus,
)

Scan = ShipmentStatus
UNDER_WAY = frozenset({Scan.COLLECTED, Scan.IN_TRANSIT, Scan.OUT_FOR_DELIVERY, Scan.FAILED})
HERE = frozenset({Scan.DELIVERED, Scan.RETURNED})
NOT_OURS = frozenset({Condition.WRONG, Condition.MISSING})  # the customer keeps what they did not send
CAME = frozenset({Condition.WHOLE, Condition.USED, Condition.DAMAGED})


def last_day(ground: ReturnGround, delivered_on: date, policy: ReturnPolicy) -> date:
    """The last day on which it may be asked for without anybody's decision; the day of delivery is day 0."""
    is_free = ground is ReturnGround.CHANGE_OF_MIND
    return delivered_on + timedelta(days=policy.withdrawal_days if is_free else policy.defect_days)


def is_in_time(ground: ReturnGround, delivered_on: date | None, on: date, policy: ReturnPolicy) -> bool:
    """Whether it is agreed by rule."""
    return delivered_on is not None and on <= last_day(ground, delivered_on, policy)


def returnable(delivered: int, returned: int) -> int:
    """How many of a line are still with the customer."""
    return max(0, delivered - returned)


def share(total_minor: int, quantity: int, returned: int, now: int) -> int:
    """The price of `now` pieces of a line of which some came back before; all shares add up to the line."""
    return total_minor * (returned + now) // quantity - total_minor * returned // quantity


def deduction(paid_minor: int, condition: Condition, policy: ReturnPolicy) -> int:
    """What is kept of a line's price as it was found; rounded down, for the customer."""
    percent = {
        Condition.USED: policy.used_percent,
        Condition.DAMAGED: policy.damaged_percent,
        Condition.WRONG: 100,
        Condition.MISSING: 100,
    }.get(condition, 0)
    return paid_minor * percent // 100


@dataclass(frozen=True)
class Worth:
    """One line with what was paid for it and how it was found."""

    paid_minor: int
    condition: Condition = Condition.WHOLE


@dataclass(frozen=True)
class Sum:
    """What goes back for a return: what was paid, less deductions, less the way back; never below zero."""

    paid_minor: int
    deducted_minor: int
    fee_minor: int
    back_minor: int


def sum_of(kind: ReturnKind, ground: ReturnGround, lines: Iterable[Worth], policy: ReturnPolicy) -> Sum:
    """The money of a return. An exchange and a fault of ours have no fee; a retrieval gives nothing back."""
    worth = list(lines)
    if kind is ReturnKind.RETRIEVAL:
        return Sum(0, 0, 0, 0)
    paid = sum(one.paid_minor for one in worth)
    kept = sum(deduction(one.paid_minor, one.condition, policy) for one in worth)
    has_fee = kind is ReturnKind.RETURN and ground is ReturnGround.CHANGE_OF_MIND
    fee = min(policy.fee_minor if has_fee else 0, paid - kept)
    return Sum(paid, kept, fee, paid - kept - fee)


def may(status: ReturnStatus, waits_for: str = "") -> frozenset[str]:
    """The commands that are possible; validators, pages and waits all ask here."""
    if status in RETURN_OVER or status is ReturnStatus.SETTLING:
        return frozenset()
    possible: set[str] = set()
    if status in (ReturnStatus.ASKED, ReturnStatus.AGREED):
        possible.add("call_off")
    if waits_for == "return_decision":
        possible |= {"agree", "refuse"}
    if waits_for in ("hand_over", "return_parcel", "return_lost", "retrieval_again"):
        possible.add("receive")
    if waits_for == "return_lost":
        possible.add("give_up")
    if waits_for == "retrieval_again":
        possible.add("fetch_again")
    if waits_for == "inspection":
        possible.add("inspect")
    return frozenset(possible)


def refusal(command: str, status: ReturnStatus, waits: Iterable[str]) -> str | None:
    """Why this command is not possible now, as a refusal code; None when it is."""
    if any(command in may(status, one) for one in ("", *waits)):
        return None
    if status in RETURN_OVER:
        return "return_over"
    is_late = command == "call_off" and status is not ReturnStatus.ASKED
    return "return_on_the_way" if is_late else "return_not_waiting"


def contracts_of(
    positions: Iterable[int],
    contracts: Mapping[str, tuple[int, str]],
    devices: Iterable[str],
    *,
    is_all: bool,
) -> tuple[str, ...]:
    """Which contracts of an order go with what comes back: those of its lines and of its devices; all of them
    when nothing stays. `contracts` says the line and the device of each."""
    lines, gone = set(positions), set(devices)
    return tuple(
        sorted(
            one
            for one, (position, device) in contracts.items()
            if is_all or position in lines or (device and device in gone)
        )
    )
