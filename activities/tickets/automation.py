"""Rules asked at each step of a ticket, in the step's own transaction: what they said, and what they did."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from activities.kit.timeline import write_entry
from activities.tickets import facts as asking
from activities.tickets.promises import clocks_of, promise_of, repick
from models.customers import Customer
from models.kit.records import from_record, to_record
from models.kit.timeline import EntryKind
from models.messages.catalogue import VersionStatus
from models.messages.tickets import (
    OVER,
    Change,
    Channel,
    MessageKind,
    Priority,
    TicketStatus,
    ticket_workflow_id,
)
from models.messages.tickets.automation import (
    DEEPEST,
    MOST_TIMES,
    ActionKind,
    After,
    Effect,
    RuleAction,
    TicketRule,
    Trigger,
    Verdict,
)
from models.messages.tickets.mails import Mark
from models.messages.tickets.promises import Target
from models.rules import tickets as rules
from models.staff import Team
from models.tickets import RuleAlarm, RuleCheck, RuleVersion, Ticket, TicketMessage

RING = "tickets.rung"  # a step that only asks the rules whose time has come
WRITES = frozenset({ActionKind.REPLY, ActionKind.ASK})
MOST_LETTERS = 3  # that one rule writes to the customer of one ticket
HAPPENED = {
    "tickets.opened": After.OPENED, "tickets.customer_wrote": After.MESSAGE,
    "tickets.replied": After.REPLIED, "tickets.resolved": After.RESOLVED,
}  # fmt: skip
MESSAGES = frozenset({"tickets.customer_wrote", "tickets.reopened"})


@dataclass
class Step:
    """One step of a ticket while rules are asked about it."""

    session: AsyncSession
    ticket: Ticket
    change: Change
    was: TicketStatus
    triggers: frozenset[Trigger]
    rung: frozenset[str] = frozenset()  # rules whose moment has come
    verdicts: list[Verdict] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    lines: int = 0


async def automate(
    session: AsyncSession, ticket: Ticket, change: Change, was: TicketStatus
) -> tuple[tuple[Effect, ...], datetime | None]:
    """Ask the rules of a step and do what they say; answers with what is left to the ticket's life, and with
    the moment at which a rule is asked next."""
    known = await published(session)
    if not known:
        return (), None
    step = Step(session, ticket, change, was, triggers_of(change, was))
    if change.sentence == RING:
        step.rung = await _ring(session, ticket.id, change.at)
    asked = [one for one in known if one.trigger in step.triggers or one.key in step.rung]
    if asked:
        await _ask(step, asked)
    if ticket.status in OVER:
        return tuple(step.effects), None
    await _set_alarms(session, ticket, change, known)
    return tuple(step.effects), await next_alarm(session, ticket.id)


async def published(session: AsyncSession) -> list[TicketRule]:
    """The rules that hold, in the order in which they are asked."""
    query = select(RuleVersion).where(col(RuleVersion.status) == VersionStatus.PUBLISHED)
    rows = [from_record(TicketRule, one.definition) for one in await session.scalars(query)]
    return sorted(rows, key=lambda one: (one.position, one.key))


def triggers_of(change: Change, was: TicketStatus) -> frozenset[Trigger]:
    """What a step means to rules."""
    found = set()
    if change.status is TicketStatus.MERGED or was is TicketStatus.MERGED:
        return frozenset()  # what it was it will be again, or it goes on elsewhere
    if change.sentence == "tickets.opened":
        found.add(Trigger.OPENED)
    elif change.status is not was:
        found.add(Trigger.STATUS)
    if change.sentence in MESSAGES:
        found.add(Trigger.MESSAGE)
    return frozenset(found)


async def named(session: AsyncSession, details: dict[str, str]) -> dict[str, str]:
    """What a rule is called in a line that its key stands in."""
    if not (key := details.get("rule", "")):
        return {}
    row = await session.get(RuleVersion, (key, int(details["version"])))
    if row is None:
        return {}
    rule = from_record(TicketRule, row.definition)
    return {"rule_ko": rule.name_ko, "rule_en": rule.name_en, "rule_key": key}


async def repeated(session: AsyncSession, ticket_id: str, step: int) -> tuple[Effect, ...]:
    """What rules wanted at a step that was written before."""
    found = await session.get(RuleCheck, (ticket_id, step))
    return tuple(from_record(Effect, one) for one in found.effects) if found is not None else ()


async def next_alarm(session: AsyncSession, ticket_id: str) -> datetime | None:
    """When a rule is asked next about this ticket."""
    mine = col(RuleAlarm.ticket_id) == ticket_id, col(RuleAlarm.rung_at).is_(None)
    first = select(col(RuleAlarm.due_at)).where(*mine).order_by(col(RuleAlarm.due_at)).limit(1)
    found: datetime | None = await session.scalar(first)
    return found


async def _ask(step: Step, asked: Sequence[TicketRule]) -> None:
    """Ask each rule once, act, and keep what it said."""
    known = await asking.facts_of(step.session, step.ticket, step.change.at, step.was.value)
    times = await _times(step.session, step.ticket.id)
    for rule in asked:
        known["ticket"] |= asking.of_ticket(step.ticket, step.change.at)
        verdict = asking.judge(rule, known)
        if verdict.fired and (code := _held(step, rule, times.get(rule.key, 0), known)):
            verdict = replace(verdict, fired=False, code=code)
            await _tell(step, rule, "tickets.rules_stopped", held=code)
        step.verdicts.append(verdict)
        if verdict.fired:
            for action in rule.actions:
                await _act(step, rule, action)
    row = {
        "ticket_id": step.ticket.id, "step": step.change.seq, "at": step.change.at,
        "trigger": ",".join(sorted(step.triggers)) or "time",
        "verdicts": [to_record(one) for one in step.verdicts],
        "effects": [to_record(one) for one in step.effects],
    }  # fmt: skip
    await step.session.execute(insert(RuleCheck).values(row))


def _held(step: Step, rule: TicketRule, times: int, known: asking.Facts) -> str:
    """What keeps a rule from acting although its conditions hold, as a code."""
    kinds = {one.kind for one in rule.actions}
    if step.change.depth >= DEEPEST:
        return "too_deep"
    if times >= (MOST_LETTERS if kinds & WRITES else MOST_TIMES):
        return "too_often"
    if kinds & WRITES and (step.change.is_quiet or known["message"]["mark"] == Mark.AUTOMATIC.value):
        return "machine"
    is_worked_on = step.ticket.status in rules.WORKING - {TicketStatus.DISPATCHED}
    if ActionKind.ASK in kinds and not is_worked_on:
        return "not_now"
    return ""


async def _times(session: AsyncSession, ticket_id: str) -> dict[str, int]:
    """How often each rule has acted on this ticket."""
    counted: dict[str, int] = {}
    for verdicts in await session.scalars(
        select(col(RuleCheck.verdicts)).where(col(RuleCheck.ticket_id) == ticket_id)
    ):
        for one in verdicts:
            counted[one["rule"]] = counted.get(one["rule"], 0) + bool(one["fired"])
    return counted


# What rules do


async def _act(step: Step, rule: TicketRule, action: RuleAction) -> None:
    ticket = step.ticket
    if action.kind is ActionKind.TEAM:
        team = await step.session.get(Team, action.value)
        if team is not None and ticket.team_id != team.id:
            ticket.team_id = team.id
            await _tell(step, rule, "tickets.rule_team", team_ko=team.name_ko, team_en=team.name_en)
    elif action.kind is ActionKind.TAG:
        if action.value not in ticket.tags:
            ticket.tags = [*ticket.tags, action.value]
            await _tell(step, rule, "tickets.rule_tag", tag=action.value)
    elif action.kind is ActionKind.PRIORITY:
        if ticket.priority.value != action.value:
            ticket.priority = Priority(action.value)
            await repick(step.session, ticket, step.change)
            await _tell(step, rule, "tickets.rule_priority", priority=action.value.upper())
    elif action.kind is ActionKind.NOTIFY:
        step.effects.append(Effect(action.kind, rule.key, rule.version))
        await _tell(step, rule, "tickets.rule_notify")
    else:
        message = await _write(step, action)
        step.effects.append(Effect(action.kind, rule.key, rule.version, message))
        if action.kind is ActionKind.REPLY:
            await _tell(step, rule, "tickets.rule_reply", message_id=message)


async def _write(step: Step, action: RuleAction) -> str:
    """The text to the customer as a message of the ticket, in their language."""
    ticket, change = step.ticket, step.change
    customer = await step.session.get_one(Customer, ticket.customer_id)
    message = f"msg_rule_{ticket.id}_{change.seq}_{len(step.effects)}"
    channel = ticket.channel if ticket.channel in (Channel.EMAIL, Channel.SMS) else Channel.EMAIL
    row = {
        "id": message, "ticket_id": ticket.id, "kind": MessageKind.REPLY, "author_id": None,
        "author_name": "", "channel": channel, "body": action.en if customer.locale == "en" else action.ko,
        "created_at": change.at, "sent_at": change.at, "delivery": "queued",
    }  # fmt: skip
    await step.session.execute(insert(TicketMessage).values(row))
    return message


async def _tell(step: Step, rule: TicketRule, sentence: str, **details: Any) -> None:
    """One line of the timeline that names the rule and its version."""
    subject = ticket_workflow_id(step.ticket.id)
    step.lines += 1
    named = {"rule_ko": rule.name_ko, "rule_en": rule.name_en, "version": str(rule.version)}
    await write_entry(
        step.session, key=f"{subject}/{step.change.seq}.r{step.lines}", subject=subject,
        ticket_id=step.ticket.id, at=step.change.at, sentence=sentence, kind=EntryKind.CHANGE,
        details={**named, "rule_key": rule.key, **details},
    )  # fmt: skip


# Exact times


async def _ring(session: AsyncSession, ticket_id: str, at: datetime) -> frozenset[str]:
    """The rules whose moment has come; each moment comes once."""
    due = select(RuleAlarm).where(
        col(RuleAlarm.ticket_id) == ticket_id,
        col(RuleAlarm.rung_at).is_(None),
        col(RuleAlarm.due_at) <= at,
    )
    found = list(await session.scalars(due))
    for alarm in found:
        alarm.rung_at = at
    return frozenset(alarm.rule_key for alarm in found)


async def _set_alarms(
    session: AsyncSession, ticket: Ticket, change: Change, known: Sequence[TicketRule]
) -> None:
    """The moments that this step sets or moves."""
    event = HAPPENED.get(change.sentence)
    for rule in known:
        if rule.trigger is Trigger.AFTER and event is not None and rule.after == event.value:
            await _set(
                session, ticket.id, rule, "after", change.at + timedelta(minutes=rule.minutes), again=True
            )
    if any(one.trigger is Trigger.NEAR for one in known):
        await near_deadlines(session, ticket, known)


async def near_deadlines(session: AsyncSession, ticket: Ticket, known: Sequence[TicketRule]) -> None:
    """A moment before each deadline that runs; one whose clock rests or has ended is taken away."""
    running = {
        promise.target: promise
        for promise in map(promise_of, (await clocks_of(session, ticket)).rows)
        if promise.ended_at is None and promise.due_at is not None
    }
    for rule in known:
        if rule.trigger is not Trigger.NEAR:
            continue
        promise = running.get(Target(rule.target))
        key = f"{promise.target.value}.{promise.round}" if promise is not None else ""
        if promise is not None and promise.due_at is not None:
            await _set(session, ticket.id, rule, key, promise.due_at - timedelta(minutes=rule.minutes))
        others = delete(RuleAlarm).where(
            col(RuleAlarm.ticket_id) == ticket.id, col(RuleAlarm.rule_key) == rule.key,
            col(RuleAlarm.rung_at).is_(None), col(RuleAlarm.key) != f"{rule.key}/{key}",
        )  # fmt: skip
        await session.execute(others)


async def _set(
    session: AsyncSession, ticket_id: str, rule: TicketRule, about: str, due: datetime, again: bool = False
) -> None:
    """One moment; one that has come stays so, unless the same thing happened again."""
    key = f"{rule.key}/{about}"
    row = {"ticket_id": ticket_id, "key": key, "rule_key": rule.key, "due_at": due, "rung_at": None}
    moved = {"due_at": due, "rung_at": None} if again else {"due_at": due}
    statement = insert(RuleAlarm).values(row)
    await session.execute(statement.on_conflict_do_update(index_elements=["ticket_id", "key"], set_=moved))
