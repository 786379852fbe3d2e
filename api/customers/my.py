"""What a signed-in customer has with us: products, and how we reach them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request
from sqlalchemy import text, update
from sqlmodel import col, select
from starlette.responses import Response

from api.customers.card import ProductLine, products_of
from api.customers.routing import router
from api.customers.signup import Contact, channel_of, start
from api.kit import onetime
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.language import locale
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import CUSTOMERS
from api.kit.texts import Key, Line, MaybeLine, Name
from models.catalogue import Product
from models.customers import Customer
from models.kit import ids
from models.kit.refusals import REFUSALS, Refusal
from models.staff import Account

TOLD = {"unknown": "serial_unknown", "taken": "serial_taken"}


@dataclass(frozen=True)
class ProductsPage:
    """What the customer owns, and what could be registered."""

    owned: tuple[ProductLine, ...]
    choices: tuple[tuple[str, str], ...]


class Registering(Input):
    """One device, by what stands on its label."""

    product_id: Key
    serial: Line


@dataclass(frozen=True)
class ProfilePage:
    """Who the customer is to us; their own data, so nothing is masked."""

    name: str
    phone: str | None
    email: str | None
    postcode: str
    address: str
    is_taken: bool = False


class Profile(Input):
    """What a customer may change by themselves; telephone and e-mail need a code."""

    name: Name
    postcode: MaybeLine = ""
    address: MaybeLine = ""


@router.get("/my/products", may=CUSTOMERS)
async def products(request: Request, desk: Desk) -> Response:
    """Show what the customer owns."""
    return answer(request, "customers/my_products.html", await products_page(desk))


async def products_page(desk: DeskAt) -> ProductsPage:
    """Read the customer's products, and the models that exist."""
    name = col(Product.name_ko) if locale() == "ko" else col(Product.name_en)
    models = await desk.session.execute(select(col(Product.id), name).order_by(name))
    owned = await products_of(desk.session, desk.person, desk.person.customer_id or "")
    return ProductsPage(owned, tuple((one[0], one[1]) for one in models))


@router.post("/my/products", may=CUSTOMERS)
async def register(request: Request, desk: Desk, sent: Typed[Registering] = typed(Registering)) -> Response:
    """Register a device that we made and that nobody has; else say in a sentence why not."""
    form = sent.form
    if sent.value is not None:
        asked = text("select register_product(:product, :serial, :id)")
        given = {"product": sent.value.product_id, "serial": sent.value.serial, "id": ids.fresh("own")}
        said = str(await desk.session.scalar(asked, given))
        if said not in TOLD:
            await desk.commit()
            return move_on(request, "/my/products", data={"status": said})
        form = sent.wrong("serial", _(REFUSALS[TOLD[said]][1]))
    page = await products_page(desk)
    return answer(request, "customers/my_products.html", page, block="register_form", form=form, status=422)


@router.get("/my/profile", may=CUSTOMERS)
async def profile(request: Request, desk: Desk, told: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Show how we know the customer."""
    return answer(request, "customers/my_profile.html", await profile_page(desk, told == "taken"))


async def profile_page(desk: DeskAt, is_taken: bool = False) -> ProfilePage:
    """Read the customer's own record."""
    found = await desk.one(Customer, desk.person.customer_id or "")
    return ProfilePage(found.name, found.phone, found.email, found.postcode, found.address, is_taken)


@router.post("/my/profile", may=CUSTOMERS)
async def change(request: Request, desk: Desk, sent: Typed[Profile] = typed(Profile)) -> Response:
    """Change name and address."""
    if sent.value is None:
        page = await profile_page(desk)
        return answer(
            request, "customers/my_profile.html", page, block="profile_form", form=sent.form, status=422
        )
    values = dict(sent.value)
    mine = update(Customer).where(col(Customer.id) == desk.person.customer_id)
    await desk.session.execute(mine.values(**values, version=Customer.version + 1))
    account = update(Account).where(col(Account.id) == desk.person.id)
    await desk.session.execute(account.values(name=sent.value.name))
    await desk.commit()
    request.app.state.doors.forget(account_id=desk.person.id)
    return move_on(request, "/my/profile", data={"status": "saved"})


@router.post("/my/contact", may=CUSTOMERS)
async def contact(request: Request, desk: Desk, sent: Typed[Contact] = typed(Contact)) -> Response:
    """Send a code to a new telephone number or e-mail address; it replaces the old one once it is proved."""
    to = channel_of(sent)
    form, status = sent.form, 422
    if to is not None:
        try:
            token = await start(request, desk, to, "/my/profile", desk.person.customer_id)
            return onetime.hold(request, move_on(request, "/signup/code", data={"status": "sent"}), token)
        except Refusal as refusal:
            status, sentence = REFUSALS[refusal.code]
            form = Form(form.values, {"contact": _(sentence)})
    page = await profile_page(desk)
    return answer(request, "customers/my_profile.html", page, block="contact_form", form=form, status=status)
