"""Contracts and plans as rules know them."""

from datetime import date

from models.messages.catalogue import Phase, PhaseKind, PlanKind, PlanTerms, Price, PriceKind
from models.rules.subscriptions.periods import Contract, add_months


def a_plan(plan_id: str = "basic", rent: int = 30_000, rank: int = 1, **more: object) -> PlanTerms:
    """A monthly plan in advance of the family "air"."""
    known = {
        "plan_id": plan_id, "version": 1, "kind": PlanKind.RENTAL, "name_ko": f"{plan_id} 요금제",
        "name_en": f"{plan_id} plan", "price": Price(PriceKind.FIXED, rent), "rank": rank, "family": "air",
    }  # fmt: skip
    return PlanTerms(**{**known, **more})  # type: ignore[arg-type]


TRIAL = (Phase(PhaseKind.TRIAL, 1), Phase(PhaseKind.DISCOUNT, 2, 50), Phase(PhaseKind.EVERGREEN))


def a_contract(starts_on: date = date(2026, 1, 31), **more: object) -> Contract:
    """A contract on its first day, not yet charged."""
    terms = more.pop("terms", None) or a_plan()
    assert isinstance(terms, PlanTerms)
    end = add_months(starts_on, terms.obligation_months) if terms.obligation_months else None
    known = {
        "id": "S1-1", "customer_id": "cus_mina", "terms": terms, "starts_on": starts_on,
        "billed_until": starts_on, "bill_day": starts_on.day, "obligation_until": end,
    }  # fmt: skip
    return Contract(**{**known, **more})  # type: ignore[arg-type]
