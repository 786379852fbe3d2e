"""How contracts are found: by their number, which begins like that of the order they came with."""

from typing import Any

from sqlalchemy import Select, literal
from sqlmodel import col

from api.kit.finding import Hit, Kind, Most, Way, between, numbered, register
from api.kit.language import N_, locale
from api.kit.people import Person
from api.kit.routes import AGENTS
from api.kit.visible import visible
from models.catalogue import Plan
from models.customers import Customer
from models.subscriptions import Subscription


def _by_number(person: Person) -> Select[*tuple[Any, ...]]:
    plan = col(Plan.name_ko) if locale() == "ko" else col(Plan.name_en)
    return (
        visible(person, Subscription)
        .with_only_columns(
            col(Subscription.id), plan, col(Customer.name), literal(False), col(Subscription.status)
        )
        .join(Plan, col(Plan.id) == col(Subscription.plan_id))
        .join(Customer, col(Customer.id) == col(Subscription.customer_id))
        .where(between(col(Subscription.id)))
        .order_by(col(Subscription.id))
        .limit(Most)
    )


def _contract(row: Any) -> Hit:
    id, plan, customer, _is_like, status = row
    return Hit(id, id, f"{plan} · {customer}", f"/subscriptions/{id}", status=("subscription", status))


register(
    Kind(
        "subscription", N_("Contracts"), "refresh-cw", AGENTS, _contract,
        (Way(_by_number, numbered("S")),), place=60,
    )
)  # fmt: skip
