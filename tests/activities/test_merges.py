"""A merge moves every reference once, and its undoing leaves every row as it was before."""

from datetime import timedelta

import psycopg
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


POSTED = """
  insert into ledger_transactions (id, source, purpose, customer_id, posted_on, posted_at)
  values ((select max(id) + 1 from ledger_transactions), %s, 'test', %s, current_date, now())
  returning customer_id"""
WRITTEN = """
  insert into timeline_entries (key, subject, ticket_id, customer_id, at, kind, actor_kind, sentence,
    details, is_public)
  values (%s, 's', %s, %s, now(), 'step', 'system', 'tickets.received', '{}', false) returning customer_id"""


async def test_an_account_of_the_books_stays_with_its_invoice(
    acts: MergeActivities, database: Database
) -> None:
    await merged(acts)
    assert owned(database, "select customer_id from invoices where id = 'I2-1'") == [("c_one",)]

    theirs = owned(database, POSTED, "invoice:I2-1", "c_one")
    ours = owned(database, POSTED, "invoice:I1-1", "c_one")

    assert (theirs, ours) == ([("c_two",)], [("c_one",)])


async def test_what_hangs_on_a_ticket_goes_back_with_it_and_the_rest_stays(
    acts: MergeActivities, database: Database
) -> None:
    state = await merged(acts)
    assert state.status is MergeStatus.MERGED
    assert owned(database, WRITTEN, "by_old_id", "T2", "c_two") == [("c_one",)]
    owned(database, WRITTEN, "of_their_ticket", "T2", "c_one")
    owned(database, WRITTEN, "of_our_ticket", "T1", "c_one")

    await RUN(acts.undo, step(3, actor_id="a_agent", reason="two people"))

    asked = "select key, customer_id from timeline_entries where subject = 's' order by key"
    assert owned(database, asked) == [
        ("by_old_id", "c_two"),
        ("of_our_ticket", "c_one"),
        ("of_their_ticket", "c_two"),
    ]


@pytest.mark.parametrize(
    ("obstacle", "code"),
    [
        ("update customers set erased_at = now() where id = 'c_two'", "erased"),
        ("update customers set version = version + 1 where id = 'c_one'", "changed"),
        ("update privacy_requests set status = 'working' where customer_id = 'c_two'", "privacy"),
        ("update bill_runs set status = 'running' where not is_preview", "billing"),
        ("update bill_skips set is_error = true, solved_at = null where customer_id = 'c_one'", "parked"),
    ],
)
async def test_it_waits_or_is_refused_for_what_stands_against_it(
    acts: MergeActivities, database: Database, obstacle: str, code: str
) -> None:
    await a_merge(acts.engine, "c_one", "c_two")
    owned(database, obstacle)

    state = await RUN(acts.merge, step(2))

    assert state.against == (code,)
    assert owned(database, "select count(*) from customers where root is not null") == [(0,)]


async def test_an_undoing_says_why_it_cannot_be(acts: MergeActivities, database: Database) -> None:
    await merged(acts, taken=["phone"])
    owned(database, "update customers set erased_at = now() where id = 'c_one'")

    state = await RUN(acts.undo, step(3, actor_id="a_agent", reason="two people"))

    assert (state.status, state.against) == (MergeStatus.MERGED, ("erased",))


async def test_final_documents_are_moved_by_nobody_else(acts: MergeActivities, database: Database) -> None:
    await merged(acts)
    for url in (database.owner_url, database.worker_url):
        with psycopg.connect(url) as anyone, pytest.raises(psycopg.errors.CheckViolation):
            anyone.execute("update invoices set customer_id = 'c_two' where id = 'I1-1'")
    with (
        psycopg.connect(database.worker_url) as worker,
        pytest.raises(psycopg.errors.CheckViolation),
    ):
        worker.execute("select ieum_move_rows('mrg_2', 'invoices', 'customer_id', 'c_one', 'c_two', 'all')")
