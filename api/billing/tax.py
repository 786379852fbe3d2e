"""Evidence for the tax office: what is to be issued, what was refused and why, and its repair."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy import func
from sqlmodel import col
from starlette.responses import Response

from api.billing.routing import router
from api.kit import labels
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.labels import Label
from api.kit.language import N_
from api.kit.rendering import answer, move_on
from api.kit.routes import FINANCE
from api.kit.texts import Key
from models.billing import TaxPaper
from models.kit.outbox import announce_start
from models.kit.refusals import Refusal
from models.messages.billing.tax import TaxOperation, TaxOrder, TaxStatus, tax_workflow_id
from models.rules.billing.invoices import on_day

PAGE = 50
OUR_NUMBER = re.compile(r"[TRAX]\w{0,9}-\d{1,20}")
OPEN = (TaxStatus.WAITING, TaxStatus.UNKNOWN, TaxStatus.PARKED)
labels.register(
    "tax_status",
    {
        TaxStatus.WAITING: Label(N_("To be issued"), "blue"),
        TaxStatus.UNKNOWN: Label(N_("Unclear: it is looked up"), "orange"),
        TaxStatus.ISSUED: Label(N_("Issued"), "green"),
        TaxStatus.PARKED: Label(N_("Not issued: needs a repair"), "red"),
        TaxStatus.VOID: Label(N_("Not needed any more"), "gray"),
    },
)
labels.register(
    "tax_operation",
    {
        TaxOperation.ISSUE: Label(N_("Issue")),
        TaxOperation.AMEND: Label(N_("Take back")),
    },
)
labels.register(
    "tax_code",
    {
        "business_number": Label(N_("The business number is missing or wrong: correct it on the account")),
        "BUYER_CLOSED": Label(N_("The business has closed: agree on a cash receipt on the account")),
        "other_amount": Label(N_("The agency holds another amount under our number: settle it there")),
        "BAD_ORIGINAL": Label(N_("The agency does not know what is taken back: look it up there")),
    },
)


class Asking(Input):
    """Ask the agency once more."""

    request_key: Key


@dataclass(frozen=True)
class TaxLine:
    """One document, and whether its last day has passed."""

    paper: TaxPaper
    is_late: bool


@dataclass(frozen=True)
class TaxPage:
    """Documents of one status, the most urgent first."""

    lines: tuple[TaxLine, ...]
    status: TaxStatus
    statuses: tuple[TaxStatus, ...]
    counts: dict[str, int]
    next: str


@router.get("/billing/tax-documents", may=FINANCE)
async def tax_documents(request: Request, desk: Desk, status: str = "parked", after: str = "") -> Response:
    """List evidence for the tax office: what needs a repair first."""
    chosen = TaxStatus(status) if status in set(TaxStatus) else TaxStatus.PARKED
    return answer(request, "billing/tax.html", await tax_page(desk, chosen, after))


@router.post("/billing/tax-documents/{tax_document_id}/again", may=FINANCE, row="tax_document")
async def again(
    request: Request, desk: Desk, tax_document_id: Key, sent: Typed[Asking] = typed(Asking)
) -> Response:
    """Issue a document after its repair."""
    paper = await desk.one(TaxPaper, tax_document_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    if paper.status is not TaxStatus.PARKED:
        raise Refusal("tax_not_parked")
    name = f"{paper.id}:{sent.value.request_key[-16:]}"
    order = TaxOrder(on_day(datetime.now(UTC)), paper.id, desk.person.id)
    await announce_start(
        desk.session, "TaxDocuments",
        tax_workflow_id(order.day, name), order, summary=f"Issue {paper.id} again",
    )  # fmt: skip
    await desk.commit()
    return move_on(request, f"/billing/invoices/{paper.invoice_id}", data={"status": "announced"})


async def tax_page(desk: DeskAt, status: TaxStatus, after: str) -> TaxPage:
    """One page by keyset over our keys."""
    after = after if OUR_NUMBER.fullmatch(after) else ""
    query = desk.visible(TaxPaper).where(col(TaxPaper.status) == status, col(TaxPaper.id) > after)
    rows = list(await desk.session.scalars(query.order_by(col(TaxPaper.id)).limit(PAGE + 1)))
    asked = {"status": status.value, "after": rows[PAGE - 1].id} if len(rows) > PAGE else {}
    counted = desk.visible(TaxPaper).with_only_columns(col(TaxPaper.status), func.count())
    found = await desk.session.execute(
        counted.where(col(TaxPaper.status).in_(OPEN)).group_by(col(TaxPaper.status))
    )
    address = f"/billing/tax-documents?{urlencode(asked)}" if asked else ""
    counts = {one.value: int(count) for one, count in found}
    return TaxPage(tuple(line_of(one) for one in rows[:PAGE]), status, tuple(TaxStatus), counts, address)


def line_of(paper: TaxPaper, today: date | None = None) -> TaxLine:
    """A document with whether it is late."""
    day = today or on_day(datetime.now(UTC))
    return TaxLine(paper, paper.status in OPEN and paper.issue_by < day)
