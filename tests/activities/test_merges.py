"""A merge moves every reference once, and its undoing leaves every row as it was before."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import ActivityEnvironment

from activities.customers.merging import MergeActivities
from activities.kit.invariants import violations
from models.messages.customers import MergeState, MergeStatus, MergeStep
from tests.builders.company import build
from tests.builders.duplicates import NOW, a_merge, free, owned, picture, without_told
from tests.conftest import Database

RUN = ActivityEnvironment().run
ALL = ["name", "phone", "email", "address", "tier"]


@pytest.fixture
async def acts(worker_engine: AsyncEngine, database: Database) -> MergeActivities:
    """The sample company, and nothing in the way of a merge."""
    await build(worker_engine)
    free(database)
    return MergeActivities(worker_engine)


def step(seq: int, merge_id: str = "mrg_1", **given: str) -> MergeStep:
    return MergeStep(merge_id, seq, NOW + timedelta(seconds=seq), **given)


async def broken(engine: AsyncEngine) -> dict[str, list[tuple[object, ...]]]:
    async with engine.connect() as connection:
        found = await violations(connection)
    return {name: sorted(rows, key=str) for name, rows in found.items()}


async def merged(acts: MergeActivities, **given: object) -> MergeState:
    await a_merge(acts.engine, "c_one", "c_two", **given)
    return await RUN(acts.merge, step(2))


async def test_everything_of_the_one_is_the_others_and_nothing_else_changes(
    acts: MergeActivities, database: Database
) -> None:
    before = await broken(acts.engine)

    state = await merged(acts)

    assert state.status is MergeStatus.MERGED
    assert owned(database, "select root from customers where id = 'c_two'") == [("c_one",)]
    assert owned(database, "select count(*) from tickets where customer_id = 'c_two'") == [(0,)]
    assert owned(database, "select count(*) from invoices where customer_id = 'c_two'") == [(0,)]
    ((moved,),) = owned(database, "select counts from customer_merges where id = 'mrg_1'")
    assert moved["tickets"] == 3
    after = await broken(acts.engine)
    assert {name: rows for name, rows in after.items() if not set(rows) <= set(before.get(name, []))} == {}


@pytest.mark.parametrize("taken", [[], ALL])
async def test_undone_every_row_is_as_before(
    acts: MergeActivities, database: Database, taken: list[str]
) -> None:
    before = picture(database)
    wrong = await broken(acts.engine)
    await merged(acts, taken=taken)

    state = await RUN(acts.undo, step(3, actor_id="a_agent", reason="two people"))

    assert state.status is MergeStatus.UNDONE
    after = without_told(picture(database))
    assert {name: after[name] for name in after if after[name] != without_told(before)[name]} == {}
    assert await broken(acts.engine) == wrong
