"""Who is found as a duplicate, why, and who never is; what was dismissed stays so until something changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio.testing import ActivityEnvironment

from activities.customers.pairs import SAME_KEYS, PairActivities, pair_id
from models.kit.timeline import EntryKind, TimelineEntry
from models.messages.customers import PairSearch, PairSlice
from tests.builders.desk import a_customer
from tests.builders.duplicates import owned
from tests.conftest import Database

RUN = ActivityEnvironment().run
NOW = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
ONE = {"name": "김하나", "phone": "+821055551234", "email": "hana.kim@naver.com"}
HOME = {"postcode": "06236", "address": "서울 강남구 테헤란로 152, 101동 1203호"}


async def store(engine: AsyncEngine, id: str, **facts: Any) -> None:
    async with AsyncSession(engine) as session, session.begin():
        session.add(a_customer(id, **{"phone": None, "email": None, **facts}))


async def reasons(engine: AsyncEngine, database: Database, **other: Any) -> list[str]:
    """Why another record is taken for the first one; nothing when it is not."""
    await store(engine, "cus_one", **{**ONE, **HOME})
    await store(engine, "cus_two", **other)
    await RUN(PairActivities(engine).search, PairSearch("cus_two", NOW))
    rows = owned(database, "select reasons from customer_pairs")
    return list(rows[0][0]) if rows else []


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"name": "박서준", "phone_as_given": "010-5555-1234"}, ["phone_same", "name_differs"]),
        ({"name": "김하나", "phone": "+821055551243"}, ["phone_close", "name_same"]),
        ({"name": "박서준", "phone": "+821055551243"}, []),  # a number like another one alone is nothing
        ({"name": "김하나", "phone": "+821055551243", **HOME}, ["phone_close", "name_same", "address_same"]),
        ({"name": "김하나", "email": "hanakim+shop@naver.com"}, ["mail_same", "name_same"]),
        ({"name": "김하나", "email": "hana.kim@gmail.com"}, ["mail_name", "name_same"]),
        ({"name": "김하나", **HOME}, ["name_same", "address_same"]),
        ({"name": "김하니", **HOME}, []),
        ({"name": "김하나", "postcode": "48058", "address": HOME["address"]}, []),
        ({"name": "김하나"}, []),  # thousands are called so
    ],
)
async def test_records_are_alike_for_reasons(
    worker_engine: AsyncEngine, database: Database, other: dict[str, Any], why: list[str]
) -> None:
    assert await reasons(worker_engine, database, **other) == why


async def test_an_address_that_was_proved_for_another_record_counts(
    worker_engine: AsyncEngine, database: Database
) -> None:
    await store(worker_engine, "cus_one", name="김하나")
    await store(worker_engine, "cus_two", name="김하나")
    async with AsyncSession(worker_engine) as session, session.begin():
        session.add(TimelineEntry(
            key="k", subject="customer:cus_two", customer_id="cus_two", at=NOW, kind=EntryKind.CHANGE,
            actor_kind="system", sentence="customers.conflict", details={"also": "cus_one"},
        ))  # fmt: skip

    found = await RUN(PairActivities(worker_engine).scan, PairSlice("", NOW))

    assert found.found == 1
    assert owned(database, "select reasons from customer_pairs") == [(["proved", "name_same"],)]


async def test_what_was_dismissed_stays_so_until_something_changes(
    worker_engine: AsyncEngine, database: Database
) -> None:
    acts = PairActivities(worker_engine)
    assert await reasons(worker_engine, database, name="박서준", phone_as_given="010-5555-1234")
    owned(database, "update customer_pairs set status = 'not_the_same', decided_by = 'acc_jo'")
    status = "select status, decided_by from customer_pairs"

    await RUN(acts.scan, PairSlice("", NOW + timedelta(days=1)))
    assert owned(database, status) == [("not_the_same", "acc_jo")]

    owned(database, "update customers set name = '김하나' where id = 'cus_two'")
    await RUN(acts.scan, PairSlice("", NOW + timedelta(days=2)))
    assert owned(database, status) == [("open", None)]


async def test_a_night_goes_slice_by_slice_and_takes_off_what_is_gone(
    worker_engine: AsyncEngine, database: Database
) -> None:
    acts = PairActivities(worker_engine)
    assert await reasons(worker_engine, database, name="박서준", phone_as_given="010-5555-1234")
    owned(database, "update customers set phone_as_given = null where id = 'cus_two'")

    first = await RUN(acts.scan, PairSlice("", NOW + timedelta(days=1), 1))
    second = await RUN(acts.scan, PairSlice(first.last, NOW + timedelta(days=1), 1))
    third = await RUN(acts.scan, PairSlice(second.last, NOW + timedelta(days=1), 1))

    assert [one.last for one in (first, second, third)] == ["cus_one", "cus_two", ""]
    assert await RUN(acts.end_scan, NOW + timedelta(days=1)) == 1
    assert owned(database, "select id, status from customer_pairs") == [
        (pair_id("cus_one", "cus_two"), "not_the_same")
    ]


async def test_nobody_is_compared_with_everybody(worker_engine: AsyncEngine) -> None:
    async with worker_engine.begin() as connection:
        await connection.execute(text(
            "insert into customers (id, kind, name, locale, tier, postcode, address, region, is_verified,"
            " created_at, version, phone) select 'c' || n, 'person', '김민수', 'ko', 'standard', '', '', '',"
            " false, now(), 1, '+8210' || lpad(n::text, 8, '0') from generate_series(1, 3000) n"
        ))  # fmt: skip
        await connection.execute(text("set local enable_seqscan = off"))
        plan = await connection.execute(text(f"explain {SAME_KEYS.text}"), {"ids": ["c1", "c2"]})
        said = "\n".join(line for (line,) in plan)

    assert "customers_by_pair_keys" in said
    assert "Seq Scan" not in said
