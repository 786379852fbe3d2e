"""Histories of closed workflows are kept, once, as Temporal holds them: unreadable."""

import base64
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker

from activities.kit.histories import FLEETING, HistoryKeeper
from tests.activities.test_outbox import EchoWorkflow, an_order
from workflows.kit.payloads import converter


async def test_a_closed_life_is_kept_once_and_can_be_replayed(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    queue, name = f"echo-{uuid4()}", f"echo:{uuid4()}"
    runner = UnsandboxedWorkflowRunner()
    async with Worker(temporal.client, task_queue=queue, workflows=[EchoWorkflow], workflow_runner=runner):
        order = an_order("Mina Lee")
        handle = await temporal.client.start_workflow("Echo", order, id=name, task_queue=queue)
        await HistoryKeeper(worker_engine, temporal.client).sweep()
        assert await kept(worker_engine, name) == []
        await handle.signal("hear", {"message_id": "end", "at": order.at})
        await handle.result()

    await HistoryKeeper(worker_engine, temporal.client).sweep()
    keeper = HistoryKeeper(worker_engine, temporal.client)
    await keeper.sweep()
    assert await keeper.sweep() == 0

    [(history, status, events)] = await kept(worker_engine, name)
    assert (status, events > 5) == ("completed", True)
    assert "Mina" not in history
    assert base64.b64encode(b"Mina Lee").decode()[:9] not in history
    replayer = Replayer(
        workflows=[EchoWorkflow], workflow_runner=runner, data_converter=converter([("test", bytes(32))])
    )
    await replayer.replay_workflow(WorkflowHistory.from_json(name, history))


@workflow.defn(name=FLEETING[0], sandboxed=False)
class OftenWorkflow:
    """Comes again and again."""

    @workflow.run
    async def run(self) -> None:
        """Do nothing."""


async def test_what_comes_every_half_minute_tells_its_story_in_tables_and_is_not_kept(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    queue, name = f"often-{uuid4()}", f"often:{uuid4()}"
    runner = UnsandboxedWorkflowRunner()
    async with Worker(temporal.client, task_queue=queue, workflows=[OftenWorkflow], workflow_runner=runner):
        await temporal.client.execute_workflow(FLEETING[0], id=name, task_queue=queue)

    await HistoryKeeper(worker_engine, temporal.client).sweep()

    assert await kept(worker_engine, name) == []


async def kept(engine: AsyncEngine, workflow_id: str) -> list[tuple[str, str, int]]:
    async with engine.connect() as connection:
        asked = text("select history, status, events from journey_histories where workflow_id = :id")
        return [tuple(row) for row in await connection.execute(asked, {"id": workflow_id})]  # type: ignore[misc]
