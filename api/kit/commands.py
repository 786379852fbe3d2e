"""Saying a person's command to a running workflow: stored, then said, then answered within 3 seconds."""

import asyncio
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import ColumnElement, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select
from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from models.kit.outbox import announce_update, update_id
from models.kit.refusals import Refusal
from models.messages.systems import OutboxKind, OutboxStatus
from models.systems import OutboxItem

PATIENCE = 3.0  # seconds; after them the page says "accepted" and live updates finish it
RELAY_WAITS = timedelta(seconds=PATIENCE + 2)  # the first try is ours


Mine = tuple[ColumnElement[bool], ...]
"""Which item of the outbox is this person's command to this workflow."""


class Said(Protocol):
    """Any command: its id is its sender's own, so that a double click is one update."""

    @property
    def id(self) -> str: ...

    @property
    def actor_id(self) -> str | None: ...


class Answer(StrEnum):
    DONE = "done"  # the rows say so already
    ACCEPTED = "accepted"  # it is kept; the relay delivers it under the same id
    HELD = "held"  # it is kept and may be taken back; the relay delivers it when its time has come


async def command(
    session: AsyncSession,
    client: Client | None,
    workflow_id: str,
    update_name: str,
    argument: Said,
    *,
    hold: timedelta = timedelta(),
) -> Answer:
    """Store the command with whatever the session already holds, commit, and say it at once.

    Raises the workflow's own Refusal; the same command again gets the answer it got. Without a client,
    or while Temporal is away, the relay says it later under the same id.
    With `hold` nobody says it before."""
    mine = (
        col(OutboxItem.workflow_id) == workflow_id,
        col(OutboxItem.actor_id) == (argument.actor_id or ""),
        col(OutboxItem.key) == argument.id,
    )
    wait = timedelta() if client is None else RELAY_WAITS  # nobody but the relay can try
    wait = hold or wait
    is_first = await announce_update(session, workflow_id, update_name, argument, wait=wait)
    await session.commit()
    if not is_first and (earlier := await _earlier_answer(session, mine)) is not None:
        return earlier
    if hold:
        return Answer.HELD
    if client is None:
        return Answer.ACCEPTED
    return await _say_now(session, client, workflow_id, update_name, argument, mine)


async def _say_now(
    session: AsyncSession, client: Client, workflow_id: str, update_name: str, argument: Said, mine: Mine
) -> Answer:
    """Say it and note how that went; what nobody answers in time is said again by the relay."""
    try:
        async with asyncio.timeout(PATIENCE):
            handle = client.get_workflow_handle(workflow_id)
            await handle.execute_update(update_name, argument, id=update_id(argument.actor_id, argument.id))
    except WorkflowUpdateFailedError as failure:
        refusal = refusal_of(failure)
        await _note(session, mine, status=OutboxStatus.REFUSED, refusal=refusal.code)
        raise refusal from failure
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND and not await _starts_later(session, workflow_id):
            await _note(session, mine, status=OutboxStatus.REFUSED, refusal="already_over")
            raise Refusal("already_over") from error
        return Answer.ACCEPTED
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError, RuntimeError):
        # a client that has never reached Temporal says so with a RuntimeError
        return Answer.ACCEPTED
    await _note(session, mine, status=OutboxStatus.SENT, sent_at=datetime.now(UTC))
    return Answer.DONE


def refusal_of(failure: WorkflowUpdateFailedError) -> Refusal:
    """The business "no" inside a failed update; anything else is "try again later"."""
    cause = failure.cause
    if isinstance(cause, ApplicationError) and cause.type:
        values = cause.details[0] if cause.details and isinstance(cause.details[0], dict) else {}
        return Refusal(cause.type, values)
    return Refusal("try_again_later")


async def take_back(session: AsyncSession, workflow_id: str, actor_id: str, command_id: str) -> bool:
    """Withdraw a command that nobody has tried to say yet; False when somebody has.

    The relay holds the line's lock while it says it: then this waits, and finds it said."""
    mine = (
        col(OutboxItem.workflow_id) == workflow_id,
        col(OutboxItem.actor_id) == actor_id,
        col(OutboxItem.key) == command_id,
        col(OutboxItem.status) == OutboxStatus.WAITING,
        col(OutboxItem.tries) == 0,
    )
    withdrawn = update(OutboxItem).where(*mine).values(status=OutboxStatus.REFUSED, refusal="taken_back")
    return (await session.execute(withdrawn.returning(col(OutboxItem.id)))).first() is not None


async def is_kept(session: AsyncSession, workflow_id: str, argument: Said) -> bool:
    """Whether a command was taken and not refused, though its workflow may not have heard it yet."""
    asked = select(col(OutboxItem.id)).where(
        col(OutboxItem.workflow_id) == workflow_id,
        col(OutboxItem.actor_id) == (argument.actor_id or ""),
        col(OutboxItem.key) == argument.id,
        col(OutboxItem.status) != OutboxStatus.REFUSED,
    )
    return (await session.execute(asked)).first() is not None


async def _earlier_answer(session: AsyncSession, mine: Mine) -> Answer | None:
    asked = select(col(OutboxItem.status), col(OutboxItem.refusal)).where(*mine)
    row = (await session.execute(asked)).one()
    await session.commit()
    if row.status == OutboxStatus.REFUSED:
        raise Refusal(row.refusal)
    return Answer.DONE if row.status == OutboxStatus.SENT else None


async def _starts_later(session: AsyncSession, workflow_id: str) -> bool:
    start = select(col(OutboxItem.id)).where(
        col(OutboxItem.key) == workflow_id,
        col(OutboxItem.kind) == OutboxKind.START,
        col(OutboxItem.status) == OutboxStatus.WAITING,
    )
    is_waiting = (await session.execute(start)).first() is not None
    await session.commit()
    return is_waiting


async def _note(session: AsyncSession, mine: Mine, **values: Any) -> None:
    """How it went; a lost note is harmless, because the relay says it again under the same id."""
    await session.execute(update(OutboxItem).where(*mine).values(**values))
    await session.commit()
