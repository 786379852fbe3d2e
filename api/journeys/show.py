"""One journey for administrators: stages, waits, calls, letters, messages, histories."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fastapi import Request
from sqlalchemy import or_
from sqlmodel import SQLModel, col
from starlette.responses import Response

from api.journeys.routing import router
from api.journeys.waits import NEVER, Filters, WaitRow, narrowed, page_of, row_of
from api.kit import formats
from api.kit.desk import Desk, DeskAt
from api.kit.rendering import answer
from api.kit.routes import ADMINS
from api.kit.sentences import sentence
from api.kit.texts import Key
from api.kit.visible import outbox_items
from models.billing import AccountingPeriod, BillRun, Invoice
from models.field_service import Visit
from models.journeys import JourneyHistory, OpenWait
from models.kit.refusals import Refusal
from models.kit.timeline import TimelineEntry
from models.messages.billing.invoices import invoice_workflow_id
from models.messages.field_service import visit_workflow_id
from models.messages.payments import charge_workflow_id
from models.messages.systems import CallResult, OutboxKind, OutboxStatus, System
from models.messages.tickets import ticket_workflow_id
from models.payments import PaymentAttempt
from models.systems import OutboxItem, SentMessage, SystemCall
from models.tickets import Ticket

WORDS: dict[str, type[SQLModel]] = {
    "ticket": Ticket,
    "visit": Visit,
    "invoice": Invoice,
    "charge": PaymentAttempt,
    "close": AccountingPeriod,
    "bill-run": BillRun,
}
LABELS = {
    "ticket": "ticket", "visit": "visit", "invoice": "invoice", "charge": "attempt", "close": "period",
    "bill-run": "bill_run",
}  # fmt: skip
ICONS = {
    "ticket": "ticket", "visit": "truck", "invoice": "receipt", "charge": "credit-card", "close": "lock",
    "bill-run": "layers",
}  # fmt: skip
OVER = frozenset({"paid", "cancelled", "written_off", "closed", "done", "succeeded", "refused"})
MOST, STATIONS = 200, 8


@dataclass(frozen=True)
class Thing:
    """What the journey is about."""

    word: str
    id: str
    ticket_id: str  # empty: it belongs to no ticket
    status: str
    created_at: datetime
    is_over: bool


@dataclass(frozen=True)
class Step:
    """One station of the lane."""

    name: str
    state: str  # done, now, late
    icon: str
    sub: str = ""
    at: str = ""


@dataclass(frozen=True)
class Child:
    """A journey that this one started, or that belongs to it."""

    workflow_id: str
    word: str
    number: str
    status: str
    icon: str


@dataclass(frozen=True)
class Call:
    """One call to an outside system."""

    at: datetime
    system: System
    operation: str
    key: str
    attempt: int
    millis: int
    http_status: int | None
    result: CallResult
    error: str


@dataclass(frozen=True)
class Told:
    """One message of the outbox; its content is not shown."""

    id: int
    kind: OutboxKind
    name: str
    key: str
    status: OutboxStatus
    tries: int
    created_at: datetime
    sent_at: datetime | None
    refusal: str


@dataclass(frozen=True)
class History:
    """A kept history of Temporal."""

    run_id: str
    status: str
    events: int
    closed_at: datetime
    href: str


@dataclass(frozen=True)
class JourneyPage:
    """Everything that is known of one journey."""

    workflow_id: str
    thing: Thing
    label: str
    icon: str
    page_href: str
    temporal_href: str
    steps: tuple[Step, ...]
    story: tuple[Step, ...]
    waits: tuple[WaitRow, ...]
    calls: tuple[Call, ...]
    letters: tuple[dict[str, Any], ...]
    outbox: tuple[Told, ...]
    children: tuple[Child, ...]
    histories: tuple[History, ...]


@router.get("/journeys/{workflow_id}", may=ADMINS, row="workflow")
async def show(request: Request, desk: Desk, workflow_id: Key) -> Response:
    """Show one journey."""
    page = await journey_page(desk, workflow_id, temporal_address(request, workflow_id))
    return answer(request, "journeys/show.html", page)


@router.get("/journeys/{workflow_id}/histories/{run_id}", may=ADMINS, row="workflow")
async def download(request: Request, desk: Desk, workflow_id: Key, run_id: Key) -> Response:
    """Hand out a kept history exactly as it is stored: its payloads are encrypted."""
    await thing_of(desk, workflow_id)
    kept = await desk.one(JourneyHistory, (workflow_id, run_id))
    name = f"{workflow_id.replace(':', '-')}-{run_id}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(kept.history, media_type="application/json", headers=headers)


def temporal_address(request: Request, workflow_id: str) -> str:
    """The same run in the Temporal UI."""
    setting = request.app.state.settings
    name = quote(setting.temporal_namespace, safe="")
    return f"{setting.temporal_ui_url}/namespaces/{name}/workflows/{quote(workflow_id, safe='')}"


async def thing_of(desk: DeskAt, workflow_id: str) -> Thing:
    """The row behind a workflow id, if the asker may see it and the ticket that it belongs to."""
    word, _, number = workflow_id.partition(":")
    if word not in WORDS:
        raise Refusal("not_found")
    row: Any = await desk.one(WORDS[word], number)
    if word == "ticket":
        ticket = row
    else:
        part = await desk.one(Invoice, row.invoice_id) if word == "charge" else row
        if getattr(part, "ticket_id", None) is None:
            return Thing(word, number, "", row.status, row.created_at, row.status in OVER)
        ticket = await desk.one(Ticket, part.ticket_id)
    is_over = getattr(row, "is_over", ticket.is_over)
    return Thing(word, number, ticket.id, row.status, row.created_at, is_over)


async def journey_page(desk: DeskAt, workflow_id: str, temporal_href: str) -> JourneyPage:
    """Read everything that is known of one journey."""
    thing = await thing_of(desk, workflow_id)
    story = await story_of(desk, workflow_id)
    waits = await waits_of(desk, workflow_id)
    return JourneyPage(
        workflow_id=workflow_id,
        thing=thing,
        label=LABELS[thing.word],
        icon=ICONS[thing.word],
        page_href=page_of(workflow_id, thing.ticket_id, desk.person),
        temporal_href=temporal_href,
        steps=lane(story, waits),
        story=story,
        waits=waits,
        calls=await calls_of(desk, thing),
        letters=await letters_of(desk, thing),
        outbox=await outbox_of(desk, workflow_id),
        children=await children_of(desk, thing),
        histories=await histories_of(desk, workflow_id),
    )


async def story_of(desk: DeskAt, workflow_id: str) -> tuple[Step, ...]:
    """What happened in this journey, as sentences in order."""
    query = (
        desk.visible(TimelineEntry).where(col(TimelineEntry.subject) == workflow_id)
        .order_by(col(TimelineEntry.at), col(TimelineEntry.id)).limit(MOST)
    )  # fmt: skip
    return tuple(
        Step(sentence(entry.sentence, entry.details), "done", "check", at=formats.moment(entry.at))
        for entry in await desk.session.scalars(query)
    )


async def waits_of(desk: DeskAt, workflow_id: str) -> tuple[WaitRow, ...]:
    """Whom this journey waits for now."""
    now = datetime.now(UTC)
    query = narrowed(desk.visible(OpenWait), Filters(), now).where(col(OpenWait.workflow_id) == workflow_id)
    found = [row_of(wait, desk.person, now) for wait in await desk.session.scalars(query)]
    return tuple(sorted(found, key=lambda wait: wait.until or NEVER))


def lane(story: tuple[Step, ...], waits: tuple[WaitRow, ...]) -> tuple[Step, ...]:
    """The last steps, then what is waited for; a missed deadline is red."""
    here = [
        Step(
            wait.sentence, "late" if wait.is_late else "now", "hourglass", wait.then,
            formats.moment(wait.until or wait.since),
        )
        for wait in waits
    ]  # fmt: skip
    return (*story[-max(STATIONS - len(here), 1) :], *here)


async def calls_of(desk: DeskAt, thing: Thing) -> tuple[Call, ...]:
    """Calls to outside systems: all of a ticket; of its parts those that carry their key."""
    query = desk.visible(SystemCall)
    if thing.ticket_id:
        query = query.where(col(SystemCall.ticket_id) == thing.ticket_id)
    query = _of_part(query, SystemCall.key, thing).order_by(col(SystemCall.id).desc()).limit(MOST)
    names = Call.__dataclass_fields__
    return tuple(
        Call(**{name: getattr(row, name) for name in names}) for row in await desk.session.scalars(query)
    )


async def letters_of(desk: DeskAt, thing: Thing) -> tuple[dict[str, Any], ...]:
    """Letters and text messages that were handed over, by template; no address and no words."""
    query = desk.visible(SentMessage)
    if thing.ticket_id:
        query = query.where(col(SentMessage.ticket_id) == thing.ticket_id)
    query = _of_part(query, SentMessage.key, thing).order_by(col(SentMessage.sent_at).desc()).limit(MOST)
    return tuple(
        {"letter": row.letter, "system": row.system, "sent_at": row.sent_at, "key": row.key}
        for row in await desk.session.scalars(query)
    )


def _of_part(query: Any, key: Any, thing: Thing) -> Any:
    """Keys begin with the number of what they are for, or with its workflow id."""
    if thing.word == "ticket":
        return query
    starts = (thing.id, f"{thing.word}:{thing.id}")
    return query.where(or_(*(col(key).startswith(start, autoescape=True) for start in starts)))


async def outbox_of(desk: DeskAt, workflow_id: str) -> tuple[Told, ...]:
    """What was told to Temporal for this journey, without its content."""
    query = (
        outbox_items().where(col(OutboxItem.workflow_id) == workflow_id).order_by(col(OutboxItem.id).desc())
    )
    names = Told.__dataclass_fields__
    found = await desk.session.scalars(query.limit(MOST))
    return tuple(Told(**{name: getattr(row, name) for name in names}) for row in found)


async def children_of(desk: DeskAt, thing: Thing) -> tuple[Child, ...]:
    """Visits and invoices of a ticket, payments of an invoice; of anything else the ticket, if it has one."""
    if thing.word == "ticket":
        visits = desk.visible(Visit).where(col(Visit.ticket_id) == thing.id).order_by(col(Visit.id))
        bills = desk.visible(Invoice).where(col(Invoice.ticket_id) == thing.id).order_by(col(Invoice.id))
        return (
            *[_child("visit", visit_workflow_id(row.id), row) for row in await desk.session.scalars(visits)],
            *[
                _child("invoice", invoice_workflow_id(row.id), row)
                for row in await desk.session.scalars(bills)
            ],
        )
    found = []
    if thing.ticket_id:
        ticket = await desk.one(Ticket, thing.ticket_id)
        found.append(_child("ticket", ticket_workflow_id(ticket.id), ticket))
    if thing.word == "invoice":
        paid = desk.visible(PaymentAttempt).where(col(PaymentAttempt.invoice_id) == thing.id)
        ordered = await desk.session.scalars(paid.order_by(col(PaymentAttempt.ordinal)))
        found += [_child("charge", charge_workflow_id(row.id), row) for row in ordered]
    return tuple(found)


def _child(word: str, workflow_id: str, row: Any) -> Child:
    return Child(workflow_id, LABELS[word], row.id, row.status, ICONS[word])


async def histories_of(desk: DeskAt, workflow_id: str) -> tuple[History, ...]:
    """Histories that were kept when their runs had closed."""
    query = (
        desk.visible(JourneyHistory)
        .with_only_columns(
            col(JourneyHistory.run_id), col(JourneyHistory.status), col(JourneyHistory.events),
            col(JourneyHistory.closed_at),
        )
        .where(col(JourneyHistory.workflow_id) == workflow_id).order_by(col(JourneyHistory.closed_at).desc())
    )  # fmt: skip
    found = await desk.session.execute(query)
    return tuple(
        History(run_id, status, events, closed, f"/journeys/{workflow_id}/histories/{run_id}")
        for run_id, status, events, closed in found
    )
