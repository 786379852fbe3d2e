"""Calls as the desk sees them: who rings at one's own telephone now, and what calls there were."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import Request
from sqlalchemy import and_, insert, or_
from sqlmodel import col
from starlette.responses import Response

from api.channels.inbox import masked
from api.channels.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.rendering import answer, is_fragment, move_on, wants_json
from api.kit.routes import AGENTS
from api.kit.seeing import has
from api.kit.texts import Key
from models.channels import PhoneCall
from models.customers import Customer
from models.kit.refusals import Refusal
from models.messages.channels import CallStatus
from models.messages.staff import Role
from models.staff import PersonalDataAccess
from models.tickets import Ticket

PAGE, SHOWN = 50, 3
RINGS_FOR = timedelta(minutes=2)
SPEAKS_FOR = timedelta(hours=4)
PURPOSE = "to listen to a call"


@dataclass(frozen=True)
class CallRow:
    """One call; the number stays masked when a customer's name says who it is."""

    id: str
    status: CallStatus
    received_at: datetime
    caller: str
    customer_id: str | None
    customer: str
    ticket_id: str | None
    has_recording: bool
    tickets: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PopPage:
    """Who calls me now."""

    calls: tuple[CallRow, ...]


@dataclass(frozen=True)
class CallsPage:
    """The calls, the newest first."""

    rows: tuple[CallRow, ...]
    next: str = ""


@router.get("/channels/pop", may=AGENTS)
async def pop(request: Request, desk: Desk) -> Response:
    """Who rings at my telephone, or speaks with me."""
    if not (is_fragment(request) or wants_json(request)):
        return move_on(request, "/channels/calls")  # a piece of the page is no page of its own
    now, at = datetime.now(UTC), col(PhoneCall.received_at)
    status = col(PhoneCall.status)
    query = (
        desk.visible(PhoneCall)
        .where(
            col(PhoneCall.account_id) == desk.person.account_id,
            or_(
                and_(status == CallStatus.RINGING, at > now - RINGS_FOR),
                and_(status == CallStatus.ANSWERED, at > now - SPEAKS_FOR),
            ),
        )
        .order_by(at.desc())
        .limit(SHOWN)
    )
    found = list(await desk.session.scalars(query))
    return answer(
        request, "channels/pop.html", PopPage(await rows_of(desk, found, has_tickets=True)), block="call_pop"
    )


@router.get("/channels/calls", may=AGENTS)
async def calls(request: Request, desk: Desk, after: str = "") -> Response:
    """Show the calls."""
    at, key = col(PhoneCall.received_at), col(PhoneCall.id)
    query = desk.visible(PhoneCall).order_by(at.desc(), key.desc()).limit(PAGE + 1)
    if after:
        last = await desk.one(PhoneCall, after)
        query = query.where(or_(at < last.received_at, and_(at == last.received_at, key < last.id)))
    found = list(await desk.session.scalars(query))
    more = f"/channels/calls?after={found[PAGE - 1].id}" if len(found) > PAGE else ""
    return answer(request, "channels/calls.html", CallsPage(await rows_of(desk, found[:PAGE]), more))


async def rows_of(desk: DeskAt, found: list[PhoneCall], *, has_tickets: bool = False) -> tuple[CallRow, ...]:
    """The calls with the names of who called, as far as one may know them."""
    wanted = {one.customer_id for one in found if one.customer_id}
    names = desk.visible(Customer).with_only_columns(col(Customer.id), col(Customer.name))
    known: dict[str, str] = {
        row[0]: row[1] for row in await desk.session.execute(names.where(col(Customer.id).in_(wanted)))
    }
    tickets = await tickets_of(desk, wanted) if has_tickets and wanted else {}
    return tuple(
        CallRow(
            one.id, one.status, one.received_at, masked(one.caller) if one.customer_id else one.caller,
            one.customer_id if one.customer_id in known else None, known.get(one.customer_id or "", ""),
            one.ticket_id, bool(one.recording) and may_listen(desk, one),
            tuple(tickets.get(one.customer_id or "", ())),
        )
        for one in found
    )  # fmt: skip


async def tickets_of(desk: DeskAt, customers: set[str]) -> dict[str, list[tuple[str, str]]]:
    """What is open for whoever calls."""
    query = (
        desk.visible(Ticket)
        .with_only_columns(col(Ticket.customer_id), col(Ticket.id), col(Ticket.subject))
        .where(col(Ticket.customer_id).in_(customers), ~col(Ticket.is_over))
        .order_by(col(Ticket.created_at).desc())
        .limit(SHOWN * 3)
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for customer, ticket, subject in await desk.session.execute(query):
        found.setdefault(customer, []).append((ticket, subject))
    return found


def may_listen(desk: DeskAt, call: PhoneCall) -> bool:
    """A recording is for whoever spoke, and for those who lead the desk."""
    return call.account_id == desk.person.account_id or has(desk.person, Role.DISPATCHER, Role.ADMIN)


@router.get("/channels/calls/{phone_call_id}/recording", may=AGENTS, row="phone_call", reveals=PURPOSE)
async def recording(request: Request, desk: Desk, phone_call_id: Key) -> Response:
    """Lead to where the telephone system keeps a recording, and write down who listened."""
    call = await desk.one(PhoneCall, phone_call_id)
    if not may_listen(desk, call) or not call.recording.startswith("https://"):
        raise Refusal("not_found")
    await desk.session.execute(
        insert(PersonalDataAccess)
        .values(
            at=datetime.now(UTC), actor_id=desk.person.id, actor_kind=str(desk.person.kind),
            address=desk.person.address, subject_id=call.customer_id or call.id,
            action="channels.recording_heard", purpose=PURPOSE, fields=["voice"],
        )
        .inline()
    )  # fmt: skip
    return move_on(request, call.recording)
