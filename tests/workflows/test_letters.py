"""Letters that a journey leaves behind: they hold nothing up, and they break nothing."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from temporalio import workflow
from temporalio.client import WorkflowFailureError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from models.messages.letters import Letter
    from workflows.kit.letters import Letters


@workflow.defn(name="Hurried")
class Hurried:
    """A journey with two letters that nobody takes, and little patience for them."""

    @workflow.run
    async def run(self, way: str) -> str:
        letters = Letters(self.tell)
        for name in ("one", "two"):
            letters.send(Letter(f"hurried:{name}", "T1", "tickets/closed"))
        if way == "naive":
            try:
                await asyncio.wait_for(letters.all_sent(), 1)
            except TimeoutError:
                return "left behind"
            return "sent"
        return "sent" if await letters.sent_within(timedelta(seconds=1)) else "left behind"

    async def tell(self, letter: Letter) -> None:
        raise AssertionError(f"{letter.key} was neither sent nor refused")


async def ended(temporal: WorkflowEnvironment, way: str) -> str:
    queue = f"hurried-{uuid4()}"
    async with Worker(temporal.client, task_queue=queue, workflows=[Hurried]):
        handle = await temporal.client.start_workflow(
            Hurried.run, way, id=queue, task_queue=queue, execution_timeout=timedelta(seconds=20)
        )
        try:
            return await asyncio.wait_for(handle.result(), 30)
        except WorkflowFailureError:
            return "failed"


async def test_letters_that_nobody_takes_are_left_behind_and_the_journey_ends_well(
    temporal: WorkflowEnvironment,
) -> None:
    assert await ended(temporal, "patient") == "left behind"


async def test_waiting_for_them_with_a_time_out_of_asyncio_fails_the_journey(
    temporal: WorkflowEnvironment,
) -> None:
    """The way it was first: a repair that was done then counted as a visit that failed."""
    assert await ended(temporal, "naive") == "failed"
