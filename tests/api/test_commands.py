"""Commands of people: done at once, kept while Temporal is away, said once however often they are sent."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.kit.outbox import Relay
from api.kit.commands import Answer, command
from models.catalogue import Part
from models.kit.refusals import Refusal
from models.messages.tickets import Command
from ops.postgres import free_port
from tests.activities.test_outbox import EchoWorkflow, an_order


@pytest.fixture
async def echo(temporal: WorkflowEnvironment) -> AsyncIterator[str]:
    """A running workflow that remembers what it is told."""
    queue = f"echo-{uuid4()}"
    runner = UnsandboxedWorkflowRunner()
    async with Worker(temporal.client, task_queue=queue, workflows=[EchoWorkflow], workflow_runner=runner):
        name = f"echo:{uuid4()}"
        await temporal.client.start_workflow("Echo", an_order(), id=name, task_queue=queue)
        yield name


@pytest.fixture(params=["never there", "gone", "no client"])
async def away(request: pytest.FixtureRequest) -> Client | None:
    """Temporal, where nobody answers: never reached, stopped after it was reached, or not known at all."""
    if request.param == "never there":
        return await Client.connect(f"127.0.0.1:{free_port()}", lazy=True)
    if request.param == "no client":
        return None
    server = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(Path(sys.executable).parent / "temporal"),
        dev_server_startup_timeout=timedelta(seconds=60),
    )
    await server.client.service_client.check_health()
    await server.shutdown()
    return server.client


async def say(engine: AsyncEngine, client: Client | None, name: str, order: Command) -> Answer:
    async with AsyncSession(engine) as session:
        return await command(session, client, name, "say", order)


async def outbox(engine: AsyncEngine) -> list[Any]:
    async with engine.connect() as connection:
        return list((await connection.execute(text("select * from outbox order by id"))).all())


async def told(temporal: WorkflowEnvironment, name: str) -> list[str]:
    return list(await temporal.client.get_workflow_handle(name).query("what"))


async def test_a_command_is_done_before_it_is_answered(
    app_engine: AsyncEngine, worker_engine: AsyncEngine, temporal: WorkflowEnvironment, echo: str
) -> None:
    order = an_order()

    assert await say(app_engine, temporal.client, echo, order) is Answer.DONE

    assert order.id in await told(temporal, echo)
    [item] = await outbox(worker_engine)
    assert (item.status, item.key) == ("sent", order.id)


async def test_a_double_click_gets_the_same_answer_and_is_said_once(
    app_engine: AsyncEngine, worker_engine: AsyncEngine, temporal: WorkflowEnvironment, echo: str
) -> None:
    order = an_order()

    answers = await asyncio.gather(*(say(app_engine, temporal.client, echo, order) for _ in range(3)))

    assert set(answers) == {Answer.DONE}
    assert (await told(temporal, echo)).count(order.id) == 1


async def test_a_refusal_comes_back_as_a_refusal_and_again(
    app_engine: AsyncEngine, worker_engine: AsyncEngine, temporal: WorkflowEnvironment, echo: str
) -> None:
    order = an_order("nobody")

    for _ in range(2):
        with pytest.raises(Refusal) as refused:
            await say(app_engine, temporal.client, echo, order)
        assert refused.value.code == "not_allowed"

    assert [item.status for item in await outbox(worker_engine)] == ["refused"]


async def test_a_life_that_is_over_takes_no_command(
    app_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    with pytest.raises(Refusal) as refused:
        await say(app_engine, temporal.client, f"echo:{uuid4()}", an_order())

    assert refused.value.code == "already_over"


async def test_while_temporal_is_away_the_command_is_kept_and_delivered_later(
    app_engine: AsyncEngine,
    worker_engine: AsyncEngine,
    temporal: WorkflowEnvironment,
    away: Client | None,
    echo: str,
) -> None:
    order = an_order()
    began = datetime.now(UTC)

    assert await say(app_engine, away, echo, order) is Answer.ACCEPTED

    assert (datetime.now(UTC) - began).total_seconds() < 4
    [item] = await outbox(worker_engine)
    assert item.status == "waiting"
    relay = asyncio.create_task(Relay(worker_engine, temporal.client).run())
    async with asyncio.timeout(15):
        while (await outbox(worker_engine))[0].status != "sent":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    relay.cancel()
    assert (await told(temporal, echo)).count(order.id) == 1


async def test_what_is_born_with_a_command_is_stored_even_when_temporal_is_away(
    worker_engine: AsyncEngine, away: Client | None
) -> None:
    async with AsyncSession(worker_engine) as session:
        session.add(
            Part(id="par_1", sku="P", name_ko="나사", name_en="Screw", category="tv", price_minor=100)
        )
        await command(session, away, "echo:1", "say", an_order())

    async with worker_engine.connect() as connection:
        assert (await connection.execute(text("select count(*) from parts"))).scalar_one() == 1
