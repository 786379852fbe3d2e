"""What carrier and warehouse tell: believed by its signature, kept once, told to whom it is about."""

import re
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from sqlalchemy import text
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.routes import SYSTEM
from api.kit.webhooks import MAX_BODY, BadWebhook, Verified, verify
from api.orders.routing import router
from models.kit.inbox import is_first
from models.kit.outbox import announce_signal
from models.kit.refusals import Refusal
from models.messages.orders import GoodsArrived, ParcelScanned, ShipmentStatus, order_workflow_id
from models.messages.orders.returns import return_workflow_id
from models.messages.systems import System

PARCEL = re.compile(r"[A-Za-z][A-Za-z0-9_.]{1,58}-[0-9]{1,4}")
OF_AN_ORDER = re.compile(r"O[0-9]{1,18}")
CARRIER = "hanil"
SKU = re.compile(r"[A-Za-z0-9._-]{1,64}")
TOLD = frozenset(ShipmentStatus) - {ShipmentStatus.READY, ShipmentStatus.CANCELLED}


@router.post("/webhooks/carrier", may=SYSTEM, is_forgeable=True, max_body=MAX_BODY)
async def hear(request: Request, desk: Desk) -> Response:
    """A parcel was scanned; whatever is not about a parcel of ours is taken and means nothing."""
    secret = request.app.state.settings.carrier_webhook_secret
    try:
        message = verify(secret, request.headers, await request.body())
    except BadWebhook as bad:
        raise Refusal("not_signed_in") from bad
    if (scan := scan_of(message)) is not None:
        await tell(desk, message, scan)
    return Response(status_code=204)


async def tell(desk: DeskAt, message: Verified, scan: ParcelScanned) -> None:
    """Keep the message once, and tell the order or the return."""
    at = datetime.now(UTC)
    body = {"type": "PARCEL_SCANNED", "shipment_id": scan.shipment_id, "status": scan.status.value}
    if await is_first(desk.session, System.CARRIER, message.id, at=at, body=body):
        case = scan.shipment_id.rsplit("-", 1)[0]
        is_order = OF_AN_ORDER.fullmatch(case) is not None
        life = order_workflow_id(case) if is_order else return_workflow_id(case)
        await announce_signal(desk.session, life, "parcel_scanned", scan, key=f"scan:{message.id}")
    await desk.commit()


@router.post("/webhooks/stock", may=SYSTEM, is_forgeable=True, max_body=MAX_BODY)
async def hear_of_goods(request: Request, desk: Desk) -> Response:
    """Goods have arrived at the warehouse: every order that waits for them asks at once."""
    secret = request.app.state.settings.stock_webhook_secret
    try:
        message = verify(secret, request.headers, await request.body())
    except BadWebhook as bad:
        raise Refusal("not_signed_in") from bad
    data: Any = message.body.get("data")
    sku = data.get("sku") if isinstance(data, dict) else None
    if message.body.get("type") == "GOODS_ARRIVED" and isinstance(sku, str) and SKU.fullmatch(sku):
        at = datetime.now(UTC)
        body = {"type": "GOODS_ARRIVED", "sku": sku}
        if await is_first(desk.session, System.STOCK, message.id, at=at, body=body):
            await desk.session.execute(text("select set_config('ieum.kind', 'system', true)"))
            short = await desk.session.scalars(text("select orders_short_of(:sku)"), {"sku": sku})
            for order in short.all():
                life, key = order_workflow_id(str(order)), f"goods:{message.id}"
                await announce_signal(desk.session, life, "goods_arrived", GoodsArrived(at), key=key)
        await desk.commit()
    return Response(status_code=204)


def scan_of(message: Verified) -> ParcelScanned | None:
    """A scan that can be true, or nothing."""
    data: Any = message.body.get("data")
    if message.body.get("type") != "PARCEL_SCANNED" or not isinstance(data, dict):
        return None
    parcel, status, at = data.get("reference"), data.get("status"), data.get("at")
    if not isinstance(parcel, str) or not PARCEL.fullmatch(parcel) or status not in TOLD:
        return None
    if not isinstance(at, int | float) or isinstance(at, bool) or not 0 < at < 2**33:
        return None
    place = data.get("place")
    named = place[:80] if isinstance(place, str) and place.isprintable() else ""
    moment = datetime.fromtimestamp(at, UTC)
    return ParcelScanned(parcel, CARRIER, message.id, ShipmentStatus(str(status)), moment, named)
