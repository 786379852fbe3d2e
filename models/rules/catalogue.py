"""What things on the shelf cost and what goes together. Integers only, VAT included; the day is handed in."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from models.kit.money import divide_half_up
from models.messages.catalogue import (
    BundleItem,
    BundleRule,
    BundleTerms,
    CartLine,
    Phase,
    PhaseKind,
    PlanKind,
    PlanTerms,
    Price,
    PriceKind,
    ProductKind,
    Quote,
    QuoteLine,
    RuleKind,
)
from models.rules.billing.invoices import split_vat

QUOTE_DAYS = 14
MOST = 99  # of one thing in one line
TAX_RULES: dict[str, Callable[[int], tuple[int, int]]] = {
    "kr-vat-10-included": split_vat,
    "kr-vat-free": lambda gross: (gross, 0),
}


@dataclass(frozen=True)
class ShelfProduct:
    """A thing that can be bought once, or that comes with a plan."""

    product_id: str
    name_ko: str
    name_en: str
    price_minor: int
    kind: ProductKind = ProductKind.DEVICE
    is_sold: bool = True
    needs_installation: bool = False
    warranty_months: int = 24
    tax_rule: str = "kr-vat-10-included"


@dataclass(frozen=True)
class ShelfPlan:
    """A published plan version and the days on which it is sold."""

    terms: PlanTerms
    effective_from: date = date.min
    effective_until: date | None = None  # the first day on which it is no longer sold


@dataclass(frozen=True)
class ShelfBundle:
    """A published bundle version and the days on which it is sold."""

    terms: BundleTerms
    effective_from: date = date.min
    effective_until: date | None = None


@dataclass(frozen=True)
class Shelf:
    """Everything that was ever published; which version is sold depends on the day."""

    products: Mapping[str, ShelfProduct] = field(default_factory=dict)
    plans: tuple[ShelfPlan, ...] = ()
    bundles: tuple[ShelfBundle, ...] = ()

    def plan(self, plan_id: str | None, today: date) -> ShelfPlan | None:
        """The newest version of a plan that is sold today."""
        sold = (one for one in self.plans if one.terms.plan_id == plan_id and is_sold(one, today))
        return max(sold, key=lambda one: one.terms.version, default=None)

    def bundle(self, bundle_id: str | None, today: date) -> ShelfBundle | None:
        """The newest version of a bundle that is sold today."""
        sold = (one for one in self.bundles if one.terms.bundle_id == bundle_id and is_sold(one, today))
        return max(sold, key=lambda one: one.terms.version, default=None)

    def product(self, product_id: str | None) -> ShelfProduct | None:
        """A product by its id, sold alone or not."""
        return self.products.get(product_id) if product_id is not None else None


@dataclass(frozen=True)
class Problem:
    """Why a cart line cannot be sold: a code, the place in the cart, and the bundle's codes it is about."""

    code: str  # unknown, quantity, add_on_alone, requires, excludes, one_of
    position: int = 0
    codes: tuple[str, ...] = ()


def is_sold(version: ShelfPlan | ShelfBundle, today: date) -> bool:
    """Whether the day lies within the version's effective dates."""
    ended = version.effective_until is not None and version.effective_until <= today
    return version.effective_from <= today and not ended


# --- prices -------------------------------------------------------------------------------------------


def price_of(price: Price, quantity: int) -> int:
    """What this many units cost for one billing period; of a metered price, this many counted units."""
    if price.kind is PriceKind.FIXED:
        return price.unit_minor
    if price.kind is PriceKind.PER_UNIT or not price.tiers:
        return price.unit_minor * quantity
    total, below = 0, 0
    for tier in price.tiers:
        top = quantity if tier.up_to is None else min(quantity, tier.up_to)
        total += max(top - below, 0) * tier.unit_minor
        below = max(below, top)
    return total


def phase_in(terms: PlanTerms, month: int) -> Phase:
    """The phase of a contract's n-th month, counted from 1; after the last one nothing is taken off."""
    first = 1
    for phase in terms.phases:
        if phase.months is None or month < first + phase.months:
            return phase
        first += phase.months
    return Phase(PhaseKind.EVERGREEN)


def settled_month(terms: PlanTerms) -> int:
    """The first month after every trial and discount; a minimum term is neither."""
    month, settled = 1, 1
    for phase in terms.phases:
        month += phase.months or 0
        if phase.kind in (PhaseKind.TRIAL, PhaseKind.DISCOUNT):
            settled = month
    return settled


def month_price(terms: PlanTerms, month: int, quantity: int = 1, percent_off: int = 0) -> int:
    """What a contract's n-th month costs; the months of a longer period add up to the period's price.

    What phase and bundle take off is taken one from the other and rounded once; what is metered is later."""
    if terms.price.kind is PriceKind.USAGE:
        return 0
    phase = phase_in(terms, month)
    if phase.kind is PhaseKind.TRIAL:
        return 0
    whole, n = price_of(terms.price, quantity), terms.period_months
    place = (month - 1) % n
    share = whole * (place + 1) // n - whole * place // n
    return divide_half_up(share * (100 - phase.percent_off) * (100 - percent_off), 10_000)


def period_price(terms: PlanTerms, period: int, quantity: int = 1, percent_off: int = 0) -> int:
    """What a contract's n-th billing period costs, counted from 1: its months together."""
    first = (period - 1) * terms.period_months + 1
    return sum(
        month_price(terms, month, quantity, percent_off)
        for month in range(first, first + terms.period_months)
    )


def product_price(product: ShelfProduct, quantity: int, percent_off: int = 0) -> int:
    """What a product bought once costs, less what a bundle takes off; rounded once."""
    return divide_half_up(product.price_minor * quantity * (100 - percent_off), 100)


def split_tax(rule: str, gross_minor: int) -> tuple[int, int]:
    """Net and tax of an amount by the rule that was stored with it."""
    return TAX_RULES[rule](gross_minor)


# --- what goes together -------------------------------------------------------------------------------


def problems(
    cart: Sequence[CartLine], shelf: Shelf, today: date, families: Collection[str] = ()
) -> tuple[Problem, ...]:
    """Every reason why this cart cannot be sold today; `families`: those of the customer's running plans."""
    found: list[Problem] = []
    bases = {*families, *_bases(cart, shelf, today)}
    for position, line in enumerate(cart, start=1):
        found += _line_problems(position, line, shelf, today, bases)
    return tuple(found)


def bundle_problems(terms: BundleTerms, chosen: Collection[str], position: int = 0) -> tuple[Problem, ...]:
    """The rules of a bundle that a choice of its optional parts breaks."""
    codes = {item.code for item in taken(terms, chosen)}
    unknown = tuple(sorted(set(chosen) - {item.code for item in terms.items}))
    found = [Problem("unknown", position, unknown)] if unknown else []
    return (*found, *(_broken(rule, codes, position) for rule in terms.rules if not _holds(rule, codes)))


def taken(terms: BundleTerms, chosen: Collection[str]) -> tuple[BundleItem, ...]:
    """The parts of a bundle that somebody gets: what always comes with it, and what they chose."""
    return tuple(item for item in terms.items if not item.is_optional or item.code in chosen)


def first_choice(terms: BundleTerms) -> tuple[str, ...]:
    """A choice to begin with: the first of each group of which one is needed, and whatever that needs."""
    picked = [rule.codes[0] for rule in terms.rules if rule.kind is RuleKind.ONE_OF]
    for rule in terms.rules:
        if rule.kind is RuleKind.REQUIRES and rule.codes[0] in picked:
            picked += rule.codes[1:]
    return tuple(item.code for item in terms.items if item.is_optional and item.code in picked)


def _holds(rule: BundleRule, codes: Collection[str]) -> bool:
    there = sum(code in codes for code in rule.codes)
    if rule.kind is RuleKind.REQUIRES:
        return rule.codes[0] not in codes or there == len(rule.codes)
    return there <= 1 if rule.kind is RuleKind.EXCLUDES else there == 1


def _broken(rule: BundleRule, codes: Collection[str], position: int) -> Problem:
    """Names what is missing, what is too much, or what there is to choose from."""
    if rule.kind is RuleKind.REQUIRES:
        missing = tuple(code for code in rule.codes[1:] if code not in codes)
        return Problem("requires", position, (rule.codes[0], *missing))
    if rule.kind is RuleKind.EXCLUDES:
        return Problem("excludes", position, tuple(code for code in rule.codes if code in codes))
    return Problem("one_of", position, rule.codes)


def _bases(cart: Sequence[CartLine], shelf: Shelf, today: date) -> Iterator[str]:
    """The families of the plans in the cart to which something can be added."""
    for line in cart:
        for plan in _plans(line, shelf, today):
            if not plan.terms.is_add_on:
                yield plan.terms.family


def _plans(line: CartLine, shelf: Shelf, today: date) -> Iterator[ShelfPlan]:
    bundle = shelf.bundle(line.bundle_id, today)
    items = taken(bundle.terms, line.chosen) if bundle else ()
    for plan_id in (line.plan_id, *(item.plan_id for item in items)):
        if plan := shelf.plan(plan_id, today):
            yield plan


def _line_problems(
    position: int, line: CartLine, shelf: Shelf, today: date, bases: Collection[str]
) -> Iterator[Problem]:
    if not _is_there(line, shelf, today):
        yield Problem("unknown", position)
        return
    if not 1 <= line.quantity <= MOST:
        yield Problem("quantity", position)
    if bundle := shelf.bundle(line.bundle_id, today):
        yield from bundle_problems(bundle.terms, line.chosen, position)
    for plan in _plans(line, shelf, today):
        if plan.terms.is_add_on and plan.terms.family not in bases:
            yield Problem("add_on_alone", position, (plan.terms.plan_id,))


def _is_there(line: CartLine, shelf: Shelf, today: date) -> bool:
    """Whether the line names exactly one thing, and all of it is sold today."""
    if [line.product_id, line.plan_id, line.bundle_id].count(None) != 2:
        return False
    if line.bundle_id is None:
        product = shelf.product(line.product_id)
        return bool(product and product.is_sold) or shelf.plan(line.plan_id, today) is not None
    bundle = shelf.bundle(line.bundle_id, today)
    return bundle is not None and all(
        is_there(item, shelf, today) for item in taken(bundle.terms, line.chosen)
    )


def is_there(item: BundleItem, shelf: Shelf, today: date) -> bool:
    """Whether a part of a bundle can be had today; products may be sold in bundles alone."""
    return shelf.product(item.product_id) is not None or shelf.plan(item.plan_id, today) is not None


# --- the quote ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Wanted:
    """One thing of a cart after bundles are taken apart."""

    quantity: int
    product: ShelfProduct | None = None
    plan: ShelfPlan | None = None
    bundle: ShelfBundle | None = None
    item: BundleItem | None = None

    @property
    def percent_off(self) -> int:
        return self.item.percent_off if self.item else 0


def quote(cart: Sequence[CartLine], shelf: Shelf, today: date, families: Collection[str] = ()) -> Quote:
    """Price a cart that has no `problems`; each line is rounded and taxed once, so they add up to the won."""
    if problems(cart, shelf, today, families):
        raise ValueError("this cart cannot be sold; ask for its problems first")
    wanted = [one for line in cart for one in _wanted(line, shelf, today)]
    lines = [line for one in wanted for line in _lines(one, shelf)]
    placed = tuple(_place(line, position) for position, line in enumerate(lines, start=1))
    return Quote(
        lines=placed,
        once_minor=sum(line.once_minor for line in placed),
        net_minor=sum(line.net_minor for line in placed),
        tax_minor=sum(line.tax_minor for line in placed),
        monthly_minor=sum(line.monthly_minor for line in placed),
        first_minor=sum(line.first_minor for line in placed),
        valid_until=_valid_until(wanted, today),
        needs_credit_check=any(line.plan and line.plan.kind is PlanKind.RENTAL for line in placed),
    )


def _wanted(line: CartLine, shelf: Shelf, today: date) -> Iterator[_Wanted]:
    bundle = shelf.bundle(line.bundle_id, today)
    if bundle is None:
        yield _Wanted(line.quantity, shelf.product(line.product_id), shelf.plan(line.plan_id, today))
        return
    for item in taken(bundle.terms, line.chosen):
        product, plan = shelf.product(item.product_id), shelf.plan(item.plan_id, today)
        yield _Wanted(line.quantity * item.quantity, product, plan, bundle, item)


def _lines(wanted: _Wanted, shelf: Shelf) -> Iterator[QuoteLine]:
    """A product bought once; or a contract, and what setting it up costs."""
    if wanted.plan is None and wanted.product is not None:
        once = product_price(wanted.product, wanted.quantity, wanted.percent_off)
        names = (wanted.product.name_ko, wanted.product.name_en)
        yield _line(wanted, names, once, wanted.product.tax_rule, wanted.product)
    if wanted.plan is not None:
        terms = wanted.plan.terms
        yield _line(
            wanted, (terms.name_ko, terms.name_en), 0, terms.tax_rule, shelf.product(terms.product_id), terms
        )
        if terms.setup_minor:
            names = (f"{terms.name_ko} 설치·등록비", f"{terms.name_en}: set-up")
            yield _line(wanted, names, terms.setup_minor * wanted.quantity, terms.tax_rule)


def _line(
    wanted: _Wanted,
    names: tuple[str, str],
    once: int,
    tax_rule: str,
    product: ShelfProduct | None = None,
    terms: PlanTerms | None = None,
) -> QuoteLine:
    net, tax = split_tax(tax_rule, once)
    monthly = first = 0
    if terms is not None:
        monthly = month_price(terms, settled_month(terms), wanted.quantity, wanted.percent_off)
        first = month_price(terms, 1, wanted.quantity, wanted.percent_off)
    return QuoteLine(
        position=0,
        name_ko=names[0],
        name_en=names[1],
        quantity=wanted.quantity,
        once_minor=once,
        net_minor=net,
        tax_minor=tax,
        monthly_minor=monthly,
        first_minor=first,
        product_id=product.product_id if product else None,
        plan=terms,
        bundle_id=wanted.bundle.terms.bundle_id if wanted.bundle else None,
        bundle_version=wanted.bundle.terms.version if wanted.bundle else None,
        bundle_code=wanted.item.code if wanted.item else "",
        percent_off=wanted.percent_off if product or terms else 0,
        needs_shipping=product is not None and product.kind is ProductKind.DEVICE,
        needs_installation=product is not None and product.needs_installation,
        warranty_months=product.warranty_months if product else 0,
        tax_rule=tax_rule,
    )


def _place(line: QuoteLine, position: int) -> QuoteLine:
    return replace(line, position=position)


def _valid_until(wanted: Sequence[_Wanted], today: date) -> date:
    """The last day on which the quote holds: two weeks, or as long as everything in it is sold."""
    ends = [version.effective_until for one in wanted for version in (one.plan, one.bundle) if version]
    last = [end - timedelta(days=1) for end in ends if end is not None]
    return min([today + timedelta(days=QUOTE_DAYS), *last])
