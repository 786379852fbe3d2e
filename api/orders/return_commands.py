"""What people do with a return: call it off, decide, receive, inspect, look for what was lost."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Request
from pydantic import AfterValidator, Field
from starlette.responses import Response

from api.kit.commands import command
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.people import Kind
from api.kit.rendering import move_on
from api.kit.routes import AGENTS, CUSTOMERS
from api.kit.texts import Key, MaybeLine
from api.orders.returns import FOUND, RETURN, return_shown
from api.orders.routing import router
from models.kit.refusals import Refusal
from models.messages.orders.returns import (
    Condition,
    Found,
    InspectReturn,
    ReturnCommand,
    return_workflow_id,
)
from models.orders import Return


def _finding(value: str) -> str:
    position, _colon, condition = value.partition(":")
    if not (position.isascii() and position.isdigit() and len(position) <= 4) or condition not in set(FOUND):
        raise ValueError(value)
    return value


Finding = Annotated[str, AfterValidator(_finding), Field(max_length=20)]


class CallingOff(Input):
    """The goods stay after all."""

    command_id: Key


class Agreeing(Input):
    """A person's word on a return out of the window."""

    command_id: Key
    decision: Literal["agree", "refuse"]
    reason: MaybeLine = ""


class Stepping(Input):
    """What the desk found out: the goods are here, they are lost, somebody shall come again."""

    command_id: Key
    said: Literal["receive", "give_up", "fetch_again"]


class Inspecting(Input):
    """What came back: `found` says "2:damaged", the second line is damaged."""

    command_id: Key
    found: list[Finding] = Field(max_length=100)


@router.post("/orders/returns/{return_id}/cancellation", may=CUSTOMERS | AGENTS, row="return")
async def call_off(
    request: Request, desk: Desk, return_id: Key, sent: Typed[CallingOff] = typed(CallingOff)
) -> Response:
    """Keep the goods after all."""
    return await end(request, desk, return_id, f"/orders/returns/{return_id}", sent)


@router.post("/links/{token}/return/cancellation", may=RETURN)
async def call_off_by_link(
    request: Request, desk: Desk, token: str, sent: Typed[CallingOff] = typed(CallingOff)
) -> Response:
    """The same without signing in."""
    return await end(request, desk, str(desk.person.subject), f"/links/{token}/return", sent)


@router.post("/orders/returns/{return_id}/decision", may=AGENTS, row="return")
async def decide(
    request: Request, desk: Desk, return_id: Key, sent: Typed[Agreeing] = typed(Agreeing)
) -> Response:
    """Agree out of the window, or say why not."""
    if sent.value is None:
        return await return_shown(request, desk, return_id, form=sent.form, status=422)
    given = sent.value
    if given.decision == "refuse" and not given.reason:
        form = sent.wrong("reason", _("Please say why, the customer reads it."))
        return await return_shown(request, desk, return_id, form=form, status=422)
    return await said(request, desk, return_id, given.decision, given.command_id, given.reason)


@router.post("/orders/returns/{return_id}/arrival", may=AGENTS, row="return")
async def step(
    request: Request, desk: Desk, return_id: Key, sent: Typed[Stepping] = typed(Stepping)
) -> Response:
    """Say where the goods are, whatever the carrier says."""
    if sent.value is None:
        raise Refusal("invalid_form")
    return await said(request, desk, return_id, sent.value.said, sent.value.command_id)


@router.post("/orders/returns/{return_id}/inspection", may=AGENTS, row="return")
async def inspect(
    request: Request, desk: Desk, return_id: Key, sent: Typed[Inspecting] = typed(Inspecting)
) -> Response:
    """Say how each line was found; what it costs follows from the policy that was shown."""
    back = await desk.one(Return, return_id)
    if sent.value is None:
        return await return_shown(request, desk, return_id, form=sent.form, status=422)
    pairs = (one.split(":") for one in sent.value.found)
    found = tuple(Found(int(position), Condition(condition)) for position, condition in pairs)
    order = InspectReturn(sent.value.command_id, desk.person.id, datetime.now(UTC), "staff", found)
    answered = await command(desk.session, desk.client, return_workflow_id(back.id), "inspect", order)
    return move_on(request, f"/orders/returns/{back.id}", data={"status": answered.value})


async def end(request: Request, desk: DeskAt, return_id: str, base: str, sent: Typed[CallingOff]) -> Response:
    """Call a return off, from whichever page."""
    await desk.one(Return, return_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    return await said(request, desk, return_id, "call_off", sent.value.command_id, base=base)


async def said(
    request: Request, desk: DeskAt, return_id: str, name: str, id: str, reason: str = "", base: str = ""
) -> Response:
    """Say a command to the return's life and go back to its page."""
    back = await desk.one(Return, return_id)
    kind = "staff" if desk.person.kind is Kind.STAFF else "customer"
    given = ReturnCommand(id, desk.person.id, datetime.now(UTC), kind, reason)
    answered = await command(desk.session, desk.client, return_workflow_id(back.id), name, given)
    return move_on(request, base or f"/orders/returns/{back.id}", data={"status": answered.value})
