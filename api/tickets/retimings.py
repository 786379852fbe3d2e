"""The working calendar with our own days, and open tickets timed anew after it has changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from fastapi import Request
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit import signing
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.language import locale
from api.kit.rendering import answer, move_on
from api.kit.routes import ADMINS, STAFF
from api.kit.texts import Key, Line
from api.tickets.routing import router
from models.kit.calendars import holiday_names
from models.kit.outbox import announce_start
from models.kit.refusals import Refusal
from models.messages.staff import Role
from models.messages.tickets.promises import (
    RetimingOrder,
    RetimingStatus,
    RetimingWhy,
    retiming_workflow_id,
)
from models.rules.calendars import KST
from models.tickets import CalendarDay, Retiming

AHEAD = 366  # days whose holidays are listed
SHOWN = 20


class NewDay(Input):
    """A day that we work or do not work, whatever the calendar says."""

    command_id: Key
    day: date
    kind: Literal["closed", "worked"]
    name: Line


class DayGone(Input):
    """A day shall be as the public calendar has it again."""

    command_id: Key


@dataclass(frozen=True)
class PublicDay:
    """A public holiday of the coming year."""

    day: date
    name: str
    is_worked: bool


@dataclass(frozen=True)
class RetimingLine:
    """One re-timing with how far it is."""

    id: str
    why: RetimingWhy
    day: date | None
    version: int
    asked_at: datetime
    status: RetimingStatus
    total: int
    seen: int
    moved: int
    finished_at: datetime | None


@dataclass(frozen=True)
class CalendarPage:
    """Our own days, the public ones to come, and the newest re-timings."""

    days: tuple[CalendarDay, ...]
    holidays: tuple[PublicDay, ...]
    retimings: tuple[RetimingLine, ...]
    may_edit: bool
    today: date

    @property
    def is_running(self) -> bool:
        """Whether somebody wants to see how far it is."""
        return any(one.status is RetimingStatus.RUNNING for one in self.retimings)


@router.get("/tickets/calendar", may=STAFF)
async def show_calendar(request: Request, desk: Desk) -> Response:
    """Show which days are worked, and how far open tickets are timed anew."""
    return answer(request, "tickets/calendar.html", await calendar_page(desk), block="retimings")


@router.post("/tickets/calendar", may=ADMINS)
async def add_day(request: Request, desk: Desk, sent: Typed[NewDay] = typed(NewDay)) -> Response:
    """Add a day of our own; open tickets are timed anew."""
    if sent.value is None:
        page = await calendar_page(desk)
        return answer(request, "tickets/calendar.html", page, form=sent.form, status=422)
    wish = sent.value
    row = {"day": wish.day, "is_working": wish.kind == "worked", "name": wish.name}
    new = insert(CalendarDay).values(row).on_conflict_do_nothing().returning(col(CalendarDay.day))
    if (await desk.session.execute(new)).first() is None:
        page = await calendar_page(desk)
        known = await desk.one(CalendarDay, wish.day)
        if (known.is_working, known.name) == (row["is_working"], row["name"]):  # the same form once more
            return move_on(request, "/tickets/calendar#retimings", data={"day": wish.day})
        form = sent.wrong("day", _("This day is in the list already."))
        return answer(request, "tickets/calendar.html", page, form=form, status=422)
    await noted(desk, wish.day, wish.kind)
    details = {"day": wish.day.isoformat()}
    retiming = await retime(desk, f"ret_{desk.person.id}.{wish.command_id}", RetimingWhy.CALENDAR, details)
    await desk.commit()
    data = {"day": wish.day, "retiming": retiming}
    return move_on(request, "/tickets/calendar#retimings", data=data)


@router.post("/tickets/calendar/{day}/removal", may=ADMINS, row="calendar_day")
async def remove_day(
    request: Request, desk: Desk, day: date, sent: Typed[DayGone] = typed(DayGone)
) -> Response:
    """Take a day of our own away; open tickets are timed anew."""
    found = await desk.one(CalendarDay, day)
    if sent.value is None:
        raise Refusal("invalid_form")
    statement = delete(CalendarDay).where(col(CalendarDay.day) == found.day)
    await desk.session.execute(statement, execution_options={"synchronize_session": False})
    await noted(desk, day, "removed")
    details = {"day": day.isoformat()}
    retiming = await retime(
        desk, f"ret_{desk.person.id}.{sent.value.command_id}", RetimingWhy.CALENDAR, details
    )
    await desk.commit()
    data = {"day": day, "retiming": retiming}
    return move_on(request, "/tickets/calendar#retimings", data=data)


async def retime(
    desk: DeskAt, retiming_id: str, why: RetimingWhy, details: Mapping[str, object], version: int = 0
) -> str:
    """Have open tickets timed anew; asked for twice with the same key it is done once."""
    row = {
        "id": retiming_id, "why": why, "details": dict(details), "asked_by": desk.person.id,
        "asked_at": datetime.now(UTC), "status": RetimingStatus.RUNNING, "total": 0, "seen": 0, "moved": 0,
        "last_ticket": "",
    }  # fmt: skip
    new = insert(Retiming).values(row).on_conflict_do_nothing().returning(col(Retiming.id))
    if (await desk.session.execute(new)).first() is not None:
        order = RetimingOrder(retiming_id, why, version)
        summary = "Time open tickets anew"
        await announce_start(
            desk.session, "Retiming", retiming_workflow_id(retiming_id), order, summary=summary
        )
    return retiming_id


async def calendar_page(desk: DeskAt) -> CalendarPage:
    """Everything that decides which days are worked."""
    today = datetime.now(KST).date()
    days = tuple(await desk.session.scalars(desk.visible(CalendarDay).order_by(col(CalendarDay.day))))
    worked = {one.day for one in days if one.is_working}
    named = {**holiday_names(today.year, locale()), **holiday_names(today.year + 1, locale())}
    public = tuple(
        PublicDay(day, name, day in worked)
        for day, name in sorted(named.items())
        if today <= day <= today + timedelta(days=AHEAD)
    )
    newest = desk.visible(Retiming).order_by(col(Retiming.asked_at).desc()).limit(SHOWN)
    retimings = tuple([line_of(one) for one in await desk.session.scalars(newest)])
    return CalendarPage(days, public, retimings, Role.ADMIN in desk.person.roles, today)


def line_of(row: Retiming) -> RetimingLine:
    """One re-timing as it is shown."""
    day = row.details.get("day")
    return RetimingLine(
        row.id, row.why, date.fromisoformat(day) if day else None, int(row.details.get("version", 0)),
        row.asked_at, row.status, row.total, row.seen, row.moved, row.finished_at,
    )  # fmt: skip


async def noted(desk: DeskAt, day: date, act: str) -> None:
    """One line in the audit log."""
    who = desk.person
    await signing.note(desk.session, who.id, who.address, f"tickets.calendar.{act}", f"calendar_day:{day}")
