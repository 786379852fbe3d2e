"""The running desk: real database, real Temporal with a clock that can be moved, and all our workers."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from ops import histories
from tests import sentences
from tests.desk import RunningDesk, StandIns


@pytest.fixture
def stand_ins() -> StandIns:
    """Nothing is replaced; a test module that needs a neighbour to behave in a certain way overrides this."""
    return StandIns()


@pytest.fixture
async def desk(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, stand_ins: StandIns
) -> AsyncIterator[RunningDesk]:
    """Every workflow and activity of the house, the relay, and a small company."""
    running = RunningDesk(worker_engine, temporal, stand_ins)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture(autouse=True)
async def nothing_left(temporal: WorkflowEnvironment) -> AsyncIterator[None]:
    """What a test leaves alive ends with it: its activities would wait on the queues of the next one."""
    yield
    async for execution in temporal.client.list_workflows("ExecutionStatus = 'Running'"):
        with suppress(RPCError):  # it has just ended by itself
            await temporal.client.get_workflow_handle(execution.id, run_id=execution.run_id).terminate()


@pytest.fixture(autouse=True)
def said_in_words(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a story wrote into timeline and waits, both languages can say with every value in words."""
    database = request.getfixturevalue("database") if "database" in request.fixturenames else None
    yield
    if database is None:
        return
    with psycopg.connect(database.owner_url) as connection:
        steps = connection.execute("select sentence, details from timeline_entries").fetchall()
        waits = connection.execute('select what, "then", details from waits').fetchall()
    faults = [fault for step in steps for fault in sentences.faults_of_step(*step)]
    faults += [fault for wait in waits for fault in sentences.faults_of_wait(*wait)]
    assert sorted(set(faults)) == []


@pytest.fixture(autouse=True)
async def recorded(request: pytest.FixtureRequest, temporal: WorkflowEnvironment) -> AsyncIterator[None]:
    """Under `make histories`, keep the lives that this test brought to an end."""
    began = datetime.now(UTC)
    yield
    words = histories.words_of(request.node.name) if os.environ.get(histories.SWITCH) else []
    for word in words:
        asked = f"WorkflowType = '{word}' AND ExecutionStatus = 'Completed'"
        asked += f" AND StartTime >= '{began.isoformat()}'"
        ended = [execution async for execution in temporal.client.list_workflows(asked)]
        assert ended, f"{request.node.name} left no completed {word}"
        for ordinal, execution in enumerate(sorted(ended, key=lambda one: one.start_time)):
            path = histories.path_for(word, request.node.name, ordinal)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                handle = temporal.client.get_workflow_handle(execution.id, run_id=execution.run_id)
                path.write_text((await handle.fetch_history()).to_json())
