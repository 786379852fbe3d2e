"""Looking for records that may be one customer: those like a new one at once, and everybody at night."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.customers.likeness import Facts, compare, likeness_key
from activities.kit.beating import beating
from activities.kit.transactions import transaction
from models.customers import CustomerPair
from models.messages.customers import PairSearch, PairsFound, PairSlice, PairStatus
from models.rules.customers import ENOUGH, weigh

MOST = 20  # records that one is compared with: no key stands for many people
ALIVE = "{0}.root is null and {0}.erased_at is null"
FACTS = """{0}.id, {0}.kind, {0}.name, coalesce({0}.phone, ''), coalesce({0}.phone_as_given, ''),
  coalesce({0}.email, ''), {0}.postcode, {0}.address"""
KEYS = "ieum_pair_keys({0}.name, {0}.phone, {0}.phone_as_given, {0}.email, {0}.postcode, {0}.address)"
# Through the index on the keys alone: nobody is compared with everybody.
SAME_KEYS = text(f"""
  select {FACTS.format("s")}, {FACTS.format("o")} from customers s cross join lateral (
    select c.* from customers c where {KEYS.format("c")} && {KEYS.format("s")}
      and {ALIVE.format("c")} and c.id <> s.id limit {MOST}) o
  where s.id = any(:ids) and {ALIVE.format("s")}""")  # noqa: S608
# Somebody proved an address of the one while signing up as the other.
PROVED = text(f"""
  select distinct {FACTS.format("s")}, {FACTS.format("o")} from customers s
  join timeline_entries t on t.subject = 'customer:' || s.id
    and t.sentence in ('customers.conflict', 'customers.taken')
  join customers o on o.id = t.details ->> 'also' and {ALIVE.format("o")}
  where s.id = any(:ids) and o.id <> s.id and {ALIVE.format("s")}""")  # noqa: S608
NEXT = text(
    "select id from customers where id > :after and root is null and erased_at is null"
    " order by id limit :size"
)


def pair_id(one: str, other: str) -> str:
    """The name of a pair: whichever is found first."""
    low, high = sorted((one, other))
    return f"pair_{hashlib.sha256(f'{low}/{high}'.encode()).hexdigest()[:20]}"


@dataclass
class PairActivities:
    """The one writer of pairs but for the desk's verdict; dependencies are handed in by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="customers.search_pairs")
    async def search(self, asked: PairSearch) -> int:
        """Compare one customer with those who share something. Safe to repeat: a pair is one row."""
        async with transaction(self.engine) as session:
            return await look(session, [asked.customer_id], asked.at or activity.info().started_time, "entry")

    @activity.defn(name="customers.scan_pairs")
    async def scan(self, asked: PairSlice) -> PairsFound:
        """Compare the next customers. Safe to repeat: pairs that are there are looked at again."""
        async with beating(asked.after), transaction(self.engine) as session:
            rows = await session.scalars(NEXT, {"after": asked.after, "size": asked.size})
            ids = list(rows)
            found = await look(session, ids, asked.at, "night") if ids else 0
        return PairsFound(ids[-1] if len(ids) == asked.size else "", len(ids), found)

    @activity.defn(name="customers.end_scan")
    async def end_scan(self, began_at: datetime) -> int:
        """Take pairs off the list that a whole scan did not find. Safe to repeat: what is off stays off."""
        gone = (col(CustomerPair.status) == PairStatus.OPEN, col(CustomerPair.found_at) < began_at)
        change = update(CustomerPair).where(*gone).values(
            status=PairStatus.NOT_SAME, likeness="", decided_at=began_at
        )  # fmt: skip
        async with transaction(self.engine) as session:
            done = await session.execute(change.execution_options(synchronize_session=False))
            return int(done.rowcount)  # type: ignore[attr-defined]


async def look(session: AsyncSession, ids: Sequence[str], at: datetime, found_by: str) -> int:
    """Find and store the pairs of these customers; answers with how many there are."""
    await session.execute(
        text("set local enable_seqscan = off")
    )  # a guess about keys must not cost n times n
    found: dict[str, dict[str, Any]] = {}
    for is_proved, query in ((True, PROVED), (False, SAME_KEYS)):
        for row in await session.execute(query, {"ids": list(ids)}):
            pair = weighed(Facts(*row[:8]), Facts(*row[8:]), is_proved)
            if pair is not None:
                found.setdefault(pair["id"], pair)
    await session.execute(text("set local enable_seqscan = on"))
    await store(session, found.values(), at, found_by)
    return len(found)


def weighed(one: Facts, other: Facts, is_proved: bool) -> dict[str, Any] | None:
    """The pair as it is stored, when enough speaks for it."""
    score, reasons = weigh(compare(one, other, is_proved=is_proved))
    if score < ENOUGH:
        return None
    first, second = sorted((one.id, other.id))
    return {
        "id": pair_id(first, second), "first_id": first, "second_id": second, "score": score,
        "reasons": list(reasons), "likeness": likeness_key(one, other),
    }  # fmt: skip


async def store(session: AsyncSession, pairs: Iterable[dict[str, Any]], at: datetime, found_by: str) -> None:
    """Write pairs; what was dismissed stays dismissed until something of it changes."""
    rows = [{**one, "status": PairStatus.OPEN, "found_at": at, "found_by": found_by} for one in pairs]
    if not rows:
        return
    statement = insert(CustomerPair).values(sorted(rows, key=lambda row: str(row["id"])))
    new = statement.excluded
    stays = and_(col(CustomerPair.likeness) == new.likeness, col(CustomerPair.status) != PairStatus.MERGED)
    changes = {
        "score": new.score, "reasons": new.reasons, "likeness": new.likeness,
        "found_at": func.greatest(col(CustomerPair.found_at), new.found_at),
        "status": case((stays, CustomerPair.status), else_=new.status),
        "decided_by": case((stays, CustomerPair.decided_by), else_=None),
        "decided_at": case((stays, CustomerPair.decided_at), else_=None),
    }  # fmt: skip
    named = ["first_id", "second_id"]
    await session.execute(statement.on_conflict_do_update(index_elements=named, set_=changes))
