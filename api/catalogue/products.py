"""Products as they are edited: what is bought once, or comes with a plan."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.catalogue.index import again, may_edit
from api.catalogue.plan_form import Code, Won
from api.catalogue.routing import router
from api.catalogue.shelf import name_of, products_by_id
from api.kit import labels, signing
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import answer, move_on
from api.kit.routes import ADMINS, STAFF
from api.kit.texts import Key, MaybeParagraph, Name
from models.catalogue import Product
from models.kit import ids
from models.kit.refusals import Refusal
from models.messages.catalogue import ProductKind


class ProductDraft(Input):
    """What an administrator sets of a product; contracts and orders keep what they were told."""

    name_ko: Name
    name_en: Name
    category: Code
    kind: ProductKind
    price_minor: Won = 0
    is_sold: bool = False
    needs_installation: bool = False
    warranty_months: Annotated[int, Field(ge=0, le=240)] = 24
    labour_minor: Won = 0
    call_out_minor: Won = 0
    about_ko: MaybeParagraph = ""
    about_en: MaybeParagraph = ""


class NewProduct(Input):
    """A product before anything else is known of it."""

    sku: Code
    name_ko: Name
    name_en: Name
    category: Code
    kind: ProductKind


@dataclass(frozen=True)
class ProductPage:
    """One product."""

    id: str
    name: str
    sku: str
    values: dict[str, Any]
    may_edit: bool
    kind_options: tuple[tuple[str, str], ...]


@router.get("/catalogue/products/{product_id}", may=STAFF, row="product")
async def show(request: Request, desk: Desk, product_id: Key) -> Response:
    """One product, to read or to edit."""
    return answer(request, "catalogue/product.html", await product_page(desk, product_id))


@router.post("/catalogue/products", may=ADMINS)
async def create(request: Request, desk: Desk, sent: Typed[NewProduct] = typed(NewProduct)) -> Response:
    """Add a product; it is not sold until its price is set."""
    new = sent.value
    if new is None:
        return await again(request, desk, sent.form, "product")
    product_id = ids.fresh("prd")
    row = {
        "id": product_id, "labour_minor": 0, "call_out_minor": 0, "currency": "KRW", "checklist": [],
        "price_minor": 0, "is_sold": False, "needs_installation": False, "warranty_months": 24,
        "about_ko": "", "about_en": "", **new.model_dump(),
    }  # fmt: skip
    statement = insert(Product).values(row).on_conflict_do_nothing().inline()
    made: Any = await desk.session.execute(statement, execution_options={"preserve_rowcount": True})
    if made.rowcount != 1:
        taken = sent.wrong("sku", _("Another product has this number."))
        return await again(request, desk, taken, "product", 409)
    await noted(desk, "made", product_id, sku=new.sku)
    await desk.commit()
    where = f"/catalogue/products/{product_id}"
    return move_on(request, where, data={"product_id": product_id}, status=201)


@router.post("/catalogue/products/{product_id}", may=ADMINS, row="product")
async def save(
    request: Request, desk: Desk, product_id: Key, sent: Typed[ProductDraft] = typed(ProductDraft)
) -> Response:
    """Store what was typed."""
    page = await product_page(desk, product_id)
    if sent.value is None:
        return answer(
            request, "catalogue/product.html", page, block="product_form", status=422, form=sent.form
        )
    values = sent.value.model_dump()
    changed = {name: value for name, value in values.items() if page.values[name] != value}
    if changed:
        statement = update(Product).where(col(Product.id) == product_id).values(**changed)
        await desk.session.execute(statement.execution_options(synchronize_session=False))
        before = {name: page.values[name] for name in changed}
        await noted(desk, "edited", product_id, before=before, after=changed)
        await desk.commit()
    return move_on(request, f"/catalogue/products/{product_id}")


async def product_page(desk: DeskAt, product_id: str) -> ProductPage:
    """Read one product."""
    found = (await products_by_id(desk)).get(product_id)
    if found is None:
        raise Refusal("not_found")
    values = {name: getattr(found, name) for name in ProductDraft.model_fields}
    kinds = tuple((str(kind), labels.label_text(kind, "product_kind")) for kind in ProductKind)
    return ProductPage(found.id, name_of(found), found.sku, values, may_edit(desk.person), kinds)


async def noted(desk: DeskAt, act: str, product_id: str, **details: object) -> None:
    """One line in the audit log."""
    who = desk.person
    await signing.note(
        desk.session, who.id, who.address, f"catalogue.product.{act}", f"product:{product_id}", **details
    )
