"""Privacy requests: asking for one's data or to be forgotten, the file, and the desk's list of deadlines."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request
from fastapi.responses import FileResponse
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.customers.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import CUSTOMERS, STAFF
from api.kit.texts import Key
from models.customers import Customer, PrivacyRequest
from models.kit import ids
from models.kit.outbox import announce_start
from models.kit.refusals import REFUSALS, Refusal
from models.messages.customers import (
    KEPT_FOR,
    PrivacyKind,
    PrivacyOrder,
    PrivacyStatus,
    privacy_workflow_id,
)
from models.rules.customers import answer_due

UNDER_WAY = (PrivacyStatus.RECEIVED, PrivacyStatus.WORKING)
CAREFUL = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
}


@dataclass(frozen=True)
class Line:
    """One request as its customer sees it."""

    id: str
    kind: PrivacyKind
    status: PrivacyStatus
    asked_at: datetime
    due_at: datetime
    has_file: bool
    file_until: datetime | None
    why: str


@dataclass(frozen=True)
class PrivacyPage:
    """What was asked, and what can be asked."""

    rows: tuple[Line, ...]


class Asking(Input):
    """What somebody wants; to be forgotten has to be said twice."""

    kind: PrivacyKind
    is_sure: bool = False


@router.get("/my/privacy", may=CUSTOMERS)
async def privacy(request: Request, desk: Desk) -> Response:
    """Show the customer's requests."""
    return answer(request, "customers/my_privacy.html", await privacy_page(desk))


async def privacy_page(desk: DeskAt) -> PrivacyPage:
    """Read the customer's requests, newest first."""
    query = desk.visible(PrivacyRequest).where(col(PrivacyRequest.customer_id) == desk.person.customer_id)
    rows = await desk.session.scalars(query.order_by(col(PrivacyRequest.asked_at).desc()).limit(20))
    return PrivacyPage(tuple(line_of(row) for row in rows))


def line_of(row: PrivacyRequest) -> Line:
    """One request, with its reason in words."""
    why = _(KEPT_FOR[row.reason]) if row.reason in KEPT_FOR else ""
    return Line(row.id, row.kind, row.status, row.asked_at, row.due_at, is_there(row), row.file_until, why)


def is_there(row: PrivacyRequest) -> bool:
    """Whether the file can still be fetched."""
    in_time = row.file_until is not None and row.file_until > datetime.now(UTC)
    return row.status is PrivacyStatus.DONE and row.file_id is not None and in_time


@router.post("/my/privacy", may=CUSTOMERS)
async def ask(request: Request, desk: Desk, sent: Typed[Asking] = typed(Asking)) -> Response:
    """Take a request; it is answered within ten days, mostly at once."""
    asked = sent.value
    page = await privacy_page(desk)
    if asked is None:
        raise Refusal("invalid_form")
    if asked.kind is PrivacyKind.ERASE and not asked.is_sure:
        form = Form({}, {"is_sure": _("Please tick that you are sure.")})
        return answer(request, "customers/my_privacy.html", page, form=form, status=422)
    if any(row.kind is asked.kind and row.status in UNDER_WAY for row in page.rows):
        status, sentence = REFUSALS["privacy_under_way"]
        form = Form({}, {"kind": _(sentence)})
        return answer(request, "customers/my_privacy.html", page, form=form, status=status)
    await store(desk, asked.kind)
    return move_on(request, "/my/privacy", data={"status": "received"})


async def store(desk: DeskAt, kind: PrivacyKind) -> str:
    """Store a request and announce its life, in one transaction."""
    now, customer_id = datetime.now(UTC), desk.person.customer_id or ""
    order = PrivacyOrder(ids.fresh("prv"), customer_id, kind, now, answer_due(now))
    row = {
        "id": order.request_id, "customer_id": customer_id, "kind": kind, "status": PrivacyStatus.RECEIVED,
        "asked_by": desk.person.id, "asked_at": now, "due_at": order.due_at, "reason": "", "seq": 0,
    }  # fmt: skip
    await desk.session.execute(insert(PrivacyRequest).values(row).inline())
    workflow_id = privacy_workflow_id(order.request_id)
    await announce_start(desk.session, "PrivacyRequest", workflow_id, order, summary=f"{kind} of own data")
    await desk.commit()
    return order.request_id


@router.get("/my/privacy/{privacy_request_id}/file", may=CUSTOMERS, row="privacy_request")
async def fetch(request: Request, desk: Desk, privacy_request_id: Key) -> Response:
    """Hand the file to its owner while its days last."""
    row = await desk.one(PrivacyRequest, privacy_request_id)
    path = request.app.state.settings.files_dir / (row.file_id or "none")
    if not is_there(row) or not await run_in_threadpool(path.is_file):
        raise Refusal("not_found")
    disposition = f'attachment; filename="ieum-{row.asked_at:%Y-%m-%d}.zip"'
    headers = {**CAREFUL, "Content-Disposition": disposition}
    return FileResponse(path, media_type="application/zip", headers=headers)


@dataclass(frozen=True)
class DeskLine:
    """One request as the desk sees it."""

    id: str
    customer_id: str
    customer: str
    kind: PrivacyKind
    status: PrivacyStatus
    asked_at: datetime
    due_at: datetime
    done_at: datetime | None
    is_late: bool


@dataclass(frozen=True)
class RequestsPage:
    """Every request, those that wait first, by deadline."""

    rows: tuple[DeskLine, ...]


@router.get("/customers/privacy-requests", may=STAFF)
async def requests(request: Request, desk: Desk) -> Response:
    """List privacy requests and their deadlines."""
    waiting = col(PrivacyRequest.status).in_(UNDER_WAY)
    query = (
        desk.visible(PrivacyRequest)
        .with_only_columns(
            col(PrivacyRequest.id), col(PrivacyRequest.customer_id), col(Customer.name),
            col(PrivacyRequest.kind), col(PrivacyRequest.status), col(PrivacyRequest.asked_at),
            col(PrivacyRequest.due_at), col(PrivacyRequest.done_at),
        )
        .join(Customer, col(Customer.id) == col(PrivacyRequest.customer_id))
        .order_by(waiting.desc(), col(PrivacyRequest.due_at), col(PrivacyRequest.id))
        .limit(200)
    )  # fmt: skip
    now = datetime.now(UTC)
    rows = tuple(
        DeskLine(*line[:8], is_late=line.status in UNDER_WAY and line.due_at < now)
        for line in await desk.session.execute(query)
    )
    return answer(request, "customers/privacy_requests.html", RequestsPage(rows))
