"""Whose record an address belongs to, which consents hold, and until when somebody is waited for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from models.messages.customers import (
    REQUIRED,
    ConsentKind,
    PrivacyOrder,
    SignupOrder,
    Tier,
    privacy_workflow_id,
    signup_workflow_id,
)
from models.messages.journeys import Wait, WaitFor

CODE_LIFE = timedelta(minutes=10)
FILE_DAYS = 7
ERASE_DAYS = 10  # Personal Information Protection Act: ten days to answer


class Match(StrEnum):
    NOBODY = "nobody"  # no record has this address
    THEIRS = "theirs"  # the record belongs to whoever proved the address
    CONFLICT = "conflict"  # it stands there unproved, beside an address that somebody else proved


@dataclass(frozen=True)
class Proofs:
    """What was ever proved of a record."""

    is_this_proved: bool
    is_other_proved: bool


def match(record: Proofs | None) -> Match:
    """Whose a record is; what somebody only typed into it never outweighs what somebody proved."""
    if record is None:
        return Match.NOBODY
    if record.is_this_proved or not record.is_other_proved:
        return Match.THEIRS
    return Match.CONFLICT


def consents(choices: Mapping[str, object]) -> dict[ConsentKind, bool]:
    """Yes or no to each text; what was not ticked is a no."""
    return {kind: choices.get(kind.value) is True for kind in ConsentKind}


def are_enough(choices: Mapping[str, object]) -> bool:
    """Whether everything was agreed to without which we cannot serve anybody."""
    given = consents(choices)
    return all(given[kind] for kind in REQUIRED)


def newest(rows: Iterable[tuple[ConsentKind, bool]]) -> dict[ConsentKind, bool]:
    """How somebody stands: of each kind the last word counts; rows come oldest first."""
    stands = dict.fromkeys(ConsentKind, False)
    stands.update(rows)
    return stands


def code_ends(sent_at: datetime) -> datetime:
    """Until when a code works: ten minutes."""
    return sent_at + CODE_LIFE


def remind_at(order: SignupOrder) -> datetime:
    """When somebody who stopped half way is reminded, once."""
    return order.started_at + timedelta(hours=order.remind_after_hours)


def forget_at(order: SignupOrder) -> datetime:
    """When address and name of somebody who never finished are blanked."""
    return order.started_at + timedelta(hours=order.forget_after_hours)


def signup_wait(order: SignupOrder, what: str, since: datetime, until: datetime, then: str) -> Wait:
    """Waiting for somebody who is not a customer yet: no ticket, and nobody's case but their own."""
    return Wait(
        "signup", signup_workflow_id(order.signup_id), "", WaitFor.CUSTOMER, what, since, until, then,
        case_id=order.signup_id,
    )  # fmt: skip


def file_until(made_at: datetime) -> datetime:
    """Until when a file with personal data can be fetched: seven days."""
    return made_at + timedelta(days=FILE_DAYS)


def answer_due(asked_at: datetime) -> datetime:
    """Until when a privacy request has to be answered: ten days."""
    return asked_at + timedelta(days=ERASE_DAYS)


def file_wait(order: PrivacyOrder, since: datetime, until: datetime) -> Wait:
    """Waiting for the file to be fetched, then it is deleted."""
    return Wait(
        "file", privacy_workflow_id(order.request_id), "", WaitFor.CUSTOMER, "privacy_file", since, until,
        "delete_file", case_id=order.request_id, customer_id=order.customer_id,
    )  # fmt: skip


@dataclass(frozen=True)
class TierStep:
    """From how much money, paid in how many months, somebody belongs to a tier."""

    tier: Tier
    paid_minor: int
    months: int


def tier_by(steps: Iterable[TierStep], paid: Mapping[int, int]) -> Tier:
    """The highest tier whose step was reached; `paid` says what was paid in each number of months."""
    order = list(Tier)
    reached = [step.tier for step in steps if paid.get(step.months, 0) >= step.paid_minor]
    return max(reached, key=order.index, default=Tier.STANDARD)
