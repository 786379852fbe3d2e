"""One order as its customer and the desk see it: how far it is, parcels, story, what undoing means."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.catalogue.shelf import name_of
from api.kit.desk import Desk, DeskAt
from api.kit.formats import moment
from api.kit.labels import label_text
from api.kit.people import Kind
from api.kit.personal import mask_address, mask_name, mask_phone
from api.kit.rendering import Form, answer
from api.kit.routes import CUSTOMERS, STAFF
from api.kit.sentences import sentence, then_sentence, wait_sentence
from api.kit.texts import Key
from api.orders.routing import router
from models.customers import Customer
from models.journeys import OpenWait
from models.kit.timeline import TimelineEntry
from models.messages.journeys import WaitFor
from models.messages.orders import OrderStatus, ShipmentStatus, ShipTo, StepKind, StepStatus
from models.messages.staff import Role
from models.orders import Order, OrderLine, OrderStep, Shipment, ShipmentEvent
from models.rules import orders as rules
from models.tickets import Ticket

WAY = (
    (OrderStatus.PAYMENT_DUE, StepKind.PAYMENT, "credit-card"),
    (OrderStatus.RESERVING, StepKind.RESERVATION, "package"),
    (OrderStatus.SHIPPING, StepKind.SHIPMENT, "truck"),
    (OrderStatus.INSTALLING, StepKind.INSTALLATION, "wrench"),
    (OrderStatus.ACTIVATING, StepKind.ACTIVATION, "refresh-cw"),
    (OrderStatus.DONE, None, "circle-check"),
)
RANKS = {status: rank for rank, status in enumerate(OrderStatus)}


@dataclass(frozen=True)
class Stage:
    """One station on the way."""

    name: str
    state: str  # done, now, next
    icon: str
    sub: str = ""
    at: str = ""


@dataclass(frozen=True)
class LineRow:
    """One line of the order."""

    name: str
    quantity: int
    once_minor: int
    monthly_minor: int
    serials: tuple[str, ...]
    is_waiting: bool  # goods are missing


@dataclass(frozen=True)
class Parcel:
    """One parcel with its scans, the newest first."""

    id: str
    status: ShipmentStatus
    tracking: str
    href: str
    is_back_order: bool
    scans: tuple[tuple[datetime, ShipmentStatus, str], ...]


@dataclass(frozen=True)
class Undo:
    """One line of the undo list."""

    kind: StepKind
    status: StepStatus
    reference: str
    code: str
    is_to_undo: bool


@dataclass(frozen=True)
class Wait:
    """Whom and what the order waits for."""

    what: str
    who: WaitFor
    text: str
    since: datetime
    until: datetime | None
    then: str


@dataclass(frozen=True)
class Told:
    """One line of the story."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Facts:
    """What anybody who sees an order may know of its row."""

    id: str
    customer_id: str
    status: OrderStatus
    reason: str
    placed_at: datetime
    invoice_id: str | None
    once_minor: int
    monthly_minor: int
    currency: str


@dataclass(frozen=True)
class OrderPage:
    """Everything that is shown of one order."""

    order: Facts
    to: ShipTo  # masked for the desk
    customer: str
    base: str  # where this page's forms go: "/orders/O100001" or "/links/<token>/order"
    is_theirs: bool  # the customer's own view
    lines: tuple[LineRow, ...]
    stages: tuple[Stage, ...]
    waits: tuple[Wait, ...]
    parcels: tuple[Parcel, ...]
    undo: tuple[Undo, ...]
    back_minor: int  # what comes back when it is called off now
    story: tuple[Told, ...]
    ticket_id: str
    may: frozenset[str]


@router.get("/orders/{order_id}", may=CUSTOMERS | STAFF, row="order")
async def show(request: Request, desk: Desk, order_id: Key) -> Response:
    """Show one order."""
    return await shown(request, desk, order_id)


async def shown(
    request: Request,
    desk: DeskAt,
    order_id: str,
    *,
    base: str = "",
    form: Form | None = None,
    status: int = 200,
) -> Response:
    """The page, or its live part."""
    page = await order_page(request, desk, order_id, base or f"/orders/{order_id}")
    return answer(request, "orders/show.html", page, status=status, form=form)


async def order_page(request: Request, desk: DeskAt, order_id: str, base: str) -> OrderPage:
    """Read one order."""
    order = await desk.one(Order, order_id)
    customer = await desk.one(Customer, order.customer_id)
    is_theirs = desk.person.kind is not Kind.STAFF
    waits = await waits_of(desk, order_id)
    steps = await steps_of(desk, order_id)
    is_paid = any(s.kind is StepKind.PAYMENT and s.status is StepStatus.DONE for s in steps)
    possible = frozenset().union(*(rules.may(order.status, one) for one in ("", *(w.what for w in waits))))
    parcels = await parcels_of(desk, order_id, request.app.state.settings.tracking_url)
    if any(parcel.status is not ShipmentStatus.READY for parcel in parcels):
        possible -= {"change_address"}
    return OrderPage(
        facts_of(order), address_of(order, is_theirs=is_theirs), customer.name, base, is_theirs,
        lines=await lines_of(desk, order), stages=stages(order, steps), waits=waits, parcels=parcels,
        undo=tuple(undo_line(step) for step in reversed(steps)),
        back_minor=order.once_minor if is_paid else 0,
        story=await story_of(desk, order_id, is_theirs=is_theirs),
        ticket_id=await ticket_of(desk, order_id),
        may=possible if is_theirs else frozenset(one for one in possible if may_do(desk, one)),
    )  # fmt: skip


def facts_of(order: Order) -> Facts:
    """The part of the row that pages and programs are given."""
    return Facts(
        order.id, order.customer_id, order.status, order.reason, order.placed_at, order.invoice_id,
        order.once_minor, order.monthly_minor, order.currency,
    )  # fmt: skip


def address_of(order: Order, *, is_theirs: bool) -> ShipTo:
    """Where the goods go; the desk recognises it and reaches nobody by it."""
    if is_theirs:
        return ShipTo(
            order.ship_name, order.ship_phone, order.ship_postcode, order.ship_address, order.ship_region
        )
    return ShipTo(
        mask_name(order.ship_name), mask_phone(order.ship_phone), "", mask_address(order.ship_address),
        order.ship_region,
    )  # fmt: skip


def may_do(desk: DeskAt, command: str) -> bool:
    """Finance decides credits; everything else is the desk's."""
    is_credit = command in ("approve_credit", "refuse_credit")
    return desk.person.is_desk or (is_credit and Role.FINANCE in desk.person.roles)


def undo_line(step: OrderStep) -> Undo:
    """A step as the undo list shows it."""
    return Undo(step.kind, step.status, step.reference, step.code, step.status in rules.TO_UNDO)


def stages(order: Order, steps: list[OrderStep]) -> tuple[Stage, ...]:
    """How far the order is: what it needs, done, going on, or still to come."""
    needed = needed_of(order)
    done = {step.kind: step for step in steps if step.status is StepStatus.DONE}
    found = [Stage(label_text(OrderStatus.RECEIVED, "order"), "done", "inbox", at=moment(order.placed_at))]
    for status, kind, icon in WAY:
        if kind is not None and kind not in needed:
            continue
        step = done.get(kind) if kind is not None else None
        is_past = order.status is OrderStatus.DONE or RANKS[order.status] > RANKS[status]
        state = "done" if is_past and (step or kind is None) else "next"
        if order.status is status and state != "done":
            state = "now"
        at = moment(step.at) if step is not None and step.at is not None and state == "done" else ""
        found.append(Stage(label_text(status, "order"), state, icon, at=at))
    if order.status in rules.OFF or order.status in (OrderStatus.CANCELLED, OrderStatus.RETURNED):
        found = [stage for stage in found if stage.state == "done"]
        found.append(Stage(label_text(order.status, "order"), "now", "undo-2"))
    return tuple(found)


def needed_of(order: Order) -> set[StepKind]:
    """Which stations this order passes, by its quote."""
    lines = order.quote.get("lines", [])
    wanted = {
        StepKind.PAYMENT: order.once_minor > 0,
        StepKind.RESERVATION: any(line.get("needs_shipping") for line in lines),
        StepKind.SHIPMENT: any(line.get("needs_shipping") for line in lines),
        StepKind.INSTALLATION: any(line.get("needs_installation") for line in lines),
        StepKind.ACTIVATION: any(line.get("plan") for line in lines),
    }
    return {kind for kind, is_wanted in wanted.items() if is_wanted}


async def lines_of(desk: DeskAt, order: Order) -> tuple[LineRow, ...]:
    """What was ordered, and what became of it."""
    query = desk.visible(OrderLine).where(col(OrderLine.order_id) == order.id)
    is_over_stock = order.status in (OrderStatus.RESERVING, OrderStatus.SHIPPING)
    return tuple(
        LineRow(
            name_of(one), one.quantity, one.once_minor, one.monthly_minor, tuple(one.serials),
            is_over_stock and one.needs_shipping and one.reserved < one.quantity,
        )
        for one in await desk.session.scalars(query.order_by(col(OrderLine.position)))
    )  # fmt: skip


async def steps_of(desk: DeskAt, order_id: str) -> list[OrderStep]:
    """What the order has done to the world, in order."""
    query = desk.visible(OrderStep).where(col(OrderStep.order_id) == order_id)
    return list(await desk.session.scalars(query.order_by(col(OrderStep.position))))


async def parcels_of(desk: DeskAt, order_id: str, tracking_url: str) -> tuple[Parcel, ...]:
    """The parcels with their scans."""
    query = desk.visible(Shipment).where(col(Shipment.order_id) == order_id)
    rows = list(await desk.session.scalars(query.order_by(col(Shipment.id))))
    ids = [row.id for row in rows]
    scans = desk.visible(ShipmentEvent).where(col(ShipmentEvent.shipment_id).in_(ids))
    seen = list(await desk.session.scalars(scans.order_by(col(ShipmentEvent.at).desc())))
    return tuple(
        Parcel(
            row.id, row.status, row.tracking or "",
            f"{tracking_url}/{row.tracking}" if row.tracking else "", row.is_back_order,
            tuple((one.at, one.status, one.place) for one in seen if one.shipment_id == row.id),
        )
        for row in rows
    )  # fmt: skip


async def waits_of(desk: DeskAt, order_id: str) -> tuple[Wait, ...]:
    """What the order itself waits for, the nearest deadline first."""
    query = (
        desk.visible(OpenWait)
        .where(col(OpenWait.workflow_id) == f"order:{order_id}", col(OpenWait.ended_at).is_(None))
        .order_by(col(OpenWait.until).asc().nulls_last(), col(OpenWait.since).desc())
    )
    return tuple(
        Wait(
            one.what,
            one.who,
            wait_sentence(one.what, one.details),
            one.since,
            one.until,
            then_sentence(one.then),
        )
        for one in await desk.session.scalars(query)
    )


async def story_of(desk: DeskAt, order_id: str, *, is_theirs: bool) -> tuple[Told, ...]:
    """What happened, the newest first."""
    query = desk.visible(TimelineEntry).where(col(TimelineEntry.case_id) == order_id)
    if is_theirs:
        query = query.where(col(TimelineEntry.is_public))
    newest = query.order_by(col(TimelineEntry.at).desc(), col(TimelineEntry.id).desc()).limit(200)
    return tuple(
        Told(one.at, sentence(one.sentence, one.details)) for one in await desk.session.scalars(newest)
    )


async def ticket_of(desk: DeskAt, order_id: str) -> str:
    """The newest ticket of the order that the asker may see."""
    query = desk.visible(Ticket).with_only_columns(col(Ticket.id)).where(col(Ticket.case_id) == order_id)
    return str(await desk.session.scalar(query.order_by(col(Ticket.created_at).desc()).limit(1)) or "")
