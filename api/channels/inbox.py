"""What came in through the channels, what was refused and why; with one original, when somebody may look."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy import and_, insert, or_
from sqlmodel import col
from starlette.responses import Response

from api.channels.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.language import gettext as _
from api.kit.rendering import answer
from api.kit.routes import ADMINS
from api.kit.texts import Key
from models.channels import ChannelEvent
from models.kit.refusals import Refusal
from models.messages.channels import REASONS, Door, EventStatus
from models.staff import PersonalDataAccess

PAGE = 50
PURPOSE = "to see what came in"


@dataclass(frozen=True)
class EventRow:
    """One thing that came in; its sender is masked."""

    id: str
    door: Door
    received_at: datetime
    last_at: datetime
    times: int
    status: EventStatus
    reason: str
    sender: str
    ticket_id: str | None


@dataclass(frozen=True)
class InboxPage:
    """What came in, the newest first."""

    rows: tuple[EventRow, ...]
    door: Door | None
    status: EventStatus | None
    next: str = ""

    @property
    def doors(self) -> list[tuple[str, str, bool]]:
        """Which door."""
        names = {None: _("All"), Door.SMS: _("Texts"), Door.CALL: _("Calls"), Door.DEVICE: _("Devices")}
        return [(text, href(one, self.status), one is self.door) for one, text in names.items()]

    @property
    def statuses(self) -> list[tuple[str, str, bool]]:
        """What became of it."""
        names = {
            None: _("Everything"), EventStatus.REFUSED: _("Refused"),
            EventStatus.QUARANTINED: _("Nobody's yet"), EventStatus.PLACED: _("Taken"),
            EventStatus.IGNORED: _("Ignored"),
        }  # fmt: skip
        return [(text, href(self.door, one), one is self.status) for one, text in names.items()]


@dataclass(frozen=True)
class Original:
    """One thing as it came."""

    id: str
    door: Door
    received_at: datetime
    times: int
    status: EventStatus
    reason: str
    sender: str
    is_verified: bool
    original: str
    ticket_id: str | None


def href(door: Door | None, status: EventStatus | None, after: str = "") -> str:
    """The address of a list."""
    asked = {"door": door, "status": status, "after": after}
    return "/channels?" + urlencode({name: str(one) for name, one in asked.items() if one})


@router.get("/channels", may=ADMINS)
async def inbox(request: Request, desk: Desk, door: str = "", status: str = "", after: str = "") -> Response:
    """Show what came in."""
    if (door and door not in set(Door)) or (status and status not in set(EventStatus)):
        raise Refusal("not_found")
    page = await inbox_page(
        desk, Door(door) if door else None, EventStatus(status) if status else None, after
    )
    return answer(request, "channels/index.html", page)


async def inbox_page(desk: DeskAt, door: Door | None, status: EventStatus | None, after: str) -> InboxPage:
    """Read one page of the list."""
    at, key = col(ChannelEvent.received_at), col(ChannelEvent.id)
    query = desk.visible(ChannelEvent).order_by(at.desc(), key.desc()).limit(PAGE + 1)
    if door:
        query = query.where(col(ChannelEvent.door) == door)
    if status:
        query = query.where(col(ChannelEvent.status) == status)
    if after:
        last = await desk.one(ChannelEvent, after)
        query = query.where(or_(at < last.received_at, and_(at == last.received_at, key < last.id)))
    found = [
        EventRow(
            one.id, one.door, one.received_at, one.last_at, one.times, one.status, why(one.reason),
            masked(one.sender), one.ticket_id,
        )
        for one in await desk.session.scalars(query)
    ]  # fmt: skip
    more = href(door, status, found[PAGE - 1].id) if len(found) > PAGE else ""
    return InboxPage(tuple(found[:PAGE]), door, status, more)


@router.get("/channels/events/{channel_event_id}", may=ADMINS, row="channel_event", reveals=PURPOSE)
async def original(request: Request, desk: Desk, channel_event_id: Key) -> Response:
    """Show one thing as it came, and write down who looked."""
    one = await desk.one(ChannelEvent, channel_event_id)
    await desk.session.execute(
        insert(PersonalDataAccess)
        .values(
            at=datetime.now(UTC), actor_id=desk.person.id, actor_kind=str(desk.person.kind),
            address=desk.person.address, subject_id=one.ticket_id or one.id, action="channels.event_read",
            purpose=PURPOSE, fields=["phone"],
        )
        .inline()
    )  # fmt: skip
    page = Original(
        one.id, one.door, one.received_at, one.times, one.status, why(one.reason), one.sender,
        one.is_verified, one.original, one.ticket_id,
    )  # fmt: skip
    return answer(request, "channels/event.html", page)


def why(reason: str) -> str:
    """Why something is where it is, in the reader's language."""
    text = REASONS.get(reason, "")
    return _(text) if text else ""


def masked(sender: str) -> str:
    """A number without its middle; a serial number is nobody's personal data."""
    if not sender.startswith("+") or len(sender) < 9:
        return sender
    return f"{sender[:5]}{'•' * (len(sender) - 9)}{sender[-4:]}"
