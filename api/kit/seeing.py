"""The parts that the rules of who may see a row are made of, and the register that holds the rules."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlmodel import SQLModel, col

from api.kit.people import Kind, Person
from models.messages.staff import Role
from models.tickets import Ticket

Condition = ColumnElement[bool]
Rule = Callable[[Person], Condition]
RULES: dict[type[SQLModel], Rule] = {}


@lru_cache(maxsize=4096)
def may_see(person: Person, model: type[SQLModel]) -> Condition:
    """The rows of a table that this person may see, as a condition; remembered, because one person asks again
    and again. A table without a rule shows nothing."""
    rule = RULES.get(model)
    return rule(person) if rule is not None else false()


def has(person: Person, *roles: Role) -> bool:
    """Whether somebody of our staff holds one of these roles."""
    return person.kind is Kind.STAFF and bool(person.roles & set(roles))


def when(*cases: tuple[bool, Condition]) -> Condition:
    """The conditions of all cases that hold, joined; nothing when none does."""
    chosen = [condition for holds, condition in cases if holds]
    return or_(*chosen) if chosen else false()


def ids(person: Person, model: type[SQLModel], column: Any) -> Any:
    """A column of the rows that this person may see, for an `in`."""
    return select(column).where(may_see(person, model))


def of_ticket(person: Person, column: Any) -> Condition:
    """The column names a ticket that this person may see."""
    return col(column).in_(ids(person, Ticket, Ticket.id))


def own(person: Person) -> bool:
    """A customer, signed in or by a link."""
    return person.kind in (Kind.CUSTOMER, Kind.LINK)


def sells(person: Person) -> bool:
    """Works on orders, contracts and their money: the desk and finance."""
    return has(person, Role.AGENT, Role.DISPATCHER, Role.FINANCE, Role.ADMIN)


def of_case(person: Person, case: Any, customer: Any) -> Condition:
    """Rows of an order or a contract change: our staff, its own customer, and a link to just this case."""
    there = col(case).is_not(None)
    return when(
        (sells(person), there),
        (person.kind is Kind.CUSTOMER, and_(there, col(customer) == person.customer_id)),
        (
            person.kind is Kind.LINK and person.case_id is not None,
            and_(col(case) == person.case_id, col(customer) == person.customer_id),
        ),
    )
