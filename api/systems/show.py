"""One outside system: how it does, and the log of every call to it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.kept import Kept, Words
from api.kit.labels import label_text
from api.kit.language import gettext as _
from api.kit.rendering import answer
from api.kit.routes import ADMINS
from api.kit.texts import Key
from api.systems.health import (
    Health,
    Hours,
    calls_chart,
    calls_legend,
    health_of,
    hours_of,
    latency_chart,
)
from api.systems.routing import router
from models.kit.refusals import Refusal
from models.messages.systems import CallResult, System
from models.systems import SystemCall

PAGE = 50


@dataclass(frozen=True)
class CallRow:
    """One call in the log."""

    id: int
    at: datetime
    operation: str
    key: str
    ticket_id: str | None
    attempt: int
    millis: int
    http_status: int | None
    result: CallResult
    error: str


@dataclass(frozen=True)
class SystemPage:
    """What the page of one system shows."""

    health: Health
    hours: Hours
    calls: tuple[CallRow, ...]
    result: CallResult | None
    q: Words
    more: int | None  # where the next page begins

    def href(self, **changes: object) -> str:
        """The address of this log with some of this changed; another filter starts at the newest call."""
        return self.q.address(f"/systems/{self.health.system}", **{"result": self.result, **changes})

    @property
    def results(self) -> list[tuple[str, str, bool]]:
        """The filters by how calls ended."""
        every = [(_("All"), self.href(result=None), self.result is None)]
        return every + [
            (label_text(one, "call"), self.href(result=one), one == self.result) for one in CallResult
        ]

    @property
    def charts(self) -> dict[str, Any]:
        """The pictures."""
        return {
            "calls": calls_chart(self.hours),
            "calls_legend": calls_legend(self.hours),
            "latency": latency_chart(self.hours),
        }


@router.get("/systems/{system_id}", may=ADMINS, row="system")
async def show(
    request: Request,
    desk: Desk,
    system_id: Key,
    words: Kept,
    result: CallResult | None = None,
    before: int | None = None,
) -> Response:
    """Show one system and its calls, the newest first."""
    if system_id not in set(System):
        raise Refusal("not_found")
    now, system = datetime.now(UTC), System(system_id)
    found = await calls_of(desk, system, result, words, before)
    health = next(one for one in await health_of(desk, now) if one.system is system)
    more = found[PAGE - 1].id if len(found) > PAGE else None
    page = SystemPage(health, await hours_of(desk, now, system), found[:PAGE], result, words, more)
    return answer(request, "systems/show.html", page)


async def calls_of(
    desk: DeskAt, system: System, result: CallResult | None, q: str, before: int | None
) -> tuple[CallRow, ...]:
    """One page of the log and one call more, so that we know whether there is a next page."""
    query = desk.visible(SystemCall).where(col(SystemCall.system) == system)
    if result is not None:
        query = query.where(col(SystemCall.result) == result)
    if q:
        query = query.where((col(SystemCall.key) == q) | (col(SystemCall.ticket_id) == q.upper()))
    if before is not None:
        query = query.where(col(SystemCall.id) < before)
    found = await desk.session.scalars(query.order_by(col(SystemCall.id).desc()).limit(PAGE + 1))
    names = CallRow.__dataclass_fields__
    return tuple(CallRow(**{name: getattr(row, name) for name in names}) for row in found)
