"""Who may see who works here, who is away and who stands in; the database says the same (migration 0025);
so does who sees which records may be one customer (migration 0038)."""

from typing import Any

from sqlalchemy import false, select, true
from sqlmodel import SQLModel, col

from api.kit.people import Kind, Person
from api.kit.seeing import Condition, Rule, has, when
from api.kit.visible_search import RULES_OF_SEARCH
from models.customers import CustomerMerge, CustomerMove, CustomerPair
from models.messages.staff import Role
from models.staff import (
    CostCentre,
    Delegation,
    Employee,
    EmployeeAbsence,
    EmployeeChange,
    LeaverAcceptance,
    PeopleFeed,
)


def works_here(person: Person) -> bool:
    """Our staff and everybody who only asks for things: colleagues."""
    return person.kind in (Kind.STAFF, Kind.EMPLOYEE)


def _colleagues(person: Person) -> Condition:
    return when((works_here(person), true()))


def _admins(person: Person) -> Condition:
    return when((has(person, Role.ADMIN), true()))


def _staff(person: Person) -> Condition:
    return when((person.kind is Kind.STAFF, true()))


def my_employee(person: Person) -> Any:
    """The asking person's own id as an employee, for an `in`."""
    return select(col(Employee.id)).where(col(Employee.account_id) == person.account_id)


def works_here_sees(person: Person) -> Condition:
    """Rows that are no secret among colleagues, such as teams."""
    return when((works_here(person), true()))


def _changes(person: Person) -> Condition:
    """Of people who report to the asking person; administrators see all."""
    reports = select(col(Employee.id)).where(col(Employee.manager_id).in_(my_employee(person)))
    return when(
        (has(person, Role.ADMIN), true()),
        (works_here(person), col(EmployeeChange.employee_id).in_(reports)),
    )


RULES_OF_PEOPLE: dict[type[SQLModel], Rule] = {
    Employee: _colleagues,
    EmployeeAbsence: _colleagues,
    CostCentre: _colleagues,
    EmployeeChange: _changes,
    Delegation: _colleagues,
    PeopleFeed: _colleagues,
    LeaverAcceptance: _admins,
    CustomerPair: _staff,
    CustomerMerge: _staff,
    CustomerMove: lambda _: false(),  # values of before: only an undoing reads them
    **RULES_OF_SEARCH,
}
