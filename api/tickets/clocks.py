"""The clocks of one ticket with their sums explained, and what rules said about it: done, or why not."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.language import locale
from api.kit.rendering import answer
from api.kit.routes import AGENTS
from api.kit.texts import Key
from api.tickets.page import head_of
from api.tickets.routing import router
from api.tickets.rule_rows import name_of
from models.kit.calendars import holiday_names, working_calendar
from models.kit.records import from_record
from models.messages.catalogue import VersionStatus
from models.messages.tickets.automation import TicketRule, Trigger, Verdict
from models.messages.tickets.promises import Hours, Outcome, Pause, Target
from models.rules.tickets import clocks
from models.tickets import CalendarDay, RuleAlarm, RuleCheck, RuleVersion, Ticket, TicketPause, TicketPromise

SHOWN = 40  # steps of a ticket whose verdicts are listed


@dataclass(frozen=True)
class ClosedDay:
    """A day that did not count, with its name."""

    day: date
    why: str
    name: str


@dataclass(frozen=True)
class ClockCard:
    """One promise: what it is, what has run, how that adds up."""

    target: Target
    round: int
    line: str
    policy_version: int
    minutes: int
    ran_minutes: int
    started_at: datetime
    due: datetime | None
    ended_at: datetime | None
    outcome: Outcome | None
    is_resting: bool
    rests: bool  # while the customer is waited for
    blocks: tuple[clocks.Counted, ...]
    closed: tuple[ClosedDay, ...]

    @property
    def left_minutes(self) -> int:
        """What is left; negative when it is broken."""
        return self.minutes - self.ran_minutes

    @property
    def state(self) -> str:
        """As the strip shows it: running, paused, met or breached."""
        if self.outcome is not None:
            return {Outcome.MET: "met", Outcome.BROKEN: "breached", Outcome.DROPPED: "paused"}[self.outcome]
        return "paused" if self.is_resting else "breached" if self.left_minutes < 0 else "running"


@dataclass(frozen=True)
class Said:
    """What one rule said at a step."""

    rule: str
    name: str
    version: int
    fired: bool
    condition: int
    text: str
    values: dict[str, str]
    code: str


@dataclass(frozen=True)
class Asked:
    """One step at which rules were asked."""

    at: datetime
    triggers: tuple[str, ...]
    said: tuple[Said, ...]


@dataclass(frozen=True)
class NeverAsked:
    """A rule that was never asked about this ticket, because what it waits for did not happen."""

    rule: str
    name: str
    version: int
    trigger: Trigger
    next_at: datetime | None  # when it will be


@dataclass(frozen=True)
class ClocksPage:
    """Everything about what was promised and what was done by itself."""

    id: str
    subject: str
    clocks: tuple[ClockCard, ...]
    ended: tuple[ClockCard, ...]
    pauses: tuple[Pause, ...]
    asked: tuple[Asked, ...]
    never: tuple[NeverAsked, ...]
    tags: tuple[str, ...]
    stands: tuple[
        tuple[Target, datetime], ...
    ]  # of a ticket that is older than its clocks: what it was promised

    @property
    def resting_since(self) -> datetime | None:
        """Since when we wait for the customer."""
        return next((one.since for one in self.pauses if one.until is None), None)


@router.get("/tickets/{ticket_id}/promises", may=AGENTS, row="ticket")
async def ticket_promises(request: Request, desk: Desk, ticket_id: Key) -> Response:
    """Show what was promised, what has run and why; and why rules did or did not act."""
    page = await clocks_page(desk, ticket_id)
    return answer(request, "tickets/clocks.html", page, block="promises")


async def clocks_page(desk: DeskAt, ticket_id: str) -> ClocksPage:
    """Read one ticket's clocks and verdicts."""
    head = await head_of(desk.session, desk.person, ticket_id)
    now = datetime.now(UTC)
    mine = desk.visible(TicketPromise).where(col(TicketPromise.ticket_id) == ticket_id)
    rows = list(await desk.session.scalars(mine.order_by(col(TicketPromise.started_at).desc())))
    rests = desk.visible(TicketPause).where(col(TicketPause.ticket_id) == ticket_id)
    pauses = tuple(
        [
            Pause(one.since, one.until, one.why)
            for one in await desk.session.scalars(rests.order_by(col(TicketPause.since)))
        ]
    )
    cards = await cards_of(desk, rows, pauses, now)
    ticket = await desk.one(Ticket, ticket_id)
    return ClocksPage(
        ticket_id, head.subject, tuple(one for one in cards if one.ended_at is None),
        tuple(one for one in cards if one.ended_at is not None), pauses, *await verdicts_of(desk, ticket_id),
        tuple(ticket.tags), () if rows else standing(ticket),
    )  # fmt: skip


def standing(ticket: Ticket) -> tuple[tuple[Target, datetime], ...]:
    """The deadlines that the row alone knows, of what is still open."""
    promised = (
        (Target.FIRST_REPLY, ticket.answer_due, ticket.answered_at),
        (Target.RESOLVE, ticket.resolve_due, ticket.resolved_at),
        (Target.CONFIRM, ticket.confirm_due, ticket.closed_at),
    )
    return tuple((target, due) for target, due, kept_at in promised if due is not None and kept_at is None)


async def cards_of(
    desk: DeskAt, rows: list[TicketPromise], pauses: tuple[Pause, ...], now: datetime
) -> list[ClockCard]:
    """Each clock as it stands now, by the same rule that set its deadline."""
    if not rows:
        return []
    days = await working_calendar(desk.session, now, min(one.started_at for one in rows))
    own = {one.day: one.name for one in await desk.session.scalars(desk.visible(CalendarDay))}
    found = []
    for row in rows:
        hours = from_record(Hours, row.hours)
        promise = clocks.Promise(
            row.target, row.minutes, hours, row.started_at, row.pauses, row.ended_at, row.warned_at,
            row.due_at, row.round,
        )  # fmt: skip
        reading = clocks.read(promise, clocks.calendar_of(hours, days), pauses, now)
        found.append(
            ClockCard(
                row.target, row.round, row.line, row.policy_version, row.minutes, reading.ran_minutes,
                row.started_at, row.due_at, row.ended_at, row.outcome,
                reading.is_resting and row.ended_at is None, row.pauses, reading.blocks,
                tuple(ClosedDay(one.day, one.why, day_name(one.day, own)) for one in reading.closed),
            )
        )  # fmt: skip
    return found


def day_name(day: date, own: dict[date, str]) -> str:
    """What a day is called: by us, else by the public calendar."""
    return own.get(day) or holiday_names(day.year, locale()).get(day, "")


async def verdicts_of(desk: DeskAt, ticket_id: str) -> tuple[tuple[Asked, ...], tuple[NeverAsked, ...]]:
    """What rules said at each step, and those that were never asked."""
    checks = desk.visible(RuleCheck).where(col(RuleCheck.ticket_id) == ticket_id)
    rows = list(await desk.session.scalars(checks.order_by(col(RuleCheck.step).desc()).limit(SHOWN)))
    verdicts = {row.step: [from_record(Verdict, one) for one in row.verdicts] for row in rows}
    wanted = {(one.rule, one.version) for said in verdicts.values() for one in said}
    versions = desk.visible(RuleVersion).where(
        col(RuleVersion.rule_key).in_({key for key, _version in wanted})
        | (col(RuleVersion.status) == VersionStatus.PUBLISHED)
    )
    rules = {
        (one.rule_key, one.version): (from_record(TicketRule, one.definition), one.status)
        for one in await desk.session.scalars(versions)
    }
    names = {key: name_of(rule) for key, (rule, _status) in rules.items()}
    asked = tuple(
        Asked(
            row.at, tuple(row.trigger.split(",")),
            tuple(
                Said(
                    one.rule, names.get((one.rule, one.version), one.rule), one.version, one.fired,
                    one.condition + 1, one.text, one.values, one.code,
                )
                for one in verdicts[row.step]
            ),
        )
        for row in rows
    )  # fmt: skip
    heard = {key for key, _version in wanted}
    coming = desk.visible(RuleAlarm).where(col(RuleAlarm.ticket_id) == ticket_id)
    alarms = {one.rule_key: one.due_at for one in await desk.session.scalars(coming) if one.rung_at is None}
    never = tuple(
        NeverAsked(rule.key, name_of(rule), rule.version, rule.trigger, alarms.get(rule.key))
        for rule, status in rules.values()
        if status is VersionStatus.PUBLISHED and rule.key not in heard
    )
    return asked, never
