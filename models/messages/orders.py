"""Words about orders: from a quote through payment, goods and installation to done, or undone."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.messages.billing.invoices import PricedLine
from models.messages.journeys import WaitNotes
from models.messages.sentences import N_
from models.messages.tickets import Command


class OrderStatus(StrEnum):
    RECEIVED = "received"
    CREDIT_CHECK = "credit_check"  # rentals only; the grey zone waits for a person
    PAYMENT_DUE = "payment_due"
    RESERVING = "reserving"  # the warehouse sets goods aside; short goods are a back-order
    SHIPPING = "shipping"
    INSTALLING = "installing"
    ACTIVATING = "activating"
    DONE = "done"
    CANCELLING = "cancelling"  # the undo list is being worked off
    CANCELLED = "cancelled"
    RETURNING = "returning"
    RETURNED = "returned"


ORDER_OVER = frozenset({OrderStatus.DONE, OrderStatus.CANCELLED, OrderStatus.RETURNED})


class StepKind(StrEnum):
    """What an order does to the world; each can be undone."""

    CREDIT = "credit"
    PAYMENT = "payment"
    RESERVATION = "reservation"
    SHIPMENT = "shipment"
    INSTALLATION = "installation"
    ACTIVATION = "activation"


class StepStatus(StrEnum):
    PLANNED = "planned"
    DOING = "doing"
    DONE = "done"
    SKIPPED = "skipped"
    UNDOING = "undoing"
    UNDONE = "undone"
    STUCK = "stuck"  # undoing failed for good: a colleague has a task


class ShipmentStatus(StrEnum):
    READY = "ready"
    COLLECTED = "collected"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RETURNED = "returned"


class CreditAnswer(StrEnum):
    YES = "yes"
    GREY = "grey"  # a person decides
    NO = "no"


@dataclass(frozen=True)
class ShipTo:
    """Where goods go and where somebody comes; personal, so it lives in rows and never in a history."""

    name: str
    phone: str
    postcode: str
    address: str
    region: str


@dataclass(frozen=True)
class OrderPlaced:
    """What starts an order: its row holds the quote and the address."""

    order_id: str
    customer_id: str
    placed_at: datetime
    needs_credit_check: bool
    once_minor: int
    currency: str = "KRW"
    payment_hours: int = 72  # unpaid by then, the order cancels itself
    details: dict[str, str] = field(default_factory=dict)
    undo_hours: int = 24  # how long undoing one step is tried before a colleague gets a task
    return_days: int = 30  # how long goods that come back are waited for
    recheck_hours: int = 24  # how often short goods are asked for again
    ask_hours: int = 24  # how long a system is asked for one thing before a colleague gets a task


@dataclass(frozen=True)
class OrderPlan:
    """What an order will do, decided when it was opened."""

    pay_by: datetime
    priced: tuple[PricedLine, ...] = ()
    method_id: str | None = None
    needs_shipping: bool = False
    needs_installation: bool = False
    has_contracts: bool = False


@dataclass(frozen=True)
class StepNote:
    """One line of the undo list as it stands now."""

    position: int
    kind: StepKind
    status: StepStatus
    key: str
    reference: str = ""
    code: str = ""


@dataclass(frozen=True)
class OrderChange:
    """One step of an order's life as `orders.record` writes it."""

    order_id: str
    customer_id: str
    seq: int
    status: OrderStatus
    at: datetime
    sentence: str
    steps: tuple[StepNote, ...] = ()
    actor_id: str | None = None
    actor_kind: str = "system"
    reason: str = ""
    credit: str = ""
    invoice_id: str = ""
    subscriptions: tuple[str, ...] = ()
    details: dict[str, str] = field(default_factory=dict)
    waits: WaitNotes = field(default_factory=WaitNotes)
    is_public: bool = True


@dataclass(frozen=True)
class SystemOrder:
    """One thing asked of an outside system for an order; `key` makes asking twice harmless."""

    order_id: str
    key: str
    reference: str
    at: datetime
    shipment_id: str = ""


@dataclass(frozen=True)
class Reserved:
    """What the warehouse has set aside, and whether goods are missing."""

    units: int
    is_short: bool


@dataclass(frozen=True)
class Shipped:
    """A parcel that the carrier will collect."""

    shipment_id: str
    carrier: str
    tracking: str


class Recall(StrEnum):
    """How a parcel comes back."""

    RECALLED = "recalled"  # the carrier had not collected it
    PICK_UP = "pick_up"  # it is on its way or there: the carrier fetches it


@dataclass(frozen=True)
class ParcelScanned:
    """A fact: the carrier scanned a parcel; scans come twice and in any order."""

    shipment_id: str
    carrier: str
    event_id: str
    status: ShipmentStatus
    at: datetime
    place: str = ""


@dataclass(frozen=True)
class GoodsArrived:
    """A fact: the warehouse has goods again."""

    at: datetime


@dataclass(frozen=True)
class OrderCommand(Command):
    """Somebody's order on an order: approve or refuse the credit, cancel, try the installation again."""

    reason: str = ""


@dataclass(frozen=True)
class ChangeAddress(Command):
    """The goods go elsewhere; the new address is a row, never a message."""

    address_id: str = ""


def order_workflow_id(order_id: str) -> str:
    return f"order:{order_id}"


SENTENCES: dict[str, str] = {
    "orders.placed": N_("Order placed"),
    "orders.opened": N_("The order was accepted"),
    "orders.credit_asked": N_("The credit check was asked for"),
    "orders.credit_yes": N_("The credit check was passed"),
    "orders.credit_grey": N_("The credit check needs a person's decision"),
    "orders.credit_no": N_("The credit check was not passed"),
    "orders.credit_approved": N_("The credit was approved"),
    "orders.credit_refused": N_("The credit was refused"),
    "orders.payment_asked": N_("The invoice was issued; waiting for the payment"),
    "orders.paid": N_("The order is paid"),
    "orders.reserving": N_("The warehouse sets the goods aside"),
    "orders.reserved": N_("The goods are set aside"),
    "orders.short": N_("Some goods are missing; they follow when they have arrived"),
    "orders.packing": N_("The parcel is being packed"),
    "orders.shipped": N_("Parcel %(shipment_id)s was handed to the carrier"),
    "orders.delivered": N_("Parcel %(shipment_id)s was delivered"),
    "orders.not_delivered": N_("Parcel %(shipment_id)s could not be delivered; the carrier tries again"),
    "orders.came_back": N_("Parcel %(shipment_id)s came back"),
    "orders.address_changed": N_("The delivery address was changed"),
    "orders.installing": N_("An installation was arranged: %(ticket_id)s"),
    "orders.installed": N_("The installation is done"),
    "orders.not_installed": N_("The installation did not take place; we arrange it again"),
    "orders.activating": N_("The contracts are being started"),
    "orders.activated": N_("The contracts have begun"),
    "orders.done": N_("The order is complete"),
    "orders.cancelling": N_("The order is being cancelled"),
    "orders.undoing": N_("Being undone: %(step)s"),
    "orders.undone": N_("Undone: %(step)s"),
    "orders.stuck": N_("Could not be undone: %(step)s; a colleague has task %(ticket_id)s"),
    "orders.settled_by_hand": N_("Undone by hand: %(step)s"),
    "orders.refused_outside": N_("%(system)s did not do its part; a colleague has task %(ticket_id)s"),
    "orders.seen_to": N_("A colleague has seen to it; it is asked for again"),
    "orders.cancelled": N_("The order was cancelled"),
    "orders.letter_failed": N_("A message could not be delivered; please use another way"),
}
