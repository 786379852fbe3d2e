"""The shelf as the rules see it, read from the published versions; and names in the reader's language."""

from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import col, select

from api.kit.desk import DeskAt
from api.kit.language import locale
from models.catalogue import Bundle, BundleVersion, Plan, PlanVersion, Product
from models.kit.records import from_record
from models.messages.catalogue import BundleTerms, PlanTerms, VersionStatus
from models.messages.subscriptions import SubscriptionStatus
from models.rules.billing.invoices import on_day
from models.rules.catalogue import Shelf, ShelfBundle, ShelfPlan, ShelfProduct
from models.subscriptions import Subscription

RUNNING = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED)


def today() -> date:
    """The business day, Asia/Seoul."""
    return on_day(datetime.now(UTC))


def name_of(thing: Any) -> str:
    """The name of anything that has one in both languages."""
    return str(thing.name_ko if locale() == "ko" else thing.name_en)


def about_of(thing: Any) -> str:
    """What a product, plan or bundle is about, in the reader's language."""
    return str(thing.about_ko if locale() == "ko" else thing.about_en)


async def products_by_id(desk: DeskAt) -> dict[str, Product]:
    """Everything we make; products are open to everybody."""
    found = await desk.session.scalars(select(Product).order_by(col(Product.id)).limit(2_000))
    return {product.id: product for product in found}


async def shelf_of(desk: DeskAt, products: dict[str, Product] | None = None) -> Shelf:
    """Every published version with the days on which it is sold."""
    things = products if products is not None else await products_by_id(desk)
    published = col(PlanVersion.status) == VersionStatus.PUBLISHED
    plans = await desk.session.scalars(desk.visible(PlanVersion).where(published))
    published = col(BundleVersion.status) == VersionStatus.PUBLISHED
    bundles = await desk.session.scalars(desk.visible(BundleVersion).where(published))
    return Shelf(
        {product.id: shelf_product(product) for product in things.values()},
        tuple(
            ShelfPlan(from_record(PlanTerms, one.terms), one.effective_from, one.effective_until)
            for one in plans
        ),
        tuple(
            ShelfBundle(from_record(BundleTerms, one.terms), one.effective_from, one.effective_until)
            for one in bundles
        ),
    )


def shelf_product(product: Product) -> ShelfProduct:
    """A product as the rules see it."""
    return ShelfProduct(
        product.id, product.name_ko, product.name_en, product.price_minor, product.kind,
        product.is_sold, product.needs_installation, product.warranty_months,
    )  # fmt: skip


async def plans_by_id(desk: DeskAt) -> dict[str, Plan]:
    """Every plan."""
    found = await desk.session.scalars(desk.visible(Plan).order_by(col(Plan.code)).limit(2_000))
    return {plan.id: plan for plan in found}


async def bundles_by_id(desk: DeskAt) -> dict[str, Bundle]:
    """Every bundle."""
    found = await desk.session.scalars(desk.visible(Bundle).order_by(col(Bundle.code)).limit(2_000))
    return {bundle.id: bundle for bundle in found}


async def running_plans(desk: DeskAt, customer_id: str | None) -> dict[str, str]:
    """The plans that a customer pays for now, each with its family."""
    if customer_id is None:
        return {}
    query = (
        desk.visible(Subscription)
        .with_only_columns(col(Subscription.plan_id), col(Subscription.terms))
        .where(col(Subscription.customer_id) == customer_id, col(Subscription.status).in_(RUNNING))
    )
    return {line[0]: str(line[1].get("family", "")) for line in await desk.session.execute(query)}
