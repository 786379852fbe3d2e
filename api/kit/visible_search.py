"""Who may see notes about customers, rules of tiers, and kept words; the database says the same (0030)."""

from sqlalchemy import true
from sqlmodel import SQLModel, col

from api.kit.people import Kind, Person
from api.kit.seeing import Condition, Rule, sells, when
from models.customers import CustomerNote, TierRule
from models.staff import KeptWords


def _sellers(person: Person) -> Condition:
    return when((sells(person), true()))


def _staffs(person: Person) -> Condition:
    return when((person.kind is Kind.STAFF, true()))


def _own_words(person: Person) -> Condition:
    is_here = person.kind in (Kind.STAFF, Kind.EMPLOYEE)
    return when((is_here, col(KeptWords.account_id) == person.account_id))


RULES_OF_SEARCH: dict[type[SQLModel], Rule] = {
    CustomerNote: _sellers,
    TierRule: _staffs,
    KeptWords: _own_words,
}
