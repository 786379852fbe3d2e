"""The worker as the process it is: killed half way, started anew, asked to stop."""

import asyncio
import base64
import os
import signal
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from models.messages.tickets import TicketStatus
from ops.postgres import free_port
from tests.builders import tickets as say
from tests.builders.desk import a_company
from tests.conftest import Database
from tests.desk import RunningDesk

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(database: Database, temporal: WorkflowEnvironment) -> dict[str, str]:
    """What worker.py reads, pointing at the test's own servers."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    return {
        **os.environ,
        "DATABASE_WORKER_URL": database.worker_url,
        "TEMPORAL_ADDRESS": temporal.client.service_client.config.target_host,
        "PAYLOAD_KEYS": "test:" + base64.b64encode(bytes(32)).decode(),
        "SECRET_KEY": "test" * 8, "SYSTEMS_TOKEN": "s", "GATEWAY_SECRET": "g", "GATEWAY_WEBHOOK_SECRET": "w",
        "GATEWAY_URL": nowhere, "MAIL_URL": nowhere, "SMS_URL": nowhere,
        "METRICS_PORT": str(free_port()),
    }  # fmt: skip


async def start(environment: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "worker.py", cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
    )


async def test_a_killed_worker_loses_nothing_and_one_that_is_asked_stops_in_time(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, environment: dict[str, str]
) -> None:
    desk = RunningDesk(worker_engine, temporal, company=await a_company(worker_engine))
    first = await start(environment)
    try:
        ticket = await desk.report()
        metrics = await asyncio.to_thread(read, f"http://127.0.0.1:{environment['METRICS_PORT']}/metrics")
        assert "temporal_workflow_task" in metrics
        assert ticket.customer_id not in metrics
    finally:
        first.kill()
        await first.wait()

    waiting = asyncio.create_task(desk.say(ticket, "resolve", say.resolve(desk.company)))
    second = await start({**environment, "METRICS_PORT": str(free_port())})
    try:
        assert await waiting is TicketStatus.RESOLVED
        assert await desk.story(ticket) == ["tickets.opened", "tickets.resolved"]
        second.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(second.communicate(), 25)
    finally:
        if second.returncode is None:
            second.kill()

    assert second.returncode == 0
    assert b"Mina" not in output
    await desk.handle(ticket).terminate("the test is over")


def read(url: str) -> str:
    with urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())
