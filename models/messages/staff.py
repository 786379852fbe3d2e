"""Words about people who sign in: roles and the purposes of no-login links."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Role(StrEnum):
    AGENT = "agent"
    DISPATCHER = "dispatcher"
    FINANCE = "finance"
    ADMIN = "admin"
    EMPLOYEE = "employee"
    TECHNICIAN = "technician"
    PARTNER = "partner"  # reads along
    PARTNER_DISPATCHER = "partner_dispatcher"  # accepts offers and assigns own technicians
    CUSTOMER = "customer"


STAFF_ROLES = frozenset({Role.AGENT, Role.DISPATCHER, Role.FINANCE, Role.ADMIN})


class LinkPurpose(StrEnum):
    FOLLOW = "follow"  # see the ticket and write to us
    SLOT = "slot"  # choose or move the time of a visit
    TRACK = "track"  # follow the technician on the way
    CONFIRM = "confirm"  # say that it works, or that it does not
    PAY = "pay"  # pay one invoice
    RATE = "rate"  # rate the repair
    ORDER = "order"  # follow one order, change its address, cancel it
    CHANGE = "change"  # see and confirm one change of a contract
    RETURN = "return"  # follow one return, call it off
    APPROVE = "approve"  # decide one approval of an employee's request, once


@dataclass(frozen=True)
class Invite:
    """Somebody is to be sent a one-time link with which they set their password."""

    id: str  # made by whoever asks: asked twice it is one letter
    account_id: str
    asked_at: datetime
    hours: int = 24  # how long the link works


def invitation_workflow_id(invitation_id: str) -> str:
    return f"invitation:{invitation_id}"


class EmployeeStatus(StrEnum):
    JOINING = "joining"  # known, first day still to come
    ACTIVE = "active"
    LEFT = "left"


class ChangeKind(StrEnum):
    """What became known of a person; the journal of joiners, movers and leavers."""

    JOINER = "joiner"  # somebody new will begin
    START_MOVED = "start_moved"  # a joiner's first day is another one
    CALLED_OFF = "called_off"  # a joiner will not come
    STARTED = "started"  # the first day has come
    MOVER = "mover"  # department, title, site, cost centre or manager changed
    LEAVER = "leaver"  # a last day is known
    STAYING = "staying"  # the last day was taken back
    LEFT = "left"  # the last day is over, or the person was taken out at once


class ApproverKind(StrEnum):
    """How an approver is described before anybody knows who it is."""

    MANAGER = "manager"
    MANAGER_OF_MANAGER = "manager_of_manager"
    ROLE = "role"
    TEAM = "team"
    PERSON = "person"
    COST_OWNER = "cost_owner"


class Why(StrEnum):
    """Why it is this person who approves."""

    AS_PLANNED = "as_planned"
    DELEGATED = "delegated"  # who should decide has named somebody else for these days
    ABSENT = "absent"  # away without a delegate: the manager decides
    LEFT = "left"  # no longer (or not yet) working here: the manager decides
    OWN = "own"  # would have decided what they asked for or receive: the manager decides
    NOBODY = "nobody"  # nobody in the line may decide: the owning team does


@dataclass(frozen=True)
class ApproverChanged:
    """Whoever was to decide cannot any more; the request chooses again."""

    id: str  # made of approval, person and day: told again it is the same fact
    approval_id: str
    employee_id: str  # who was asked until now
    why: Why
    noticed_at: datetime


@dataclass(frozen=True)
class PeopleMoment:
    """The clock reading that a step of the people's sync goes by: the same again when it is repeated."""

    at: datetime
    day: date  # in Seoul


@dataclass(frozen=True)
class NewsTaken:
    """One page of the HR system's news is in our rows."""

    records: int
    newer: int  # of them, those that said something newer than we knew
    has_more: bool
    unreadable: int = 0


@dataclass(frozen=True)
class PeopleSynced:
    """What one minute's sync did; `is_heard` is False while the HR system does not answer."""

    is_heard: bool
    records: int
    newer: int
    turned: int  # people whose status became another one
    retargeted: int  # approvals whose approver cannot decide any more


@dataclass(frozen=True)
class PersonFact:
    """Something became known of a colleague; starts the workflow "PersonNews"."""

    id: str
    employee_id: str
    kind: ChangeKind
    at: datetime


def person_news_workflow_id(fact_id: str) -> str:
    return f"person-news:{fact_id}"
