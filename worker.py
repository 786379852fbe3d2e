"""The worker: lives every workflow, does every activity, empties the outbox and keeps histories."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.kit.histories import HistoryKeeper
from activities.kit.outbox import Relay
from activities.tickets import TicketActivities
from models.kit.engine import engine_for
from models.kit.logs import log_as_json
from models.kit.settings import Settings, settings
from workflows.kit.options import BATCH_QUEUE, DESK_QUEUE, MAIL_QUEUE, PAYMENTS_QUEUE, SMS_QUEUE
from workflows.kit.payloads import converter
from workflows.tickets.ticket import TicketWorkflow

WORKFLOWS: list[type] = [TicketWorkflow]
OPEN_HOUSE = SandboxRestrictions.default.with_passthrough_modules(
    "models", "activities", "workflows.kit", "sqlalchemy", "sqlmodel", "pydantic", "psycopg", "cryptography"
)


def activities(engine: AsyncEngine, setting: Settings) -> dict[str, list[Callable[..., Any]]]:
    """Every activity by the queue it is taken from."""
    tickets = TicketActivities(engine)
    return {
        DESK_QUEUE: [tickets.open, tickets.record, tickets.weigh],
        BATCH_QUEUE: [],
        PAYMENTS_QUEUE: [],
        MAIL_QUEUE: [],
        SMS_QUEUE: [],
    }


def workers(client: Client, lives: Sequence[type], acts: dict[str, list[Callable[..., Any]]]) -> list[Worker]:
    """One worker a queue; workflows live on the desk."""
    return [
        Worker(
            client,
            task_queue=queue,
            workflows=lives if queue == DESK_QUEUE else [],
            activities=listed,
            workflow_runner=SandboxedWorkflowRunner(restrictions=OPEN_HOUSE),
            max_concurrent_activities=20,
            graceful_shutdown_timeout=timedelta(seconds=20),
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=5),
        )
        for queue, listed in acts.items()
        if listed or queue == DESK_QUEUE
    ]


async def main() -> None:
    """Work until asked to stop; then finish what was begun, at most 20 seconds."""
    setting = settings("DATABASE_WORKER_URL")
    log_as_json(setting.log_level)
    engine = engine_for(setting.database_url, pool_size=setting.pool_size, application="ieum-worker")
    metrics = PrometheusConfig(bind_address=f"0.0.0.0:{setting.metrics_port}", durations_as_seconds=True)
    client = await Client.connect(
        setting.temporal_address,
        namespace=setting.temporal_namespace,
        data_converter=converter(setting.payload_keys),
        runtime=Runtime(telemetry=TelemetryConfig(metrics=metrics)),
    )
    running = workers(client, WORKFLOWS, activities(engine, setting))
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    endless = [Relay(engine, client).run(), HistoryKeeper(engine, client).run(), *(w.run() for w in running)]
    tasks = [asyncio.ensure_future(work) for work in (stop.wait(), *endless)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for beside in tasks[1:3]:
        beside.cancel()
    await asyncio.gather(*(worker.shutdown() for worker in running))
    ended = await asyncio.gather(*tasks[1:], return_exceptions=True)
    await engine.dispose()
    if not stop.is_set():
        raise next(error for error in ended if isinstance(error, Exception))


if __name__ == "__main__":
    asyncio.run(main())
