"""Reporting a fault: by anybody without signing in, by a customer, or by the desk for somebody."""

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from fastapi import Request
from sqlmodel import col, select
from starlette.responses import Response

from api.customers.card import ProductLine, products_of
from api.kit import throttles
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.language import locale
from api.kit.people import Kind
from api.kit.rendering import answer, move_on
from api.kit.routes import AGENTS, ANYONE, CUSTOMERS
from api.kit.texts import Key, Line, MaybeEmail, MaybeKey, MaybeLine, MaybePhone, Name, Paragraph
from api.tickets.birth import Report, earlier_ticket, receive
from api.tickets.files import MOST_BODY, photos
from api.tickets.routing import router
from models.catalogue import Product
from models.customers import Customer, OwnedProduct
from models.kit.pictures import Photo
from models.kit.refusals import REFUSALS, Refusal
from models.messages.tickets import Channel, Priority

AT_FIELD = {"file_too_large": "photos", "file_not_allowed": "photos", "too_many_files": "photos"}
"""Refusals that belong to a field of the form."""
BY_DESK = (Channel.PHONE, Channel.EMAIL, Channel.SMS)


class Fault(Input):
    """What everybody tells us."""

    submission_key: Key
    subject: Line
    description: Paragraph


class OwnFault(Fault):
    """A signed-in customer: we know who it is."""

    owned_product_id: MaybeKey = None


class StrangersFault(Fault):
    """Somebody who is not signed in: how do we reach you, and what is broken?"""

    name: Name
    phone: MaybePhone = None
    email: MaybeEmail = None
    address: MaybeLine = ""
    product_id: MaybeKey = None
    serial: MaybeLine = ""


class PhonedFault(StrangersFault):
    """The desk writes down what somebody told us."""

    customer_id: MaybeKey = None
    owned_product_id: MaybeKey = None
    channel: Channel = Channel.PHONE
    priority: Priority = Priority.P3
    name: MaybeLine = ""


@dataclass(frozen=True)
class ReportPage:
    """A form to report a fault."""

    action: str
    key: str
    products: tuple[tuple[str, str], ...] = ()  # what we sell
    owned: tuple[ProductLine, ...] = ()  # what this customer owns
    customer_id: str = ""
    customer: str = ""
    channels: tuple[Channel, ...] = field(default=BY_DESK)
    priorities: tuple[Priority, ...] = tuple(Priority)


@dataclass(frozen=True)
class Receipt:
    """What somebody without an account gets: a number, the same for everybody."""

    ticket_id: str


@router.get("/report", may=ANYONE)
async def ask(request: Request, desk: Desk) -> Response:
    """Offer the public form; who is signed in gets their own."""
    if desk.person.kind is Kind.CUSTOMER or desk.person.is_desk:
        return move_on(request, "/tickets/new")
    return answer(request, "tickets/report.html", ReportPage("/report", fresh_key(), await catalogue(desk)))


@router.post("/report", may=ANYONE, max_body=MOST_BODY)
async def report(
    request: Request, desk: Desk, sent: Typed[StrangersFault] = typed(StrangersFault)
) -> Response:
    """Take a report from somebody who is not signed in; known and unknown people are answered alike."""
    try:
        await throttles.count(desk.session, request.app.state.limits.reporting(desk.person.address))
    except Refusal as refusal:
        return await too_often(request, desk, sent, refusal)
    fault = sent.value
    if fault is not None and not (fault.phone or fault.email):
        sent.form, fault = (
            sent.wrong("phone", _("Please tell us a telephone number or an e-mail address.")),
            None,
        )
    pictures = await pictures_of(sent)
    if fault is None or pictures is None:
        page = ReportPage("/report", key_of(sent), await catalogue(desk))
        return answer(request, "tickets/report.html", page, block="report_form", form=sent.form, status=422)
    given = {name: value for name, value in fault if name != "submission_key"}
    await known_product(desk, fault.product_id)
    filled = Report(
        key=fault.submission_key, channel=Channel.FORM, photos=pictures,
        phone_as_given=str(sent.form.value("phone")), **given,
    )  # fmt: skip
    ticket_id = await receive(desk, filled, request.app.state.settings.files_dir)
    where = f"/report/received/{fault.submission_key}"
    return move_on(request, where, data={"ticket_id": ticket_id}, status=201)


async def too_often(
    request: Request, desk: DeskAt, sent: Typed[StrangersFault], refusal: Refusal
) -> Response:
    """The form again with all that was typed; its key stays, so that sent later it is one ticket."""
    status, sentence = REFUSALS[refusal.code]
    form = sent.wrong("form", _(sentence))
    page = ReportPage("/report", key_of(sent), await catalogue(desk))
    return answer(
        request, "tickets/report.html", page, block="report_form", form=form, status=status,
        headers={"Retry-After": "600"},
    )  # fmt: skip


@router.get("/report/received/{token}", may=ANYONE)
async def received(request: Request, desk: Desk, token: Key) -> Response:
    """Tell the number to whoever holds the key of the form, and nothing else."""
    await desk.take_in()
    ticket_id = await earlier_ticket(desk, token)
    if ticket_id is None:
        raise Refusal("not_found")
    return answer(request, "tickets/received.html", Receipt(ticket_id))


@router.get("/tickets/new", may=AGENTS | CUSTOMERS)
async def new(request: Request, desk: Desk, customer: str = "") -> Response:
    """Offer the form to a customer, or to the desk for a customer."""
    if desk.person.is_desk:
        return answer(request, "tickets/new.html", await desk_page(desk, customer, fresh_key()))
    return answer(request, "tickets/report.html", await own_page(desk, fresh_key()))


@router.post("/tickets/new", may=CUSTOMERS, max_body=MOST_BODY)
async def create_own(request: Request, desk: Desk, sent: Typed[OwnFault] = typed(OwnFault)) -> Response:
    """Take a report from a signed-in customer."""
    pictures = await pictures_of(sent)
    if sent.value is None or pictures is None:
        page = await own_page(desk, key_of(sent))
        return answer(request, "tickets/report.html", page, block="report_form", form=sent.form, status=422)
    fault = sent.value
    if fault.owned_product_id is not None:
        await desk.one(OwnedProduct, fault.owned_product_id)
    filled = Report(
        key=fault.submission_key, subject=fault.subject, description=fault.description,
        channel=Channel.PORTAL, customer_id=desk.person.customer_id, name=desk.person.name,
        owned_product_id=fault.owned_product_id, photos=pictures,
    )  # fmt: skip
    ticket_id = await receive(desk, filled, request.app.state.settings.files_dir)
    return move_on(request, f"/tickets/{ticket_id}", data={"ticket_id": ticket_id}, status=201)


@router.post("/tickets", may=AGENTS, max_body=MOST_BODY)
async def create(request: Request, desk: Desk, sent: Typed[PhonedFault] = typed(PhonedFault)) -> Response:
    """Take a report that somebody gave to the desk."""
    fault = sent.value
    if fault is not None and fault.customer_id is None:
        if not fault.name:
            sent.form, fault = sent.wrong("name", _("Please fill in this field.")), None
        elif not (fault.phone or fault.email):
            missing = _("Please enter a telephone number or an e-mail address.")
            sent.form, fault = sent.wrong("phone", missing), None
    pictures = await pictures_of(sent)
    if fault is None or pictures is None:
        page = await desk_page(desk, str(sent.form.value("customer_id")), key_of(sent))
        return answer(request, "tickets/new.html", page, block="new_form", form=sent.form, status=422)
    filled = await by_desk(desk, fault, str(sent.form.value("phone")), pictures)
    ticket_id = await receive(desk, filled, request.app.state.settings.files_dir)
    return move_on(request, f"/tickets/{ticket_id}", data={"ticket_id": ticket_id}, status=201)


async def by_desk(desk: DeskAt, fault: PhonedFault, phone: str, pictures: list[Photo]) -> Report:
    """What the desk wrote down, with every id in it checked."""
    given = {name: value for name, value in fault if name != "submission_key"}
    filled = Report(key=fault.submission_key, photos=pictures, phone_as_given=phone, **given)
    await known_product(desk, fault.product_id)
    if fault.customer_id is not None:
        customer = await desk.one(Customer, fault.customer_id)
        filled = replace(filled, name=customer.name)
    if fault.owned_product_id is not None:
        owned = await desk.one(OwnedProduct, fault.owned_product_id)
        if owned.customer_id != fault.customer_id:
            raise Refusal("not_found")
    return filled


async def pictures_of(sent: Typed[Any]) -> list[Photo] | None:
    """The attached pictures; None, with the reason at the field, when one cannot be taken."""
    try:
        return await photos(sent.files.get("photos", []))
    except Refusal as refusal:
        field_name = AT_FIELD.get(refusal.code)
        if field_name is None:
            raise
        sent.form = sent.wrong(field_name, _(REFUSALS[refusal.code][1]))
        return None


async def known_product(desk: DeskAt, product_id: str | None) -> None:
    """Refuse a product that we never made."""
    if product_id is not None and await desk.session.get(Product, product_id) is None:
        raise Refusal("not_found")


async def catalogue(desk: DeskAt) -> tuple[tuple[str, str], ...]:
    """What we make, by name."""
    name = col(Product.name_ko) if locale() == "ko" else col(Product.name_en)
    found = await desk.session.execute(select(col(Product.id), name).order_by(name).limit(500))
    return tuple((line[0], line[1]) for line in found)


async def own_page(desk: DeskAt, key: str) -> ReportPage:
    """The form of a signed-in customer, with what they own."""
    owned = await products_of(desk.session, desk.person, desk.person.customer_id or "")
    return ReportPage("/tickets/new", key, owned=owned, customer=desk.person.name)


async def desk_page(desk: DeskAt, customer_id: str, key: str) -> ReportPage:
    """The form of the desk, for a known customer or a new one."""
    products = await catalogue(desk)
    if not customer_id:
        return ReportPage("/tickets", key, products)
    customer = await desk.one(Customer, customer_id)
    owned = await products_of(desk.session, desk.person, customer.id)
    return ReportPage("/tickets", key, products, owned, customer.id, customer.name)


def fresh_key() -> str:
    """A form's key: unguessable, because it also opens the receipt."""
    return uuid4().hex


def key_of(sent: Typed[Any]) -> str:
    """The key of a form that comes back to be corrected."""
    return str(sent.form.value("submission_key")) or fresh_key()
