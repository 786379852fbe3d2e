"""What became known of people: written down once, and told to whoever has to act on it."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.kit.outbox import announce_start
from models.messages.staff import ChangeKind, PersonFact, person_news_workflow_id
from models.rules.staff.news import Change
from models.staff import EmployeeChange


async def write_changes(
    session: AsyncSession, noticed: Sequence[tuple[str, int, Change]], at: datetime
) -> int:
    """Keep facts about people, each once; how many were new."""
    if not noticed:
        return 0
    rows = [
        {
            "employee_id": employee, "seq": seq, "kind": change.kind, "effective_on": change.effective_on,
            "details": change.details, "noticed_at": at,
        }
        for employee, seq, change in noticed
    ]  # fmt: skip
    statement = insert(EmployeeChange).values(rows).on_conflict_do_nothing()
    row = EmployeeChange
    columns = (col(row.employee_id), col(row.seq), col(row.kind))
    new = (await session.execute(statement.returning(*columns))).all()
    for employee, seq, kind in new:
        named = hashlib.sha256(f"{employee}.{seq}.{kind}".encode()).hexdigest()[:24]
        fact = PersonFact(named, employee, ChangeKind(kind), at)  # an id tells nobody who is leaving
        await announce_start(
            session, "PersonNews", person_news_workflow_id(fact.id), fact, summary="News of a colleague"
        )
    return len(new)
