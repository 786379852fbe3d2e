"""Policies, rules and calendar days with good defaults, published at once."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import SQLModel

from models.kit.outbox import announce_start
from models.kit.records import to_record
from models.messages.catalogue import VersionStatus
from models.messages.tickets.automation import (
    ActionKind,
    RuleAction,
    TicketRule,
    TrialOrder,
    Trigger,
    trial_workflow_id,
)
from models.messages.tickets.promises import (
    Hours,
    PromiseLine,
    PromiseTerms,
    RetimingOrder,
    RetimingWhy,
    Shift,
    retiming_workflow_id,
)
from models.rules.calendars import KST
from models.rules.tickets.clocks import OFFICE
from models.tickets import CalendarDay, PromisePolicy, Retiming, RuleTrial, RuleVersion

ALWAYS = Hours("always", (Shift(tuple(range(7)), 0, 1440),), keeps_holidays=False)
LINES = (
    PromiseLine("Urgent", priority="p1", first_reply=30, next_reply=30, resolve=240, hours="always"),
    PromiseLine("Everybody", first_reply=240, next_reply=120, resolve=1440, hours="always"),
)
TERMS = PromiseTerms((OFFICE, ALWAYS), LINES)


def a_policy(terms: PromiseTerms = TERMS, version: int = 1, **facts: Any) -> PromisePolicy:
    now = datetime.now(UTC)
    defaults = {
        "version": version, "status": VersionStatus.PUBLISHED, "terms": to_record(terms),
        "author_id": "acc_one", "reviewer_id": "acc_two", "created_at": now, "published_at": now,
    }  # fmt: skip
    return PromisePolicy(**{**defaults, **facts})


def act(kind: ActionKind, value: str = "", **facts: str) -> RuleAction:
    return RuleAction(kind, value, **facts)


def a_rule(
    key: str, trigger: Trigger, *actions: RuleAction, conditions: tuple[str, ...] = (), **facts: Any
) -> TicketRule:
    return TicketRule(key, 1, f"규칙 {key}", f"Rule {key}", trigger, conditions, actions, **facts)


def a_version(rule: TicketRule, **facts: Any) -> RuleVersion:
    now = datetime.now(UTC)
    defaults = {
        "rule_key": rule.key, "version": rule.version, "status": VersionStatus.PUBLISHED,
        "definition": to_record(rule), "writers": ["acc_one"], "reviewer_id": "acc_two", "created_at": now,
        "written_at": now, "published_at": now,
    }  # fmt: skip
    return RuleVersion(**{**defaults, **facts})


async def put(engine: AsyncEngine, *rows: SQLModel) -> None:
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        session.add_all(rows)


async def retime(engine: AsyncEngine, *, day: date | None = None, version: int = 0, size: int = 500) -> str:
    """Ask for open tickets to be timed anew, as the api does."""
    id, why = f"ret_{uuid4().hex}", RetimingWhy.CALENDAR if day else RetimingWhy.POLICY
    details = {"day": day.isoformat()} if day else {"version": version}
    async with AsyncSession(engine) as session, session.begin():
        session.add(Retiming(id=id, why=why, details=details, asked_by="acc_one", asked_at=datetime.now(UTC)))
        order = RetimingOrder(id, why, version, size)
        await announce_start(session, "Retiming", retiming_workflow_id(id), order, summary="Time anew")
    return id


async def try_out(engine: AsyncEngine, rule: TicketRule, since: datetime, size: int = 200) -> str:
    """Ask for a rule to be tried, as the api does."""
    id = f"tri_{uuid4().hex}"
    async with AsyncSession(engine) as session, session.begin():
        session.add(
            RuleTrial(
                id=id, rule_key=rule.key, version=rule.version, rule_seq=0, asked_by="acc_one",
                asked_at=datetime.now(UTC), since=since,
            )
        )  # fmt: skip
        order = TrialOrder(id, rule.key, rule.version, since, size)
        await announce_start(session, "RuleTrial", trial_workflow_id(id), order, summary="Try out")
    return id


__all__ = [
    "ALWAYS", "KST", "LINES", "TERMS", "CalendarDay", "a_policy", "a_rule", "a_version", "act", "put",
    "retime", "try_out",
]  # fmt: skip
