"""Out of the queue for a while: until a time in Korea, or until the customer answers."""

from datetime import UTC, datetime, time, timedelta
from typing import Literal

from fastapi import Request
from starlette.responses import Response

from api.kit.desk import Desk
from api.kit.formats import SEOUL, in_seoul
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.routes import AGENTS
from api.kit.texts import Key, MaybeLine
from api.tickets.commands import after, wrong
from api.tickets.page import head_of
from api.tickets.routing import router
from api.tickets.saying import refuse_if_not, say
from models.messages.tickets.kin import Snooze, Wake

MORNING = time(9)


class Snoozing(Input):
    """Until when: one of the usual times, a time of one's own, or an answer."""

    command_id: Key
    until: Literal["hour", "hours", "tomorrow", "monday", "time", "reply"] = "hours"
    at: MaybeLine = ""  # on a Korean clock, when a time of one's own is chosen
    is_past_deadline: bool = False


class Waking(Input):
    """Back into the queue."""

    command_id: Key


def moment_of(until: str, typed_in: str, now: datetime) -> datetime | None:
    """The moment that is meant; a text that is no time raises ValueError."""
    here = in_seoul(now)
    if until == "time":
        chosen = datetime.fromisoformat(typed_in)
        return (chosen if chosen.tzinfo else chosen.replace(tzinfo=SEOUL)).astimezone(UTC)
    if until in ("hour", "hours"):
        return now + timedelta(hours=1 if until == "hour" else 4)
    days = {"tomorrow": 1, "monday": 7 - here.weekday()}.get(until)
    if days is None:
        return None
    return datetime.combine(here.date() + timedelta(days=days), MORNING, SEOUL).astimezone(UTC)


@router.post("/tickets/{ticket_id}/snooze", may=AGENTS, row="ticket")
async def snooze(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Snoozing] = typed(Snoozing)
) -> Response:
    """Take a ticket out of the queue; past a promise only when that is known."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await wrong(request, desk, ticket_id, sent.form, "snooze")
    refuse_if_not("snooze", head.status)
    now = datetime.now(UTC)
    try:
        until = moment_of(sent.value.until, sent.value.at, now)
    except (ValueError, OverflowError):
        form = sent.wrong("at", _("Please enter a day and a time."))
        return await wrong(request, desk, ticket_id, form, "snooze")
    order = Snooze(
        sent.value.command_id, desk.person.id, now, until=until, is_past_deadline=sent.value.is_past_deadline
    )
    return await after(request, desk, ticket_id, await say(desk, ticket_id, "snooze", order), _("Snoozed"))


@router.post("/tickets/{ticket_id}/waking", may=AGENTS, row="ticket")
async def wake(request: Request, desk: Desk, ticket_id: Key, sent: Typed[Waking] = typed(Waking)) -> Response:
    """Take a ticket back into the queue before its time."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await wrong(request, desk, ticket_id, sent.form, "snooze")
    refuse_if_not("wake", head.status)
    order = Wake(sent.value.command_id, desk.person.id, datetime.now(UTC))
    return await after(
        request, desk, ticket_id, await say(desk, ticket_id, "wake", order), _("Back in the queue")
    )
