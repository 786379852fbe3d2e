"""Merges, splits and undoing at the rows: every message in one timeline, what is undone is as it was."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio.testing import ActivityEnvironment

from activities.tickets import TicketActivities
from activities.tickets.kin import keeper_of
from models.messages.tickets import Change, Clock, MessageKind, TicketKind, TicketStatus
from models.messages.tickets.kin import KinRecorded, MergeStep, SplitStep
from tests.builders.desk import Company, a_company, a_customer
from tests.builders.tickets import a_message, a_ticket

S = TicketStatus
AT = datetime(2026, 9, 18, 10, 0, tzinfo=UTC)
OWN = ("ticket_promises", "ticket_pauses", "attachments")
_keys = count(1)


@dataclass
class Family:
    """Some open tickets of one customer, and the steps that are taken with them."""

    engine: AsyncEngine
    acts: TicketActivities
    company: Company
    seq: dict[str, int] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)  # of merged ones: what they were

    async def born(self, messages: int = 3, **facts: object) -> str:
        ticket = a_ticket(self.company, **facts)
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            session.add(ticket)
            await session.flush()
            for number in range(messages):
                message = a_message(ticket.id, MessageKind.INBOUND if number % 2 == 0 else MessageKind.REPLY)
                message.created_at = AT + timedelta(minutes=number)
                session.add(message)
        await self.open(ticket.id)
        return ticket.id

    async def open(self, ticket_id: str) -> None:
        await self.run(self.acts.open, self.change(ticket_id, "tickets.opened", S.OPEN, clock=Clock.ANSWER))

    def change(self, ticket_id: str, sentence: str, status: TicketStatus, **facts: Any) -> Change:
        self.seq[ticket_id] = self.seq.get(ticket_id, 0) + 1
        return Change(ticket_id, self.seq[ticket_id], status, AT + timedelta(hours=2), sentence, **facts)

    async def run(self, act: Callable[..., Awaitable[Any]], step: Any) -> Any:
        """Every activity may be run again and says the same then."""
        first = await ActivityEnvironment().run(act, step)
        second = await ActivityEnvironment().run(act, step)
        assert first == second
        return first

    async def record(self, ticket_id: str, sentence: str, status: TicketStatus) -> None:
        await self.run(self.acts.record, self.change(ticket_id, sentence, status))

    async def merge(self, gone: str, keeper: str, *, is_across: bool = False) -> str:
        before = await self.rows(gone)
        change = self.change(gone, "tickets.merged", S.MERGED, details={"other": keeper})
        done: KinRecorded = await self.run(self.acts.merge, MergeStep(change, keeper, is_across))
        if done.refusal:
            self.seq[gone] -= 1
            assert await self.rows(gone) == before
        else:
            self.before[gone] = before
        return done.refusal

    async def unmerge(self, gone: str) -> str:
        status = TicketStatus(self.before[gone]["tickets"][0]["status"])
        row = (await self.ask("select merged_into_id from tickets where id = :id", id=gone))[0]
        change = self.change(gone, "tickets.unmerged", status)
        done: KinRecorded = await self.run(self.acts.unmerge, MergeStep(change, row.merged_into_id))
        if done.refusal:
            self.seq[gone] -= 1
        return done.refusal

    async def split(self, ticket_id: str, *message_ids: str) -> str:
        status = TicketStatus(
            (await self.ask("select status from tickets where id = :id", id=ticket_id))[0][0]
        )
        change = self.change(ticket_id, "tickets.split", status)
        step = SplitStep(change, message_ids, "Split", f"key-{next(_keys)}")
        done: KinRecorded = await self.run(self.acts.split, step)
        if done.refusal:
            self.seq[ticket_id] -= 1
        return done.refusal

    async def rows(self, ticket_id: str) -> dict[str, Any]:
        """The ticket as it stands, without the step's own count and time; its messages may be split off."""
        found: dict[str, Any] = {}
        for table, name in (("tickets", "id"), *((table, "ticket_id") for table in OWN)):
            rows = await self.ask(
                f"select * from {table} t where {name} = :id order by t::text", id=ticket_id
            )
            found[table] = [dict(row._mapping) for row in rows]
        for row in found["tickets"]:
            del row["seq"], row["updated_at"]
        return found

    async def ask(self, statement: str, **values: Any) -> list[Any]:
        async with self.engine.connect() as connection:
            return list((await connection.execute(text(statement), values)).all())

    async def timelines(self) -> dict[str, list[str]]:
        """The messages by the ticket in which they are read."""
        found: dict[str, list[str]] = {}
        async with AsyncSession(self.engine) as session:
            for row in await self.ask("select id, ticket_id from ticket_messages order by id"):
                found.setdefault((await keeper_of(session, row.ticket_id))[0], []).append(row.id)
        return found


@pytest.fixture
async def family(worker_engine: AsyncEngine) -> Family:
    return Family(worker_engine, TicketActivities(worker_engine), await a_company(worker_engine))


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_merged_split_and_undone_every_message_is_read_in_one_place(
    family: Family, seed: int
) -> None:
    dice = random.Random(seed)
    tickets = [await family.born(dice.randint(2, 5)) for _ in range(5)]
    messages = sorted(row.id for row in await family.ask("select id from ticket_messages"))
    for _ in range(25):
        states = {row.id: row.status for row in await family.ask("select id, status from tickets")}
        act, one, other = dice.choice(["merge", "undo", "split"]), *dice.choices(sorted(states), k=2)
        if act == "merge" and states[one] == S.OPEN:
            refusal = await family.merge(one, other)
            wanted = "merge_same" if one == other else "" if states[other] == S.OPEN else "merge_not_open"
            assert refusal == wanted
        elif act == "undo" and states[one] == S.MERGED:
            assert await family.unmerge(one) == ""
            assert await family.rows(one) == family.before.pop(one)
        elif act == "split" and states[one] == S.OPEN:
            own = await family.ask("select id, kind from ticket_messages where ticket_id = :id", id=one)
            chosen = dice.sample(own, min(len(own), dice.randint(1, 3)))
            refusal = await family.split(one, *(row.id for row in chosen))
            if not any(row.kind == "inbound" for row in chosen):
                assert refusal == "split_nothing"
            else:
                assert refusal == ("split_takes_all" if len(chosen) == len(own) else "")
            for row in await family.ask("select id from tickets where status = 'received'"):
                await family.open(row.id)
        read = await family.timelines()
        assert sorted(one for found in read.values() for one in found) == messages
        rows = await family.ask("select id from tickets where merged_into_id is null")
        assert set(read) <= {row.id for row in rows}
    for gone in sorted(family.before):
        assert await family.unmerge(gone) == ""
        assert await family.rows(gone) == family.before[gone]
    assert len(tickets) == 5


async def test_two_that_want_each_other_at_the_same_moment_do_not_wait_for_each_other(family: Family) -> None:
    one, two = await family.born(), await family.born()
    steps = [
        MergeStep(family.change(gone, "tickets.merged", S.MERGED), keeper)
        for gone, keeper in ((one, two), (two, one))
    ]

    done = await asyncio.gather(*(ActivityEnvironment().run(family.acts.merge, step) for step in steps))

    assert sorted(found.refusal for found in done) == ["", "merge_not_open"]


async def test_nothing_is_given_back_after_the_last_of_a_row_is_resolved(family: Family) -> None:
    first, middle, last = [await family.born() for _ in range(3)]
    assert await family.merge(first, middle) == ""
    assert await family.merge(middle, last) == ""

    await family.record(last, "tickets.resolved", S.RESOLVED)

    assert await family.unmerge(first) == "merge_final"
    told = await family.ask("select workflow_id from outbox where name = 'merge_settled' order by 1")
    assert [row.workflow_id for row in told] == sorted(f"ticket:{one}" for one in (first, middle))
    await family.record(first, "tickets.merge_final", S.MERGED)
    rows = await family.rows(first)
    assert rows["tickets"][0]["closed_at"] is not None
    assert {one["outcome"] for one in rows["ticket_promises"]} == {"dropped"}


async def test_who_waits_for_one_of_them_stands_in_the_way(
    family: Family, worker_engine: AsyncEngine
) -> None:
    keeper, plain = await family.born(), await family.born()
    task = await family.born(kind=TicketKind.TASK)
    secret = await family.born(is_confidential=True)
    async with AsyncSession(worker_engine) as session, session.begin():
        session.add(a_customer("cus_two"))
        await session.flush()
        await session.execute(
            text("update tickets set customer_id = 'cus_two' where id = :id"), {"id": plain}
        )

    assert await family.merge(task, keeper) == "merge_of_case"
    assert await family.merge(keeper, task) == "merge_of_case"
    assert await family.merge(secret, keeper) == "merge_confidential"
    assert await family.merge(plain, keeper) == "merge_other_customer"
    assert await family.merge(plain, keeper, is_across=True) == ""
