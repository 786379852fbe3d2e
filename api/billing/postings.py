"""Explain this line: from the ERP's posting over our transactions to document and journey behind each."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy import select
from sqlmodel import col
from starlette.responses import Response

from api.billing.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.rendering import answer
from api.kit.routes import FINANCE
from api.kit.seeing import may_see
from api.kit.texts import Key
from models.billing import (
    AccountingPeriod,
    CreditNote,
    ErpBatch,
    ErpPosting,
    Invoice,
    LedgerEntry,
    LedgerTransaction,
)
from models.messages.billing.close import close_workflow_id
from models.messages.billing.invoices import invoice_workflow_id
from models.messages.payments import charge_workflow_id, refund_workflow_id
from models.payments import PaymentAttempt, Refund

PAGE = 50
CURSOR = re.compile(r"no-(\d{1,18})")


@dataclass(frozen=True)
class Behind:
    """The document behind a transaction, and the journey that made it."""

    href: str = ""
    document: str = ""
    journey: str = ""  # its workflow id
    cause: str = ""  # the ticket, order, change or bill run
    is_shown: bool = False  # whether that journey has a page of its own


@dataclass(frozen=True)
class Row:
    """One transaction of the posting."""

    id: int
    source: str
    purpose: str
    posted_on: date
    amount_minor: int
    behind: Behind


@dataclass(frozen=True)
class PostingPage:
    """One line that the ERP holds, and what it is made of."""

    posting: ErpPosting
    batch: ErpBatch
    rows: tuple[Row, ...]
    next: str


@router.get("/billing/postings/{posting_id}", may=FINANCE, row="posting")
async def explain(request: Request, desk: Desk, posting_id: Key, after: str = "") -> Response:
    """Show one line of the ERP's posting with its transactions, fifty at a time."""
    posting = await desk.one(ErpPosting, posting_id)
    batch = await desk.one(ErpBatch, posting.batch_key)
    cursor = CURSOR.fullmatch(after)
    last = int(cursor[1]) if cursor else 0
    return answer(request, "billing/posting.html", await page_of(desk, posting, batch, last))


async def page_of(desk: DeskAt, posting: ErpPosting, batch: ErpBatch, after: int) -> PostingPage:
    """The transactions after this one, by their numbers."""
    period = await desk.one(AccountingPeriod, posting.period_id)
    side = col(LedgerEntry.debit_minor) if posting.debit_minor else col(LedgerEntry.credit_minor)
    query: Any = (
        select(LedgerTransaction, side)
        .join(LedgerEntry, col(LedgerEntry.transaction_id) == col(LedgerTransaction.id))
        .where(may_see(desk.person, LedgerTransaction), may_see(desk.person, LedgerEntry))
        .where(col(LedgerEntry.account) == posting.account, side > 0)
        .where(col(LedgerTransaction.posted_on) >= period.from_on)
        .where(col(LedgerTransaction.posted_on) < period.until_on)
        .where(
            col(LedgerTransaction.id) > max(after, batch.from_id), col(LedgerTransaction.id) <= batch.until_id
        )
        .order_by(col(LedgerTransaction.id), col(LedgerEntry.position))
        .limit(PAGE + 1)
    )
    found = (await desk.session.execute(query)).all()
    known = await behind(desk, [one.source for one, _ in found[:PAGE]])
    rows = tuple(
        Row(one.id or 0, one.source, one.purpose, one.posted_on, int(amount), known[one.source])
        for one, amount in found[:PAGE]
    )
    asked = urlencode({"after": f"no-{rows[-1].id}"}) if len(found) > PAGE else ""
    return PostingPage(posting, batch, rows, f"/billing/postings/{posting.id}?{asked}" if asked else "")


async def behind(desk: DeskAt, sources: list[str]) -> dict[str, Behind]:
    """What stands behind each source: the invoice, and the journey that posted it."""
    named: dict[str, list[str]] = {}
    for source in sources:
        kind, _, id = source.partition(":")
        named.setdefault(kind, []).append(id)
    invoice_of = {f"invoice:{id}": id for id in named.get("invoice", [])}
    for kind, model in (("attempt", PaymentAttempt), ("credit", CreditNote), ("refund", Refund)):
        if ids := named.get(kind):
            query: Any = select(col(model.id), col(model.invoice_id))
            query = query.where(may_see(desk.person, model), col(model.id).in_(ids))
            rows = (await desk.session.execute(query)).all()
            invoice_of |= {f"{kind}:{id}": invoice for id, invoice in rows}
    asked = desk.visible(Invoice).where(col(Invoice.id).in_(set(invoice_of.values())))
    invoices = {one.id: one for one in await desk.session.scalars(asked)}
    return {one: _behind(one, invoices.get(invoice_of.get(one, ""))) for one in sources}


def _behind(source: str, invoice: Invoice | None) -> Behind:
    kind, _, id = source.partition(":")
    if kind == "close":
        period = id.partition(".")[0]
        return Behind(f"/billing/periods/{period}", period, close_workflow_id(period), period)
    if invoice is None:
        return Behind()
    by_run = f"bill-run:{invoice.run_id}" if invoice.run_id else invoice_workflow_id(invoice.id)
    journeys = {"attempt": charge_workflow_id(id), "refund": refund_workflow_id(id)}
    cause = invoice.ticket_id or invoice.case_id or invoice.run_id or ""
    journey, on_ticket = journeys.get(kind, by_run), invoice.ticket_id is not None and kind != "refund"
    return Behind(f"/billing/invoices/{invoice.id}", invoice.number, journey, cause, on_ticket)
