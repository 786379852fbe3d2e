"""A bundle's draft as it is typed: rows of parts and rules, checked together."""

import re
from collections.abc import Collection
from datetime import date
from itertools import chain, combinations
from typing import Any

from api.catalogue.plan_form import MaybeDay, Number, rows_of, whole
from api.kit.forms import Input
from api.kit.language import gettext as _
from api.kit.texts import MaybeLine, Name
from models.messages.catalogue import BundleItem, BundleRule, BundleTerms, RuleKind
from models.rules.catalogue import MOST, bundle_problems

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,23}\Z")
ROWS, RULE_ROWS, MOST_OPTIONAL = 8, 5, 12


class BundleDraft(Input):
    """The terms of a draft."""

    seq: Number
    name_ko: Name
    name_en: Name
    item_code: list[MaybeLine] = []
    item_what: list[MaybeLine] = []
    item_quantity: list[MaybeLine] = []
    item_choice: list[MaybeLine] = []
    item_off: list[MaybeLine] = []
    rule_kind: list[MaybeLine] = []
    rule_codes: list[MaybeLine] = []
    effective_from: date
    effective_until: MaybeDay = None
    note: MaybeLine = ""


def terms_of(
    draft: BundleDraft, bundle_id: str, version: int, known: Collection[str]
) -> tuple[BundleTerms, dict[str, str]]:
    """The terms that were typed, and a sentence for each thing that does not fit; `known` has `plan:…`."""
    errors: dict[str, str] = {}
    items = items_of(draft, known, errors)
    rules = rules_of(draft, {item.code for item in items}, errors)
    terms = BundleTerms(bundle_id, version, draft.name_ko, draft.name_en, items, rules)
    if not errors and not can_be_chosen(terms):
        errors["rules"] = _("No choice keeps all of these rules at once.")
    if draft.effective_until is not None and draft.effective_until <= draft.effective_from:
        errors["effective_until"] = _("This day has to be after the first one.")
    return terms, errors


def items_of(draft: BundleDraft, known: Collection[str], errors: dict[str, str]) -> tuple[BundleItem, ...]:
    """The rows of parts."""
    found: list[BundleItem] = []
    rows = rows_of(draft.item_code, draft.item_what, draft.item_quantity, draft.item_choice, draft.item_off)
    for n, (code, what, quantity, choice, off) in enumerate(rows, start=1):
        if not code and not what:
            continue
        kind, _colon, key = what.partition(":")
        number, percent = whole(quantity or "1", 1, MOST), whole(off or "0", 0, 100)
        if not CODE.match(code) or code in {item.code for item in found}:
            errors["items"] = _("Row %(n)d: the code is short, in small letters, and its own.", n=n)
        elif what not in known:
            errors["items"] = _("Row %(n)d: please choose a product or plan.", n=n)
        elif number is None or percent is None:
            errors["items"] = _("Row %(n)d: the quantity is 1 to 99 and the discount 0 to 100.", n=n)
        else:
            product, plan = (key, None) if kind == "product" else (None, key)
            found.append(BundleItem(code, product, plan, number, choice == "optional", percent))
    if not found:
        errors.setdefault("items", _("A bundle has at least one part."))
    if sum(item.is_optional for item in found) > MOST_OPTIONAL:
        errors.setdefault("items", _("At most 12 parts can be chosen."))
    return tuple(found)


def rules_of(draft: BundleDraft, codes: Collection[str], errors: dict[str, str]) -> tuple[BundleRule, ...]:
    """The rows of rules, which name parts by their codes."""
    found = []
    for n, (kind, text) in enumerate(rows_of(draft.rule_kind, draft.rule_codes), start=1):
        named = tuple(dict.fromkeys(re.findall(r"[^\s,]+", text)))
        if not kind and not named:
            continue
        if kind not in set(RuleKind) or len(named) < 2 or not set(named) <= set(codes):
            errors["rules"] = _("Row %(n)d: a kind, and at least two codes of parts above.", n=n)
            continue
        found.append(BundleRule(RuleKind(kind), named))
    return tuple(found)


def can_be_chosen(terms: BundleTerms) -> bool:
    """Whether any choice of the optional parts keeps every rule."""
    optional = [item.code for item in terms.items if item.is_optional]
    choices = chain.from_iterable(combinations(optional, n) for n in range(len(optional) + 1))
    return any(not bundle_problems(terms, choice) for choice in choices)


def typed_in(terms: BundleTerms) -> dict[str, Any]:
    """The fields of the form as they stand in stored terms."""
    return {
        "name_ko": terms.name_ko, "name_en": terms.name_en,
        "item_code": [item.code for item in terms.items],
        "item_what": [
            f"product:{one.product_id}" if one.product_id else f"plan:{one.plan_id}" for one in terms.items
        ],
        "item_quantity": [item.quantity for item in terms.items],
        "item_choice": ["optional" if item.is_optional else "always" for item in terms.items],
        "item_off": [item.percent_off for item in terms.items],
        "rule_kind": [rule.kind for rule in terms.rules],
        "rule_codes": [", ".join(rule.codes) for rule in terms.rules],
    }  # fmt: skip
