"""What a customer does about a visit without signing in: choose or move its time, call it off, follow it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from fastapi import Request
from pydantic import AwareDatetime
from starlette.responses import Response

from api.field_service.acts import chosen, say
from api.field_service.routing import router
from api.field_service.slots import slots_of
from api.kit.commands import Answer
from api.kit.desk import Desk, DeskAt
from api.kit.formats import clock, in_seoul
from api.kit.forms import Input, Typed, typed
from api.kit.labels import label_text
from api.kit.rendering import answer, move_on
from api.kit.routes import by_link
from api.kit.texts import Key, MaybeLine
from models.field_service import Technician, Visit
from models.kit.refusals import Refusal
from models.messages.field_service import CallOff, VisitStatus
from models.messages.staff import LinkPurpose
from models.rules.field_service import Slot, may

SLOT, TRACK = by_link(LinkPurpose.SLOT), by_link(LinkPurpose.TRACK)
STATIONS = (
    VisitStatus.SCHEDULED, VisitStatus.TRAVELLING, VisitStatus.ARRIVED, VisitStatus.WORKING,
    VisitStatus.COMPLETED,
)  # fmt: skip
ICONS = ("calendar-check", "truck", "map-pin", "wrench", "circle-check")


class Picked(Input):
    """The time that the customer picked."""

    command_id: Key
    starts_at: AwareDatetime


class Gone(Input):
    """The customer calls the visit off."""

    command_id: Key
    reason: MaybeLine = ""


@dataclass(frozen=True)
class SlotsPage:
    """The times to choose from, by day."""

    base: str
    id: str
    status: VisitStatus
    starts_at: datetime | None
    ends_at: datetime | None
    technician: str
    days: tuple[tuple[datetime, tuple[Slot, ...]], ...]
    may_choose: bool
    may_call_off: bool


@dataclass(frozen=True)
class Step:
    """One station of a visit, as the customer sees it."""

    name: str
    state: str  # done, now or next
    icon: str
    at: str
    sub: str = ""


@dataclass(frozen=True)
class TrackPage:
    """Where the technician is on the way, as far as we know."""

    id: str
    status: VisitStatus
    technician: str
    starts_at: datetime | None
    ends_at: datetime | None
    steps: tuple[Step, ...]


@router.get("/links/{token}/slot", may=SLOT)
async def show_slots(request: Request, desk: Desk, token: Key) -> Response:
    """The free times of the technician who comes."""
    return answer(request, "field_service/slots.html", await slots_page(desk, token))


@router.post("/links/{token}/slot", may=SLOT)
async def pick(request: Request, desk: Desk, token: Key, sent: Typed[Picked] = typed(Picked)) -> Response:
    """The customer chooses a time, or moves it."""
    if sent.value is None:
        raise Refusal("invalid_form")
    visit = await linked(desk)
    order = await chosen(desk, visit, sent.value.command_id, sent.value.starts_at, "customer")
    said = await say(desk, visit.id, "choose_slot", order)
    return back(request, f"/links/{token}/slot", said)


@router.post("/links/{token}/slot/cancellation", may=SLOT)
async def call_off(request: Request, desk: Desk, token: Key, sent: Typed[Gone] = typed(Gone)) -> Response:
    """The customer calls the visit off."""
    if sent.value is None:
        raise Refusal("invalid_form")
    visit = await linked(desk)
    order = CallOff(
        sent.value.command_id, desk.person.id, datetime.now(UTC), "customer", reason=sent.value.reason
    )
    return back(request, f"/links/{token}/slot", await say(desk, visit.id, "call_off", order))


@router.get("/links/{token}/track", may=TRACK)
async def track(request: Request, desk: Desk, token: Key) -> Response:
    """Where the technician is."""
    visit = await linked(desk)
    page = TrackPage(
        visit.id, visit.status, await name_of(desk, visit), visit.starts_at, visit.ends_at, steps_of(visit)
    )
    return answer(request, "field_service/track.html", page)


def steps_of(visit: Visit) -> tuple[Step, ...]:
    """The stations in their order; a visit that ended otherwise stops at the last one it reached."""
    reached = STATIONS.index(visit.status) if visit.status in STATIONS else -1
    times = (visit.starts_at, visit.departed_at, visit.arrived_at, visit.started_at, visit.finished_at)
    is_done = visit.status is VisitStatus.COMPLETED
    found = []
    for place, (status, icon, at) in enumerate(zip(STATIONS, ICONS, times, strict=True)):
        is_now = place == reached and not is_done
        state = "now" if is_now else "done" if place <= reached else "next"
        shown = clock(at) if at is not None and place <= reached else ""
        found.append(Step(label_text(status, "visit"), state, icon, shown))
    return tuple(found)


async def linked(desk: DeskAt) -> Visit:
    """The visit that the link is for."""
    return await desk.one(Visit, desk.person.subject or "")


async def name_of(desk: DeskAt, visit: Visit) -> str:
    """Who comes."""
    if visit.technician_id is None:
        return ""
    return (await desk.one(Technician, visit.technician_id)).name


async def slots_page(desk: DeskAt, token: str) -> SlotsPage:
    """The page of a link for choosing."""
    visit = await linked(desk)
    slots = await slots_of(desk, visit)
    by_day = [tuple(day) for _, day in groupby(slots, key=lambda slot: in_seoul(slot.starts_at).date())]
    allowed = may(visit.status)
    return SlotsPage(
        f"/links/{token}/slot", visit.id, visit.status, visit.starts_at, visit.ends_at,
        await name_of(desk, visit), tuple((listed[0].starts_at, listed) for listed in by_day),
        "choose_slot" in allowed, "call_off" in allowed,
    )  # fmt: skip


def back(request: Request, location: str, said: Answer) -> Response:
    """The page again, with what was done."""
    status = 200 if said is Answer.DONE else 202
    return move_on(request, location, data={"status": said.value}, status=status)
