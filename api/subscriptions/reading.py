"""Contracts as pages read them: rows that the asking person may see, as the rules know them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import or_
from sqlmodel import col

from api.kit.desk import DeskAt
from api.kit.language import locale
from api.kit.people import Kind
from api.kit.sentences import sentence, then_sentence, wait_sentence
from models.catalogue import PlanVersion
from models.journeys import OpenWait
from models.kit.records import from_record
from models.kit.refusals import Refusal
from models.kit.timeline import TimelineEntry
from models.messages.catalogue import PlanTerms, VersionStatus
from models.messages.journeys import WaitFor
from models.messages.subscriptions import MoneyLine
from models.rules.subscriptions.periods import Contract, business_day
from models.subscriptions import Subscription, SubscriptionPause, SubscriptionSuspension, as_contract


@dataclass(frozen=True)
class Priced:
    """One line of money, in the reader's language."""

    name: str
    from_on: date
    until_on: date
    gross_minor: int
    basis: str


@dataclass(frozen=True)
class Told:
    """One line of a story."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Waiting:
    """What is waited for, as a sentence."""

    text: str
    who: WaitFor
    since: datetime
    until: datetime | None
    then: str


def today() -> date:
    """The business date in Seoul."""
    return business_day(datetime.now(UTC))


def name_of(thing: Any) -> str:
    """A name in the reader's language."""
    return str(thing.name_ko if locale() == "ko" else thing.name_en)


def priced(line: MoneyLine) -> Priced:
    """One line of a preview for its reader."""
    return Priced(name_of(line), line.from_on, line.until_on, line.gross_minor, line.basis)


async def contract_of(desk: DeskAt, subscription_id: str) -> Contract:
    """A contract with its add-ons, or `not_found`; an add-on is looked at with its plan."""
    row = await desk.one(Subscription, subscription_id)
    root = row.parent_id or row.id
    family = desk.visible(Subscription).where(
        or_(col(Subscription.id) == root, col(Subscription.parent_id) == root)
    )
    rows = {one.id: one for one in await desk.session.scalars(family.order_by(col(Subscription.created_at)))}
    if root not in rows or rows[root].starts_on is None:
        raise Refusal("not_found")
    paused = desk.visible(SubscriptionPause).where(col(SubscriptionPause.subscription_id).in_(rows))
    off = desk.visible(SubscriptionSuspension).where(col(SubscriptionSuspension.subscription_id).in_(rows))
    rests = [
        *await desk.session.scalars(paused.order_by(col(SubscriptionPause.from_on))),
        *await desk.session.scalars(off.order_by(col(SubscriptionSuspension.from_on))),
    ]
    add_ons = [as_contract(one, rests) for one in rows.values() if one.id != root]
    return as_contract(rows[root], rests, add_ons)


async def plans_for(desk: DeskAt, contract: Contract) -> tuple[PlanTerms, ...]:
    """The plans of the contract's family that are sold today, in their newest version."""
    day = today()
    query = (
        desk.visible(PlanVersion)
        .where(
            col(PlanVersion.status) == VersionStatus.PUBLISHED,
            col(PlanVersion.effective_from) <= day,
            or_(col(PlanVersion.effective_until).is_(None), col(PlanVersion.effective_until) > day),
            col(PlanVersion.terms)["family"].astext == contract.terms.family,
        )
        .order_by(col(PlanVersion.plan_id), col(PlanVersion.version))
    )
    newest = {row.plan_id: from_record(PlanTerms, row.terms) for row in await desk.session.scalars(query)}
    return tuple(sorted(newest.values(), key=lambda one: (one.rank, one.plan_id)))


async def story_of(desk: DeskAt, *subjects: str) -> tuple[Told, ...]:
    """What happened, as far as the asking person may know."""
    query = desk.visible(TimelineEntry).where(col(TimelineEntry.subject).in_(subjects))
    if desk.person.kind is not Kind.STAFF:
        query = query.where(col(TimelineEntry.is_public))
    found = await desk.session.scalars(query.order_by(col(TimelineEntry.at), col(TimelineEntry.id)))
    return tuple(Told(one.at, sentence(one.sentence, one.details)) for one in found)


async def wait_of(desk: DeskAt, workflow_id: str) -> Waiting | None:
    """What a change waits for now."""
    query = desk.visible(OpenWait).where(
        col(OpenWait.workflow_id) == workflow_id, col(OpenWait.ended_at).is_(None)
    )
    row = await desk.session.scalar(query.order_by(col(OpenWait.since)).limit(1))
    if row is None:
        return None
    text = wait_sentence(row.what, row.details)
    return Waiting(text, WaitFor(row.who), row.since, row.until, then_sentence(row.then))


def for_reader(desk: DeskAt, lines: tuple[MoneyLine, ...]) -> tuple[Priced, ...]:
    """The lines that are the reader's own; the desk sees both sides of a transfer."""
    customer = desk.person.customer_id
    return tuple(
        priced(one) for one in lines if desk.person.kind is Kind.STAFF or one.customer_id == customer
    )
