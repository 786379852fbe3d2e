"""Words about people who sign in: roles and the purposes of no-login links."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    AGENT = "agent"
    DISPATCHER = "dispatcher"
    FINANCE = "finance"
    ADMIN = "admin"
    EMPLOYEE = "employee"
    TECHNICIAN = "technician"
    PARTNER = "partner"
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
