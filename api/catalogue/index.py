"""The catalogue as those who work here see it: everything with its status, and new plans and bundles."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.catalogue.plan_form import Code
from api.catalogue.routing import router
from api.catalogue.shelf import bundles_by_id, name_of, plans_by_id, products_by_id
from api.catalogue.versions import BUNDLE, PLAN, Thing, add_draft, noted, sold_now
from api.kit import labels
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.people import Person
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import ADMINS, STAFF
from api.kit.texts import MaybeKey, MaybeParagraph, Name
from models.catalogue import Bundle, BundleVersion, CrossSell, Plan, PlanVersion, Product
from models.kit import ids
from models.kit.records import to_record
from models.kit.refusals import Refusal
from models.messages.catalogue import BundleTerms, PlanKind, PlanTerms, ProductKind, VersionStatus
from models.messages.staff import Role

Options = tuple[tuple[str, str], ...]


class NewPlan(Input):
    """A plan before it has terms."""

    code: Code
    kind: PlanKind
    name_ko: Name
    name_en: Name
    product_id: MaybeKey = None
    about_ko: MaybeParagraph = ""
    about_en: MaybeParagraph = ""


class NewBundle(Input):
    """A bundle before it has parts."""

    code: Code
    name_ko: Name
    name_en: Name
    about_ko: MaybeParagraph = ""
    about_en: MaybeParagraph = ""


@dataclass(frozen=True)
class Line:
    """One plan or bundle in the list."""

    id: str
    href: str
    name: str
    code: str
    kind: str
    sold: int | None
    open_status: VersionStatus | None  # the newest version that is not published yet
    open_version: int | None


@dataclass(frozen=True)
class ProductLine:
    """One product in the list."""

    id: str
    name: str
    sku: str
    kind: str
    price_minor: int
    is_sold: bool


@dataclass(frozen=True)
class RuleLine:
    """One rule of what fits to what."""

    id: str
    when: str
    offers: str
    reason: str
    is_active: bool


@dataclass(frozen=True)
class CataloguePage:
    """The whole catalogue."""

    plans: tuple[Line, ...]
    bundles: tuple[Line, ...]
    products: tuple[ProductLine, ...]
    rules: tuple[RuleLine, ...]
    may_edit: bool
    makes: Options


@dataclass(frozen=True)
class NewPage:
    """The form of a new plan, bundle, product or rule, and what it may name."""

    thing: str
    title: str
    kinds: Options = ()
    offered: Options = ()
    owned: Options = ()


def may_edit(person: Person) -> bool:
    """Whether somebody edits the catalogue."""
    return Role.ADMIN in person.roles


@router.get("/catalogue", may=STAFF)
async def index(request: Request, desk: Desk) -> Response:
    """Show everything that is, was and will be sold."""
    return answer(request, "catalogue/index.html", await index_page(desk))


async def index_page(desk: DeskAt) -> CataloguePage:
    """Read the catalogue."""
    products, plans, bundles = await products_by_id(desk), await plans_by_id(desk), await bundles_by_id(desk)
    plan_versions = list(await desk.session.scalars(desk.visible(PlanVersion).limit(5_000)))
    bundle_versions = list(await desk.session.scalars(desk.visible(BundleVersion).limit(5_000)))
    rules = await desk.session.scalars(desk.visible(CrossSell).order_by(col(CrossSell.id)).limit(500))
    return CataloguePage(
        tuple(line_of(PLAN, plan, str(plan.kind), plan_versions) for plan in plans.values()),
        tuple(line_of(BUNDLE, bundle, "", bundle_versions) for bundle in bundles.values()),
        tuple(
            ProductLine(one.id, name_of(one), one.sku, one.kind, one.price_minor, one.is_sold)
            for one in products.values()
        ),
        tuple(rule_line(rule, products, plans, bundles) for rule in rules),
        may_edit(desk.person),
        tuple(makes().items()),
    )


def line_of(thing: Thing, found: Any, kind: str, versions: list[Any]) -> Line:
    """One plan or bundle with the number that is sold today and what is being prepared."""
    mine = [one for one in versions if getattr(one, thing.key) == found.id]
    ahead = [one for one in mine if one.status in (VersionStatus.DRAFT, VersionStatus.REVIEW)]
    newest = max(ahead, key=lambda one: one.version, default=None)
    return Line(
        found.id, thing.path(found.id), name_of(found), found.code, kind, sold_now(mine),
        newest.status if newest else None, newest.version if newest else None,
    )  # fmt: skip


def rule_line(
    rule: CrossSell, products: dict[str, Product], plans: dict[str, Plan], bundles: dict[str, Bundle]
) -> RuleLine:
    """One rule of what fits to what, with names."""
    product, plan = products.get(rule.owns_product_id or ""), plans.get(rule.has_plan_id or "")
    owns = [name_of(one) for one in (product, plan) if one is not None]
    owns += [_("anything of the kind “%(category)s”", category=rule.owns_category)] * bool(rule.owns_category)
    offers = (
        products.get(rule.offers_product_id or ""), plans.get(rule.offers_plan_id or ""),
        bundles.get(rule.offers_bundle_id or ""),
    )  # fmt: skip
    offered = [name_of(one) for one in offers if one is not None]
    reason = f"{rule.reason_ko} · {rule.reason_en}"
    return RuleLine(rule.id, " / ".join(owns), ", ".join(offered) or "–", reason, rule.is_active)


@router.post("/catalogue/plans", may=ADMINS)
async def create_plan(request: Request, desk: Desk, sent: Typed[NewPlan] = typed(NewPlan)) -> Response:
    """Make a plan and its first draft."""
    new = sent.value
    if new is None:
        return await again(request, desk, sent.form, "plan")
    if new.product_id is not None and new.product_id not in await products_by_id(desk):
        raise Refusal("not_found")
    plan_id = ids.fresh("pln")
    if not await fresh_row(desk, Plan, plan_id, new):
        taken = _("Another plan has this code.")
        return await again(request, desk, sent.wrong("code", taken), "plan", 409)
    terms = PlanTerms(plan_id, 1, new.kind, new.name_ko, new.name_en, product_id=new.product_id)
    await add_draft(desk, PLAN, plan_id, 1, to_record(terms))
    await noted(desk, PLAN, plan_id, 1, "made", code=new.code)
    await desk.commit()
    return move_on(request, PLAN.path(plan_id, 1) + "/edit", data={"plan_id": plan_id}, status=201)


@router.post("/catalogue/bundles", may=ADMINS)
async def create_bundle(request: Request, desk: Desk, sent: Typed[NewBundle] = typed(NewBundle)) -> Response:
    """Make a bundle and its first draft."""
    new = sent.value
    if new is None:
        return await again(request, desk, sent.form, "bundle")
    bundle_id = ids.fresh("bun")
    if not await fresh_row(desk, Bundle, bundle_id, new):
        taken = _("Another bundle has this code.")
        return await again(request, desk, sent.wrong("code", taken), "bundle", 409)
    terms = BundleTerms(bundle_id, 1, new.name_ko, new.name_en, ())
    await add_draft(desk, BUNDLE, bundle_id, 1, to_record(terms))
    await noted(desk, BUNDLE, bundle_id, 1, "made", code=new.code)
    await desk.commit()
    return move_on(request, BUNDLE.path(bundle_id, 1) + "/edit", data={"bundle_id": bundle_id}, status=201)


async def fresh_row(desk: DeskAt, model: Any, key: str, new: Input) -> bool:
    """Store a new plan or bundle; False when its code is taken."""
    row = {"id": key, "created_at": datetime.now(UTC), **new.model_dump()}
    statement = insert(model).values(row).on_conflict_do_nothing().inline()
    made: Any = await desk.session.execute(statement, execution_options={"preserve_rowcount": True})
    return bool(made.rowcount == 1)


def makes() -> dict[str, str]:
    """What can be made, and what the form is called."""
    return {
        "plan": _("New plan"),
        "bundle": _("New bundle"),
        "product": _("New product"),
        "rule": _("New rule of what fits"),
    }


@router.get("/catalogue/new", may=ADMINS)
async def new(request: Request, desk: Desk, thing: str = "plan") -> Response:
    """Open the form of something new."""
    if thing not in makes():
        raise Refusal("not_found")
    return answer(request, "catalogue/new.html", await new_page(desk, thing))


async def new_page(desk: DeskAt, thing: str) -> NewPage:
    """The form with everything that it may name."""
    title = makes()[thing]
    if thing == "rule":
        products, plans = await products_by_id(desk), await plans_by_id(desk)
        named = [(f"product:{one.id}", name_of(one)) for one in products.values()]
        named += [(f"plan:{one.id}", name_of(one)) for one in plans.values()]
        bundles = [(f"bundle:{one.id}", name_of(one)) for one in (await bundles_by_id(desk)).values()]
        kinds = [
            (f"category:{one}", _("anything of the kind “%(category)s”", category=one))
            for one in sorted({product.category for product in products.values()})
        ]
        return NewPage(thing, title, (), (*named, *bundles), (*named, *kinds))
    if thing == "plan":
        devices = tuple((one.id, name_of(one)) for one in (await products_by_id(desk)).values())
        kinds = [(str(kind), labels.label_text(kind, "plan_kind")) for kind in PlanKind]
        return NewPage(thing, title, tuple(kinds), devices)
    return NewPage(
        thing, title, tuple((str(kind), labels.label_text(kind, "product_kind")) for kind in ProductKind)
    )


async def again(request: Request, desk: DeskAt, form: Form, thing: str, status: int = 422) -> Response:
    """The form with what was typed."""
    page = await new_page(desk, thing)
    return answer(request, "catalogue/new.html", page, block="new_form", form=form, status=status)
