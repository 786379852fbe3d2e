"""One customer all round: identities, products, tickets, visits, invoices; and the edit of what we know."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Request
from pydantic import BeforeValidator
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col
from starlette.responses import Response

from api.catalogue.offers import Suggestion, suggestions
from api.customers.card import Card, card
from api.customers.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.personal import reveal
from api.kit.rendering import Form, answer, move_on, toast
from api.kit.routes import AGENTS, STAFF
from api.kit.sentences import sentence
from api.kit.texts import Count, Key, Line, MaybeEmail, MaybeLine, MaybePhone, Name
from models.billing import Invoice
from models.customers import Customer
from models.field_service import Technician, Visit
from models.kit.refusals import Refusal
from models.kit.timeline import TimelineEntry
from models.messages.billing.invoices import InvoiceStatus
from models.messages.customers import Tier
from models.messages.field_service import VisitStatus

UNMASKED = ("phone", "email", "postcode", "address")


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdigit() else value


@dataclass(frozen=True)
class VisitLine:
    """One visit to the customer."""

    id: str
    ticket_id: str
    status: VisitStatus
    starts_at: datetime | None
    technician: str | None


@dataclass(frozen=True)
class InvoiceLineUp:
    """One invoice of the customer."""

    id: str
    number: str
    status: InvoiceStatus
    total_minor: int
    currency: str
    due_at: datetime


@dataclass(frozen=True)
class CustomerPage:
    """The whole record; identities stay masked until somebody says why they look."""

    card: Card
    visits: tuple[VisitLine, ...] = ()
    invoices: tuple[InvoiceLineUp, ...] = ()
    notes: tuple["Note", ...] = ()
    may_edit: bool = False
    offers: tuple[Suggestion, ...] = ()  # what fits to what they own, and why
    tiers: tuple[Tier, ...] = tuple(Tier)


@dataclass(frozen=True)
class Note:
    """What happened to the record itself; `also` is another record to look at."""

    at: datetime
    sentence: str
    also: str


class Looking(Input):
    """Why somebody looks at personal data."""

    purpose: Line


class Edited(Input):
    """What the desk may change of a customer; an empty telephone or e-mail stays as it is."""

    version: Annotated[Count, BeforeValidator(_whole)]
    name: Name
    tier: Tier
    region: MaybeLine = ""
    locale: Line = "ko"
    phone: MaybePhone = None
    email: MaybeEmail = None
    address: MaybeLine = ""


@router.get("/customers/{customer_id}", may=STAFF, row="customer")
async def show(request: Request, desk: Desk, customer_id: Key) -> Response:
    """Show everything of one customer that the person may see."""
    return answer(request, "customers/show.html", await customer_page(desk, customer_id))


async def customer_page(desk: DeskAt, customer_id: str) -> CustomerPage:
    """Read one customer."""
    found = await card(desk.session, desk.person, customer_id, tickets=50)
    if found is None:
        raise Refusal("not_found")
    visits = (
        desk.visible(Visit)
        .with_only_columns(
            col(Visit.id), col(Visit.ticket_id), col(Visit.status), col(Visit.starts_at), col(Technician.name)
        )
        .outerjoin(Technician, col(Technician.id) == col(Visit.technician_id))
        .where(col(Visit.customer_id) == customer_id)
        .order_by(col(Visit.created_at).desc())
        .limit(20)
    )
    invoices = (
        desk.visible(Invoice)
        .with_only_columns(
            col(Invoice.id), col(Invoice.number), col(Invoice.status), col(Invoice.total_minor),
            col(Invoice.currency), col(Invoice.due_at),
        )
        .where(col(Invoice.customer_id) == customer_id)
        .order_by(col(Invoice.issued_on).desc(), col(Invoice.id).desc())
        .limit(20)
    )  # fmt: skip
    return CustomerPage(
        found,
        tuple(VisitLine(*line) for line in await desk.session.execute(visits)),
        tuple(InvoiceLineUp(*line) for line in await desk.session.execute(invoices)),
        await notes_of(desk, customer_id),
        desk.person.is_desk,
        await suggestions(desk, customer_id),
    )


async def notes_of(desk: DeskAt, customer_id: str) -> tuple[Note, ...]:
    """The record's own story, newest first."""
    query = desk.visible(TimelineEntry).where(col(TimelineEntry.subject) == f"customer:{customer_id}")
    rows = await desk.session.scalars(query.order_by(col(TimelineEntry.id).desc()).limit(20))
    return tuple(
        Note(row.at, sentence(row.sentence, row.details), str(row.details.get("also", ""))) for row in rows
    )


@router.post(
    "/customers/{customer_id}/disclosure", may=STAFF, row="customer", reveals="to reach the customer"
)
async def disclose(
    request: Request, desk: Desk, customer_id: Key, sent: Typed[Looking] = typed(Looking)
) -> Response:
    """Unmask telephone, e-mail and address for a reason, which is written down before anything is shown."""
    if sent.value is None:
        page = await customer_page(desk, customer_id)
        return answer(request, "customers/show.html", page, block="contact", form=sent.form, status=422)
    told = await reveal(
        desk, customer_id, action="customers.disclosed", purpose=sent.value.purpose, only=UNMASKED
    )
    return answer(request, "customers/disclosed.html", told, block="contact")


@router.post("/customers/{customer_id}", may=AGENTS, row="customer")
async def edit(
    request: Request, desk: Desk, customer_id: Key, sent: Typed[Edited] = typed(Edited)
) -> Response:
    """Change what we know; somebody else's change in between is shown first, and nothing typed is lost."""
    await desk.one(Customer, customer_id)
    change = sent.value
    if change is None:
        return await edited(request, desk, customer_id, sent.form, 422)
    values = {name: value for name, value in change if name not in ("version", "phone", "email", "address")}
    kept = {"phone": change.phone, "email": change.email, "address": change.address}
    values |= {name: value for name, value in kept.items() if value}
    is_mine = (col(Customer.id) == customer_id, col(Customer.version) == change.version)
    statement = update(Customer).where(*is_mine).values(**values, version=change.version + 1)
    try:
        async with desk.session.begin_nested():
            done = await desk.session.execute(statement.execution_options(synchronize_session=False))
    except IntegrityError:
        taken = _("Another customer has this telephone number or e-mail address.")
        return await edited(request, desk, customer_id, sent.wrong("phone", taken), 422)
    if done.rowcount == 0:  # type: ignore[attr-defined]
        stale = _("Someone else changed this customer meanwhile. What you typed is kept; send it again.")
        return await edited(request, desk, customer_id, sent.wrong("form", stale), 409)
    await desk.commit()
    if request.headers.get("hx-request") == "true":
        page = await customer_page(desk, customer_id)
        return answer(request, "customers/show.html", page, block="edit_form", trigger=toast(_("Saved")))
    return move_on(request, f"/customers/{customer_id}", data={"version": change.version + 1})


async def edited(request: Request, desk: DeskAt, customer_id: str, form: Form, status: int) -> Response:
    """The form again, with what was typed; its version is the newest, so that sending it again succeeds."""
    page = await customer_page(desk, customer_id)
    return answer(request, "customers/show.html", page, block="edit_form", form=form, status=status)
