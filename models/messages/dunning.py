"""Words about overdue accounts: policies, cases and their steps, promises, holds, what was given up."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class StepKind(StrEnum):
    NOTIFY = "notify"
    RETRY = "retry"  # the default method is charged again, one attempt for each overdue invoice
    CALL = "call"  # a colleague gets a task
    SUSPEND = "suspend"
    TERMINATE = "terminate"
    RETRIEVE = "retrieve"  # the device is fetched
    AGENCY = "agency"  # a collection agency goes on
    WRITE_OFF = "write_off"


class CaseStatus(StrEnum):
    OPEN = "open"
    PAID = "paid"  # nothing is overdue any more
    WRITTEN_OFF = "written_off"
    GIVEN_UP = "given_up"


class StepStatus(StrEnum):
    DONE = "done"
    SKIPPED = "skipped"  # by a person, or because it had nothing to do


class PromiseStatus(StrEnum):
    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"  # the case ended another way


class HoldKind(StrEnum):
    DISPUTE = "dispute"  # the customer does not owe it, they say
    HOLD = "hold"  # we wait for a reason of our own


class HoldStatus(StrEnum):
    OPEN = "open"
    OVER = "over"


@dataclass(frozen=True)
class PolicyStep:
    """What happens once an account is so many days overdue and owes at least so much."""

    days: int
    kind: StepKind
    minimum_minor: int = 0
    channel: str = ""  # of a notice: "mail", "sms" or "kakao"; empty: every address that we have
    letter: str = ""  # of a notice: "reminder", "warning", "last_notice"


@dataclass(frozen=True)
class PolicyTerms:
    """A policy as it is published: its steps in order, and what a case keeps of it."""

    steps: tuple[PolicyStep, ...]
    charges_while_suspended: bool = False  # whether rent goes on while the service is switched off
    resume_within_minutes: int = 60  # how soon after full payment a suspended service runs again
    longest_promise_days: int = 14
    promises_allowed: int = 2
    longest_hold_days: int = 60


@dataclass(frozen=True)
class DunningOrder:
    """What starts the workflow "Dunning": a case that is stored, with the policy of its first day."""

    case_id: str
    customer_id: str
    policy_version: int
    terms: PolicyTerms
    overdue_since: date  # the oldest unpaid due date when the case was opened
    currency: str = "KRW"


@dataclass(frozen=True)
class MoneyCame:
    """A fact: money of this customer was booked; how much is still overdue stands in SQL."""

    case_id: str
    at: datetime


def dunning_workflow_id(case_id: str) -> str:
    return f"dunning:{case_id}"
