"""Random customers with running journeys, merged in any order of values and undone: every row as before."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio.testing import ActivityEnvironment

from activities.customers.merging import MergeActivities
from models.customers import Consent, Customer, CustomerNote, OwnedProduct
from models.journeys import OpenWait
from models.kit.timeline import EntryKind, TimelineEntry
from models.messages.customers import ConsentKind, MergeStatus, MergeStep
from models.messages.journeys import WaitFor
from models.payments import PaymentMethod
from models.rules.customers import MERGE_FIELDS
from models.tickets import Ticket
from tests.builders.desk import a_company
from tests.builders.duplicates import a_merge, owned, picture, without_told
from tests.conftest import Database

RUN = ActivityEnvironment().run
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
names = some.sampled_from(["김하나", "김한나", "Mina Lee", "Lee Mina", "박서준"])
numbers = some.none() | some.integers(0, 10**8 - 1).map(lambda one: f"+8210{one:08d}")
mails = some.none() | some.from_regex(r"[a-z]{3,8}", fullmatch=True)
people = some.fixed_dictionaries(
    {
        "name": names, "phone": numbers, "email": mails, "address": some.sampled_from(["", "서울 강남구 1"]),
        "is_verified": some.booleans(), "tickets": some.integers(0, 3), "consents": some.integers(0, 3),
        "methods": some.integers(0, 2), "devices": some.integers(0, 2), "note": some.booleans(),
    }
)  # fmt: skip
choices = some.lists(some.sampled_from(sorted(MERGE_FIELDS)), unique=True)
turns = some.integers(10**6, 10**12)


async def born(engine: AsyncEngine, id: str, facts: dict[str, Any]) -> None:
    """One customer with everything that hangs on it, and journeys that run."""
    rows: list[Any] = []
    for n in range(facts["tickets"]):
        ticket = f"T{id}{n}"
        rows.append(Ticket(
            id=ticket, submission_key=ticket, customer_id=id, channel="portal", subject="s", created_at=NOW,
            updated_at=NOW, is_over=n == 2,
        ))  # fmt: skip
        rows.append(OpenWait(
            workflow_id=f"ticket:{ticket}", key="answer", subject=f"ticket:{ticket}", ticket_id=ticket,
            customer_id=id, who=WaitFor.US, what="answer", since=NOW, ended_at=NOW if n == 2 else None,
        ))  # fmt: skip
        rows.append(TimelineEntry(
            key=f"k{ticket}", subject=f"ticket:{ticket}", ticket_id=ticket, customer_id=id, at=NOW,
            kind=EntryKind.STEP, actor_kind="system", sentence="tickets.received",
        ))  # fmt: skip
    for n in range(facts["consents"]):
        rows.append(Consent(
            customer_id=id, kind=list(ConsentKind)[n], version="1", is_given=n % 2 == 0, at=NOW,
            source="portal",
        ))  # fmt: skip
    for n in range(facts["methods"]):
        rows.append(PaymentMethod(
            id=f"pm{id}{n}", customer_id=id, status="active", customer_key=f"key{id}{n}", is_default=n == 0,
            created_at=NOW,
        ))  # fmt: skip
    for n in range(facts["devices"]):
        rows.append(OwnedProduct(id=f"op{id}{n}", customer_id=id, product_id="pro_phone", serial=f"{id}{n}"))
    if facts["note"]:
        rows.append(CustomerNote(id=f"nt{id}", customer_id=id, author_id="acc_jo", body="b", made_at=NOW))
    kept = {name: facts[name] for name in ("name", "address", "is_verified")}
    phone, mail = facts["phone"], facts["email"]
    async with AsyncSession(engine) as session, session.begin():
        session.add(Customer(
            id=id, phone=phone, email=mail and f"{mail}@{id.lower().replace('_', '-')}.example.com",
            phone_proved_at=NOW if phone else None, created_at=NOW, **kept,
        ))  # fmt: skip
        await session.flush()
        for row in rows:
            session.add(row)
            await session.flush()


async def test_undone_every_row_equals_before(worker_engine: AsyncEngine, database: Database) -> None:
    await a_company(worker_engine)
    acts = MergeActivities(worker_engine)

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(people, people, choices, turns)
    def described(one: dict[str, Any], other: dict[str, Any], taken: list[str], turn: int) -> None:
        cases.append((one, other, taken, turn))

    cases: list[tuple[dict[str, Any], dict[str, Any], list[str], int]] = []
    described()
    for place, (one, other, taken, turn) in enumerate(cases):
        stays, goes = f"A{turn}{place}", f"B{turn}{place}"
        if other["phone"] and other["phone"] == one["phone"]:
            other = {**other, "phone": None}
        owned(database, "update customers set phone = null, email = null")
        await born(worker_engine, stays, one)
        await born(worker_engine, goes, other)
        merge = await a_merge(
            worker_engine, stays, goes, merge_id=f"m{place}", taken=taken, asked_by="acc_jo"
        )  # fmt: skip
        before = seen(database)

        def at(seq: int, id: str = merge) -> MergeStep:
            return MergeStep(id, seq, NOW + timedelta(seconds=seq), "acc_jo", "why")

        assert (await RUN(acts.merge, at(2))).status is MergeStatus.MERGED
        await going_on(worker_engine, goes, other["tickets"])
        assert (await RUN(acts.undo, at(3))).status is MergeStatus.UNDONE

        after = seen(database)
        assert {name: after[name] for name in after if after[name] != before[name]} == {}
        later = "select distinct customer_id from timeline_entries where key like 'after_the_merge:TB%'"
        assert all(id.startswith("B") for (id,) in owned(database, later))


def seen(database: Database) -> dict[str, list[str]]:
    """Every row but the story of merges, and what was written while the records were one."""
    rows = without_told(picture(database))
    return {name: [row for row in rows[name] if "after_the_merge" not in row] for name in rows}


LATER = text(
    "insert into timeline_entries (key, subject, ticket_id, customer_id, at, kind, actor_kind, sentence,"
    " details, is_public) values ('after_the_merge:' || :ticket, 's', :ticket, :who, now(), 'step', 'system',"
    " 'tickets.received', '{}', false)"
)


async def going_on(engine: AsyncEngine, id: str, tickets: int) -> None:
    """Journeys that still know the old id write on while the records are one."""
    async with engine.begin() as connection:
        for n in range(tickets):
            await connection.execute(LATER, {"ticket": f"T{id}{n}", "who": id})
