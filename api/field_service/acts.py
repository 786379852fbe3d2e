"""What technicians do on their phones, line by line, and what the desk does to a visit."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import AwareDatetime, Field, ValidationError
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from api.field_service.lines import Line, at_most_now, take
from api.field_service.routing import router
from api.field_service.slots import slots_of
from api.kit.commands import Answer, command
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import move_on
from api.kit.routes import AGENTS, TECHNICIANS
from api.kit.seeing import may_see
from api.kit.texts import Key, MaybeKey, MaybeLine
from api.tickets.files import MOST_BODY, stored
from api.tickets.hands import working
from models.field_service import Visit
from models.kit.ids import fresh
from models.kit.pictures import MOST_BYTES, MOST_OF_TICKET, drawn_anew, plain_name
from models.kit.refusals import Refusal
from models.messages.field_service import CallOff, ChooseSlot, Redispatch, visit_workflow_id
from models.tickets import Attachment

LONGEST_EDGE = 1600
NOUNS = {
    "acceptance": "accept", "refusal": "decline", "departure": "depart", "arrival": "arrive",
    "start": "start", "ticks": "tick", "parts": "part", "signature": "sign", "completion": "finish",
}  # fmt: skip


class Shot(Input):
    """Which photo it is; the file itself comes beside it."""

    slot: Literal["before", "after"]
    request_key: MaybeKey = None


class Lines(Input):
    """What a phone kept while it had no connection, in the order in which it happened."""

    lines: Annotated[list[Line], Field(max_length=200)]


def _act(kind: str) -> Callable[..., Awaitable[Response]]:
    """The handler of one kind of line that comes as a form of its own."""

    async def handle(request: Request, desk: Desk, visit_id: Key) -> Response:
        said = Answer.DONE
        for line in await read(request, kind):
            said = await take(desk, visit_id, line)
        return done(request, visit_id, said)

    handle.__doc__ = f"One line of a phone: {kind}."
    return handle


for noun, kind in NOUNS.items():
    router.post(f"/field-service/visits/{{visit_id}}/{noun}", may=TECHNICIANS, row="visit", reads=Line)(
        _act(kind)
    )


async def read(request: Request, kind: str) -> list[Line]:
    """A form as lines, with the phone's own id and time in its headers; several ticked steps are several."""
    form = await request.form()
    said = {
        name: value for name, value in form.items() if isinstance(value, str) and value and name[0] != "_"
    }
    typed_key = said.pop("request_key", "")
    said["id"] = request.headers.get("idempotency-key") or typed_key or fresh("act")
    said["device_at"] = request.headers.get("x-device-time") or datetime.now(UTC).isoformat()
    said["kind"] = kind
    steps = [step for step in form.getlist("step") if isinstance(step, str)]
    several = [said | {"id": f"{said['id']}.{step}", "step": step} for step in steps]
    try:
        return [Line.model_validate(one) for one in (several if len(steps) > 1 else [said])]
    except ValidationError as error:
        raise Refusal("invalid_form") from error


@router.post("/field-service/visits/{visit_id}/actions", may=TECHNICIANS, row="visit")
async def take_all(
    request: Request, desk: Desk, visit_id: Key, sent: Typed[Lines] = typed(Lines)
) -> Response:
    """Several lines at once, strictly in order; each has its own answer, and a refused one stops nothing."""
    if sent.value is None:
        raise Refusal("invalid_form")
    answers = []
    for line in sent.value.lines:
        try:
            answers.append({"id": line.id, "answer": (await take(desk, visit_id, line)).value, "refusal": ""})
        except Refusal as refusal:
            if refusal.code == "not_found":
                raise
            answers.append({"id": line.id, "answer": "refused", "refusal": refusal.code})
    return JSONResponse({"answers": answers})


@router.post("/field-service/visits/{visit_id}/photos", may=TECHNICIANS, row="visit", max_body=MOST_BODY)
async def take_photo(
    request: Request, desk: Desk, visit_id: Key, sent: Typed[Shot] = typed(Shot)
) -> Response:
    """One photo, before or after the work: drawn anew without what the camera knew, under a random name."""
    uploads = sent.files.get("photo", [])
    if sent.value is None or len(uploads) != 1:
        raise Refusal("invalid_form")
    upload, slot = uploads[0], sent.value.slot
    key = request.headers.get("idempotency-key") or sent.value.request_key or fresh("act")
    at = request.headers.get("x-device-time") or datetime.now(UTC).isoformat()
    try:
        line = Line.model_validate({"id": key, "kind": "photo", "device_at": at})
    except ValidationError as error:
        raise Refusal("invalid_form") from error
    visit = await desk.one(Visit, visit_id)
    mine = desk.visible(Attachment).where(
        col(Attachment.visit_id) == visit_id, col(Attachment.action_id) == line.id
    )
    if not visit.is_over and await desk.session.scalar(mine) is None:
        await _keep_photo(request, desk, visit, line, upload, slot)
    return done(request, visit_id, await take(desk, visit_id, line))


async def _keep_photo(
    request: Request, desk: DeskAt, visit: Visit, line: Line, upload: UploadFile, slot: str
) -> None:
    """Write the file first and its row after; a file without a row is never served."""
    of_ticket = select(func.count()).where(may_see(desk.person, Attachment))
    kept = await desk.session.scalar(of_ticket.where(col(Attachment.ticket_id) == visit.ticket_id))
    if (kept or 0) >= MOST_OF_TICKET:
        raise Refusal("too_many_files")
    data = await upload.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Refusal("file_too_large")
    shot = await run_in_threadpool(drawn_anew, data, plain_name(upload.filename), LONGEST_EDGE)
    row = {
        "id": fresh("att"), "ticket_id": visit.ticket_id, "visit_id": visit.id, "slot": slot,
        "name": shot.name, "media_type": shot.media_type, "size": len(shot.data), "sha256": shot.sha256,
        "stored_as": await stored(request.app.state.settings.files_dir, shot),
        "taken_at": at_most_now(line.device_at), "created_at": datetime.now(UTC), "action_id": line.id,
    }  # fmt: skip
    await desk.session.execute(insert(Attachment).values(row).on_conflict_do_nothing().inline())


class Chosen(Input):
    """The time that the desk chose for the customer."""

    command_id: Key
    starts_at: AwareDatetime


class SentAgain(Input):
    """The search begins again, with this technician first if one is named."""

    command_id: Key
    technician_id: MaybeKey = None


class Ended(Input):
    """Why the visit is called off."""

    command_id: Key
    reason: MaybeLine = ""


@router.post("/field-service/visits/{visit_id}/slot", may=AGENTS, row="visit")
async def choose(
    request: Request, desk: Desk, visit_id: Key, sent: Typed[Chosen] = typed(Chosen)
) -> Response:
    """The desk chooses or moves the time for the customer."""
    if sent.value is None:
        raise Refusal("invalid_form")
    visit = await desk.one(Visit, visit_id)
    order = await chosen(desk, visit, sent.value.command_id, sent.value.starts_at, "staff")
    return done(request, visit_id, await say(desk, visit_id, "choose_slot", order))


@router.post("/field-service/visits/{visit_id}/dispatch", may=AGENTS, row="visit")
async def search_again(
    request: Request, desk: Desk, visit_id: Key, sent: Typed[SentAgain] = typed(SentAgain)
) -> Response:
    """The desk answers "nobody is left"."""
    await desk.one(Visit, visit_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    await working(desk, sent.value.technician_id)
    order = Redispatch(
        sent.value.command_id, desk.person.id, datetime.now(UTC), technician_id=sent.value.technician_id
    )
    return done(request, visit_id, await say(desk, visit_id, "redispatch", order))


@router.post("/field-service/visits/{visit_id}/cancellation", may=AGENTS, row="visit")
async def call_off(
    request: Request, desk: Desk, visit_id: Key, sent: Typed[Ended] = typed(Ended)
) -> Response:
    """The desk calls the visit off."""
    await desk.one(Visit, visit_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    order = CallOff(sent.value.command_id, desk.person.id, datetime.now(UTC), reason=sent.value.reason)
    return done(request, visit_id, await say(desk, visit_id, "call_off", order))


async def chosen(desk: DeskAt, visit: Visit, key: str, starts_at: datetime, kind: str) -> ChooseSlot:
    """A choice as the visit hears it; a time that is not offered (any more) is refused here already."""
    slots = {slot.starts_at: slot for slot in await slots_of(desk, visit)}
    slot = slots.get(starts_at)
    if slot is None:
        raise Refusal("slot_taken")
    now = datetime.now(UTC)
    return ChooseSlot(
        key,
        desk.person.id,
        now,
        kind,
        starts_at=slot.starts_at.astimezone(UTC),
        ends_at=slot.ends_at.astimezone(UTC),
    )


async def say(desk: DeskAt, visit_id: str, update: str, order: Any) -> Answer:
    """Say somebody's command to the visit; kept for the relay while Temporal is away."""
    return await command(desk.session, desk.client, visit_workflow_id(visit_id), update, order)


def done(request: Request, visit_id: str, said: Answer) -> Response:
    """Back to the visit's page; JSON says whether it is done or only accepted."""
    status = 200 if said is Answer.DONE else 202
    return move_on(request, f"/field-service/visits/{visit_id}", data={"status": said.value}, status=status)
