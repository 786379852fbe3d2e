"""What every test may ask for: a real database of its own, cloned from a migrated template."""

import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from models.kit.engine import engine_for
from ops.postgres import Cluster, free_port
from workflows.kit import search
from workflows.kit.payloads import converter

pytest_plugins = ["tests.sandbox", "tests.tryton"]
ROOT = Path(__file__).parent.parent
_numbers = count(1)


@dataclass(frozen=True)
class Database:
    """One database of the test cluster and the addresses of its roles."""

    cluster: Cluster
    name: str

    @property
    def owner_url(self) -> str:
        return self.cluster.url(self.name, "ieum_owner", "test")

    @property
    def app_url(self) -> str:
        return self.cluster.url(self.name, "ieum_app", "test")

    @property
    def worker_url(self) -> str:
        return self.cluster.url(self.name, "ieum_worker", "test")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of this test run in a folder of its own; its template holds the migrated, empty schema.

    Not in pytest's folder, which PostgreSQL's own user may not walk to."""
    folder = Path(tempfile.mkdtemp(prefix="ieum-test-", dir=os.environ.get("TEST_RUN_DIR")))
    folder.chmod(0o755)
    running = Cluster(folder / "postgres", free_port(), durable=False).start()
    with psycopg.connect(running.url(), autocommit=True) as admin:
        for role in ("ieum_owner", "ieum_app", "ieum_worker"):
            admin.execute(f"create role {role} login password 'test' nosuperuser nobypassrls")
        admin.execute("create database template_ieum owner ieum_owner")
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", running.url("template_ieum", "ieum_owner", "test"))
    command.upgrade(config, "head")
    yield running
    running.stop()
    shutil.rmtree(folder)


@contextmanager
def copied(cluster: Cluster, template: str = "template_ieum") -> Iterator[Database]:
    """A database of one's own while it is needed; copying files is eight times quicker than logging."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(cluster.url(), autocommit=True) as admin:
        admin.execute(f"create database {name} template {template} owner ieum_owner strategy file_copy")
        yield Database(cluster, name)
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    """A fresh copy of the migrated schema for one test."""
    with copied(cluster) as own:
        yield own


@pytest.fixture
async def worker_engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """The worker's engine on the test's database."""
    engine = engine_for(database.worker_url, pool_size=5)
    yield engine
    await engine.dispose()


@pytest.fixture
async def app_engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """The app's engine on the test's database: row-level security applies."""
    engine = engine_for(database.app_url, pool_size=5)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="module")
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    """A real Temporal server for one file of tests; its clock can be moved, payloads are sealed as in life.

    Use it as `await temporal.fast_forward(handle, timedelta(hours=5))`."""
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(Path(sys.executable).parent / "temporal"),
        dev_server_startup_timeout=timedelta(seconds=60),
        dev_server_log_level="error",
        dev_server_extra_args=["--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"],
        search_attributes=list(search.ALL),
        data_converter=converter([("test", bytes(32))]),
    ) as environment:
        yield environment
