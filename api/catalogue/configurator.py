"""A bundle put together: what comes with it, what may be chosen, what that costs and what does not fit."""

from dataclasses import dataclass
from datetime import date

from fastapi import Request
from starlette.responses import Response

from api.catalogue.cart import key_for_writing, put, remember
from api.catalogue.problems import item_names, sentence
from api.catalogue.routing import router
from api.catalogue.shelf import about_of, name_of, shelf_of, today
from api.catalogue.shop import facts_of, in_cart
from api.kit import throttles
from api.kit.desk import Desk, DeskAt
from api.kit.formats import money
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import ANYONE
from api.kit.texts import Key
from models.catalogue import Bundle
from models.kit.refusals import Refusal
from models.messages.catalogue import (
    BundleItem,
    BundleRule,
    BundleTerms,
    CartLine,
    PriceKind,
    Quote,
    RuleKind,
)
from models.rules.catalogue import (
    Shelf,
    bundle_problems,
    first_choice,
    is_there,
    month_price,
    problems,
    product_price,
    quote,
    settled_month,
)


class Chosen(Input):
    """What somebody takes of a bundle."""

    chosen: list[Key] = []


@dataclass(frozen=True)
class Part:
    """One part of a bundle."""

    code: str
    name: str
    price: str
    note: str
    percent_off: int
    is_optional: bool
    is_chosen: bool
    is_sold: bool
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Parts that are chosen together: exactly one of them, or each on its own."""

    is_one_of: bool
    parts: tuple[Part, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True)
class BundlePage:
    """A bundle with one choice of its parts."""

    id: str
    name: str
    about: str
    fixed: tuple[Part, ...]
    groups: tuple[Group, ...]
    rules: tuple[str, ...]
    errors: tuple[str, ...]
    quote: Quote | None
    until: date | None
    in_cart: int


@router.get("/shop/bundles/{bundle_id}", may=ANYONE, row="bundle")
async def bundle(request: Request, desk: Desk, bundle_id: Key) -> Response:
    """Offer a bundle with a choice that goes together."""
    shelf = await shelf_of(desk)
    sold = shelf.bundle(bundle_id, today())
    codes = first_choice(sold.terms) if sold else ()
    page = await bundle_page(request, desk, bundle_id, shelf, codes)
    return answer(request, "catalogue/bundle.html", page)


@router.post("/shop/bundles/{bundle_id}/price", may=ANYONE, row="bundle")
async def price(
    request: Request, desk: Desk, bundle_id: Key, sent: Typed[Chosen] = typed(Chosen)
) -> Response:
    """Say what this choice costs, or which rule it breaks; nothing is stored."""
    if sent.value is None:
        raise Refusal("invalid_form")
    page = await bundle_page(request, desk, bundle_id, await shelf_of(desk), tuple(sent.value.chosen))
    return answer(request, "catalogue/bundle.html", page, block="bundle_form", status=200)


@router.post("/shop/bundles/{bundle_id}", may=ANYONE, row="bundle")
async def take(request: Request, desk: Desk, bundle_id: Key, sent: Typed[Chosen] = typed(Chosen)) -> Response:
    """Put a bundle into the cart; a choice that does not go together comes back with the sentence why."""
    await throttles.count(desk.session, request.app.state.limits.shopping(desk.person.address))
    if sent.value is None:
        raise Refusal("invalid_form")
    shelf, codes = await shelf_of(desk), tuple(sorted(set(sent.value.chosen)))
    page = await bundle_page(request, desk, bundle_id, shelf, codes)
    if page.quote is None:
        wrong = Form({"chosen": list(codes)}, {"chosen": told(page)})
        return answer(request, "catalogue/bundle.html", page, block="bundle_form", status=422, form=wrong)
    key, token = key_for_writing(request, desk.person)
    await put(desk, key, CartLine(bundle_id=bundle_id, chosen=codes))
    await desk.commit()
    return remember(request, move_on(request, "/shop/cart", status=201), token)


def told(page: BundlePage) -> str:
    """Everything that is wrong with a choice, in one line for programs."""
    return " ".join((*page.errors, *(error for group in page.groups for error in group.errors)))


async def bundle_page(
    request: Request, desk: DeskAt, bundle_id: str, shelf: Shelf, codes: tuple[str, ...]
) -> BundlePage:
    """The bundle with this choice, its price or the sentences of the rules that it breaks."""
    sold = shelf.bundle(bundle_id, today())
    if sold is None:
        raise Refusal("not_found")
    found, terms = await desk.one(Bundle, bundle_id), sold.terms
    names = item_names(terms, shelf)
    parts = tuple(part_of(item, shelf, names, codes) for item in terms.items)
    wrong = bundle_problems(terms, codes)
    groups, rest = grouped(terms, parts), list[str]()
    line = CartLine(bundle_id=bundle_id, chosen=codes)
    problem_list = wrong or problems((line,), shelf, today())
    errors: dict[int, list[str]] = {}
    for one in problem_list:
        place = next((n for n, group in enumerate(groups) if holds(group, one.codes)), None)
        (rest if place is None else errors.setdefault(place, [])).append(sentence(one, names))
    return BundlePage(
        id=bundle_id,
        name=name_of(terms),
        about=about_of(found),
        fixed=tuple(part for part in parts if not part.is_optional),
        groups=tuple(Group(one, group, tuple(errors.get(n, ()))) for n, (one, group) in enumerate(groups)),
        rules=tuple(rule_text(rule, names) for rule in terms.rules),
        errors=tuple(rest),
        quote=None if problem_list else quote((line,), shelf, today()),
        until=sold.effective_until,
        in_cart=await in_cart(request, desk),
    )


def part_of(item: BundleItem, shelf: Shelf, names: dict[str, str], codes: tuple[str, ...]) -> Part:
    """One part with what it costs within the bundle."""
    plan, product = shelf.plan(item.plan_id, today()), shelf.product(item.product_id)
    cost, note, device = "", "", product
    if plan is not None:
        terms = plan.terms
        later = month_price(terms, settled_month(terms), item.quantity, item.percent_off)
        first = month_price(terms, 1, item.quantity, item.percent_off)
        is_metered = terms.price.kind is PriceKind.USAGE
        cost = _("by usage") if is_metered else _("%(price)s a month", price=money(later))
        note = _("first month %(price)s", price=money(first)) if first != later else ""
        device = shelf.product(terms.product_id)
    elif product is not None:
        cost = money(product_price(product, item.quantity, item.percent_off))
    return Part(
        item.code, names[item.code] + (f" × {item.quantity}" if item.quantity > 1 else ""), cost, note,
        item.percent_off, item.is_optional, not item.is_optional or item.code in codes,
        is_there(item, shelf, today()), facts_of(device) if device else (),
    )  # fmt: skip


def grouped(terms: BundleTerms, parts: tuple[Part, ...]) -> list[tuple[bool, tuple[Part, ...]]]:
    """The optional parts: the first group of which exactly one is needed, then everything else."""
    optional = {part.code: part for part in parts if part.is_optional}
    one_of = next(
        (
            rule.codes
            for rule in terms.rules
            if rule.kind is RuleKind.ONE_OF and set(rule.codes) <= set(optional)
        ),
        (),
    )
    first = tuple(optional[code] for code in one_of)
    others = tuple(part for code, part in optional.items() if code not in one_of)
    return [(is_one, group) for is_one, group in ((True, first), (False, others)) if group]


def holds(group: tuple[bool, tuple[Part, ...]], codes: tuple[str, ...]) -> bool:
    """Whether a problem is about something in this group."""
    return any(part.code in codes for part in group[1])


def rule_text(rule: BundleRule, names: dict[str, str]) -> str:
    """A rule of the bundle, said before anybody breaks it."""
    said = [names.get(code, code) for code in rule.codes]
    if rule.kind is RuleKind.REQUIRES:
        return _("“%(first)s” only together with “%(others)s”", first=said[0], others="”, “".join(said[1:]))
    if rule.kind is RuleKind.EXCLUDES:
        return _("At most one of “%(names)s”", names="”, “".join(said))
    return _("Exactly one of “%(names)s”", names="”, “".join(said))
