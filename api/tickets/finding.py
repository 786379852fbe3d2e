"""How tickets are found: by their number, or by a part of their subject."""

from typing import Any

from sqlalchemy import Select, literal
from sqlmodel import col

from api.kit.finding import Hit, Kind, Most, Way, between, every_word, found_by, numbered, register
from api.kit.language import N_
from api.kit.people import Person
from api.kit.routes import AGENTS
from api.kit.visible import visible
from models.customers import Customer
from models.tickets import Ticket


def _by_number(person: Person) -> Select[*tuple[Any, ...]]:
    return _shown(visible(person, Ticket), literal(False)).where(between(col(Ticket.id))).order_by(
        col(Ticket.id)
    ).limit(Most)  # fmt: skip


def _by_subject(person: Person) -> Select[*tuple[Any, ...]]:
    found = found_by("ieum_find_tickets")
    chosen = visible(person, Ticket).join(found, found.c.found_id == col(Ticket.id))
    return _shown(chosen, found.c.is_like).order_by(found.c.place).limit(Most)


def _shown(query: Any, is_like: Any) -> Select[*tuple[Any, ...]]:
    shown = (col(Ticket.id), col(Ticket.subject), col(Customer.name), is_like, col(Ticket.status))
    return query.join(Customer, col(Customer.id) == col(Ticket.customer_id)).with_only_columns(*shown)  # type: ignore[no-any-return]


def _ticket(row: Any) -> Hit:
    id, subject, customer, is_like, status = row
    return Hit(id, subject, f"{id} · {customer}", f"/tickets/{id}", bool(is_like), ("ticket", status))


register(
    Kind(
        "ticket", N_("Tickets"), "ticket", AGENTS, _ticket,
        (Way(_by_number, numbered("T")), Way(_by_subject, every_word)), place=20,
    )
)  # fmt: skip
