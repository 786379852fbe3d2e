"""Who may see what can be asked for; the database says the same (migration 0023)."""

from sqlalchemy import false, true
from sqlmodel import SQLModel, col

from api.kit.people import Kind, Person
from api.kit.seeing import Condition, Rule, when
from models.employee_requests.items import ItemSimulation, RequestItem, RequestItemVersion
from models.messages.catalogue import VersionStatus
from models.messages.staff import Role

SHOWN = (VersionStatus.PUBLISHED, VersionStatus.RETIRED)


def _items(person: Person) -> Condition:
    return true() if person.kind is Kind.STAFF or Role.EMPLOYEE in person.roles else false()


def _versions(person: Person) -> Condition:
    """Our staff sees drafts too; employees what may be asked for, and what their requests still live by."""
    return when(
        (person.kind is Kind.STAFF, true()),
        (Role.EMPLOYEE in person.roles, col(RequestItemVersion.status).in_(SHOWN)),
    )


def _simulations(person: Person) -> Condition:
    return true() if person.kind is Kind.STAFF else false()


RULES_OF_ITEMS: dict[type[SQLModel], Rule] = {
    RequestItem: _items,
    RequestItemVersion: _versions,
    ItemSimulation: _simulations,
}
