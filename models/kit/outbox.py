"""The writing side of the outbox: what shall be told to Temporal, stored beside the thing it announces."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.kit.records import to_record
from models.messages.systems import OutboxKind
from models.systems import OutboxItem

CHANNEL = "ieum_outbox"


async def announce_start(
    session: AsyncSession, workflow: str, workflow_id: str, order: Any, *, summary: str, queue: str = "desk"
) -> bool:
    """Start this workflow once the transaction is committed; False when it was announced before."""
    return await _announce(
        session, workflow_id, OutboxKind.START, workflow_id, order,
        workflow=workflow, task_queue=queue, summary=summary,
    )  # fmt: skip


async def announce_update(
    session: AsyncSession, workflow_id: str, update: str, command: Any, *, wait: timedelta = timedelta()
) -> bool:
    """Say somebody's command, once for its sender and id; `wait` leaves the first try to the api."""
    return await _announce(
        session, command.id, OutboxKind.UPDATE, workflow_id, command,
        name=update, wait=wait, actor_id=command.actor_id or "",
    )  # fmt: skip


async def announce_signal(
    session: AsyncSession, workflow_id: str, signal: str, fact: Any, *, key: str
) -> bool:
    """Tell a fact; `key` is the fact's own id, so that told twice it is stored once."""
    return await _announce(session, key, OutboxKind.SIGNAL, workflow_id, fact, name=signal)


async def announce_signals(session: AsyncSession, signal: str, facts: Sequence[tuple[str, Any, str]]) -> None:
    """Tell many workflows a fact each, in one statement: (workflow id, fact, its own key)."""
    await _announce_all(
        session,
        [
            {
                "key": key,
                "kind": OutboxKind.SIGNAL,
                "workflow_id": id,
                "payload": as_json(fact),
                "name": signal,
            }
            for id, fact, key in facts
        ],
    )


async def announce_updates(session: AsyncSession, commands: Sequence[tuple[str, str, Any]]) -> None:
    """Say somebody's commands to many workflows, in one statement: (workflow id, update, command)."""
    await _announce_all(
        session,
        [
            {
                "key": command.id, "kind": OutboxKind.UPDATE, "workflow_id": id, "name": update,
                "payload": as_json(command), "actor_id": command.actor_id or "",
            }
            for id, update, command in commands
        ],
    )  # fmt: skip


async def _announce_all(session: AsyncSession, items: Sequence[dict[str, Any]]) -> None:
    if not items:
        return
    usual = {
        "not_before": func.now(), "created_at": func.now(), "workflow": "", "actor_id": "",
        "task_queue": "desk", "summary": "", "status": "waiting", "tries": 0, "refusal": "",
    }  # fmt: skip
    statement = insert(OutboxItem).values([{**usual, **item} for item in items])
    await session.execute(statement.on_conflict_do_nothing(index_elements=["workflow_id", "actor_id", "key"]))
    await session.execute(text("select pg_notify(:channel, '')"), {"channel": CHANNEL})


async def _announce(
    session: AsyncSession,
    key: str,
    kind: OutboxKind,
    workflow_id: str,
    message: Any,
    wait: timedelta = timedelta(),
    **columns: str,
) -> bool:
    row = {
        "key": key, "kind": kind, "workflow_id": workflow_id, "payload": as_json(message),
        "not_before": func.now() + wait, "created_at": func.now(), **columns,
    }  # fmt: skip
    defaults = {
        "workflow": "",
        "name": "",
        "actor_id": "",
        "task_queue": "desk",
        "summary": "",
        "status": "waiting",
    }
    statement = insert(OutboxItem).values({**defaults, "tries": 0, "refusal": "", **row})
    statement = statement.on_conflict_do_nothing(index_elements=["workflow_id", "actor_id", "key"])
    is_new = (await session.execute(statement.returning(col(OutboxItem.id)))).first() is not None
    if is_new and not wait:  # what nobody shall say yet is found by the relay's own clock
        await session.execute(text("select pg_notify(:channel, '')"), {"channel": CHANNEL})
    return is_new


def update_id(actor_id: str | None, command_id: str) -> str:
    """The id under which Temporal knows a command: another person's command of the same id is another one."""
    return f"{actor_id}/{command_id}" if actor_id else command_id


def as_json(message: Any) -> dict[str, Any]:
    """A message as Temporal's JSON converter would write it."""
    return to_record(message)
