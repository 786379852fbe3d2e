"""How invoices are found: by their number."""

from typing import Any

from sqlalchemy import Select, literal
from sqlmodel import col

from api.kit.finding import Hit, Kind, Most, Way, between, register, yearly
from api.kit.language import N_
from api.kit.people import Person
from api.kit.routes import AGENTS, FINANCE
from api.kit.visible import visible
from models.billing import Invoice
from models.customers import Customer


def _by_number(person: Person) -> Select[*tuple[Any, ...]]:
    return (
        visible(person, Invoice)
        .with_only_columns(
            col(Invoice.id), col(Invoice.number), col(Customer.name), literal(False), col(Invoice.status)
        )
        .join(Customer, col(Customer.id) == col(Invoice.customer_id))
        .where(between(col(Invoice.number)))
        .order_by(col(Invoice.number))
        .limit(Most)
    )


def _invoice(row: Any) -> Hit:
    id, number, customer, _is_like, status = row
    return Hit(id, number, customer, f"/billing/invoices/{id}", status=("invoice", status))


register(
    Kind(
        "invoice", N_("Invoices"), "receipt", AGENTS | FINANCE, _invoice, (Way(_by_number, yearly),), place=40
    )
)
