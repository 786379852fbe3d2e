"""A whole house in one test: workers, relay and a company on the test's own database."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import worker
from activities.kit.outbox import Relay
from activities.kit.running import workers
from models.messages.tickets import TicketState, TicketStatus, ticket_workflow_id
from models.tickets import Ticket
from tests.builders.desk import Company, a_company
from tests.builders.settings import some_settings
from tests.builders.tickets import a_reported_fault
from workflows.kit.options import DESK_QUEUE, HEARD

PATIENCE = 20.0  # seconds of real time that anything in a test may take


@dataclass
class StandIns:
    """Workflows and activities of a test; by their Temporal name they take the place of the house's own."""

    lives: list[type] = field(default_factory=list)
    acts: dict[str, list[Callable[..., Any]]] = field(default_factory=dict)


@dataclass
class RunningDesk:
    """What the test of a life needs: start, say, let time pass, look."""

    engine: AsyncEngine
    environment: WorkflowEnvironment
    stand_ins: StandIns = field(default_factory=StandIns)
    company: Company = field(default_factory=Company)
    workers: list[Worker] = field(default_factory=list)
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    patience: float = PATIENCE

    @property
    def client(self) -> Client:
        return self.environment.client

    async def start(self) -> None:
        """Make the company, begin to work and to relay."""
        self.company = await a_company(self.engine)
        self.begin_work()
        self.tasks.append(asyncio.create_task(Relay(self.engine, self.client).run()))

    async def stop(self) -> None:
        """End what runs; workflows of this test must not meet the next test's workers."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.stop_work()
        async for execution in self.client.list_workflows("ExecutionStatus = 'Running'"):
            left = self.client.get_workflow_handle(execution.id, run_id=execution.run_id)
            with suppress(RPCError):  # it may end by itself meanwhile
                await left.terminate("the test is over")

    def begin_work(self) -> None:
        """Start one worker a queue, as worker.py does."""
        lives = {name_of(life): life for life in (*worker.WORKFLOWS, *self.stand_ins.lives)}
        acts = worker.activities(self.engine, some_settings())
        for queue, listed in self.stand_ins.acts.items():
            named = {name_of(act): act for act in (*acts[queue], *listed)}
            acts[queue] = list(named.values())
        self.workers = workers(self.client, list(lives.values()), acts)
        self.running = [asyncio.create_task(one.run()) for one in self.workers]

    async def stop_work(self) -> None:
        """The workers go away; what they knew of running workflows is gone with them.

        A call that they were given in that moment is missed once they have been silent for long."""
        self.patience = PATIENCE + HEARD.total_seconds()
        await asyncio.gather(*(one.shutdown() for one in self.workers))
        await asyncio.gather(*self.running)

    async def report(self, **promises: int) -> Ticket:
        """A customer reports a fault; back when the ticket is open. Its clock moves when the test says so."""
        with self.environment.with_time_skipping_disabled():
            ticket = await a_reported_fault(self.engine, self.company, **promises)
            await self.until(lambda: self.has_status(ticket, TicketStatus.OPEN))
        return ticket

    def handle(self, ticket: Ticket) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(ticket_workflow_id(ticket.id), result_type=TicketStatus)

    async def say(self, ticket: Ticket, update: str, argument: Any) -> TicketStatus:
        """Say a person's command; answers with the status after it."""
        saying = self.handle(ticket).execute_update(
            update, argument, id=argument.id, result_type=TicketStatus
        )
        return await asyncio.wait_for(saying, self.patience)

    async def refusal(self, ticket: Ticket, update: str, argument: Any) -> str | None:
        """The code with which a command is refused; None when it is not."""
        try:
            await self.say(ticket, update, argument)
        except WorkflowUpdateFailedError as failure:
            return failure.cause.type if isinstance(failure.cause, ApplicationError) else "failed"
        return None

    async def state(self, ticket: Ticket) -> TicketState:
        return await self.handle(ticket).query("status", result_type=TicketState)

    async def result(self, ticket: Ticket) -> TicketStatus:
        return TicketStatus(await asyncio.wait_for(self.handle(ticket).result(), self.patience))

    async def pass_time(self, ticket: Ticket, until: datetime | None = None, **duration: float) -> None:
        """Move the ticket's clock past a moment, or by a duration."""
        started = timedelta(**duration)
        if until is not None:
            started = until - await self.now(ticket) + timedelta(seconds=1)
        assert started > timedelta(), "time only moves forward"
        await asyncio.wait_for(self.environment.fast_forward(self.handle(ticket), started), self.patience)

    async def now(self, ticket: Ticket) -> datetime:
        """The time in the life of this ticket, also before it has noticed that its clock was moved."""
        return await self.environment.get_current_time(self.handle(ticket))

    async def store(self, row: Any) -> str:
        """Store a row that the api makes; answers with its id."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            session.add(row)
        return str(row.id)

    async def change(self, statement: str, **values: Any) -> None:
        """Change rows that no workflow owns."""
        async with self.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def row(self, ticket: Ticket) -> Any:
        """The ticket's row as it is now."""
        return (await self.rows("select * from tickets where id = :id", id=ticket.id))[0]

    async def story(self, ticket: Ticket) -> list[str]:
        """The sentence codes of the ticket's own timeline, in order."""
        asked = "select sentence from timeline_entries where subject = :subject order by id"
        return [row.sentence for row in await self.rows(asked, subject=ticket_workflow_id(ticket.id))]

    async def open_waits(self, ticket: Ticket) -> list[Any]:
        """The ticket's own open waits."""
        asked = "select * from waits where workflow_id = :id and ended_at is null order by key"
        return await self.rows(asked, id=ticket_workflow_id(ticket.id))

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        """What the database says."""
        async with self.engine.connect() as connection:
            return list((await connection.execute(text(statement), values)).all())

    async def has_status(self, ticket: Ticket, status: TicketStatus) -> bool:
        return bool((await self.row(ticket)).status == status)

    async def until_equal(self, look: Callable[[], Awaitable[Any]], expected: Any) -> None:
        """Look until that is what is seen; fails with what was seen last."""
        await until_equal(look, expected, self.patience)

    async def until(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        """Look until it is so; fails when it never is."""
        await until(is_so, self.patience)


async def until(is_so: Callable[[], Awaitable[bool]], patience: float = PATIENCE) -> None:
    """Look until it is so; fails when it never is within so many seconds."""
    async with asyncio.timeout(patience):
        while not await is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def until_equal(look: Callable[[], Awaitable[Any]], expected: Any, patience: float = PATIENCE) -> None:
    """Look until that is what is seen; fails with what was seen last."""
    found: Any = None

    async def is_so() -> bool:
        nonlocal found
        found = await look()
        return bool(found == expected)

    with suppress(TimeoutError):
        await until(is_so, patience)
    assert found == expected


def name_of(thing: Any) -> str:
    """The Temporal name of a workflow class or an activity."""
    if isinstance(thing, type):
        definition = workflow._Definition.must_from_class(thing)
        return str(definition.name)
    return str(activity._Definition.must_from_callable(thing).name)


__all__ = ["DESK_QUEUE", "RunningDesk", "StandIns", "name_of"]
