"""Who may see employees' requests and what is told of them; the database says the same (migration 0024)."""

from typing import Any

from sqlalchemy import and_, or_, select
from sqlmodel import SQLModel, col

from api.kit.people import Kind, Person
from api.kit.seeing import RULES, Condition, Rule, has, ids, when
from models.employee_requests import (
    EmployeeRequest,
    RequestApproval,
    RequestFile,
    RequestHandover,
    RequestReader,
    RequestStep,
    RequestTask,
)
from models.messages.employee_requests.requests import RequestStatus
from models.messages.staff import Role
from models.tickets import Ticket

INSIDE = (Kind.STAFF, Kind.EMPLOYEE)


def _requests(person: Person) -> Condition:
    """One's own, those that name one as a reader, and, unless confidential, those of one's team."""
    id = col(EmployeeRequest.id)
    named = select(col(RequestReader.request_id)).where(col(RequestReader.account_id) == person.account_id)
    tasks = select(col(RequestTask.request_id)).where(col(RequestTask.team_id) == person.team_id)
    approvals = select(col(RequestApproval.request_id)).where(col(RequestApproval.team_id) == person.team_id)
    is_open_to_us = and_(
        col(EmployeeRequest.status) != RequestStatus.DRAFT, ~col(EmployeeRequest.is_confidential)
    )
    owned = col(EmployeeRequest.owner_team_id) == person.team_id
    is_inside = person.kind in INSIDE and person.account_id is not None
    in_team = is_inside and person.team_id is not None
    return when(
        (is_inside, col(EmployeeRequest.asked_by) == person.account_id),
        (is_inside, id.in_(named)),
        (has(person, Role.ADMIN), is_open_to_us),
        (in_team, and_(is_open_to_us, or_(owned, id.in_(tasks), id.in_(approvals)))),
        (person.kind is Kind.LINK and person.case_id is not None, id == person.case_id),
    )


def _handovers(person: Person) -> Condition:
    """How far a request is that was handed over from a ticket: whoever sees the ticket; a confidential one
    only whoever sees the request."""
    theirs = col(RequestHandover.ticket_id).in_(ids(person, Ticket, Ticket.id))
    named = col(RequestHandover.request_id).in_(ids(person, EmployeeRequest, EmployeeRequest.id))
    return when((person.kind is Kind.STAFF, and_(theirs, or_(~col(RequestHandover.is_confidential), named))))


def _files(person: Person) -> Condition:
    """What one has chosen oneself, and what is part of a request that one sees: its field says who reads."""
    is_inside = person.kind in INSIDE and person.account_id is not None
    theirs = col(RequestFile.request_id).in_(ids(person, EmployeeRequest, EmployeeRequest.id))
    return or_(theirs, when((is_inside, col(RequestFile.uploaded_by) == person.account_id)))


def _of_request(column: Any) -> Rule:
    return lambda person: col(column).in_(ids(person, EmployeeRequest, EmployeeRequest.id))


RULES_OF_REQUESTS: dict[type[SQLModel], Rule] = {
    EmployeeRequest: _requests,
    RequestStep: _of_request(RequestStep.request_id),
    RequestApproval: _of_request(RequestApproval.request_id),
    RequestTask: _of_request(RequestTask.request_id),
    RequestReader: _of_request(RequestReader.request_id),
    RequestHandover: _handovers,
    RequestFile: _files,
}


def kept_to_readers(case: Any, *, is_shown: bool = False) -> Rule:
    """The rule that a table has already, but what is told of a request is for whoever sees the request."""
    model = case.class_
    before = RULES[model]

    def rule(person: Person) -> Condition:
        of_request = col(case).like("E%")
        theirs = col(case).in_(ids(person, EmployeeRequest, EmployeeRequest.id))
        allowed = and_(before(person), or_(col(case).is_(None), ~of_request, theirs))
        return or_(allowed, and_(of_request, theirs)) if is_shown else allowed

    return rule
