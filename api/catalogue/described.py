"""Terms as rows that people can read and compare: what a version says, and another one says differently."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.catalogue.prices import tiers
from api.catalogue.problems import item_names
from api.kit import labels
from api.kit.formats import money
from api.kit.language import gettext as _
from api.kit.language import ngettext
from models.catalogue import Product
from models.messages.catalogue import BundleTerms, PhaseKind, PlanTerms
from models.rules.catalogue import Shelf


@dataclass(frozen=True)
class Said:
    """One row of a version."""

    name: str
    text: str


@dataclass(frozen=True)
class Difference:
    """One row that two versions fill differently."""

    name: str
    before: str
    after: str


def differences(before: tuple[Said, ...], after: tuple[Said, ...]) -> tuple[Difference, ...]:
    """What the second says differently, row by row; a row that one of them lacks is empty there."""
    old, new = {one.name: one.text for one in before}, {one.name: one.text for one in after}
    names = dict.fromkeys([*new, *old])
    return tuple(
        Difference(name, old.get(name, ""), new.get(name, ""))
        for name in names
        if old.get(name, "") != new.get(name, "")
    )


def plan_rows(terms: PlanTerms, products: Mapping[str, Product]) -> tuple[Said, ...]:
    """A plan version in words."""
    device = products.get(terms.product_id or "")
    price = tiers(terms.price) or (money(terms.price.unit_minor),)
    rows = (
        (_("Name in Korean"), terms.name_ko),
        (_("Name in English"), terms.name_en),
        (_("Price"), f"{labels.label_text(terms.price.kind, 'price')}: {'; '.join(price)}"),
        (_("What usage counts"), terms.price.meter),
        *((_("Phase %(n)d", n=n), phase) for n, phase in enumerate(phases(terms), start=1)),
        (_("Billing period"), ngettext("%(num)d month", "%(num)d months", terms.period_months)),
        (_("Billed"), _("in advance") if terms.in_advance else _("afterwards")),
        (_("Minimum term"), months(terms.obligation_months)),
        (_("Early-termination fee"), f"{terms.early_permille / 10:g} %" if terms.obligation_months else ""),
        (_("Set-up fee"), money(terms.setup_minor)),
        (_("Device"), f"{device.name_ko} · {device.name_en}" if device else ""),
        (_("Family"), f"{terms.family} · {terms.rank}" if terms.family else ""),
        (_("Add-on"), _("yes") if terms.is_add_on else _("no")),
        (_("Tax"), labels.label_text(terms.tax_rule, "tax_rule")),
    )
    return tuple(Said(name, text) for name, text in rows if text)


def phases(terms: PlanTerms) -> tuple[str, ...]:
    """The phases in words."""
    told = []
    for phase in terms.phases:
        parts = [labels.label_text(phase.kind, "phase"), months(phase.months or 0)]
        if phase.percent_off and phase.kind is not PhaseKind.TRIAL:
            parts.append(_("%(percent)d%% off", percent=phase.percent_off))
        told.append(", ".join(part for part in parts if part))
    return tuple(told)


def months(number: int) -> str:
    """A number of months, nothing for none."""
    return ngettext("%(num)d month", "%(num)d months", number) if number else ""


def bundle_rows(terms: BundleTerms, shelf: Shelf) -> tuple[Said, ...]:
    """A bundle version in words."""
    names = item_names(terms, shelf)
    rows = [(_("Name in Korean"), terms.name_ko), (_("Name in English"), terms.name_en)]
    for item in terms.items:
        parts = [names[item.code], f"× {item.quantity}"]
        parts.append(_("can be chosen") if item.is_optional else _("always included"))
        if item.percent_off:
            parts.append(_("%(percent)d%% off", percent=item.percent_off))
        rows.append((_("Part “%(code)s”", code=item.code), " · ".join(parts)))
    for n, rule in enumerate(terms.rules, start=1):
        said = ", ".join(names.get(code, code) for code in rule.codes)
        rows.append((_("Rule %(n)d", n=n), f"{labels.label_text(rule.kind, 'bundle_rule')}: {said}"))
    return tuple(Said(name, text) for name, text in rows)
