"""Whose record an address belongs to, which consents hold, and until when somebody is waited for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from models.messages.customers import (
    REQUIRED,
    ConsentKind,
    MergeOrder,
    PrivacyOrder,
    SignupOrder,
    Tier,
    merge_workflow_id,
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


@dataclass(frozen=True)
class Likeness:
    """How two records resemble each other; names and addresses from 0 to 100."""

    is_phone_same: bool = False
    is_phone_close: bool = False
    is_mailbox_same: bool = False
    is_mail_name_same: bool = False
    is_proved: bool = False  # somebody proved an address of the one for the other
    name: int = 0
    address: int = 0
    is_kind_same: bool = True


ENOUGH = 50  # points from which two records are shown as a pair
SURE, ALIKE = 92, 75  # of 100, for names and addresses


def weigh(seen: Likeness) -> tuple[int, tuple[str, ...]]:
    """How likely two records are one customer, 0 to 100, and why: what speaks for it first."""
    points = (
        ("phone_same", 60, seen.is_phone_same),
        ("mail_same", 55, seen.is_mailbox_same),
        ("proved", 50, seen.is_proved),
        ("phone_close", 25, seen.is_phone_close and not seen.is_phone_same),
        ("mail_name", 20, seen.is_mail_name_same and not seen.is_mailbox_same),
        ("name_same", 30, seen.name >= SURE),
        ("name_alike", 15, ALIKE <= seen.name < SURE),
        ("address_same", 25, seen.address >= SURE),
        ("address_alike", 12, ALIKE <= seen.address < SURE),
        ("name_differs", -10, seen.name < 50),
        ("kind_differs", -20, not seen.is_kind_same),
    )
    held = [(code, worth) for code, worth, holds in points if holds]
    return max(0, min(100, sum(worth for _, worth in held))), tuple(code for code, _ in held)


# What is compared side by side and chosen, with the columns that go with it.
MERGE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "name": ("name",),
    "phone": ("phone", "phone_as_given", "phone_proved_at"),
    "email": ("email", "email_proved_at"),
    "address": ("postcode", "address", "region"),
    "kind": ("kind",),
    "tier": ("tier",),
    "locale": ("locale",),
}


@dataclass(frozen=True)
class Standing:
    """What decides which of two records stays."""

    id: str
    is_verified: bool
    has_account: bool
    journeys: int
    created_at: datetime


def survivor_of(one: Standing, other: Standing) -> tuple[str, str]:
    """Which record stays unless somebody says otherwise, and the code of the reason."""
    for reason, ours, theirs in (
        ("account", int(one.has_account), int(other.has_account)),
        ("verified", int(one.is_verified), int(other.is_verified)),
        ("journeys", one.journeys, other.journeys),
    ):
        if ours != theirs:
            return (one if ours > theirs else other).id, reason
    return min(one, other, key=lambda who: (who.created_at, who.id)).id, "older"


MANY = 50  # rows of the one that goes, above which a second person has to agree


def needs_second(is_verified: Iterable[bool], has_account: Iterable[bool], rows: int) -> bool:
    """Whether two people have to agree: two proved identities, two who sign in, or much that moves."""
    return all(is_verified) or all(has_account) or rows > MANY


def merge_wait(order: MergeOrder, key: str, since: datetime, until: datetime, survivor_id: str) -> Wait:
    """What a merge waits for: `merge_against`, `merge_second` or `merge_undo`."""
    who, then = MERGE_WAITS[key]
    return Wait(
        key, merge_workflow_id(order.merge_id), "", who, key, since, until, then,
        case_id=order.merge_id, customer_id=survivor_id,
    )  # fmt: skip


MERGE_WAITS = {
    "merge_against": (WaitFor.SYSTEM, "merge_again"),
    "merge_second": (WaitFor.US, "merge_dropped"),
    "merge_undo": (WaitFor.TIMER, "merge_kept"),
}
