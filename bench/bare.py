"""The least that Temporal can be asked for: activities that do nothing, on a worker with our settings."""

import asyncio
import os
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client

QUEUE = "bare"


@activity.defn
async def nothing(said: str) -> str:
    """Do nothing."""
    return said


@workflow.defn
class Bare:
    """One activity after the other."""

    @workflow.run
    async def run(self, count: int, said: str) -> None:
        for _ in range(count):
            await workflow.execute_activity(nothing, said, start_to_close_timeout=timedelta(seconds=10))


async def live(client: Client, count: int, activities: int, at_once: int) -> None:
    """Run so many of them to their end; what they carry is as long as one of our records."""
    few = asyncio.Semaphore(at_once)

    async def one(number: int) -> None:
        async with few:
            await client.execute_workflow(
                Bare.run, args=[activities, "x" * 400], id=f"bare:{os.getpid()}:{number}", task_queue=QUEUE
            )

    await asyncio.gather(*(one(number) for number in range(count)))


async def work() -> None:
    """A worker process with the settings of ours."""
    from activities.kit.running import connect, run_until_stopped, workers
    from models.kit.settings import settings
    from workflows.kit.payloads import converter

    setting = settings("DATABASE_WORKER_URL")
    client = await connect(setting, converter(setting.payload_keys))
    await run_until_stopped(workers(client, [Bare], {QUEUE: [nothing]}, home=QUEUE))
