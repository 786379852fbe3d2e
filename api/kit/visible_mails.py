"""Who may see mails as they came in: the desk, of tickets that they see, and what belongs to no ticket."""

from sqlalchemy import or_
from sqlmodel import SQLModel, col

from api.kit.people import Person
from api.kit.seeing import Condition, Rule, ids, when
from models.tickets import InboundMail, Mailbox, Ticket


def _mails(person: Person) -> Condition:
    nobodys = col(InboundMail.ticket_id).is_(None)
    of_ticket = col(InboundMail.ticket_id).in_(ids(person, Ticket, Ticket.id))
    return when((person.is_desk, or_(nobodys, of_ticket)))


def _nobody(person: Person) -> Condition:
    """How far a mailbox was read is the letterbox's own business."""
    return when()


RULES_OF_MAILS: dict[type[SQLModel], Rule] = {InboundMail: _mails, Mailbox: _nobody}
