"""Invoices as finance and customers see them: the list, the document, the ledger behind it, cancelling."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from fastapi import Request
from sqlalchemy import func, or_, select, tuple_
from sqlmodel import col
from starlette.responses import Response

from api.billing.routing import router
from api.billing.tax import TaxLine, line_of
from api.kit import labels
from api.kit.commands import Answer, Said, command
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.kept import Kept, Words
from api.kit.labels import Label
from api.kit.language import N_
from api.kit.rendering import answer, move_on
from api.kit.routes import AGENTS, FINANCE
from api.kit.seeing import may_see
from api.kit.sentences import sentence, then_sentence, wait_sentence
from api.kit.texts import Key, MaybeLine
from models.billing import CreditNote, Invoice, InvoiceLine, LedgerEntry, LedgerTransaction, TaxPaper
from models.journeys import OpenWait
from models.kit.refusals import Refusal
from models.kit.timeline import TimelineEntry
from models.messages.billing.invoices import (
    CancelInvoice,
    ClearSuspense,
    InvoiceStatus,
    LedgerAccount,
    LineKind,
    invoice_workflow_id,
)
from models.messages.payments import AttemptStatus
from models.payments import Allocation, PaymentAttempt, Refund
from models.rules.billing.invoices import Event

PAGE = 50
labels.register(
    "invoice",
    {
        InvoiceStatus.ISSUED: Label(N_("Awaiting payment"), "blue"),
        InvoiceStatus.PAID: Label(N_("Paid"), "green"),
        InvoiceStatus.OVERDUE: Label(N_("Payment overdue"), "red"),
        InvoiceStatus.CANCELLED: Label(N_("Cancelled"), "gray"),
        InvoiceStatus.WRITTEN_OFF: Label(N_("Written off"), "gray"),
    },
)
labels.register(
    "invoice_line",
    {
        LineKind.CALL_OUT: Label(N_("Call-out"), "gray"),
        LineKind.LABOUR: Label(N_("Labour"), "gray"),
        LineKind.PART: Label(N_("Spare part"), "gray"),
        LineKind.PRODUCT: Label(N_("Product"), "gray"),
        LineKind.SETUP: Label(N_("Installation and set-up"), "gray"),
        LineKind.RECURRING: Label(N_("Monthly charge"), "gray"),
        LineKind.PRORATION: Label(N_("Part of a month"), "gray"),
        LineKind.FEE: Label(N_("Fee"), "gray"),
        LineKind.USAGE: Label(N_("Usage"), "gray"),
        LineKind.DISCOUNT: Label(N_("Discount"), "gray"),
    },
)
labels.register(
    "off_because",
    {
        "order_cancelled": Label(N_("the order was cancelled")),
        "returned": Label(N_("goods were returned")),
        "change": Label(N_("the contract was changed")),
        "change_cancelled": Label(N_("the change was cancelled")),
        "nobody_owes": Label(N_("nothing was owed any more")),
        "unpaid": Label(N_("it was not paid in time")),
    },
)
labels.register(
    "ledger_account",
    {
        LedgerAccount.RECEIVABLE: Label(N_("Receivables"), "blue"),
        LedgerAccount.GATEWAY: Label(N_("Held by the gateway"), "teal"),
        LedgerAccount.REVENUE: Label(N_("Revenue"), "green"),
        LedgerAccount.VAT: Label(N_("VAT payable"), "amber"),
        LedgerAccount.SUSPENSE: Label(N_("Suspense"), "orange"),
        LedgerAccount.BANK: Label(N_("Bank account"), "teal"),
        LedgerAccount.DEFERRED: Label(N_("Billed, not yet earned"), "violet"),
        LedgerAccount.BAD_DEBT: Label(N_("Bad debt"), "red"),
    },
)
labels.register(
    "posting",
    {
        Event.ISSUE: Label(N_("Invoice issued"), "blue"),
        Event.PAYMENT: Label(N_("Payment received"), "green"),
        Event.CANCEL: Label(N_("Invoice cancelled"), "gray"),
        Event.REFUND: Label(N_("Money given back"), "orange"),
        Event.CREDIT: Label(N_("Credit note"), "amber"),
        Event.WRITE_OFF: Label(N_("Written off"), "red"),
        Event.DEFERRAL: Label(N_("Moved to the month in which it is earned"), "violet"),
    },
)


class Cancelling(Input):
    """Why an invoice is taken back."""

    command_id: Key
    reason: MaybeLine = ""


class Clearing(Input):
    """Money that nobody owed was given back."""

    command_id: Key
    attempt_id: Key
    reason: MaybeLine = ""


@dataclass(frozen=True)
class Row:
    """One invoice in the list."""

    id: str
    number: str
    about: str  # the ticket, order or change
    status: InvoiceStatus
    total_minor: int
    currency: str
    issued_on: date
    due_at: datetime


@dataclass(frozen=True)
class Listed:
    """One page of invoices, with what they add up to."""

    rows: tuple[Row, ...]
    status: InvoiceStatus | None
    statuses: tuple[InvoiceStatus, ...]
    q: Words
    count: int
    total_minor: int
    next: str


@dataclass(frozen=True)
class Document:
    """An invoice with its lines and the tries to pay it: what its customer may see."""

    invoice: Invoice
    lines: tuple[InvoiceLine, ...]
    attempts: tuple[PaymentAttempt, ...]
    credit_notes: tuple[CreditNote, ...] = ()
    refunds: tuple[Refund, ...] = ()


@dataclass(frozen=True)
class Posting:
    """One entry of the ledger with what it was for."""

    purpose: str
    at: datetime
    account: LedgerAccount
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True)
class Told:
    """One line of the story."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Waiting:
    """One open wait with what one may do about it."""

    key: str
    who: str
    text: str
    since: datetime
    until: datetime | None
    then: str
    may: tuple[str, ...]
    attempt_id: str
    refund_id: str


@dataclass(frozen=True)
class InvoicePage:
    """Everything that finance sees of one invoice."""

    document: Document
    postings: tuple[Posting, ...]
    story: tuple[Told, ...]
    waits: tuple[Waiting, ...]
    can_cancel: bool
    can_give_back_minor: int
    tax: tuple[TaxLine, ...] = ()
    slips: tuple[str, ...] = ()  # a card's payments: their slips are evidence by themselves


@router.get("/billing/invoices", may=FINANCE)
async def index(request: Request, desk: Desk, words: Kept, status: str = "", after: str = "") -> Response:
    """List invoices, the newest first."""
    chosen = InvoiceStatus(status) if status in set(InvoiceStatus) else None
    return answer(request, "billing/index.html", await listed(desk, chosen, words, after))


@router.get("/billing/invoices/{invoice_id}", may=FINANCE | AGENTS, row="invoice")
async def show(request: Request, desk: Desk, invoice_id: Key) -> Response:
    """Show one invoice: the document, and for finance what stands behind it."""
    invoice = await desk.one(Invoice, invoice_id)
    return answer(request, "billing/show.html", await invoice_page(desk, invoice))


@router.post("/billing/invoices/{invoice_id}/cancellation", may=FINANCE, row="invoice")
async def cancel(
    request: Request, desk: Desk, invoice_id: Key, sent: Typed[Cancelling] = typed(Cancelling)
) -> Response:
    """Finance takes an invoice back."""
    invoice = await desk.one(Invoice, invoice_id)
    if sent.value is None:
        page = await invoice_page(desk, invoice)
        return answer(request, "billing/show.html", page, status=422, form=sent.form)
    refuse_what_is_over(invoice)
    order = CancelInvoice(sent.value.command_id, desk.person.id, datetime.now(UTC), sent.value.reason)
    said = await say(desk, invoice_workflow_id(invoice.id), "cancel", order)
    return move_on(request, f"/billing/invoices/{invoice.id}", data={"status": said.value})


@router.post("/billing/invoices/{invoice_id}/suspense", may=FINANCE, row="invoice")
async def clear_suspense(
    request: Request, desk: Desk, invoice_id: Key, sent: Typed[Clearing] = typed(Clearing)
) -> Response:
    """Finance has given money back that nobody owed."""
    invoice = await desk.one(Invoice, invoice_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    given = sent.value
    attempt = await desk.one(PaymentAttempt, given.attempt_id)
    if attempt.invoice_id != invoice.id:
        raise Refusal("not_found")
    order = ClearSuspense(given.command_id, desk.person.id, datetime.now(UTC), given.attempt_id, given.reason)
    said = await say(desk, invoice_workflow_id(invoice.id), "clear_suspense", order)
    return move_on(request, f"/billing/invoices/{invoice.id}", data={"status": said.value})


def refuse_what_is_over(invoice: Invoice) -> None:
    """A paid or cancelled invoice is neither paid nor cancelled again."""
    if invoice.status is InvoiceStatus.PAID:
        raise Refusal("invoice_paid")
    if invoice.status is InvoiceStatus.CANCELLED:
        raise Refusal("invoice_cancelled")


async def say(desk: DeskAt, workflow_id: str, name: str, order: Said) -> Answer:
    """Say a command of finance; while Temporal is away it is kept and said later, under the same id."""
    return await command(desk.session, desk.client, workflow_id, name, order)


async def listed(desk: DeskAt, status: InvoiceStatus | None, q: Words, after: str) -> Listed:
    """One page by keyset: the cursor is day and id of the last row."""
    place = (col(Invoice.issued_on), col(Invoice.id))
    found = _narrowed(desk.visible(Invoice), status, q)
    if _is_cursor(after):
        found = found.where(tuple_(*place) < (date.fromisoformat(after[:10]), after[11:]))
    rows = list(await desk.session.scalars(found.order_by(*(one.desc() for one in place)).limit(PAGE + 1)))
    sums: Any = select(func.count(), func.coalesce(func.sum(col(Invoice.total_minor)), 0))
    sums = _narrowed(sums.where(may_see(desk.person, Invoice)), status, q)
    count, total = (await desk.session.execute(sums)).one()
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    after = f"{last.issued_on}:{last.id}" if last else ""
    address = q.address("/billing/invoices", status=status or "", after=after)
    shown = tuple(
        Row(one.id, one.number, one.ticket_id or one.case_id or one.run_id or "", one.status,
            one.total_minor, one.currency, one.issued_on, one.due_at)
        for one in rows[:PAGE]
    )  # fmt: skip
    return Listed(shown, status, tuple(InvoiceStatus), q, count, int(total), address if last else "")


def _narrowed(query: Any, status: InvoiceStatus | None, q: str) -> Any:
    if status:
        query = query.where(col(Invoice.status) == status)
    if q:
        places = (col(Invoice.number), col(Invoice.ticket_id), col(Invoice.case_id), col(Invoice.run_id))
        query = query.where(or_(*(place == q for place in places)))
    return query


def _is_cursor(after: str) -> bool:
    try:
        return after[10:11] == ":" and bool(date.fromisoformat(after[:10]))
    except ValueError:
        return False


async def document(desk: DeskAt, invoice: Invoice) -> Document:
    """The invoice as a document."""
    lines = desk.visible(InvoiceLine).where(col(InvoiceLine.invoice_id) == invoice.id)
    tries = desk.visible(PaymentAttempt).where(col(PaymentAttempt.invoice_id) == invoice.id)
    notes = desk.visible(CreditNote).where(col(CreditNote.invoice_id) == invoice.id)
    refunds = desk.visible(Refund).where(col(Refund.invoice_id) == invoice.id)
    return Document(
        invoice,
        tuple(await desk.session.scalars(lines.order_by(col(InvoiceLine.position)))),
        tuple(await desk.session.scalars(tries.order_by(col(PaymentAttempt.ordinal)))),
        tuple(await desk.session.scalars(notes.order_by(col(CreditNote.number)))),
        tuple(await desk.session.scalars(refunds.order_by(col(Refund.created_at), col(Refund.id)))),
    )


async def left_to_give_back(desk: DeskAt, invoice_id: str) -> int:
    """What a customer has paid of an invoice and has not got back, nor is about to."""
    paid = select(func.coalesce(func.sum(col(Allocation.amount_minor)), 0))
    back = select(func.coalesce(func.sum(col(Refund.amount_minor)), 0))
    paid = paid.where(may_see(desk.person, Allocation), col(Allocation.invoice_id) == invoice_id)
    back = back.where(may_see(desk.person, Refund), col(Refund.invoice_id) == invoice_id)
    return int(await desk.session.scalar(paid) or 0) - int(await desk.session.scalar(back) or 0)


async def invoice_page(desk: DeskAt, invoice: Invoice) -> InvoicePage:
    """The document, and what stands behind it as far as the asking person may see it."""
    shown = await document(desk, invoice)
    can_cancel = invoice.status in (InvoiceStatus.ISSUED, InvoiceStatus.OVERDUE) and invoice.run_id is None
    return InvoicePage(
        shown, await _postings(desk, shown), await _story(desk, shown), await _waits(desk, shown), can_cancel,
        await left_to_give_back(desk, invoice.id) if invoice.status is InvoiceStatus.PAID else 0,
        await tax_of(desk, invoice.id), slips_of(shown),
    )  # fmt: skip


async def tax_of(desk: DeskAt, invoice_id: str) -> tuple[TaxLine, ...]:
    """What the tax office was told of an invoice."""
    papers = desk.visible(TaxPaper).where(col(TaxPaper.invoice_id) == invoice_id)
    return tuple(line_of(one) for one in await desk.session.scalars(papers.order_by(col(TaxPaper.id))))


def slips_of(shown: Document) -> tuple[str, ...]:
    """The card payments of an invoice by their numbers at the provider."""
    return tuple(
        one.provider_id for one in shown.attempts
        if one.status is AttemptStatus.SUCCEEDED and one.provider not in ("bank", "suspense")
    )  # fmt: skip


def _subjects(shown: Document) -> list[str]:
    charges = [f"charge:{one.id}" for one in shown.attempts]
    return [invoice_workflow_id(shown.invoice.id), *charges, *(f"refund:{one.id}" for one in shown.refunds)]


async def _postings(desk: DeskAt, shown: Document) -> tuple[Posting, ...]:
    sources = [f"invoice:{shown.invoice.id}", *(f"attempt:{one.id}" for one in shown.attempts)]
    sources += [f"credit:{one.id}" for one in shown.credit_notes]
    sources += [f"refund:{one.id}" for one in shown.refunds]
    query = (
        select(LedgerTransaction, LedgerEntry)
        .join(LedgerEntry, col(LedgerEntry.transaction_id) == col(LedgerTransaction.id))
        .where(may_see(desk.person, LedgerTransaction), may_see(desk.person, LedgerEntry))
        .where(col(LedgerTransaction.source).in_(sources))
        .order_by(col(LedgerTransaction.id), col(LedgerEntry.position))
    )
    return tuple(
        Posting(one.purpose, one.posted_at, entry.account, entry.debit_minor, entry.credit_minor)
        for one, entry in (await desk.session.execute(query)).all()
    )


async def _story(desk: DeskAt, shown: Document) -> tuple[Told, ...]:
    query = desk.visible(TimelineEntry).where(col(TimelineEntry.subject).in_(_subjects(shown)))
    entries = await desk.session.scalars(query.order_by(col(TimelineEntry.at), col(TimelineEntry.id)))
    return tuple(Told(one.at, sentence(one.sentence, one.details)) for one in entries)


async def _waits(desk: DeskAt, shown: Document) -> tuple[Waiting, ...]:
    subjects = _subjects(shown)
    query = desk.visible(OpenWait).where(
        col(OpenWait.subject).in_(subjects), col(OpenWait.ended_at).is_(None)
    )
    rows = await desk.session.scalars(query.order_by(col(OpenWait.since)))
    return tuple(
        Waiting(
            one.key, one.who, wait_sentence(one.what, one.details), one.since, one.until,
            then_sentence(one.then), tuple(one.may),
            one.details.get("attempt", one.subject.removeprefix("charge:")),
            one.subject.removeprefix("refund:"),
        )
        for one in rows
    )  # fmt: skip
