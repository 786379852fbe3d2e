"""Words about orders: from a quote through payment, goods and installation to done, or undone."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.messages.sentences import N_


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


def order_workflow_id(order_id: str) -> str:
    return f"order:{order_id}"


SENTENCES: dict[str, str] = {
    "orders.placed": N_("Order placed"),
}
