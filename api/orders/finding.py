"""How orders are found: by their number."""

from typing import Any

from sqlalchemy import Select, literal
from sqlmodel import col

from api.kit.finding import Hit, Kind, Most, Way, between, numbered, register
from api.kit.language import N_
from api.kit.people import Person
from api.kit.routes import STAFF
from api.kit.visible import visible
from models.customers import Customer
from models.orders import Order


def _by_number(person: Person) -> Select[*tuple[Any, ...]]:
    return (
        visible(person, Order)
        .with_only_columns(
            col(Order.id), col(Order.id), col(Customer.name), literal(False), col(Order.status)
        )
        .join(Customer, col(Customer.id) == col(Order.customer_id))
        .where(between(col(Order.id)))
        .order_by(col(Order.id))
        .limit(Most)
    )


def _order(row: Any) -> Hit:
    id, _number, customer, _is_like, status = row
    return Hit(id, id, customer, f"/orders/{id}", status=("order", status))


register(
    Kind("order", N_("Orders"), "shopping-cart", STAFF, _order, (Way(_by_number, numbered("O")),), place=50)
)
