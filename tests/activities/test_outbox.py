"""The relay: everything announced is told once, in spite of crashes, outages and two relays at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio import workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.kit.outbox import Relay, back_off
from models.kit.inbox import is_first
from models.kit.outbox import announce_signal, announce_start, announce_update
from models.messages.systems import System
from models.messages.tickets import Command, CustomerWrote
from ops.postgres import free_port


@workflow.defn(name="Echo")
class EchoWorkflow:
    """Remembers what it was told; says no to whoever is called nobody."""

    @workflow.init
    def __init__(self, order: Command) -> None:
        self.told = [order.id]

    @workflow.run
    async def run(self, order: Command) -> list[str]:
        await workflow.wait_condition(lambda: "end" in self.told)
        return self.told

    @workflow.update
    def say(self, command: Command) -> None:
        self.told.append(command.id)

    @say.validator
    def refuse(self, command: Command) -> None:
        if command.actor_id == "nobody":
            raise ApplicationError("no", type="not_allowed", non_retryable=True)

    @workflow.update
    async def ponder(self, command: Command) -> None:
        """Answers only when told to end."""
        await workflow.wait_condition(lambda: "end" in self.told)

    @workflow.signal
    def hear(self, fact: CustomerWrote) -> None:
        self.told.append(fact.message_id)

    @workflow.query
    def what(self) -> list[str]:
        return self.told


@pytest.fixture
async def queue(temporal: WorkflowEnvironment) -> AsyncIterator[str]:
    name = f"echo-{uuid4()}"
    runner = UnsandboxedWorkflowRunner()
    async with Worker(temporal.client, task_queue=name, workflows=[EchoWorkflow], workflow_runner=runner):
        yield name


def an_order(actor_id: str = "jo") -> Command:
    return Command(f"cmd-{uuid4()}", actor_id, datetime.now(UTC))


async def announced_start(engine: AsyncEngine, queue: str, workflow_id: str) -> Command:
    order = an_order()
    async with AsyncSession(engine) as session, session.begin():
        await announce_start(session, "Echo", workflow_id, order, summary="An echo", queue=queue)
    return order


async def items(engine: AsyncEngine) -> list[Any]:
    async with engine.connect() as connection:
        return list((await connection.execute(text("select * from outbox order by id"))).all())


async def drain(relay: Relay) -> int:
    told = 0
    while await relay.deliver_next():
        told += 1
    return told


async def test_a_start_arrives_within_a_tenth_of_a_second(
    worker_engine: AsyncEngine, app_engine: AsyncEngine, temporal: WorkflowEnvironment, queue: str
) -> None:
    relay = asyncio.create_task(Relay(worker_engine, temporal.client).run())
    await asyncio.sleep(0.3)  # its ears are open
    delays = []

    for _ in range(7):
        name = f"echo:{uuid4()}"
        await announced_start(app_engine, queue, name)
        committed = time.perf_counter()
        while (await items(worker_engine))[-1].status != "sent":  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        delays.append(time.perf_counter() - committed)

    relay.cancel()
    assert sorted(delays)[len(delays) // 2] < 0.1, delays


async def test_what_was_started_before_a_crash_is_not_started_twice(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, queue: str
) -> None:
    name = f"echo:{uuid4()}"
    order = await announced_start(worker_engine, queue, name)
    relay = Relay(worker_engine, temporal.client)
    assert await drain(relay) == 1
    async with worker_engine.begin() as connection:  # as if the relay had died before its commit
        await connection.execute(text("update outbox set status = 'waiting', sent_at = null"))

    assert await drain(relay) == 1

    assert [item.status for item in await items(worker_engine)] == ["sent"]
    assert await temporal.client.get_workflow_handle(name).query("what") == [order.id]


async def test_announcing_twice_is_announcing_once(worker_engine: AsyncEngine, queue: str) -> None:
    async with AsyncSession(worker_engine) as session, session.begin():
        first = await announce_start(session, "Echo", "echo:1", an_order(), summary="", queue=queue)
        second = await announce_start(session, "Echo", "echo:1", an_order(), summary="", queue=queue)

    assert (first, second) == (True, False)
    assert len(await items(worker_engine)) == 1


async def test_two_relays_tell_everything_once(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, queue: str
) -> None:
    names = [f"echo:{uuid4()}" for _ in range(12)]
    for name in names:
        await announced_start(worker_engine, queue, name)

    told = await asyncio.gather(*(drain(Relay(worker_engine, temporal.client)) for _ in range(2)))

    assert sum(told) == 12
    assert {item.tries for item in await items(worker_engine)} == {1}


async def test_an_update_is_said_once_and_a_refusal_is_kept(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, queue: str
) -> None:
    name = f"echo:{uuid4()}"
    order, allowed, refused = (
        await announced_start(worker_engine, queue, name),
        an_order(),
        an_order("nobody"),
    )
    async with AsyncSession(worker_engine) as session, session.begin():
        await announce_update(session, name, "say", allowed)
        await announce_update(session, name, "say", refused)
    relay = Relay(worker_engine, temporal.client)
    await drain(relay)
    async with worker_engine.begin() as connection:
        again = text("update outbox set status = 'waiting' where key = :key")
        await connection.execute(again, {"key": allowed.id})

    await drain(relay)

    rows = await items(worker_engine)
    assert [(item.status, item.refusal, item.payload) for item in rows] == [
        ("sent", "", {}), ("sent", "", {}), ("refused", "not_allowed", {}),
    ]  # fmt: skip
    assert await temporal.client.get_workflow_handle(name).query("what") == [order.id, allowed.id]


async def test_a_relay_ends_in_the_middle_of_an_update(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, queue: str
) -> None:
    name = f"echo:{uuid4()}"
    await announced_start(worker_engine, queue, name)
    async with AsyncSession(worker_engine) as session, session.begin():
        await announce_update(session, name, "ponder", an_order())
    relay = Relay(worker_engine, temporal.client)
    await relay.deliver_next()
    pondering = asyncio.create_task(relay.run())
    await asyncio.sleep(1)

    pondering.cancel()

    done, _ = await asyncio.wait([pondering], timeout=3)
    assert done == {pondering}
    await temporal.client.get_workflow_handle(name).signal("hear", CustomerWrote("end", datetime.now(UTC)))


async def test_a_fact_is_told_and_one_that_comes_too_late_is_noted(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, queue: str
) -> None:
    name = f"echo:{uuid4()}"
    await announced_start(worker_engine, queue, name)
    relay = Relay(worker_engine, temporal.client)
    async with AsyncSession(worker_engine) as session, session.begin():
        fact = CustomerWrote("end", datetime.now(UTC))
        await announce_signal(session, name, "hear", fact, key="fact-1")
    await drain(relay)
    assert (await temporal.client.get_workflow_handle(name).result())[-1] == "end"

    async with AsyncSession(worker_engine) as session, session.begin():
        await announce_signal(session, name, "hear", fact, key="fact-2")
    await drain(relay)

    assert [(item.status, item.refusal) for item in await items(worker_engine)] == [
        ("sent", ""), ("sent", ""), ("refused", "already_over"),
    ]  # fmt: skip


async def test_an_update_waits_for_a_start_that_is_still_on_its_way(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, queue: str
) -> None:
    name = f"echo:{uuid4()}"
    async with AsyncSession(worker_engine) as session, session.begin():
        await announce_update(session, name, "say", an_order())
    await announced_start(worker_engine, queue, name)
    relay = Relay(worker_engine, temporal.client)

    await relay.deliver_next()
    [update, _] = await items(worker_engine)
    assert (update.status, update.tries) == ("waiting", 1)
    async with asyncio.timeout(10):
        while [item.status for item in await items(worker_engine)] != ["sent", "sent"]:
            await relay.deliver_next()
            await asyncio.sleep(0.05)


async def test_nothing_is_lost_while_temporal_is_away(worker_engine: AsyncEngine, queue: str) -> None:
    await announced_start(worker_engine, queue, f"echo:{uuid4()}")
    away = await Client.connect(f"127.0.0.1:{free_port()}", lazy=True)

    await Relay(worker_engine, away).deliver_next()

    [item] = await items(worker_engine)
    assert (item.status, item.tries) == ("waiting", 1)
    assert item.not_before > datetime.now(UTC)


def test_tries_become_rarer_but_never_stop() -> None:
    waits = [back_off(tries).total_seconds() for tries in range(1, 12)]

    assert waits[0] == 0.2
    assert waits == sorted(waits)
    assert waits[-1] == 10.0


async def test_a_message_is_taken_in_once(worker_engine: AsyncEngine) -> None:
    answers = []
    for _ in range(2):
        async with AsyncSession(worker_engine) as session, session.begin():
            now = datetime.now(UTC)
            answers.append(await is_first(session, System.PAYMENTS, "evt_1", at=now, body={}))

    assert answers == [True, False]
