"""A call is heard while it works, so that only a dead one is asked for again."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.testing import WorkflowEnvironment

from activities.kit.running import workers
from tests.desk import DESK_QUEUE

TRIES: list[int] = []


@activity.defn(name="tests.slow")
async def slow() -> int:
    """Three times as long as it may be silent."""
    TRIES.append(activity.info().attempt)
    await asyncio.sleep(3)
    return activity.info().attempt


@workflow.defn(name="Slow", sandboxed=False)
class SlowWorkflow:
    """One call with the given patience."""

    @workflow.run
    async def run(self, silence: float) -> int:
        return await workflow.execute_activity(
            slow, start_to_close_timeout=timedelta(seconds=30),
            heartbeat_timeout=timedelta(seconds=silence), retry_policy=RetryPolicy(maximum_attempts=2),
        )  # fmt: skip


async def test_a_call_is_heard_for_as_long_as_it_works(temporal: WorkflowEnvironment) -> None:
    TRIES.clear()
    [worker] = workers(temporal.client, [SlowWorkflow], {DESK_QUEUE: [slow]})
    async with worker:
        done = await temporal.client.execute_workflow(
            "Slow", 0.9, id="slow", task_queue=DESK_QUEUE, result_type=int
        )

    assert (done, TRIES) == (1, [1])
