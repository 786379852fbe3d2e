"""Words about people who sign in: roles and the purposes of no-login links."""

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
