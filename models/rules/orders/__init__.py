"""What may be done with an order when, how a parcel's scans are read, and what counts as undone."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from models.messages.billing.invoices import LineKind, PricedLine
from models.messages.catalogue import Quote, QuoteLine
from models.messages.orders import ORDER_OVER, OrderStatus, ShipmentStatus, StepStatus
from models.messages.payments import RefundStatus

BEFORE_SHIPPING = frozenset(
    {OrderStatus.RECEIVED, OrderStatus.CREDIT_CHECK, OrderStatus.PAYMENT_DUE, OrderStatus.RESERVING}
)
ADDRESS_OPEN = BEFORE_SHIPPING | {OrderStatus.SHIPPING}  # while no parcel is collected
OFF = frozenset({OrderStatus.CANCELLING, OrderStatus.RETURNING})
TO_UNDO = frozenset({StepStatus.DONE, StepStatus.DOING})
REFUND_LEFT = frozenset({RefundStatus.REFUSED, RefundStatus.UNKNOWN})

# How far a parcel is; a scan never moves it backwards, whatever the order in which scans arrive.
RANK = {
    ShipmentStatus.READY: 0,
    ShipmentStatus.COLLECTED: 1,
    ShipmentStatus.IN_TRANSIT: 2,
    ShipmentStatus.OUT_FOR_DELIVERY: 3,
    ShipmentStatus.FAILED: 4,
    ShipmentStatus.DELIVERED: 5,
    ShipmentStatus.CANCELLED: 6,
    ShipmentStatus.RETURNED: 7,
}
MOVING = frozenset(
    {
        ShipmentStatus.COLLECTED, ShipmentStatus.IN_TRANSIT, ShipmentStatus.OUT_FOR_DELIVERY,
        ShipmentStatus.FAILED,
    }
)  # fmt: skip
CAME_BACK = frozenset({ShipmentStatus.RETURNED, ShipmentStatus.CANCELLED})
PARCEL_OVER = CAME_BACK | {ShipmentStatus.DELIVERED}
TOLD_OF_PARCEL = {
    ShipmentStatus.DELIVERED: "orders.delivered",
    ShipmentStatus.FAILED: "orders.not_delivered",
    ShipmentStatus.RETURNED: "orders.came_back",
}


def may(status: OrderStatus, waits_for: str = "") -> frozenset[str]:
    """The commands that are possible; validators, pages and waits all ask here."""
    if status in ORDER_OVER or status in OFF:
        return frozenset()
    possible = {"cancel"}
    if status in ADDRESS_OPEN:
        possible.add("change_address")
    if waits_for == "credit_decision":
        possible |= {"approve_credit", "refuse_credit"}
    if waits_for == "installation_again":
        possible.add("install_again")
    if waits_for == "goods":
        possible.add("goods_arrived")
    return frozenset(possible)


def refusal(command: str, status: OrderStatus, waits: Iterable[str]) -> str | None:
    """Why this command is not possible now, as a refusal code; None when it is."""
    if any(command in may(status, one) for one in ("", *waits)):
        return None
    if status in ORDER_OVER:
        return "order_over"
    if status in OFF:
        return "order_being_cancelled"
    return "address_fixed" if command == "change_address" else "order_not_waiting"


def is_news(before: ShipmentStatus | None, now: ShipmentStatus) -> bool:
    """Whether a scan says more than what we know."""
    return before is None or RANK[now] > RANK[before]


def parcel_status(known: ShipmentStatus, scans: Iterable[tuple[datetime, ShipmentStatus]]) -> ShipmentStatus:
    """How a parcel stands after all its scans: an end counts most, then the latest on its way.

    Between scans that are no end the time of the scan decides, not the time of its arrival."""
    seen = sorted(scans, key=lambda scan: (scan[0], RANK[scan[1]]))
    ends = [status for _, status in seen if status in PARCEL_OVER]
    best = max(ends, key=lambda status: RANK[status], default=seen[-1][1] if seen else known)
    if known in PARCEL_OVER:
        return best if RANK[best] > RANK[known] else known
    return best


def priced(quote: Quote) -> tuple[PricedLine, ...]:
    """What the order's invoice asks for once: the quote's own numbers, never computed anew."""
    return tuple(
        PricedLine(
            LineKind.PRODUCT if line.product_id else LineKind.SETUP,
            line.name_ko, line.name_en, line.quantity, line.once_minor, line.net_minor, line.tax_minor,
            line.tax_rule,
        )
        for line in quote.lines
        if line.once_minor
    )  # fmt: skip


def pay_by(placed_at: datetime, hours: int) -> datetime:
    """When an unpaid order cancels itself."""
    return placed_at + timedelta(hours=hours)


def warranty_until(delivered_on: date, months: int) -> date | None:
    """The last day of the warranty: the same day so many months later, or the month's last."""
    if months <= 0:
        return None
    month = delivered_on.month - 1 + months
    year, month = delivered_on.year + month // 12, month % 12 + 1
    after = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, min(delivered_on.day, (after - timedelta(days=1)).day))


def is_contract(line: QuoteLine) -> bool:
    """Whether a line begins a contract: the line that carries its monthly price."""
    return line.plan is not None and line.once_minor == 0
