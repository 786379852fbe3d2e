"""What people do with an order: call it off, change the address, decide a credit, try again."""

from datetime import UTC, datetime
from typing import Literal

from fastapi import Request
from sqlalchemy.dialects.postgresql import insert
from starlette.responses import Response

from api.kit.commands import Answer, command
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.people import Kind
from api.kit.rendering import move_on
from api.kit.routes import AGENTS, CUSTOMERS, FINANCE
from api.kit.texts import Key, Line, MaybeLine, Name, Phone
from api.orders.routing import router
from api.orders.show import shown
from models.kit.outbox import announce_signal
from models.kit.refusals import Refusal
from models.messages.orders import ChangeAddress, GoodsArrived, OrderCommand, order_workflow_id
from models.orders import Order, OrderAddress
from models.rules import orders as rules
from models.rules.field_service import region_of


class Ending(Input):
    """Why the order is called off."""

    command_id: Key
    reason: MaybeLine = ""


class Moving(Input):
    """Where the goods go instead."""

    command_id: Key
    ship_name: Name
    ship_phone: Phone
    ship_postcode: MaybeLine = ""
    ship_address: Line


class Deciding(Input):
    """A person's word on the grey zone."""

    command_id: Key
    decision: Literal["approve", "refuse"]
    reason: MaybeLine = ""


class Pressing(Input):
    """One press of a button."""

    command_id: Key


@router.post("/orders/{order_id}/cancellation", may=CUSTOMERS | AGENTS, row="order")
async def cancel(
    request: Request, desk: Desk, order_id: Key, sent: Typed[Ending] = typed(Ending)
) -> Response:
    """Call the order off; everything that was done is undone."""
    return await end(request, desk, order_id, f"/orders/{order_id}", sent)


@router.post("/orders/{order_id}/address", may=CUSTOMERS | AGENTS, row="order")
async def change_address(
    request: Request, desk: Desk, order_id: Key, sent: Typed[Moving] = typed(Moving)
) -> Response:
    """Send the goods elsewhere, while no parcel is collected."""
    return await move(request, desk, order_id, f"/orders/{order_id}", sent)


@router.post("/orders/{order_id}/credit", may=AGENTS | FINANCE, row="order")
async def decide_credit(
    request: Request, desk: Desk, order_id: Key, sent: Typed[Deciding] = typed(Deciding)
) -> Response:
    """A person decides the grey zone."""
    order = await desk.one(Order, order_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    given = sent.value
    return await said(
        request,
        desk,
        order,
        f"{given.decision}_credit",
        given.command_id,
        f"/orders/{order_id}",
        given.reason,
    )


@router.post("/orders/{order_id}/installation", may=AGENTS, row="order")
async def install_again(
    request: Request, desk: Desk, order_id: Key, sent: Typed[Pressing] = typed(Pressing)
) -> Response:
    """Have an installation that did not take place arranged again."""
    order = await desk.one(Order, order_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    return await said(request, desk, order, "install_again", sent.value.command_id, f"/orders/{order_id}")


@router.post("/orders/{order_id}/goods", may=AGENTS, row="order")
async def goods_arrived(
    request: Request, desk: Desk, order_id: Key, sent: Typed[Pressing] = typed(Pressing)
) -> Response:
    """The warehouse has goods again: ask it now instead of tomorrow."""
    order = await desk.one(Order, order_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    fact = GoodsArrived(datetime.now(UTC))
    key = f"goods:{sent.value.command_id}"
    await announce_signal(desk.session, order_workflow_id(order.id), "goods_arrived", fact, key=key)
    await desk.commit()
    return move_on(request, f"/orders/{order.id}", data={"status": Answer.ACCEPTED.value})


async def end(request: Request, desk: DeskAt, order_id: str, base: str, sent: Typed[Ending]) -> Response:
    """Call an order off, from whichever page."""
    order = await desk.one(Order, order_id)
    if sent.value is None:
        return await shown(request, desk, order_id, base=base, form=sent.form, status=422)
    return await said(request, desk, order, "cancel", sent.value.command_id, base, sent.value.reason)


async def move(request: Request, desk: DeskAt, order_id: str, base: str, sent: Typed[Moving]) -> Response:
    """Store the new address as a row, then say that there is one."""
    order = await desk.one(Order, order_id)
    if sent.value is None:
        return await shown(request, desk, order_id, base=base, form=sent.form, status=422)
    given, now = sent.value, datetime.now(UTC)
    refuse_impossible(order, "change_address")
    address = f"adr_{given.command_id}"
    region = region_of(given.ship_postcode, given.ship_address, order.ship_region)
    row = {
        "id": address, "order_id": order.id, "ship_name": given.ship_name,
        "ship_phone": given.ship_phone, "ship_postcode": given.ship_postcode,
        "ship_address": given.ship_address, "ship_region": region, "created_at": now,
    }  # fmt: skip
    await desk.session.execute(insert(OrderAddress).values(row).on_conflict_do_nothing().inline())
    order_to = ChangeAddress(given.command_id, desk.person.id, now, actor_kind(desk), address)
    answered = await command(
        desk.session, desk.client, order_workflow_id(order.id), "change_address", order_to
    )
    return move_on(request, base, data={"status": answered.value})


async def said(
    request: Request, desk: DeskAt, order: Order, name: str, id: str, base: str, reason: str = ""
) -> Response:
    """Say a command to the order's life and go back to its page."""
    given = OrderCommand(id, desk.person.id, datetime.now(UTC), actor_kind(desk), reason)
    answered = await command(desk.session, desk.client, order_workflow_id(order.id), name, given)
    return move_on(request, base, data={"status": answered.value})


def actor_kind(desk: DeskAt) -> str:
    """Who speaks, as the timeline says it."""
    return "staff" if desk.person.kind is Kind.STAFF else "customer"


def refuse_impossible(order: Order, name: str) -> None:
    """Refuse what the row already rules out; the workflow has the last word."""
    if code := rules.refusal(name, order.status, ()):
        raise Refusal(code)
