"""A phone's outbox lines: each kept as evidence, done once, and answered the same when it comes again."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field
from sqlalchemy import delete, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from api.kit.commands import Answer, command
from api.kit.desk import DeskAt
from api.kit.forms import Input
from api.kit.texts import Key, MaybeKey, MaybeLine, MaybeParagraph
from models.catalogue import Part
from models.field_service import ChecklistTick, DeviceAction, PartUse, Visit, VisitOffer
from models.kit.refusals import Refusal
from models.messages.field_service import Accept, Decline, Finish, Outcome, Step, visit_workflow_id

Kind = Literal["accept", "decline", "depart", "arrive", "start", "tick", "part", "sign", "finish", "photo"]
FIRST = frozenset({"accept", "decline"})  # by somebody who may only hold an offer
# Where the phone was: degrees to four places (about ten metres), or why that is not known.
PLACE = r"^(|no_signal|skipped|-?[0-9]{1,2}\.[0-9]{4},-?[0-9]{1,3}\.[0-9]{4})$"
PATH = r"^[MLZQCmlzqc0-9 .,\-]*$"


class Line(Input):
    """One thing that a technician did, at the time of the phone."""

    id: Key
    kind: Kind
    device_at: AwareDatetime
    step: MaybeKey = None
    done: bool = True
    part_id: MaybeKey = None
    quantity: Annotated[int, Field(ge=1, le=99)] = 1
    signature: Annotated[str, Field(max_length=20_000, pattern=PATH)] = ""
    signer: MaybeLine = ""
    absence_reason: MaybeLine = ""
    outcome: Outcome = Outcome.REPAIRED
    labour_minutes: Annotated[int, Field(ge=0, le=1440)] = 0
    note: MaybeParagraph = ""
    position: Annotated[str, Field(pattern=PLACE)] = ""
    reason: MaybeLine = ""


async def take(desk: DeskAt, visit_id: str, line: Line) -> Answer:
    """Do one line once; a refused one is kept as evidence with its code, and refused again when repeated."""
    await _refuse_strangers(desk, visit_id, line.kind)
    earlier = await _keep(desk, visit_id, line)
    if earlier is not None and line.kind in STORED:
        if earlier.outcome == "refused":
            raise Refusal(earlier.refusal)
        return Answer.DONE
    try:
        if line.kind in STORED:
            await _store(desk, visit_id, line)
            return Answer.DONE
        return await _say(desk, visit_id, line)
    except Refusal as refusal:
        await desk.session.rollback()
        await _keep(desk, visit_id, line, refusal.code)
        await desk.commit()
        raise


async def _refuse_strangers(desk: DeskAt, visit_id: str, kind: str) -> None:
    """Somebody else's visit answers like none; an offer is enough to answer the offer."""
    if kind in FIRST:
        offers = desk.visible(VisitOffer).where(col(VisitOffer.visit_id) == visit_id).limit(1)
        if await desk.session.scalar(offers) is not None:
            return
    await desk.one(Visit, visit_id)


async def _keep(desk: DeskAt, visit_id: str, line: Line, refusal: str = "") -> DeviceAction | None:
    """Store the line, or its refusal; the line as it is known already, if it is."""
    technician = desk.person.technician_id or ""
    mine = col(DeviceAction.technician_id) == technician, col(DeviceAction.id) == line.id
    found = await desk.session.scalar(desk.visible(DeviceAction).where(*mine))
    if found is not None and (found.visit_id, found.kind) != (visit_id, line.kind):
        raise Refusal("not_found")
    outcome = "refused" if refusal else "done"
    if found is None:
        row = {
            "id": line.id, "visit_id": visit_id, "technician_id": technician,
            "kind": line.kind, "device_at": line.device_at, "received_at": datetime.now(UTC),
            "outcome": outcome, "refusal": refusal,
        }  # fmt: skip
        await desk.session.execute(insert(DeviceAction).values(row).inline())
    elif refusal:
        await desk.session.execute(update(DeviceAction).where(*mine).values(outcome=outcome, refusal=refusal))
    return found


async def _store(desk: DeskAt, visit_id: str, line: Line) -> None:
    """Write a tick, a part or the signature while the visit is open."""
    visit = await desk.one(Visit, visit_id)
    if visit.is_over:
        raise Refusal("visit_over")
    await STORED[line.kind](desk, visit, line)
    for topic in (f"visit:{visit_id}", f"ticket:{visit.ticket_id}"):
        await desk.session.execute(text("select pg_notify('ieum_live', :topic)"), {"topic": topic})
    await desk.commit()


async def _tick(desk: DeskAt, visit: Visit, line: Line) -> None:
    """Tick a step of the checklist, or take the tick back."""
    if line.step is None:
        raise Refusal("invalid_form")
    if line.done:
        row = {
            "visit_id": visit.id, "code": line.step, "action_id": line.id,
            "done_at": at_most_now(line.device_at),
        }  # fmt: skip
        await desk.session.execute(insert(ChecklistTick).values(row).on_conflict_do_nothing().inline())
        return
    this = (col(ChecklistTick.visit_id) == visit.id, col(ChecklistTick.code) == line.step)
    await desk.session.execute(delete(ChecklistTick).where(*this))


async def _part(desk: DeskAt, visit: Visit, line: Line) -> None:
    """Note a part that was used; taking it back is a line with `done` false."""
    if line.part_id is None or await desk.session.get(Part, line.part_id) is None:
        raise Refusal("invalid_form")
    if not line.done:
        this = (col(PartUse.visit_id) == visit.id, col(PartUse.part_id) == line.part_id)
        await desk.session.execute(delete(PartUse).where(*this))
        return
    row = {
        "visit_id": visit.id, "part_id": line.part_id, "quantity": line.quantity,
        "used_at": at_most_now(line.device_at), "action_id": line.id,
    }  # fmt: skip
    await desk.session.execute(insert(PartUse).values(row).on_conflict_do_nothing().inline())


async def _sign(desk: DeskAt, visit: Visit, line: Line) -> None:
    """Keep the customer's signature, or why there is none."""
    if not line.signature and not line.absence_reason:
        raise Refusal("signature_missing")
    visit.signature, visit.signer = line.signature or None, line.signer
    visit.absence_reason = "" if line.signature else line.absence_reason


async def _photo(_desk: DeskAt, _visit: Visit, _line: Line) -> None:
    """A photo's row is written beside its file; the line alone says nothing more."""


STORED: dict[str, Callable[[DeskAt, Visit, Line], Awaitable[None]]] = {
    "tick": _tick, "part": _part, "sign": _sign, "photo": _photo,
}  # fmt: skip


async def _say(desk: DeskAt, visit_id: str, line: Line) -> Answer:
    """Say a step to the visit; kept for the relay while Temporal is away."""
    said = spoken(desk, line)
    return await command(desk.session, desk.client, visit_workflow_id(visit_id), line.kind, said)


def spoken(desk: DeskAt, line: Line) -> Any:
    """The line as the visit's workflow hears it."""
    technician = desk.person.technician_id or ""
    who: dict[str, Any] = {
        "id": line.id, "actor_id": desk.person.id, "at": line.device_at, "actor_kind": "technician",
        "technician_id": technician,
    }  # fmt: skip
    if line.kind == "accept":
        return Accept(**who)
    if line.kind == "decline":
        return Decline(**who, reason=line.reason)
    if line.kind == "finish":
        return Finish(**who, outcome=line.outcome, labour_minutes=line.labour_minutes, note=line.note)
    return Step(**who, position=line.position)


def at_most_now(moment: datetime) -> datetime:
    """A phone's clock may be ahead; nothing happened in the future."""
    return min(moment, datetime.now(UTC))
