"""How a worker process runs: one Temporal worker a queue, and an end that finishes what was begun."""

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import Worker

from activities.kit.beating import EVERY, Beating
from activities.kit.roots import Rooted
from activities.kit.runner import HouseRunner
from models.kit.settings import Settings

LOG = logging.getLogger(__name__)
PER_SECOND = {"system-payments": 50.0, "system-mail": 100.0, "system-sms": 50.0}  # as much as they can bear


async def connect(setting: Settings, converter: DataConverter) -> Client:
    """Temporal, with this process's metrics on their port; asked again until it is there."""
    metrics = PrometheusConfig(bind_address=f"0.0.0.0:{setting.metrics_port}", durations_as_seconds=True)
    runtime = Runtime(telemetry=TelemetryConfig(metrics=metrics))
    while True:
        try:
            return await Client.connect(
                setting.temporal_address,
                namespace=setting.temporal_namespace,
                data_converter=converter,
                runtime=runtime,
            )
        except RuntimeError:
            LOG.warning("temporal is not there yet")
            await asyncio.sleep(1)


def workers(
    client: Client, lives: Sequence[type], acts: dict[str, list[Callable[..., Any]]], home: str = "desk"
) -> list[Worker]:
    """One worker for each queue on which something is done; workflows live on the queue `home`."""
    return [
        Worker(
            client,
            task_queue=queue,
            workflows=lives if queue == home else [],
            activities=listed,
            workflow_runner=HouseRunner(),
            max_concurrent_activities=20,
            max_task_queue_activities_per_second=PER_SECOND.get(queue),
            graceful_shutdown_timeout=timedelta(seconds=20),
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=5),
            interceptors=[Beating(), Rooted()],
            max_heartbeat_throttle_interval=timedelta(seconds=EVERY),
        )
        for queue, listed in acts.items()
        if listed
    ]


async def run_until_stopped(running: Sequence[Worker], *beside: Coroutine[Any, Any, None]) -> None:
    """Work until SIGTERM; then take nothing new and finish what was begun, at most 20 seconds.

    Whatever ends by itself before is a failure and ends the process, so that it is started anew."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    stopped = asyncio.create_task(stop.wait())
    others = [asyncio.create_task(work) for work in beside]
    works = [asyncio.create_task(worker.run()) for worker in running]
    await asyncio.wait([stopped, *others, *works], return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        other.cancel()
    await asyncio.gather(*(worker.shutdown() for worker in running if worker.is_running))
    ended = await asyncio.gather(*others, *works, return_exceptions=True)
    if not stop.is_set():
        raise next((error for error in ended if isinstance(error, Exception)), SystemExit("ended by itself"))
