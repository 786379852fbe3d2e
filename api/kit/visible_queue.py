"""Who may see kept views, batches and who is present; the database says the same (migration 0033)."""

from sqlalchemy import and_, or_
from sqlmodel import SQLModel, col

from api.kit.people import Person
from api.kit.seeing import Condition, Rule, ids, of_ticket, when
from models.tickets.desk import QueueView, TicketBatch, TicketBatchLine, TicketPresence


def _views(person: Person) -> Condition:
    mine = col(QueueView.owner_id) == person.id
    shared = or_(mine, col(QueueView.team_id) == person.team_id) if person.team_id else mine
    return when((person.is_desk, shared))


def _batches(person: Person) -> Condition:
    return when((person.is_desk, col(TicketBatch.asked_by) == person.id))


def _lines(person: Person) -> Condition:
    own = col(TicketBatchLine.batch_id).in_(ids(person, TicketBatch, TicketBatch.id))
    return when((person.is_desk, and_(own, of_ticket(person, TicketBatchLine.ticket_id))))


def _present(person: Person) -> Condition:
    return when((person.is_desk, of_ticket(person, TicketPresence.ticket_id)))


RULES_OF_QUEUE: dict[type[SQLModel], Rule] = {
    QueueView: _views,
    TicketBatch: _batches,
    TicketBatchLine: _lines,
    TicketPresence: _present,
}
