"""A built sample company that many tests only read, and the app on top of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio.testing import WorkflowEnvironment

from api.kit.people import person_of
from models.kit.engine import engine_for
from models.staff import Account, SignInSession
from ops.postgres import Cluster
from tests.api.web import STORED, Web, web_on
from tests.builders import shelf
from tests.builders.company import Company, build, hashed, token_of
from tests.conftest import Database, copied
from tests.desk import RunningDesk


@dataclass(frozen=True)
class Sample:
    """The sample company as it is copied for each test that wants one."""

    database: Database
    company: Company


async def filled(database: Database) -> Company:
    engine = engine_for(database.worker_url, pool_size=1)
    company = await build(engine, password_hash=STORED)
    await engine.dispose()
    return company


@pytest.fixture(scope="session")
def sample(cluster: Cluster) -> Iterator[Sample]:
    """The sample company, whose people have a password, built once."""
    with (
        copied(cluster) as database,
        ThreadPoolExecutor(1) as beside,
    ):  # this thread has a loop
        yield Sample(database, beside.submit(asyncio.run, filled(database)).result())


@pytest.fixture
def database(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database; for a test that asks for a company of its own, one with the company in it."""
    is_filled = "own_company" in request.fixturenames
    template = request.getfixturevalue("sample").database.name if is_filled else "template_ieum"
    with copied(cluster, template) as own:
        yield own


@pytest.fixture
def own_company(sample: Sample, database: Database) -> Company:
    """A sample company that this test may change."""
    return copy_of(sample.company)


@pytest.fixture
def own_web(own_company: Company, app_engine: AsyncEngine) -> Web:
    """An app on a company of one's own, whose people have a password."""
    return web_on(app_engine, own_company)


@pytest.fixture(scope="module")
def shared_database(cluster: Cluster, sample: Sample) -> Iterator[Database]:
    """One database with the company in it for all tests of a file."""
    with copied(cluster, sample.database.name) as shared:
        yield shared


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
def company(sample: Sample) -> Company:
    """The sample company; do not change it."""
    return copy_of(sample.company)


@pytest.fixture(scope="module")
def web(company: Company, walled_engine: AsyncEngine) -> Web:
    """The app on the sample company, for tests that change nothing that others read."""
    return web_on(walled_engine, company)


def copy_of(company: Company) -> Company:
    return replace(company, persons=dict(company.persons), tokens=dict(company.tokens))


@pytest.fixture
async def shop(own_web: Web, worker_engine: AsyncEngine) -> Web:
    """A company of one's own with something on its shelf and a second administrator."""
    await shelf.fill(worker_engine)
    return own_web


STAFF = {"jo": "acc_jo", "kim": "acc_kim"}


@pytest.fixture
async def desk(worker_engine: AsyncEngine, temporal: WorkflowEnvironment) -> AsyncIterator[RunningDesk]:
    """Workers, relay and a small company."""
    running = RunningDesk(worker_engine, temporal)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def counter(desk: RunningDesk, app_engine: AsyncEngine, tmp_path: Path) -> Web:
    """The app on the running desk; Jo and Kim and the customer Mina are signed in."""
    company = Company()
    now = datetime.now(UTC)
    mina = Account(
        id="acc_mina",
        login="mina@x.test",
        name="Mina",
        roles=["customer"],
        customer_id="cus_mina",
        created_at=now,
    )
    async with AsyncSession(desk.engine, expire_on_commit=False) as session, session.begin():
        session.add(mina)
        await session.flush()
        for name, account_id in {**STAFF, "mina": "acc_mina"}.items():
            account = await session.get_one(Account, account_id)
            company.tokens[name] = token_of(name)
            company.persons[name] = replace(person_of(account.model_dump()), token_hash="")
            session.add(
                SignInSession(
                    token_hash=hashed(token_of(name)),
                    account_id=account_id,
                    created_at=now,
                    seen_at=now,
                    idle_until=now + timedelta(hours=1),
                    expires_at=now + timedelta(hours=1),
                )
            )
    web = web_on(app_engine, company, files_dir=tmp_path)
    web.app.state.client = desk.client
    return web
