"""Who may see promises and rules; the database says the same (migrations 0029 and 0037)."""

from typing import Any

from sqlalchemy import and_, true
from sqlmodel import SQLModel, col

from api.kit.people import Kind, Person
from api.kit.seeing import Condition, Rule, ids, when
from models.tickets import (
    CalendarDay,
    PromisePolicy,
    Retiming,
    RuleAlarm,
    RuleCheck,
    RuleTrial,
    RuleVersion,
    Ticket,
    TicketLink,
    TicketPause,
    TicketPromise,
)


def _of_staff(person: Person) -> Condition:
    """Colleagues may know what we promise, and which rules there are."""
    return when((person.kind is Kind.STAFF, true()))


def _everybodys(person: Person) -> Condition:
    """Whoever is offered a day has to know which ones we work."""
    return true()


def _of_ticket(column: Any) -> Rule:
    """The clocks of a ticket and what rules said about it: the desk, of tickets that they see."""

    def rule(person: Person) -> Condition:
        return when((person.is_desk, col(column).in_(ids(person, Ticket, Ticket.id))))

    return rule


def _links(person: Person) -> Condition:
    """What tickets are to each other: whoever of the desk sees both of them."""
    both = (col(one).in_(ids(person, Ticket, Ticket.id)) for one in (TicketLink.from_id, TicketLink.to_id))
    return when((person.is_desk, and_(*both)))


RULES_OF_PROMISES: dict[type[SQLModel], Rule] = {
    PromisePolicy: _of_staff,
    Retiming: _of_staff,
    RuleVersion: _of_staff,
    RuleTrial: _of_staff,
    CalendarDay: _everybodys,
    TicketPromise: _of_ticket(TicketPromise.ticket_id),
    TicketPause: _of_ticket(TicketPause.ticket_id),
    RuleCheck: _of_ticket(RuleCheck.ticket_id),
    RuleAlarm: _of_ticket(RuleAlarm.ticket_id),
    TicketLink: _links,
}
