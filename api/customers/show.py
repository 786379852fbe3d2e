"""One customer all round: identities, consents, products, tickets, journeys, standing, notes; the edit."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Request
from pydantic import BeforeValidator
from sqlalchemy import any_, func, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col
from starlette.responses import Response

from api.customers.card import Card, card
from api.customers.notes import NotesPage, notes_of
from api.customers.pairs import PairLine, pairs_of
from api.customers.routing import router
from api.customers.value import Value, tell_live, value_of
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.personal import reveal
from api.kit.rendering import Form, answer, move_on, toast
from api.kit.routes import AGENTS, STAFF
from api.kit.sentences import sentence, then_sentence, wait_sentence
from api.kit.texts import Count, Key, Line, MaybeEmail, MaybeLine, MaybePhone, Name
from models.customers import Consent, Customer
from models.journeys import OpenWait
from models.kit.refusals import Refusal
from models.kit.timeline import TimelineEntry
from models.messages.customers import ConsentKind, Tier
from models.messages.journeys import WaitFor
from models.rules.customers import newest
from models.tickets import Ticket

MOST = 10
UNMASKED = ("phone", "email", "postcode", "address")


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdigit() else value


@dataclass(frozen=True)
class Wait:
    """One journey of the customer's that is under way: what it waits for, and until when."""

    workflow_id: str
    subject: str
    who: WaitFor
    sentence: str
    then: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Proved:
    """What was proved of a record, and when."""

    phone_at: datetime | None
    email_at: datetime | None


@dataclass(frozen=True)
class Told:
    """What happened to the record itself; `also` is another record to look at."""

    at: datetime
    sentence: str
    also: str


@dataclass(frozen=True)
class CustomerPage:
    """The whole record; identities stay masked until somebody says why they look."""

    card: Card
    proved: Proved
    waits: tuple[Wait, ...]
    consents: tuple[tuple[ConsentKind, bool], ...]
    value: Value
    book: NotesPage
    story: tuple[Told, ...] = ()
    may_edit: bool = False
    tiers: tuple[Tier, ...] = tuple(Tier)
    pairs: tuple[PairLine, ...] = ()
    names: tuple[str, ...] = ()  # what it was called in records that were merged into it


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
    """Show everything of one customer that the person may see; who was merged leads to who is left."""
    root, proved = await standing_of(desk, customer_id)
    if root is not None:
        return move_on(request, f"/customers/{root}", data={"root": root})
    return answer(request, "customers/show.html", await customer_page(desk, customer_id, proved))


async def standing_of(desk: DeskAt, customer_id: str) -> tuple[str | None, Proved]:
    """The record that is left of this one if it was merged, and which addresses are proved."""
    query = desk.visible(Customer).with_only_columns(
        col(Customer.root), col(Customer.phone_proved_at), col(Customer.email_proved_at)
    )
    row = (await desk.session.execute(query.where(col(Customer.id) == customer_id))).one_or_none()
    if row is None:
        raise Refusal("not_found")
    return row[0], Proved(row[1], row[2])


async def customer_page(desk: DeskAt, customer_id: str, proved: Proved | None = None) -> CustomerPage:
    """Read one customer; contracts, bills and contacts are a page of their own, fetched after this one."""
    found = await card(desk.session, desk.person, customer_id, tickets=20)
    if found is None:
        raise Refusal("not_found")
    proved = proved or (await standing_of(desk, customer_id))[1]
    merged = (await desk.session.execute(merged_into(desk, customer_id))).all()
    return CustomerPage(
        found, proved, await waits_of(desk, customer_id), await consents_of(desk, customer_id),
        await value_of(desk, customer_id), await notes_of(desk, customer_id),
        await story_of(desk, [customer_id, *(id for id, _name in merged)]), desk.person.is_desk,
        pairs=await pairs_of(desk.session, desk.person, customer_id),
        names=tuple(name for _id, name in merged),
    )  # fmt: skip


async def waits_of(desk: DeskAt, customer_id: str) -> tuple[Wait, ...]:
    """What the customer's running journeys wait for, the nearest deadline first."""
    theirs = desk.visible(Ticket).with_only_columns(col(Ticket.id)).where(
        col(Ticket.customer_id) == customer_id, ~col(Ticket.is_over)
    )  # fmt: skip
    found: dict[tuple[str, str], OpenWait] = {}
    for about in (
        col(OpenWait.customer_id) == customer_id,
        col(OpenWait.ticket_id) == any_(func.array(theirs.scalar_subquery())),
    ):
        query = desk.visible(OpenWait).where(about, col(OpenWait.ended_at).is_(None))
        rows = await desk.session.scalars(query.order_by(col(OpenWait.until).nulls_last()).limit(MOST))
        found |= {(row.workflow_id, row.key): row for row in rows}
    nearest = sorted(found.values(), key=lambda row: (row.until is None, row.until or row.since))
    return tuple(
        Wait(
            row.workflow_id, row.subject, row.who, wait_sentence(row.what, row.details),
            then_sentence(row.then), row.since, row.until,
        )
        for row in nearest[:MOST]
    )  # fmt: skip


async def consents_of(desk: DeskAt, customer_id: str) -> tuple[tuple[ConsentKind, bool], ...]:
    """How the customer stands to each text."""
    rows = await desk.session.execute(
        desk.visible(Consent)
        .with_only_columns(col(Consent.kind), col(Consent.is_given))
        .where(col(Consent.customer_id) == customer_id)
        .order_by(col(Consent.id))
    )
    return tuple(newest((kind, is_given) for kind, is_given in rows).items())


def merged_into(desk: DeskAt, customer_id: str) -> Any:
    """The records that were merged into this one, with their names."""
    query = (
        desk.visible(Customer)
        .with_only_columns(col(Customer.id), col(Customer.name))
        .where(col(Customer.root) == customer_id)
    )
    return query.order_by(col(Customer.id))


async def story_of(desk: DeskAt, family: list[str]) -> tuple[Told, ...]:
    """The record's own story, newest first, with that of the records that were merged into it."""
    query = desk.visible(TimelineEntry).where(
        col(TimelineEntry.subject).in_([f"customer:{one}" for one in family])
    )
    rows = await desk.session.scalars(query.order_by(col(TimelineEntry.id).desc()).limit(20))
    return tuple(
        Told(row.at, sentence(row.sentence, row.details), str(row.details.get("also", ""))) for row in rows
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
    is_left = col(Customer.root).is_(None)
    is_mine = (col(Customer.id) == customer_id, col(Customer.version) == change.version, is_left)
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
    await tell_live(desk, customer_id)
    await desk.commit()
    if request.headers.get("hx-request") == "true":
        page = await customer_page(desk, customer_id)
        return answer(request, "customers/show.html", page, block="edit_form", trigger=toast(_("Saved")))
    return move_on(request, f"/customers/{customer_id}", data={"version": change.version + 1})


async def edited(request: Request, desk: DeskAt, customer_id: str, form: Form, status: int) -> Response:
    """The form again, with what was typed; its version is the newest, so that sending it again succeeds."""
    page = await customer_page(desk, customer_id)
    return answer(request, "customers/show.html", page, block="edit_form", form=form, status=status)
