"""All outside systems at a glance, and what waits at the doors between them and us."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from sqlalchemy import func, text, update
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.language import gettext as _
from api.kit.rendering import answer, is_fragment, move_on, toast, wants_json
from api.kit.routes import ADMINS
from api.kit.signing import note
from api.systems.doors import Outbox, outbox_of
from api.systems.health import (
    Health,
    Hours,
    calls_chart,
    calls_legend,
    health_of,
    hours_of,
    inbox_of,
    latency_chart,
    latency_legend,
)
from api.systems.routing import router
from models.kit.outbox import CHANNEL
from models.kit.refusals import Refusal
from models.messages.systems import OutboxStatus, System
from models.systems import OutboxItem


@dataclass(frozen=True)
class SystemsPage:
    """What the page shows."""

    now: datetime
    systems: tuple[Health, ...]
    hours: Hours
    outbox: Outbox
    inbox: Mapping[System, tuple[int, datetime]]

    @property
    def charts(self) -> dict[str, Any]:
        """The pictures and their legends."""
        return {
            "calls": calls_chart(self.hours),
            "calls_legend": calls_legend(self.hours),
            "latency": latency_chart(self.hours),
            "latency_legend": latency_legend(self.hours),
        }


@router.get("/systems", may=ADMINS)
async def index(request: Request, desk: Desk) -> Response:
    """Show all systems."""
    return answer(request, "systems/index.html", await systems_page(desk))


async def systems_page(desk: DeskAt) -> SystemsPage:
    """Read everything that the page needs."""
    now = datetime.now(UTC)
    return SystemsPage(
        now,
        await health_of(desk, now),
        await hours_of(desk, now),
        await outbox_of(desk),
        await inbox_of(desk, now),
    )


@router.post("/systems/outbox/{outbox_id}/again", may=ADMINS, row="outbox")
async def again(request: Request, desk: Desk, outbox_id: int) -> Response:
    """Say a waiting item again at once, instead of at its next try."""
    waiting = col(OutboxItem.id) == outbox_id, col(OutboxItem.status) == OutboxStatus.WAITING
    hurried = update(OutboxItem).where(*waiting).values(not_before=func.now())
    found = (await desk.session.execute(hurried.returning(col(OutboxItem.workflow_id)))).scalar_one_or_none()
    if found is None:
        raise Refusal("not_found")
    await desk.session.execute(text("select pg_notify(:channel, '')"), {"channel": CHANNEL})
    await note(
        desk.session, desk.person.id, desk.person.address, "outbox_said_again", found, outbox=outbox_id
    )
    await desk.commit()
    if wants_json(request) or not is_fragment(request):
        return move_on(request, "/systems")
    said = toast(_("Sent again; the list shows how it ends."))
    return answer(request, "systems/index.html", await systems_page(desk), block="systems", trigger=said)
