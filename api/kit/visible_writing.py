"""Who may see what is being written on tickets; the database says the same (migration 0034)."""

from typing import Any

from sqlalchemy import true
from sqlmodel import SQLModel

from api.kit.people import Kind, Person
from api.kit.seeing import Condition, Rule, of_ticket, when
from models.tickets.writing import ClosingField, FieldValue, ReplyTemplate, Sending, TicketFollower


def _of_ticket(column: Any) -> Rule:
    return lambda person: when((person.is_desk, of_ticket(person, column)))


def _desk(person: Person) -> Condition:
    return when((person.is_desk, true()))


def _staff(person: Person) -> Condition:
    return when((person.kind is Kind.STAFF, true()))


RULES_OF_WRITING: dict[type[SQLModel], Rule] = {
    Sending: _of_ticket(Sending.ticket_id),
    ReplyTemplate: _desk,
    TicketFollower: _of_ticket(TicketFollower.ticket_id),
    ClosingField: _staff,
    FieldValue: _of_ticket(FieldValue.ticket_id),
}
