"""Doors for texts, calls and devices: proved first, then kept once, then told on."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import JSONResponse, Response

from api.channels.routing import router
from api.kit import texts, throttles
from api.kit.desk import Desk, DeskAt
from api.kit.routes import SYSTEM
from api.kit.webhooks import MAX_BODY, BadWebhook, Verified, verify
from api.tickets.birth import is_new, tell_live
from models.channels import ChannelEvent, PhoneCall
from models.kit import ids
from models.kit.outbox import announce_signal, announce_start
from models.kit.refusals import Refusal
from models.messages.channels import (
    Alarmed,
    CallFacts,
    CallOrder,
    Door,
    EventStatus,
    FaultOrder,
    TextOrder,
    call_workflow_id,
    fault_workflow_id,
    text_workflow_id,
)
from models.rules import channels as rules

MOST_TEXT, MOST_READINGS = 2_000, 500
MAX_BATCH = 200_000
TOO_OLD, TOO_NEW = timedelta(days=7), timedelta(minutes=5)
FACTS = {"call.ring": "rung_at", "call.answered": "answered_at", "call.ended": "ended_at"}


class Outside(BaseModel):
    """What comes from outside: fields that we do not know are left alone, types are not guessed."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


T = TypeVar("T", bound=Outside)


class Text(Outside):
    """A text as the carrier tells it."""

    sender: str = Field(alias="from", min_length=1, max_length=32)
    text: str = Field(max_length=MOST_TEXT)
    sender_verified: bool = False


class Call(Outside):
    """An event of a call as the telephone system tells it."""

    call_id: str = Field(min_length=1, max_length=128)
    caller: str = Field(default="", alias="from", max_length=32)
    extension: str = Field(default="", alias="to", max_length=32)
    at: float = Field(gt=0, lt=2**33)
    recording: str = Field(default="", max_length=300)


class Reading(Outside):
    """One thing that a device says about one of its faults."""

    serial: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")
    fault: str = Field(min_length=1, max_length=32, pattern=r"^[a-z0-9_]+$")
    state: str = Field(pattern="^(alarm|ok)$")
    at: float = Field(gt=0, lt=2**33)
    reading: str = Field(default="", max_length=200)


class Batch(Outside):
    """What one device, or a gateway, says at once."""

    id: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")
    readings: list[Any] = Field(min_length=1, max_length=MOST_READINGS)


@router.post("/webhooks/sms", may=SYSTEM, is_forgeable=True, max_body=MAX_BODY)
async def hear_text(request: Request, desk: Desk) -> Response:
    """A text came in: kept once, then its own life puts it where it belongs."""
    message = await proved(request, desk, Door.SMS, request.app.state.settings.sms_webhook_secret)
    if message.body.get("type") != "sms.received":
        return Response(status_code=204)
    told = read(Text, message.body.get("data"))
    if told is None:
        return await refused(desk, Door.SMS, "unreadable")
    event = event_of(Door.SMS, message.id, number_of(told.sender), readable(told.text))
    event["is_verified"] = told.sender_verified
    if await is_new(desk, ChannelEvent, event):
        order = TextOrder(str(event["id"]))
        life = text_workflow_id(order.event_id)
        await announce_start(desk.session, "InboundText", life, order, summary="A text that came in")
    await desk.commit()
    return Response(status_code=204)


@router.post("/webhooks/telephony", may=SYSTEM, is_forgeable=True, max_body=MAX_BODY)
async def hear_call(request: Request, desk: Desk) -> Response:
    """Something happened to a call: its first event begins its life and shows it to whoever is called."""
    message = await proved(request, desk, Door.CALL, request.app.state.settings.telephony_webhook_secret)
    fact = FACTS.get(str(message.body.get("type")))
    if fact is None:
        return Response(status_code=204)
    told = read(Call, message.body.get("data"))
    if told is None:
        return await refused(desk, Door.CALL, "unreadable")
    moment = datetime.fromtimestamp(told.at, UTC)
    if not is_near(moment):
        return await refused(desk, Door.CALL, "bad_time")
    event = event_of(Door.CALL, message.id, number_of(told.caller), f"{message.body['type']} {told.at}")
    if await is_new(desk, ChannelEvent, {**event, "status": EventStatus.PLACED, "reason": "call"}):
        facts = CallFacts(**{fact: moment}, recording=readable(told.recording))
        await note_call(desk, message.id, told, facts)
    await desk.commit()
    return Response(status_code=204)


async def note_call(desk: DeskAt, message_id: str, told: Call, facts: CallFacts) -> None:
    """The first event stores the call and tells the called one's pages at once; later ones tell its life."""
    call_id = f"call_{hashlib.sha256(told.call_id.encode()).hexdigest()[:16]}"
    caller, extension = number_of(told.caller), readable(told.extension)
    parties = text("select account_id, customer_id from call_parties(:extension, :phone)")
    account, customer = (await desk.session.execute(parties, {"extension": extension, "phone": caller})).one()
    row = {
        "id": call_id, "external_id": readable(told.call_id), "caller": caller, "extension": extension,
        "account_id": account, "customer_id": customer, "status": rules.status_of(facts),
        "received_at": datetime.now(UTC), "rung_at": facts.rung_at, "answered_at": facts.answered_at,
        "ended_at": facts.ended_at, "recording": facts.recording, "seq": 0,
    }  # fmt: skip
    life = call_workflow_id(call_id)
    if await is_new(desk, PhoneCall, row):
        order = CallOrder(call_id, facts)
        await announce_start(desk.session, "PhoneCall", life, order, summary="A telephone call")
    else:
        await announce_signal(desk.session, life, "heard", facts, key=f"call:{message_id}")
    if account:
        await tell_live(desk, f"line:{account}")


@router.post("/webhooks/devices", may=SYSTEM, is_forgeable=True, max_body=MAX_BATCH)
async def hear_devices(request: Request, desk: Desk) -> Response:
    """Telemetry with a device key: a flood becomes minutes, and only news wakes a life."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    hashed = hashlib.sha256(token.strip().encode()).hexdigest() if scheme.lower() == "bearer" else ""
    await be_system(desk)
    found = (
        await desk.session.execute(text("select id, serial from device_key_of(:hash)"), {"hash": hashed})
    ).one_or_none()
    if found is None:
        await refused(desk, Door.DEVICE, "unknown_key")
        raise Refusal("not_signed_in")
    await desk.commit()
    await slowed(request, desk, found.id)
    batch = read(Batch, await json_of(request))
    if batch is None:
        await be_system(desk)
        await refused(desk, Door.DEVICE, "unreadable")
        raise Refusal("invalid_form")
    taken, counts = sifted(batch.readings, found.serial)
    await be_system(desk)
    for reason, times in counts.items():
        if times:
            await count_refusal(desk, Door.DEVICE, reason)
    if taken:
        await tell_devices(desk, found.id, batch.id, taken)
    await desk.commit()
    return JSONResponse({"taken": len(taken), "refused": {name: n for name, n in counts.items() if n}}, 202)


async def slowed(request: Request, desk: DeskAt, key_id: str) -> None:
    """A key that sends more than anybody can use waits."""
    state = request.app.state
    try:
        async with AsyncSession(state.engine) as session:
            await throttles.count(session, state.limits.measuring(key_id))
    except Refusal:
        await be_system(desk)
        await refused(desk, Door.DEVICE, "too_many")
        raise


def sifted(readings: list[Any], serial: str) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """What can be believed of a batch, and how much of the rest was refused for what."""
    taken: list[dict[str, Any]] = []
    counts = {"unreadable": 0, "foreign_serial": 0, "bad_time": 0}
    for one in readings:
        told = read(Reading, one)
        if told is None:
            counts["unreadable"] += 1
        elif serial and told.serial.upper() != serial.upper():
            counts["foreign_serial"] += 1
        elif not is_near(moment := datetime.fromtimestamp(told.at, UTC)):
            counts["bad_time"] += 1
        else:
            taken.append(
                {
                    "serial": told.serial, "fault": told.fault, "is_alarm": told.state == "alarm",
                    "at": moment.isoformat(), "reading": readable(told.reading),
                }
            )  # fmt: skip
    return taken, counts


async def tell_devices(desk: DeskAt, key_id: str, batch: str, taken: list[dict[str, Any]]) -> None:
    """Hand a batch to the database, and begin a watch over each fault that is new."""
    told = text("select fault_id, is_new from devices_heard(:key, :batch, cast(:told as jsonb))")
    given = {"key": key_id, "batch": batch, "told": json.dumps(taken)}
    now = datetime.now(UTC)
    for fault_id, is_first in (await desk.session.execute(told, given)).all():
        life = fault_workflow_id(str(fault_id))
        if is_first:
            order = FaultOrder(str(fault_id))
            await announce_start(desk.session, "DeviceFault", life, order, summary="An alarm of a device")
        else:  # once a minute, however many come
            key = f"alarmed:{fault_id}:{now:%Y%m%d%H%M}"
            await announce_signal(desk.session, life, "alarmed", Alarmed(now), key=key)


async def json_of(request: Request) -> Any:
    """The body as an object, or nothing."""
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError):
        return None


async def be_system(desk: DeskAt) -> None:
    """Be an outside system whose word was proved, until the next commit."""
    await desk.session.execute(text("select set_config('ieum.kind', 'system', true)"))


async def proved(request: Request, desk: DeskAt, door: Door, secret: str) -> Verified:
    """The message, when its signature fits; else it is counted and refused without a reason."""
    body = await request.body()
    await be_system(desk)
    try:
        return verify(secret, request.headers, body)
    except BadWebhook as bad:
        await refused(desk, door, "signature")
        raise Refusal("not_signed_in") from bad


async def count_refusal(desk: DeskAt, door: Door, reason: str) -> None:
    """Count, by hour; nothing of what came is kept."""
    counted = text("select channel_refused(:door, :why)")
    await desk.session.execute(counted, {"door": door.value, "why": reason})


async def refused(desk: DeskAt, door: Door, reason: str) -> Response:
    """Count what is not taken; sent again it would not become better."""
    await count_refusal(desk, door, reason)
    await desk.commit()
    return Response(status_code=204)


def read(model: type[T], data: Any) -> T | None:
    """What was told, when it has the right shape."""
    try:
        return model.model_validate(data)
    except (ValidationError, RecursionError):
        return None


def event_of(door: Door, external_id: str, sender: str, original: str) -> dict[str, Any]:
    """One thing that came in, as it is kept."""
    now = datetime.now(UTC)
    return {
        "id": ids.fresh("chn"), "door": door, "external_id": external_id, "received_at": now, "last_at": now,
        "times": 1, "status": EventStatus.RECEIVED, "reason": "", "sender": sender, "is_verified": False,
        "original": original,
    }  # fmt: skip


def number_of(given: str) -> str:
    """A telephone number as E.164; a name in its place stays what it is, and finds nobody."""
    try:
        return texts.phone(given)
    except ValueError:
        return readable(given)


def readable(given: str) -> str:
    """What can be stored and shown: signs that do something instead of saying something are replaced."""
    kept = (one if one in "\n\t" or one.isprintable() else "\ufffd" for one in given)
    return "".join(kept).strip()


def is_near(moment: datetime) -> bool:
    """Whether it can have happened lately."""
    now = datetime.now(UTC)
    return now - TOO_OLD <= moment <= now + TOO_NEW
