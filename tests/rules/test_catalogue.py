"""Prices, phases, bundles and quotes: what a cart costs depends on nothing but the shelf and the day."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.kit.records import from_record, to_record
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
    PriceTier,
    ProductKind,
    Quote,
    RuleKind,
)
from models.messages.orders import OrderPlaced
from models.rules import catalogue
from models.rules.catalogue import (
    Problem,
    Shelf,
    ShelfBundle,
    ShelfPlan,
    ShelfProduct,
    bundle_problems,
    month_price,
    period_price,
    price_of,
    problems,
    quote,
    split_tax,
)

TODAY = date(2026, 11, 23)
AMOUNTS = st.integers(0, 10**9)
PERCENTS = st.integers(0, 100)
TIERS = (PriceTier(10, 100), PriceTier(20, 80), PriceTier(None, 50))


def a_plan(plan_id: str = "p", **more: object) -> PlanTerms:
    names = {"name_ko": plan_id, "name_en": plan_id, "kind": PlanKind.SUBSCRIPTION}
    return PlanTerms(plan_id=plan_id, **{"version": 1, "price": Price(unit_minor=33_000), **names, **more})  # type: ignore[arg-type]


LIFE = (
    Phase(PhaseKind.TRIAL, 1),
    Phase(PhaseKind.DISCOUNT, 3, 50),
    Phase(PhaseKind.TERM, 12),
    Phase(PhaseKind.EVERGREEN),
)


@pytest.mark.parametrize(
    ("quantity", "price"),
    [(0, 0), (1, 100), (10, 1_000), (11, 1_080), (20, 1_800), (21, 1_850), (100, 5_800)],
)
def test_each_unit_costs_what_its_tier_says(quantity: int, price: int) -> None:
    assert price_of(Price(PriceKind.TIERED, tiers=TIERS), quantity) == price
    assert price_of(Price(PriceKind.USAGE, tiers=TIERS), quantity) == price


def test_fixed_and_per_unit_prices() -> None:
    assert price_of(Price(PriceKind.FIXED, 500), 7) == 500
    assert price_of(Price(PriceKind.PER_UNIT, 500), 7) == 3_500
    assert price_of(Price(PriceKind.USAGE, 5), 7) == 35


@given(st.integers(0, 500), st.integers(0, 500))
def test_more_units_never_cost_less(one: int, more: int) -> None:
    price = Price(PriceKind.TIERED, tiers=TIERS)

    assert price_of(price, one) <= price_of(price, one + more) <= price_of(price, one) + price_of(price, more)


@pytest.mark.parametrize(
    ("month", "price"),
    [(1, 0), (2, 16_500), (4, 16_500), (5, 33_000), (16, 33_000), (17, 33_000), (99, 33_000)],
)
def test_phases_follow_each_other(month: int, price: int) -> None:
    assert month_price(a_plan(phases=LIFE), month) == price


def test_the_full_price_is_that_after_trials_and_discounts() -> None:
    assert catalogue.settled_month(a_plan(phases=LIFE)) == 5
    assert catalogue.settled_month(a_plan()) == 1
    assert month_price(a_plan(phases=(Phase(PhaseKind.TRIAL, 2),)), 3) == 33_000


def test_what_phase_and_bundle_take_off_is_rounded_once() -> None:
    terms = a_plan(
        price=Price(unit_minor=999), phases=(Phase(PhaseKind.DISCOUNT, 3, 50), Phase(PhaseKind.EVERGREEN))
    )

    assert month_price(terms, 1, percent_off=10) == 450  # 449.55
    assert month_price(terms, 4, percent_off=10) == 899  # 899.1


def test_what_is_metered_is_not_paid_in_advance() -> None:
    assert month_price(a_plan(price=Price(PriceKind.USAGE, 5)), 1, 100) == 0


@given(AMOUNTS, st.sampled_from([1, 2, 3, 6, 12]), st.integers(1, 5))
def test_months_add_up_to_their_period(unit: int, months: int, period: int) -> None:
    terms = a_plan(price=Price(unit_minor=unit), period_months=months)

    assert period_price(terms, period) == unit


@given(AMOUNTS)
def test_tax_is_split_by_the_rule_that_was_stored(gross: int) -> None:
    net, tax = split_tax("kr-vat-10-included", gross)

    assert (net + tax, tax) == (gross, gross // 11)
    assert split_tax("kr-vat-free", gross) == (gross, 0)
    with pytest.raises(KeyError):
        split_tax("somebody-elses", gross)


# --- bundles and quotes -------------------------------------------------------------------------------

TV = ShelfProduct("tv", "티브이", "TV", 1_200_000)
PURIFIER = ShelfProduct("purifier", "정수기", "Purifier", 900_000, is_sold=False, needs_installation=True)
FILM = ShelfProduct("film", "영화", "Film", 5_500, kind=ProductKind.CONTENT)
RENT = a_plan(
    "rent",
    kind=PlanKind.RENTAL,
    product_id="purifier",
    setup_minor=30_000,
    obligation_months=36,
    family="water",
)
STREAM = a_plan("stream", kind=PlanKind.CONTENT, price=Price(unit_minor=9_900), phases=LIFE)
CARE = a_plan("care", kind=PlanKind.SERVICE, price=Price(unit_minor=5_500), family="water", is_add_on=True)
ITEMS = (
    BundleItem("tv", product_id="tv", percent_off=10),
    BundleItem("rent", plan_id="rent", percent_off=15, is_optional=True),
    BundleItem("stream", plan_id="stream", percent_off=50, is_optional=True),
    BundleItem("care", plan_id="care", is_optional=True),
    BundleItem("film", product_id="film", quantity=2, is_optional=True),
)
RULES = (
    BundleRule(RuleKind.REQUIRES, ("care", "rent")),
    BundleRule(RuleKind.EXCLUDES, ("film", "stream")),
    BundleRule(RuleKind.ONE_OF, ("rent", "stream")),
)
HOME = BundleTerms("home", 1, "집", "Home", ITEMS, RULES)
SHELF = Shelf(
    {one.product_id: one for one in (TV, PURIFIER, FILM)},
    tuple(ShelfPlan(one) for one in (RENT, STREAM, CARE)),
    (ShelfBundle(HOME),),
)
LINES = st.one_of(
    st.builds(CartLine, product_id=st.sampled_from(["tv", "film"]), quantity=st.integers(1, 99)),
    st.builds(CartLine, plan_id=st.sampled_from(["rent", "stream"]), quantity=st.integers(1, 99)),
    st.builds(
        CartLine,
        bundle_id=st.just("home"),
        quantity=st.integers(1, 99),
        chosen=st.sampled_from([("rent",), ("rent", "care"), ("care", "rent", "film"), ("stream",)]),
    ),
)


@pytest.mark.parametrize(
    ("chosen", "broken"),
    [
        (("rent",), []),
        (("rent", "care", "film"), []),
        (("stream",), []),
        ((), [Problem("one_of", 1, ("rent", "stream"))]),
        (("rent", "stream"), [Problem("one_of", 1, ("rent", "stream"))]),
        (
            ("stream", "care"),
            [Problem("requires", 1, ("care", "rent")), Problem("add_on_alone", 1, ("care",))],
        ),
        (("stream", "film"), [Problem("excludes", 1, ("film", "stream"))]),
        (("rent", "gone"), [Problem("unknown", 1, ("gone",))]),
    ],
)
def test_a_bundle_says_which_rule_is_broken(chosen: tuple[str, ...], broken: list[Problem]) -> None:
    assert list(problems((CartLine(bundle_id="home", chosen=chosen),), SHELF, TODAY)) == broken


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (CartLine(), "unknown"),
        (CartLine(product_id="tv", plan_id="rent"), "unknown"),
        (CartLine(product_id="nothing"), "unknown"),
        (CartLine(product_id="purifier"), "unknown"),  # only rented
        (CartLine(product_id="tv", quantity=0), "quantity"),
        (CartLine(product_id="tv", quantity=-1), "quantity"),
        (CartLine(product_id="tv", quantity=100), "quantity"),
        (CartLine(plan_id="care"), "add_on_alone"),
    ],
)
def test_what_cannot_be_sold_has_a_code(line: CartLine, code: str) -> None:
    found = problems((CartLine(product_id="film"), line), SHELF, TODAY)

    assert [(one.code, one.position) for one in found] == [(code, 2)]
    with pytest.raises(ValueError):
        quote((line,), SHELF, TODAY)


def test_an_add_on_needs_its_plan_in_the_cart_or_running() -> None:
    care, rent = CartLine(plan_id="care"), CartLine(plan_id="rent")

    assert problems((care, rent), SHELF, TODAY) == problems((care,), SHELF, TODAY, {"water"}) == ()
    assert quote((care,), SHELF, TODAY, {"water"}).monthly_minor == 5_500


def test_a_quote_says_what_is_paid_once_first_and_later() -> None:
    cart = (CartLine(bundle_id="home", quantity=2, chosen=("rent",)), CartLine(plan_id="stream"))

    made = quote(cart, SHELF, TODAY)

    assert [
        (one.position, one.name_en, one.quantity, one.once_minor, one.first_minor, one.monthly_minor)
        for one in made.lines
    ] == [
        (1, "TV", 2, 2_160_000, 0, 0),
        (2, "rent", 2, 0, 28_050, 28_050),
        (3, "rent: set-up", 2, 60_000, 0, 0),
        (4, "stream", 1, 0, 0, 9_900),
    ]  # fmt: skip
    assert (made.once_minor, made.first_minor, made.monthly_minor) == (2_220_000, 28_050, 37_950)
    assert made.needs_credit_check
    assert [line.needs_shipping for line in made.lines] == [True, True, False, False]
    assert [line.needs_installation for line in made.lines] == [False, True, False, False]
    assert made.lines[1].plan == RENT
    assert made.lines[1].percent_off == 15


@settings(max_examples=50)
@given(st.lists(LINES, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_price_does_not_depend_on_the_order_of_lines(cart: list[CartLine], chance: object) -> None:
    mixed = list(cart)
    chance.shuffle(mixed)  # type: ignore[attr-defined]

    one, other = quote(cart, SHELF, TODAY), quote(mixed, SHELF, TODAY)

    assert sums(one) == sums(other)
    assert one.net_minor + one.tax_minor == one.once_minor
    assert one.once_minor == sum(line.once_minor for line in one.lines)
    assert all(line.net_minor + line.tax_minor == line.once_minor for line in one.lines)
    assert all(line.tax_minor == line.once_minor // 11 for line in one.lines)
    assert one.monthly_minor == sum(line.monthly_minor for line in one.lines)
    assert from_record(Quote, to_record(one)) == one


def sums(made: Quote) -> tuple[int, ...]:
    return made.once_minor, made.net_minor, made.tax_minor, made.first_minor, made.monthly_minor


@pytest.mark.parametrize("items", list(permutations(ITEMS))[::7])
def test_a_bundle_costs_the_same_however_its_parts_are_listed(items: tuple[BundleItem, ...]) -> None:
    shelf = replace(SHELF, bundles=(ShelfBundle(replace(HOME, items=items)),))
    cart = (CartLine(bundle_id="home", chosen=("care", "film", "rent")),)

    assert sums(quote(cart, shelf, TODAY)) == sums(quote(cart, SHELF, TODAY))


def test_the_day_decides_which_version_is_sold_and_a_later_one_changes_no_quote() -> None:
    dearer = replace(STREAM, version=2, price=Price(unit_minor=12_900))
    later = ShelfPlan(dearer, TODAY + timedelta(days=7))
    first = ShelfPlan(STREAM, TODAY - timedelta(days=30), TODAY + timedelta(days=7))
    shelf = replace(SHELF, plans=(later, first))
    cart = (CartLine(plan_id="stream"),)

    made = quote(cart, shelf, TODAY)

    assert made.lines == quote(cart, SHELF, TODAY).lines
    assert made.lines[0].plan == STREAM
    assert made.valid_until == TODAY + timedelta(days=6)
    assert quote(cart, shelf, TODAY + timedelta(days=7)).monthly_minor == 12_900
    assert problems(cart, shelf, TODAY - timedelta(days=31))[0].code == "unknown"
    assert quote(cart, SHELF, TODAY).valid_until == TODAY + timedelta(days=catalogue.QUOTE_DAYS)


def test_a_bundle_is_not_sold_when_a_part_that_always_comes_with_it_is_not() -> None:
    shelf = replace(SHELF, products={})

    assert problems((CartLine(bundle_id="home", chosen=("rent",)),), shelf, TODAY)[0].code == "unknown"


# --- records ------------------------------------------------------------------------------------------

PRICES = st.builds(
    Price,
    st.sampled_from(PriceKind),
    AMOUNTS,
    st.lists(st.builds(PriceTier, st.none() | AMOUNTS, AMOUNTS), max_size=3).map(tuple),
    st.text(max_size=5),
)
PHASES = st.lists(
    st.builds(Phase, st.sampled_from(PhaseKind), st.none() | AMOUNTS, PERCENTS), max_size=4
).map(tuple)
TERMS = st.builds(PlanTerms, price=PRICES, phases=PHASES)


@given(TERMS)
def test_terms_are_read_as_they_were_written(terms: PlanTerms) -> None:
    assert from_record(PlanTerms, to_record(terms)) == terms


def test_bundles_and_moments_are_read_as_they_were_written() -> None:
    placed = OrderPlaced("O1", "c1", datetime(2026, 11, 23, 1, 2, tzinfo=UTC), True, 5, details={"a": "b"})

    assert from_record(BundleTerms, to_record(HOME)) == HOME
    assert from_record(OrderPlaced, to_record(placed)) == placed


def test_a_record_of_yesterday_gets_todays_defaults_and_loses_what_is_gone() -> None:
    old = {"plan_id": "p", "version": 1, "kind": "rental", "name_ko": "가", "name_en": "a", "colour": "red"}

    assert from_record(PlanTerms, old) == PlanTerms("p", 1, PlanKind.RENTAL, "가", "a")


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": "1"},
        {"version": True},
        {"kind": "loan"},
        {"price": 5},
        {"phases": [{"kind": "trial", "months": 1.5}]},
    ],
)
def test_a_record_that_holds_something_else_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        from_record(PlanTerms, {**to_record(a_plan()), **wrong})


def test_bundle_rules_hold_for_a_choice_alone() -> None:
    assert bundle_problems(HOME, {"stream"}) == ()
