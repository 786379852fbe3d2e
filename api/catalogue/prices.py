"""Prices in words: what a plan costs in which months, and what tiers and minimum terms mean."""

from dataclasses import dataclass

from api.kit.formats import money, number
from api.kit.language import gettext as _
from api.kit.language import ngettext
from models.messages.catalogue import PhaseKind, PlanTerms, Price, PriceKind
from models.rules.catalogue import month_price


@dataclass(frozen=True)
class Stage:
    """A stretch of months with one price."""

    months: str
    why: str
    minor: int


def stages(terms: PlanTerms, quantity: int = 1, percent_off: int = 0) -> tuple[Stage, ...]:
    """What each month costs, from the first one on; neighbours of one price are one stage."""
    found: list[tuple[int, int | None, str, int]] = []
    first = 1
    for phase in (*terms.phases, None):
        months = phase.months if phase else None
        price = month_price(terms, first, quantity, percent_off)
        last = first + months - 1 if months else None
        why = _why(phase.kind, phase.percent_off) if phase else ""
        if found and found[-1][3] == price and not why:
            found[-1] = (found[-1][0], last, found[-1][2], price)
        else:
            found.append((first, last, why, price))
        if last is None:
            break
        first = last + 1
    return tuple(Stage(_months(begin, end), why, minor) for begin, end, why, minor in found)


def _why(kind: PhaseKind, percent: int) -> str:
    if kind is PhaseKind.TRIAL:
        return _("Free trial")
    return _("%(percent)d%% off", percent=percent) if percent else ""


def _months(first: int, last: int | None) -> str:
    if last is None:
        return _("Every month") if first == 1 else _("From month %(first)d", first=first)
    if first == last:
        return _("Month %(first)d", first=first)
    return _("Months %(first)d to %(last)d", first=first, last=last)


def tiers(price: Price) -> tuple[str, ...]:
    """The tiers of a price, one sentence each; nothing for a plain price."""
    if price.kind not in (PriceKind.TIERED, PriceKind.USAGE):
        return ()
    if not price.tiers:
        return (_("%(price)s for each unit", price=money(price.unit_minor)),)
    told, below = [], 0
    for tier in price.tiers:
        first, each = number(below + 1), money(tier.unit_minor)
        if tier.up_to is None:
            told.append(_("From unit %(first)s: %(price)s each", first=first, price=each))
            break
        told.append(
            _("Units %(first)s to %(last)s: %(price)s each", first=first, last=number(tier.up_to), price=each)
        )
        below = tier.up_to
    return tuple(told)


def notes(terms: PlanTerms) -> tuple[str, ...]:
    """What one should know before signing."""
    told = []
    if terms.obligation_months:
        months = terms.obligation_months
        told.append(ngettext("Minimum term %(num)d month", "Minimum term %(num)d months", months))
        percent = f"{terms.early_permille / 10:g}"
        told.append(
            _("Ended earlier, it costs %(percent)s%% of the rent of the remaining months", percent=percent)
        )
    if terms.setup_minor:
        told.append(_("Set-up %(price)s once", price=money(terms.setup_minor)))
    if terms.price.kind is PriceKind.USAGE:
        told.append(_("Billed after each month by what was used"))
    elif not terms.in_advance:
        told.append(_("Billed after each month"))
    if terms.is_add_on:
        told.append(_("Only together with its main contract"))
    return tuple(told)
