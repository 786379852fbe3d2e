"""A plan's draft as it is typed: rows of phases and tiers, checked together, kept when something is wrong."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from api.kit.forms import Input
from api.kit.language import N_
from api.kit.language import gettext as _
from api.kit.texts import MaybeKey, MaybeLine, Name, nothing_if_blank
from models.messages.catalogue import Phase, PhaseKind, PlanKind, PlanTerms, Price, PriceKind, PriceTier

Won = Annotated[int, Field(ge=0, le=10**11)]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
MaybeDay = Annotated[date | None, BeforeValidator(nothing_if_blank)]
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}\Z")
MOST_MONTHS, ROWS = 120, 5
PERIODS = (1, 2, 3, 6, 12)


def code(text: str) -> str:
    """A short word by which people know a thing; it is no id of ours."""
    if not CODE.match(text):
        raise PydanticCustomError("house", N_("Please use letters, digits and dashes only."))
    return text


Code = Annotated[str, AfterValidator(code), Field(min_length=1, max_length=40)]


class PlanDraft(Input):
    """The terms of a draft."""

    seq: Number
    name_ko: Name
    name_en: Name
    price_kind: PriceKind
    unit_minor: Won = 0
    meter: MaybeLine = ""
    tier_up_to: list[MaybeLine] = []
    tier_minor: list[MaybeLine] = []
    phase_kind: list[MaybeLine] = []
    phase_months: list[MaybeLine] = []
    phase_off: list[MaybeLine] = []
    period_months: Annotated[int, Field(ge=1, le=12)] = 1
    in_advance: bool = True
    obligation_months: Annotated[int, Field(ge=0, le=MOST_MONTHS)] = 0
    early_permille: Annotated[int, Field(ge=0, le=1000)] = 100
    setup_minor: Won = 0
    product_id: MaybeKey = None
    family: MaybeLine = ""
    rank: Annotated[int, Field(ge=0, le=1000)] = 0
    is_add_on: bool = False
    tax_rule: Literal["kr-vat-10-included", "kr-vat-free"] = "kr-vat-10-included"
    effective_from: date
    effective_until: MaybeDay = None
    note: MaybeLine = ""


def whole(text: str, low: int, high: int) -> int | None:
    """A whole number within bounds, else nothing."""
    plain = text.replace(",", "")
    if not (plain.isascii() and plain.isdigit() and len(plain) < 16):
        return None
    number = int(plain)
    return number if low <= number <= high else None


def terms_of(
    draft: PlanDraft, plan_id: str, version: int, kind: PlanKind
) -> tuple[PlanTerms, dict[str, str]]:
    """The terms that were typed, and a sentence for each field that does not fit the others."""
    errors: dict[str, str] = {}
    steps, levels = phases_of(draft, errors), tiers_of(draft, errors)
    if draft.period_months not in PERIODS:
        errors["period_months"] = _("Please choose 1, 2, 3, 6 or 12 months.")
    if draft.is_add_on and not draft.family:
        errors["family"] = _("An add-on belongs to a family: that of its main contract.")
    if kind is PlanKind.RENTAL and draft.product_id is None:
        errors["product_id"] = _("A rental needs the device that is rented.")
    if draft.effective_until is not None and draft.effective_until <= draft.effective_from:
        errors["effective_until"] = _("This day has to be after the first one.")
    terms = PlanTerms(
        plan_id, version, kind, draft.name_ko, draft.name_en,
        Price(draft.price_kind, draft.unit_minor, levels, draft.meter), steps, draft.period_months,
        draft.in_advance and draft.price_kind is not PriceKind.USAGE, draft.obligation_months,
        draft.early_permille, draft.setup_minor, draft.product_id, draft.family, draft.rank, draft.is_add_on,
        draft.tax_rule,
    )  # fmt: skip
    return terms, errors


def phases_of(draft: PlanDraft, errors: dict[str, str]) -> tuple[Phase, ...]:
    """The rows of phases; the last one has no end."""
    found: list[Phase] = []
    rows = rows_of(draft.phase_kind, draft.phase_months, draft.phase_off)
    for n, (kind, months, off) in enumerate(rows, start=1):
        if not kind:
            if months or off not in ("", "0"):
                errors["phases"] = _("Row %(n)d: please choose what kind of phase this is.", n=n)
            continue
        length, percent = whole(months, 1, MOST_MONTHS), whole(off or "0", 0, 100)
        if kind not in set(PhaseKind) or percent is None or (months and length is None):
            errors["phases"] = _("Row %(n)d: months are 1 to 120 and the discount 0 to 100 percent.", n=n)
            continue
        found.append(Phase(PhaseKind(kind), length, percent))
    if any(phase.months is None for phase in found[:-1]):
        errors.setdefault("phases", _("Only the last phase may have no end: please say how many months."))
    if found and found[-1].months is not None:
        found.append(Phase(PhaseKind.EVERGREEN))
    return tuple(found) or (Phase(PhaseKind.EVERGREEN),)


def tiers_of(draft: PlanDraft, errors: dict[str, str]) -> tuple[PriceTier, ...]:
    """The rows of tiers, upwards; the last one has no end."""
    if draft.price_kind not in (PriceKind.TIERED, PriceKind.USAGE):
        return ()
    found: list[PriceTier] = []
    for n, (up_to, minor) in enumerate(rows_of(draft.tier_up_to, draft.tier_minor), start=1):
        if not up_to and not minor:
            continue
        top, each = whole(up_to, 1, 10**9), whole(minor, 0, 10**9)
        if each is None or (up_to and top is None):
            errors["tiers"] = _("Row %(n)d: please enter whole numbers.", n=n)
            continue
        found.append(PriceTier(top, each))
    tops = [tier.up_to for tier in found]
    bounds = [top for top in tops if top is not None]
    if not found and draft.price_kind is PriceKind.TIERED:
        errors.setdefault("tiers", _("Please enter at least one tier."))
    elif found and (tops[-1] is not None or None in tops[:-1] or bounds != sorted(set(bounds))):
        errors.setdefault("tiers", _("Tiers go upwards, and the last one has no end: leave it empty there."))
    return tuple(found)


def rows_of(*columns: list[str]) -> list[tuple[str, ...]]:
    """Columns of a table that came as lists, as rows; missing cells are empty."""
    most = max((len(column) for column in columns), default=0)
    return [tuple(column[n] if n < len(column) else "" for column in columns) for n in range(most)]


def typed_in(terms: PlanTerms) -> dict[str, Any]:
    """The fields of the form as they stand in stored terms."""
    return {
        "name_ko": terms.name_ko, "name_en": terms.name_en, "price_kind": terms.price.kind,
        "unit_minor": terms.price.unit_minor, "meter": terms.price.meter,
        "tier_up_to": [tier.up_to or "" for tier in terms.price.tiers],
        "tier_minor": [tier.unit_minor for tier in terms.price.tiers],
        "phase_kind": [phase.kind for phase in terms.phases],
        "phase_months": [phase.months or "" for phase in terms.phases],
        "phase_off": [phase.percent_off for phase in terms.phases],
        "period_months": terms.period_months, "in_advance": str(terms.in_advance).lower(),
        "obligation_months": terms.obligation_months, "early_permille": terms.early_permille,
        "setup_minor": terms.setup_minor, "product_id": terms.product_id or "", "family": terms.family,
        "rank": terms.rank, "is_add_on": str(terms.is_add_on).lower(), "tax_rule": terms.tax_rule,
    }  # fmt: skip
