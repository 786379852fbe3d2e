"""Words about goods that come back: returned, exchanged, or fetched because nobody pays for them."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from models.messages.journeys import WaitNotes
from models.messages.sentences import N_
from models.messages.tickets import Command


class ReturnKind(StrEnum):
    RETURN = "return"  # the money goes back
    EXCHANGE = "exchange"  # the same goes out once more
    RETRIEVAL = "retrieval"  # we fetch what is ours; nothing goes back


class ReturnGround(StrEnum):
    CHANGE_OF_MIND = "change_of_mind"
    DEFECT = "defect"
    WRONG_ITEM = "wrong_item"  # not what was ordered
    CONTRACT_ENDED = "contract_ended"


class ReturnWay(StrEnum):
    CARRIER = "carrier"
    VISIT = "visit"  # installed devices are taken down by a technician


class ReturnStatus(StrEnum):
    ASKED = "asked"  # out of the window: a person decides
    AGREED = "agreed"  # to be handed over
    ON_THE_WAY = "on_the_way"
    ARRIVED = "arrived"  # to be inspected
    SETTLING = "settling"  # money, replacement and shelf
    SETTLED = "settled"
    REFUSED = "refused"
    CALLED_OFF = "called_off"
    NOT_HANDED_OVER = "not_handed_over"


RETURN_OVER = frozenset(
    {
        ReturnStatus.SETTLED, ReturnStatus.REFUSED, ReturnStatus.CALLED_OFF,
        ReturnStatus.NOT_HANDED_OVER,
    }
)  # fmt: skip


class Condition(StrEnum):
    """What the inspection found."""

    WHOLE = "whole"
    USED = "used"
    DAMAGED = "damaged"
    WRONG = "wrong"  # something else came
    MISSING = "missing"
    LOST = "lost"  # by the carrier: not the customer's fault


@dataclass(frozen=True)
class ReturnPolicy:
    """What holds for a return, as data: copied into it when it is asked for, so that later edits leave it.

    Seven days without a reason after delivery, three months for defects (E-Commerce Act, article 17)."""

    withdrawal_days: int = 7
    defect_days: int = 90
    decide_hours: int = 48
    hand_over_days: int = 14
    transit_days: int = 7
    inspect_hours: int = 48
    settle_hours: int = 24  # not inspected by then, it counts as whole: money is due in three days
    fee_minor: int = 6_000  # the way back, when somebody only changed their mind
    used_percent: int = 10
    damaged_percent: int = 40


@dataclass(frozen=True)
class ReturnOrder:
    """What starts "Return". Its row may be there already, else it is born with these facts."""

    return_id: str
    customer_id: str
    order_id: str = ""
    owned_product_id: str = ""
    kind: ReturnKind = ReturnKind.RETURN
    asked_by: str = ""  # workflow id that is told `return_settled`
    reason: str = ""  # a code


@dataclass(frozen=True)
class ReturnOpened:
    """What `returns.open` decided: kept in history, so that nobody decides it twice."""

    is_agreed: bool
    way: ReturnWay
    kind: ReturnKind
    refusal: str = ""  # there is nothing to bring back
    device_id: str = ""  # what a technician takes down
    policy: ReturnPolicy = field(default_factory=ReturnPolicy)


@dataclass(frozen=True)
class ReturnChange:
    """One step of a return as `returns.record` writes it."""

    return_id: str
    customer_id: str
    seq: int
    status: ReturnStatus
    at: datetime
    sentence: str
    actor_id: str | None = None
    actor_kind: str = "system"
    reason: str = ""
    ticket_id: str = ""
    refund_id: str = ""
    details: dict[str, str] = field(default_factory=dict)
    waits: WaitNotes = field(default_factory=WaitNotes)
    is_public: bool = True


@dataclass(frozen=True)
class GoodsBack:
    """One thing asked of an outside system for a return; `key` makes asking twice harmless."""

    return_id: str
    key: str
    at: datetime


@dataclass(frozen=True)
class Label:
    """The carrier fetches the goods under this number."""

    carrier: str
    tracking: str


@dataclass(frozen=True)
class Found:
    """What one line of a return turned out to be."""

    position: int
    condition: Condition


@dataclass(frozen=True)
class ReturnCommand(Command):
    """Somebody's order on a return: agree, refuse, call off, fetch again, it is here, it is lost."""

    reason: str = ""


@dataclass(frozen=True)
class InspectReturn(Command):
    """What came back, line by line; what is not named is whole."""

    found: tuple[Found, ...] = ()


@dataclass(frozen=True)
class SettleReturn:
    """The inspection is over: what it means in money and goods is decided now."""

    return_id: str
    at: datetime
    found: tuple[Found, ...] = ()
    is_lost: bool = False


@dataclass(frozen=True)
class Settlement:
    """What a return comes to; decided once."""

    back_minor: int
    currency: str
    invoice_id: str
    order_id: str
    contracts: tuple[str, ...]  # those that end, or that get another device
    ends_on: date | None  # when they end; none: as if they had not begun
    has_goods: bool  # something came back
    has_replacement: bool
    deducted_minor: int = 0


@dataclass(frozen=True)
class ReturnSettled:
    """A fact for whoever asked: the goods are back, or will not come."""

    return_id: str
    status: ReturnStatus
    at: datetime
    back_minor: int = 0


def return_workflow_id(return_id: str) -> str:
    return f"return:{return_id}"


SENTENCES: dict[str, str] = {
    "orders.return_asked": N_("A return was asked for"),
    "orders.return_undecided": N_("The return needs our decision"),
    "orders.return_undecided_late": N_("Nobody has decided the return: a colleague has task %(ticket_id)s"),
    "orders.return_agreed": N_("The return is agreed"),
    "orders.return_refused": N_("The return was refused: %(reason)s"),
    "orders.return_nothing": N_("There was nothing to bring back; the return has ended"),
    "orders.return_label": N_("The carrier fetches the goods: %(tracking)s"),
    "orders.return_visit": N_("A technician takes the device down and along: %(ticket_id)s"),
    "orders.return_visit_failed": N_("The device was not fetched; we arrange it again"),
    "orders.return_reminded": N_("A reminder that the goods are still with the customer"),
    "orders.return_not_handed_over": N_("The goods were not handed over in time; the return has ended"),
    "orders.return_called_off": N_("The return was called off"),
    "orders.return_on_the_way": N_("The goods are on their way back"),
    "orders.return_late": N_("The goods have not arrived: a colleague has task %(ticket_id)s"),
    "orders.return_lost": N_("The carrier has lost the goods; that is not the customer's fault"),
    "orders.return_arrived": N_("The returned goods have arrived"),
    "orders.return_not_inspected": N_("Nobody has inspected the goods: a colleague has task %(ticket_id)s"),
    "orders.return_counts_as_whole": N_("Nobody inspected the goods in time: they count as whole"),
    "orders.return_inspected": N_("The goods were inspected"),
    "orders.return_refunding": N_("%(amount)s goes back"),
    "orders.return_refunded": N_("%(amount)s went back"),
    "orders.return_stuck": N_("The money could not be given back: a colleague has task %(ticket_id)s"),
    "orders.return_settled_by_hand": N_("A colleague has given the money back"),
    "orders.return_replacing": N_("The replacement is on its way as order %(order_id)s"),
    "orders.return_replaced": N_("The replacement has arrived"),
    "orders.return_not_replaced": N_("The replacement could not be delivered: the money goes back instead"),
    "orders.return_restocked": N_("The goods are in the warehouse"),
    "orders.return_contracts": N_("The contracts of what came back have ended"),
    "orders.return_settled": N_("The return is complete"),
    "orders.return_letter_failed": N_("A message could not be delivered; please use another way"),
}
