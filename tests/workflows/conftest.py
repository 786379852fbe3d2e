"""The running desk: real database, real Temporal with a clock that can be moved, and all our workers."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

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
