"""What we make and what repairs cost. Edited by api/catalogue.py; never owned by a workflow."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.catalogue import PlanKind, ProductKind, VersionStatus


class Product(SQLModel, table=True):
    """A model of device that customers own, or a thing sold once."""

    __tablename__ = "products"

    id: str = Field(primary_key=True)
    sku: str = columns.text(unique=True)
    name_ko: str = columns.text()
    name_en: str = columns.text()
    category: str = columns.text(index=True)  # the skill a technician needs
    labour_minor: int = columns.minor()  # per started half hour, VAT included
    call_out_minor: int = columns.minor()  # once per visit, VAT included
    currency: str = columns.text(default="KRW")
    checklist: list[dict[str, Any]] = columns.record(default_factory=list)  # {code, ko, en, is_required}
    kind: ProductKind = Field(default=ProductKind.DEVICE, sa_type=columns.word(ProductKind))
    price_minor: int = columns.minor(default=0)  # bought once, VAT included
    is_sold: bool = False
    needs_installation: bool = False
    warranty_months: int = 24
    about_ko: str = columns.text(default="")
    about_en: str = columns.text(default="")


class Part(SQLModel, table=True):
    """A spare part with its price, VAT included."""

    __tablename__ = "parts"

    id: str = Field(primary_key=True)
    sku: str = columns.text(unique=True)
    name_ko: str = columns.text()
    name_en: str = columns.text()
    category: str = columns.text(index=True)
    price_minor: int = columns.minor()
    currency: str = columns.text(default="KRW")


class Plan(SQLModel, table=True):
    """Something that is paid every period; what it costs stands in its versions."""

    __tablename__ = "plans"

    id: str = Field(primary_key=True)
    code: str = columns.text(unique=True)
    kind: PlanKind = Field(sa_type=columns.word(PlanKind))
    name_ko: str = columns.text()
    name_en: str = columns.text()
    product_id: str | None = Field(default=None, foreign_key="products.id")
    about_ko: str = columns.text(default="")
    about_en: str = columns.text(default="")
    created_at: datetime = columns.moment()


class PlanVersion(SQLModel, table=True):
    """The terms of a plan from a day on. A published version never changes; contracts keep theirs."""

    __tablename__ = "plan_versions"
    __table_args__ = (
        Index("plan_versions_sold", "effective_from", postgresql_where=text("status = 'published'")),
    )

    plan_id: str = Field(primary_key=True, foreign_key="plans.id")
    version: int = Field(primary_key=True)
    status: VersionStatus = Field(default=VersionStatus.DRAFT, sa_type=columns.word(VersionStatus))
    terms: dict[str, Any] = columns.record(default_factory=dict)  # PlanTerms
    effective_from: date
    effective_until: date | None = None  # the first day on which it is no longer sold
    author_id: str = columns.text()
    reviewer_id: str | None = columns.text(default=None)  # somebody else than the author
    note: str = columns.text(default="")
    created_at: datetime = columns.moment()
    published_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class Bundle(SQLModel, table=True):
    """Products and plans sold together."""

    __tablename__ = "bundles"

    id: str = Field(primary_key=True)
    code: str = columns.text(unique=True)
    name_ko: str = columns.text()
    name_en: str = columns.text()
    about_ko: str = columns.text(default="")
    about_en: str = columns.text(default="")
    created_at: datetime = columns.moment()


class BundleVersion(SQLModel, table=True):
    """What a bundle holds from a day on, with its rules; published it never changes."""

    __tablename__ = "bundle_versions"

    bundle_id: str = Field(primary_key=True, foreign_key="bundles.id")
    version: int = Field(primary_key=True)
    status: VersionStatus = Field(default=VersionStatus.DRAFT, sa_type=columns.word(VersionStatus))
    terms: dict[str, Any] = columns.record(default_factory=dict)  # BundleTerms
    effective_from: date
    effective_until: date | None = None
    author_id: str = columns.text()
    reviewer_id: str | None = columns.text(default=None)
    note: str = columns.text(default="")
    created_at: datetime = columns.moment()
    published_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class CrossSell(SQLModel, table=True):
    """Who owns or pays for this may add that; the reason is shown to customers and agents."""

    __tablename__ = "cross_sells"

    id: str = Field(primary_key=True)
    owns_product_id: str | None = Field(default=None, foreign_key="products.id")
    owns_category: str = columns.text(default="")
    has_plan_id: str | None = Field(default=None, foreign_key="plans.id")
    offers_product_id: str | None = Field(default=None, foreign_key="products.id")
    offers_plan_id: str | None = Field(default=None, foreign_key="plans.id")
    offers_bundle_id: str | None = Field(default=None, foreign_key="bundles.id")
    reason_ko: str = columns.text()
    reason_en: str = columns.text()
    is_active: bool = True
