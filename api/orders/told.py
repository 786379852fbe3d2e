"""What an order or a return waits for, and what happened to it."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col

from api.kit.desk import DeskAt
from api.kit.sentences import sentence, then_sentence, wait_sentence
from models.journeys import OpenWait
from models.kit.timeline import TimelineEntry
from models.messages.journeys import WaitFor


@dataclass(frozen=True)
class Wait:
    """Whom and what the order waits for."""

    what: str
    who: WaitFor
    text: str
    since: datetime
    until: datetime | None
    then: str


@dataclass(frozen=True)
class Told:
    """One line of the story."""

    at: datetime
    text: str


async def waits_of(desk: DeskAt, case_id: str, workflow_id: str = "") -> tuple[Wait, ...]:
    """What the order itself, or another case, waits for, the nearest deadline first."""
    query = (
        desk.visible(OpenWait)
        .where(
            col(OpenWait.workflow_id) == (workflow_id or f"order:{case_id}"),
            col(OpenWait.ended_at).is_(None),
        )
        .order_by(col(OpenWait.until).asc().nulls_last(), col(OpenWait.since).desc())
    )
    return tuple(
        Wait(
            one.what,
            one.who,
            wait_sentence(one.what, one.details),
            one.since,
            one.until,
            then_sentence(one.then),
        )
        for one in await desk.session.scalars(query)
    )


async def story_of(desk: DeskAt, case_id: str, *, is_theirs: bool) -> tuple[Told, ...]:
    """What happened, the newest first."""
    query = desk.visible(TimelineEntry).where(col(TimelineEntry.case_id) == case_id)
    if is_theirs:
        query = query.where(col(TimelineEntry.is_public))
    newest = query.order_by(col(TimelineEntry.at).desc(), col(TimelineEntry.id).desc()).limit(200)
    return tuple(
        Told(one.at, sentence(one.sentence, one.details)) for one in await desk.session.scalars(newest)
    )
