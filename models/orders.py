"""Orders as stored. An order is born in api/orders.py; from then on activities/orders.py writes it."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.orders import OrderStatus, ShipmentStatus, StepKind, StepStatus
from models.messages.orders.returns import Condition, ReturnGround, ReturnKind, ReturnStatus, ReturnWay


class Order(SQLModel, table=True):
    """What a customer ordered at which prices, alive until everything is delivered or taken back."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("customer_id", "submission_key"),
        CheckConstraint("once_minor = net_minor + tax_minor", name="order_adds_up"),
        Index("orders_by_customer", "customer_id", "placed_at"),
        Index("orders_open", "status", "placed_at", "id", postgresql_where=text("not is_over")),
    )

    id: str = Field(primary_key=True)
    submission_key: str = columns.text()
    customer_id: str = Field(foreign_key="customers.id")
    placed_by: str | None = columns.text(default=None)  # the agent's account, when they ordered
    status: OrderStatus = Field(default=OrderStatus.RECEIVED, sa_type=columns.word(OrderStatus))
    is_over: bool = False
    quote: dict[str, Any] = columns.record(default_factory=dict)  # the Quote as it was accepted
    once_minor: int = columns.minor()
    net_minor: int = columns.minor()
    tax_minor: int = columns.minor()
    monthly_minor: int = columns.minor(default=0)
    currency: str = columns.text(default="KRW")
    ship_name: str = columns.text(default="")
    ship_phone: str = columns.text(default="")
    ship_postcode: str = columns.text(default="")
    ship_address: str = columns.text(default="")
    ship_region: str = columns.text(default="")
    payment_method_id: str | None = columns.text(default=None)
    return_id: str | None = columns.text(default=None)  # the return whose replacement this is
    credit: str = columns.text(default="")  # CreditAnswer, and who decided
    invoice_id: str | None = columns.text(default=None)
    reason: str = columns.text(default="")  # why it was cancelled or returned
    placed_at: datetime = columns.moment()
    pay_by: datetime | None = columns.moment(default=None, nullable=True)
    done_at: datetime | None = columns.moment(default=None, nullable=True)
    cancelled_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class OrderLine(SQLModel, table=True):
    """One line of an order with what became of it."""

    __tablename__ = "order_lines"
    __table_args__ = (CheckConstraint("once_minor = net_minor + tax_minor", name="order_line_adds_up"),)

    order_id: str = Field(primary_key=True, foreign_key="orders.id")
    position: int = Field(primary_key=True)
    product_id: str | None = Field(default=None, foreign_key="products.id")
    plan_id: str | None = Field(default=None, foreign_key="plans.id")
    plan_version: int | None = None
    bundle_id: str | None = columns.text(default=None)
    name_ko: str = columns.text()
    name_en: str = columns.text()
    quantity: int
    once_minor: int = columns.minor()
    net_minor: int = columns.minor()
    tax_minor: int = columns.minor()
    monthly_minor: int = columns.minor(default=0)
    tax_rule: str = columns.text()
    needs_shipping: bool = False
    needs_installation: bool = False
    reserved: int = 0
    shipped: int = 0
    delivered: int = 0
    returned: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    serials: list[str] = columns.words(default_factory=list)
    subscription_id: str | None = columns.text(default=None)


class OrderStep(SQLModel, table=True):
    """One thing that the order does to the world, and its undoing: the undo list, in order."""

    __tablename__ = "order_steps"
    __table_args__ = (UniqueConstraint("key"),)

    order_id: str = Field(primary_key=True, foreign_key="orders.id")
    position: int = Field(primary_key=True)
    kind: StepKind = Field(sa_type=columns.word(StepKind))
    status: StepStatus = Field(default=StepStatus.PLANNED, sa_type=columns.word(StepStatus))
    key: str = columns.text()  # the idempotency key that the outside system gets
    reference: str = columns.text(default="")  # the outside system's own number, or ours (invoice, visit)
    code: str = columns.text(default="")  # why it is stuck
    at: datetime | None = columns.moment(default=None, nullable=True)
    undone_at: datetime | None = columns.moment(default=None, nullable=True)


class OrderReservation(SQLModel, table=True):
    """What the warehouse set aside for one line under one reservation; it leaves with one parcel."""

    __tablename__ = "order_reservations"
    __table_args__ = (CheckConstraint("quantity >= 0", name="nothing_less_than_nothing"),)

    reference: str = columns.text(primary_key=True)  # O100001-r3, the warehouse's key
    position: int = Field(primary_key=True)  # of the line
    order_id: str = Field(foreign_key="orders.id", index=True)
    quantity: int
    shipment_id: str | None = Field(default=None, foreign_key="shipments.id")
    is_released: bool = False


class OrderAddress(SQLModel, table=True):
    """Where somebody wants an order's goods to go instead. Born in api/orders; then it never changes."""

    __tablename__ = "order_addresses"

    id: str = Field(primary_key=True)
    order_id: str = Field(foreign_key="orders.id", index=True)
    ship_name: str = columns.text()
    ship_phone: str = columns.text()
    ship_postcode: str = columns.text()
    ship_address: str = columns.text()
    ship_region: str = columns.text(default="")
    created_at: datetime = columns.moment()


class Shipment(SQLModel, table=True):
    """One parcel of an order."""

    __tablename__ = "shipments"
    __table_args__ = (UniqueConstraint("carrier", "tracking"), Index("shipments_by_order", "order_id"))

    id: str = Field(primary_key=True)  # O100001-1; also the key at warehouse and carrier
    order_id: str = Field(foreign_key="orders.id")
    carrier: str = columns.text(default="")
    tracking: str | None = columns.text(default=None)
    status: ShipmentStatus = Field(default=ShipmentStatus.READY, sa_type=columns.word(ShipmentStatus))
    lines: list[dict[str, Any]] = columns.record(default_factory=list)  # {position, quantity, serials}
    is_back_order: bool = False
    created_at: datetime = columns.moment()
    delivered_at: datetime | None = columns.moment(default=None, nullable=True)
    last_event_at: datetime | None = columns.moment(default=None, nullable=True)


class ShipmentEvent(SQLModel, table=True):
    """One scan of the carrier, kept once whatever the order in which the carrier tells them."""

    __tablename__ = "shipment_events"

    carrier: str = columns.text(primary_key=True)
    event_id: str = columns.text(primary_key=True)
    shipment_id: str = Field(foreign_key="shipments.id", index=True)
    status: ShipmentStatus = Field(sa_type=columns.word(ShipmentStatus))
    at: datetime = columns.moment()
    place: str = columns.text(default="")
    received_at: datetime = columns.moment()


class CartItem(SQLModel, table=True):
    """What somebody has put aside to order, by a random key in their browser's cookie or their account."""

    __tablename__ = "cart_items"
    __table_args__ = (Index("cart_items_idle", "updated_at"),)

    cart_key: str = columns.text(primary_key=True)  # hash of the cookie, or "customer:<id>"
    position: int = Field(primary_key=True)
    line: dict[str, Any] = columns.record(default_factory=dict)  # CartLine
    updated_at: datetime = columns.moment()


class Return(SQLModel, table=True):
    """Goods of a customer that come back. Born in api/orders or from another life's order."""

    __tablename__ = "returns"
    __table_args__ = (
        UniqueConstraint("customer_id", "submission_key"),
        Index("returns_open", "status", "asked_at", "id", postgresql_where=text("not is_over")),
        Index(
            "one_return_at_a_time",
            "order_id",
            unique=True,
            postgresql_where=text("not is_over and kind <> 'retrieval'"),
        ),
    )

    id: str = Field(primary_key=True)  # R100001
    submission_key: str = columns.text()
    customer_id: str = Field(foreign_key="customers.id")
    order_id: str | None = Field(default=None, foreign_key="orders.id", index=True)
    owned_product_id: str | None = Field(default=None, foreign_key="owned_products.id")
    placed_by: str | None = columns.text(default=None)  # the agent's account, when they asked
    kind: ReturnKind = Field(sa_type=columns.word(ReturnKind))
    ground: ReturnGround = Field(sa_type=columns.word(ReturnGround))
    way: ReturnWay = Field(default=ReturnWay.CARRIER, sa_type=columns.word(ReturnWay))
    status: ReturnStatus = Field(default=ReturnStatus.ASKED, sa_type=columns.word(ReturnStatus))
    is_over: bool = False
    note: str = columns.text(default="")  # the customer's own words
    policy: dict[str, Any] = columns.record(default_factory=dict)  # ReturnPolicy as it was that day
    ship_name: str = columns.text(default="")  # where it is fetched
    ship_phone: str = columns.text(default="")
    ship_postcode: str = columns.text(default="")
    ship_address: str = columns.text(default="")
    ship_region: str = columns.text(default="")
    carrier: str = columns.text(default="")
    tracking: str | None = columns.text(default=None)
    parcel_status: ShipmentStatus | None = Field(
        default=None, sa_type=columns.word(ShipmentStatus), nullable=True
    )
    fee_minor: int = columns.minor(default=0)
    deducted_minor: int = columns.minor(default=0)
    back_minor: int = columns.minor(default=0)  # what goes back; before the inspection: at best
    currency: str = columns.text(default="KRW")
    refund_id: str | None = columns.text(default=None)
    replacement_id: str | None = columns.text(default=None)  # the order that replaces the goods
    ticket_id: str | None = columns.text(default=None)  # of the technician's visit
    reason: str = columns.text(default="")  # why it was refused or asked for
    asked_at: datetime = columns.moment()
    agreed_at: datetime | None = columns.moment(default=None, nullable=True)
    arrived_at: datetime | None = columns.moment(default=None, nullable=True)
    inspected_at: datetime | None = columns.moment(default=None, nullable=True)
    settled_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class ReturnLine(SQLModel, table=True):
    """One article of a return and how it was found."""

    __tablename__ = "return_lines"

    return_id: str = Field(primary_key=True, foreign_key="returns.id")
    position: int = Field(primary_key=True)  # of the order's line
    product_id: str = Field(foreign_key="products.id")
    name_ko: str = columns.text()
    name_en: str = columns.text()
    quantity: int
    devices: list[str] = columns.words(default_factory=list)  # ids of owned products
    paid_minor: int = columns.minor(default=0)  # its share of the order's price
    condition: Condition | None = Field(default=None, sa_type=columns.word(Condition), nullable=True)
    deducted_minor: int = columns.minor(default=0)


class ReturnScan(SQLModel, table=True):
    """One scan of goods on their way back, kept once."""

    __tablename__ = "return_scans"

    carrier: str = columns.text(primary_key=True)
    event_id: str = columns.text(primary_key=True)
    return_id: str = Field(foreign_key="returns.id", index=True)
    status: ShipmentStatus = Field(sa_type=columns.word(ShipmentStatus))
    at: datetime = columns.moment()
    place: str = columns.text(default="")
    received_at: datetime = columns.moment()
