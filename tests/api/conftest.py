"""A built sample company that many tests only read, and the app on top of it."""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.kit.engine import engine_for
from ops.postgres import Cluster
from tests.api.web import STORED, Web, web_on
from tests.builders import shelf
from tests.builders.company import Company, build
from tests.conftest import Database

_numbers = count(1)


@pytest.fixture(scope="module")
def shared_database(cluster: Cluster) -> Iterator[Database]:
    """One database for all tests of a file."""
    name = f"shared_{next(_numbers)}"
    with psycopg.connect(cluster.url(), autocommit=True) as admin:
        admin.execute(f"create database {name} template template_ieum owner ieum_owner")
        yield Database(cluster, name)
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="module")
async def open_engine(shared_database: Database) -> AsyncIterator[AsyncEngine]:
    """The worker's engine on it: no row security."""
    engine = engine_for(shared_database.worker_url, pool_size=5)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="module")
async def walled_engine(shared_database: Database) -> AsyncIterator[AsyncEngine]:
    """The app's engine on it: row security applies."""
    engine = engine_for(shared_database.app_url, pool_size=5)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="module")
async def company(open_engine: AsyncEngine) -> Company:
    """The sample company; do not change it."""
    return await build(open_engine)


@pytest.fixture(scope="module")
async def web(company: Company, walled_engine: AsyncEngine) -> Web:
    """The app on the sample company, for tests that change nothing that others read."""
    return web_on(walled_engine, company)


@pytest.fixture
async def own_web(worker_engine: AsyncEngine, app_engine: AsyncEngine) -> Web:
    """An app on a company of one's own, whose people have a password."""
    return web_on(app_engine, await build(worker_engine, password_hash=STORED))


@pytest.fixture
async def shop(own_web: Web, worker_engine: AsyncEngine) -> Web:
    """A company of one's own with something on its shelf and a second administrator."""
    await shelf.fill(worker_engine)
    return own_web
