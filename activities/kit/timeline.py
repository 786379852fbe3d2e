"""Writing the timeline, the waits and the live signals beside a step, in the step's own transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.journeys import OpenWait
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.journeys import WaitNotes


async def write_entry(
    session: AsyncSession,
    *,
    key: str,
    subject: str,
    ticket_id: str | None,
    at: datetime,
    sentence: str,
    kind: EntryKind = EntryKind.STEP,
    actor_kind: str = "system",
    actor_id: str | None = None,
    details: dict[str, Any] | None = None,
    is_public: bool = False,
    case_id: str | None = None,
    customer_id: str | None = None,
) -> None:
    """Add one line to the timeline; the same key again adds nothing."""
    row = {
        "key": key, "subject": subject, "ticket_id": ticket_id or None, "case_id": case_id or None,
        "customer_id": customer_id or None, "at": at, "sentence": sentence, "kind": kind,
        "actor_kind": ActorKind(actor_kind), "actor_id": actor_id, "details": details or {},
        "is_public": is_public,
    }  # fmt: skip
    await session.execute(insert(TimelineEntry).values(row).on_conflict_do_nothing(index_elements=["key"]))


async def write_waits(session: AsyncSession, workflow_id: str, notes: WaitNotes) -> None:
    """Store waits that began and end those that are over; repeating writes the same rows again."""
    for wait in notes.opened:
        row = {
            "workflow_id": workflow_id, "key": wait.key, "subject": wait.subject,
            "ticket_id": wait.ticket_id or None,
            "who": wait.who, "what": wait.what, "since": wait.since, "until": wait.until, "then": wait.then,
            "may": list(wait.may), "details": wait.details, "ended_at": None,
            "case_id": wait.case_id or None, "customer_id": wait.customer_id or None,
        }  # fmt: skip
        statement = insert(OpenWait).values(row)
        replaced = {name: statement.excluded[name] for name in row if name not in ("workflow_id", "key")}
        await session.execute(
            statement.on_conflict_do_update(index_elements=["workflow_id", "key"], set_=replaced)
        )
    for over in notes.ended:
        await session.execute(
            update(OpenWait)
            .where(OpenWait.workflow_id == workflow_id, OpenWait.key == over.key)  # type: ignore[arg-type]
            .values(ended_at=over.at)
        )


async def tell_live(session: AsyncSession, *topics: str) -> None:
    """Signal open pages after the commit that something changed; topics carry ids, never content."""
    told = text("select pg_notify('ieum_live', topic) from unnest(cast(:topics as text[])) as topic")
    await session.execute(told, {"topics": list(topics)})
