"""A rule tried on past tickets: asked for here, counted by the worker, shown with how far it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from api.kit.desk import DeskAt
from api.kit.forms import Input
from api.kit.texts import Key
from models.kit.outbox import announce_start
from models.kit.records import from_record
from models.messages.tickets.automation import (
    TrialOrder,
    TrialResult,
    TrialRow,
    TrialStatus,
    trial_workflow_id,
)
from models.tickets import RuleTrial, RuleVersion, Ticket

MONTH = 31


class Tried(Input):
    """A trial is asked for; the key makes a double click one."""

    request_key: Key
    days: Annotated[int, Field(ge=1, le=365)] = MONTH


@dataclass(frozen=True)
class Trial:
    """The newest trial of a version."""

    id: str
    status: TrialStatus
    asked_at: datetime
    since: datetime
    total: int
    result: TrialResult
    rows: tuple[tuple[TrialRow, str], ...]  # with the subject, of tickets that the reader may see
    is_stale: bool  # the draft was edited since


async def begin(desk: DeskAt, row: RuleVersion, key: str, since: datetime) -> str:
    """Have a version tried; the same key again tries nothing again."""
    trial = f"tri_{desk.person.id}.{key}"
    new = {
        "id": trial, "rule_key": row.rule_key, "version": row.version, "rule_seq": row.seq,
        "asked_by": desk.person.id, "asked_at": datetime.now(since.tzinfo), "since": since,
        "status": TrialStatus.RUNNING, "total": 0, "last_ticket": "", "result": {},
    }  # fmt: skip
    statement = insert(RuleTrial).values(new).on_conflict_do_nothing()
    if (await desk.session.execute(statement.returning(col(RuleTrial.id)))).first() is not None:
        order = TrialOrder(trial, row.rule_key, row.version, since)
        summary = f"Try rule {row.rule_key} {row.version}"
        await announce_start(desk.session, "RuleTrial", trial_workflow_id(trial), order, summary=summary)
    return trial


async def newest_of(desk: DeskAt, row: RuleVersion) -> Trial | None:
    """The newest trial of a version."""
    query = desk.visible(RuleTrial).where(
        col(RuleTrial.rule_key) == row.rule_key, col(RuleTrial.version) == row.version
    )
    found = await desk.session.scalar(query.order_by(col(RuleTrial.asked_at).desc()).limit(1))
    if found is None:
        return None
    result = from_record(TrialResult, found.result) if found.result else TrialResult()
    ids = [one.ticket_id for one in result.rows]
    mine = desk.visible(Ticket).with_only_columns(col(Ticket.id), col(Ticket.subject))
    seen = {line[0]: line[1] for line in await desk.session.execute(mine.where(col(Ticket.id).in_(ids)))}
    rows = tuple((one, seen[one.ticket_id]) for one in result.rows if one.ticket_id in seen)
    is_stale = found.rule_seq != row.seq and row.status.value == "draft"
    return Trial(found.id, found.status, found.asked_at, found.since, found.total, result, rows, is_stale)
