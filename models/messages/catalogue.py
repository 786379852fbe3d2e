"""Words about what is sold: plans with versions and phases, prices, bundles, and the quote made of them."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class ProductKind(StrEnum):
    DEVICE = "device"  # has a serial number, is shipped or installed
    CONTENT = "content"  # is switched on, never shipped
    SERVICE = "service"  # is done by somebody


class PlanKind(StrEnum):
    RENTAL = "rental"  # a device of ours in the customer's home: needs a credit check
    SUBSCRIPTION = "subscription"
    CONTENT = "content"
    SERVICE = "service"


class VersionStatus(StrEnum):
    DRAFT = "draft"
    REVIEW = "review"
    PUBLISHED = "published"  # never changes again
    RETIRED = "retired"  # no longer sold; contracts keep it


class PhaseKind(StrEnum):
    TRIAL = "trial"
    DISCOUNT = "discount"
    TERM = "term"
    EVERGREEN = "evergreen"


class PriceKind(StrEnum):
    FIXED = "fixed"  # the same whatever the quantity
    PER_UNIT = "per_unit"
    TIERED = "tiered"  # each unit at the price of the tier in which it falls
    USAGE = "usage"  # metered, billed in arrears by tiers


class RuleKind(StrEnum):
    REQUIRES = "requires"  # whoever takes the first takes all the others
    EXCLUDES = "excludes"  # not two of these together
    ONE_OF = "one_of"  # exactly one of these


@dataclass(frozen=True)
class PriceTier:
    """Units up to and including `up_to` cost `unit_minor` each; the last tier has no end."""

    up_to: int | None
    unit_minor: int


@dataclass(frozen=True)
class Price:
    """What one billing period costs, VAT included, in minor units."""

    kind: PriceKind = PriceKind.FIXED
    unit_minor: int = 0
    tiers: tuple[PriceTier, ...] = ()
    meter: str = ""  # what usage counts, e.g. "water_litres"


@dataclass(frozen=True)
class Phase:
    """A stretch of a plan's life; the last one has no end."""

    kind: PhaseKind
    months: int | None = None
    percent_off: int = 0  # 0 to 100, of the price


@dataclass(frozen=True)
class PlanTerms:
    """A published plan version as a contract keeps it: later versions never reach it."""

    plan_id: str
    version: int
    kind: PlanKind
    name_ko: str
    name_en: str
    price: Price = Price()
    phases: tuple[Phase, ...] = (Phase(PhaseKind.EVERGREEN),)
    period_months: int = 1
    in_advance: bool = True
    obligation_months: int = 0  # minimum term from activation
    early_permille: int = 100  # early-termination fee: permille of the rent of the remaining months
    setup_minor: int = 0  # once, with the first delivery
    product_id: str | None = None  # the device that comes with it
    family: str = ""  # plans of one family replace each other (upgrade, downgrade)
    rank: int = 0  # within the family: a higher rank is an upgrade
    is_add_on: bool = False  # only together with a running plan of the family
    tax_rule: str = "kr-vat-10-included"
    currency: str = "KRW"


@dataclass(frozen=True)
class BundleItem:
    """One part of a bundle: a product bought once or a plan; `percent_off` holds within the bundle."""

    code: str
    product_id: str | None = None
    plan_id: str | None = None
    quantity: int = 1
    is_optional: bool = False
    percent_off: int = 0


@dataclass(frozen=True)
class BundleRule:
    """What goes together within a bundle, by the codes of its items."""

    kind: RuleKind
    codes: tuple[str, ...]


@dataclass(frozen=True)
class BundleTerms:
    """A published bundle version."""

    bundle_id: str
    version: int
    name_ko: str
    name_en: str
    items: tuple[BundleItem, ...]
    rules: tuple[BundleRule, ...] = ()


@dataclass(frozen=True)
class CartLine:
    """What somebody wants: one product, plan or bundle; `chosen` are optional items of a bundle."""

    product_id: str | None = None
    plan_id: str | None = None
    bundle_id: str | None = None
    quantity: int = 1
    chosen: tuple[str, ...] = ()


@dataclass(frozen=True)
class QuoteLine:
    """One line of a quote: what is paid once, and what each period costs; all VAT included."""

    position: int
    name_ko: str
    name_en: str
    quantity: int
    once_minor: int  # unit price x quantity less discount; setup fees are lines of their own
    net_minor: int
    tax_minor: int
    monthly_minor: int = 0  # the full price of one month after every trial and discount
    first_minor: int = 0  # the first month
    product_id: str | None = None
    plan: PlanTerms | None = None
    bundle_id: str | None = None
    bundle_version: int | None = None
    bundle_code: str = ""
    percent_off: int = 0
    needs_shipping: bool = False
    needs_installation: bool = False
    warranty_months: int = 0
    tax_rule: str = "kr-vat-10-included"


@dataclass(frozen=True)
class Quote:
    """A priced cart; what it says is what is charged while it is valid."""

    lines: tuple[QuoteLine, ...]
    once_minor: int
    net_minor: int
    tax_minor: int
    monthly_minor: int
    valid_until: date
    needs_credit_check: bool = False
    currency: str = "KRW"
    first_minor: int = 0  # the first month of all contracts; billed when they begin
