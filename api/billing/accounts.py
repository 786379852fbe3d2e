"""One customer's account: what is owed, billed, paid and carried, and how finance wants it billed."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from fastapi import Request
from pydantic import BeforeValidator, Field
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.billing.routing import router
from api.kit import labels
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.labels import Label
from api.kit.language import N_
from api.kit.rendering import answer, move_on
from api.kit.routes import AGENTS, FINANCE
from api.kit.seeing import may_see
from api.kit.texts import Key, MaybeLine
from models.billing import BillingAccount, BillSkip, CreditNote, Invoice
from models.customers import Customer
from models.kit.arrears import OWED, open_minor
from models.kit.refusals import Refusal
from models.messages.billing.invoices import InvoiceStatus
from models.messages.billing.runs import TaxDocument
from models.payments import PaymentAttempt
from models.subscriptions import SubscriptionCharge

LAST = 20
labels.register(
    "tax_document",
    {
        TaxDocument.CARD_SLIP: Label(N_("Card slip")),
        TaxDocument.CASH_RECEIPT: Label(N_("Cash receipt")),
        TaxDocument.TAX_INVOICE: Label(N_("Tax invoice")),
    },
)


def _nothing(value: object) -> object:
    return None if value == "" else int(value) if isinstance(value, str) and value.isdigit() else value


def _no_day(value: object) -> object:
    return None if value == "" else value


class Billing(Input):
    """How an account is billed, and whether collection has to wait."""

    version: Annotated[int, BeforeValidator(_nothing), Field(ge=0)]
    bill_day: Annotated[Annotated[int, Field(ge=1, le=31)] | None, BeforeValidator(_nothing)] = None
    collect_day: Annotated[Annotated[int, Field(ge=1, le=31)] | None, BeforeValidator(_nothing)] = None
    due_days: Annotated[int, BeforeValidator(_nothing), Field(ge=0, le=90)] = 14
    tax_document: Literal["card_slip", "cash_receipt", "tax_invoice"] = "card_slip"
    business_number: MaybeLine = ""
    hold_until: Annotated[date | None, BeforeValidator(_no_day)] = None
    hold_reason: MaybeLine = ""


@dataclass(frozen=True)
class OpenInvoice:
    """One invoice and what is still owed of it."""

    invoice: Invoice
    open_minor: int


@dataclass(frozen=True)
class Balance:
    """What the account owes and what waits for its next bill."""

    owed_minor: int
    overdue_minor: int
    waiting_minor: int  # charges and credits on no document yet


@dataclass(frozen=True)
class Whose:
    """The customer, without the ways to reach them."""

    id: str
    name: str


@dataclass(frozen=True)
class AccountPage:
    """Everything about the money of one customer."""

    customer: Whose
    account: BillingAccount
    balance: Balance
    invoices: tuple[OpenInvoice, ...]
    payments: tuple[PaymentAttempt, ...]
    credits: tuple[CreditNote, ...]
    parked: tuple[BillSkip, ...]
    may_change: bool


@router.get("/billing/accounts/{customer_id}", may=FINANCE | AGENTS, row="customer")
async def show_account(request: Request, desk: Desk, customer_id: Key) -> Response:
    """Show the account of one customer."""
    page = await account_page(desk, await desk.one(Customer, customer_id))
    return answer(request, "billing/account.html", page)


@router.post("/billing/accounts/{customer_id}", may=FINANCE, row="customer")
async def change_account(
    request: Request, desk: Desk, customer_id: Key, sent: Typed[Billing] = typed(Billing)
) -> Response:
    """Finance changes how an account is billed; what a colleague changed meanwhile is not lost."""
    customer = await desk.one(Customer, customer_id)
    if sent.value is None:
        page = await account_page(desk, customer)
        return answer(request, "billing/account.html", page, status=422, form=sent.form)
    given = sent.value.model_dump()
    version, given["tax_id"] = given.pop("version"), given.pop("business_number")
    statement = insert(BillingAccount).values(customer_id=customer.id, version=1, **given)
    if version:
        statement = statement.on_conflict_do_update(
            index_elements=["customer_id"],
            set_={**given, "version": version + 1},
            where=col(BillingAccount.version) == version,
        )
    else:
        statement = statement.on_conflict_do_nothing()
    made = await desk.session.execute(statement.returning(col(BillingAccount.version)))
    if made.first() is None:
        raise Refusal("changed_meanwhile")
    await desk.commit()
    return move_on(request, f"/billing/accounts/{customer.id}")


async def account_page(desk: DeskAt, customer: Customer) -> AccountPage:
    """The account as the asking person may see it."""
    stored = await desk.session.scalar(
        desk.visible(BillingAccount).where(col(BillingAccount.customer_id) == customer.id)
    )
    account = stored or BillingAccount(customer_id=customer.id, version=0)
    invoices = await _invoices(desk, customer.id)
    balance = await _balance(desk, customer.id)
    tries = desk.visible(PaymentAttempt).where(col(PaymentAttempt.customer_id) == customer.id)
    notes = desk.visible(CreditNote).where(col(CreditNote.customer_id) == customer.id)
    parked = desk.visible(BillSkip).where(
        col(BillSkip.customer_id) == customer.id, col(BillSkip.is_error), col(BillSkip.solved_at).is_(None),
        col(BillSkip.run_id).startswith("B"),  # not of a preview
    )  # fmt: skip
    return AccountPage(
        Whose(customer.id, customer.name), account, balance, invoices,
        tuple(await desk.session.scalars(tries.order_by(col(PaymentAttempt.created_at).desc()).limit(LAST))),
        tuple(await desk.session.scalars(notes.order_by(col(CreditNote.created_at).desc()).limit(LAST))),
        tuple(await desk.session.scalars(parked.order_by(col(BillSkip.created_at).desc()).limit(LAST))),
        bool(desk.person.roles & FINANCE),
    )  # fmt: skip


async def _invoices(desk: DeskAt, customer_id: str) -> tuple[OpenInvoice, ...]:
    query = desk.visible(Invoice).with_only_columns(Invoice, open_minor())
    is_open = col(Invoice.status).in_(OWED)
    order = is_open.desc(), col(Invoice.issued_on).desc(), col(Invoice.id).desc()
    rows = await desk.session.execute(
        query.where(col(Invoice.customer_id) == customer_id).order_by(*order).limit(LAST)
    )
    return tuple(OpenInvoice(one, int(left) if one.status in OWED else 0) for one, left in rows)


async def _balance(desk: DeskAt, customer_id: str) -> Balance:
    """Over all open invoices, not only those that the page lists."""
    late = func.sum(open_minor()).filter(col(Invoice.status) == InvoiceStatus.OVERDUE)
    query = desk.visible(Invoice).with_only_columns(
        func.coalesce(func.sum(open_minor()), 0), func.coalesce(late, 0)
    )
    query = query.where(col(Invoice.customer_id) == customer_id, col(Invoice.status).in_(OWED))
    owed, overdue = (await desk.session.execute(query)).one()
    return Balance(int(owed), int(overdue), await _waiting(desk, customer_id))


async def _waiting(desk: DeskAt, customer_id: str) -> int:
    query = select(func.coalesce(func.sum(col(SubscriptionCharge.gross_minor)), 0)).where(
        may_see(desk.person, SubscriptionCharge),
        col(SubscriptionCharge.customer_id) == customer_id,
        col(SubscriptionCharge.document_id).is_(None),
        ~col(SubscriptionCharge.is_void),
    )
    return int(await desk.session.scalar(query) or 0)
