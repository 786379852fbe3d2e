"""A merge lives: agreed to, moved while journeys run, waited for, undone, and once kept for good."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from activities.connectors.marketing import ConsoleMarketing
from activities.customers import HandoverActivities, MergeActivities
from models.customers import PrivacyRequest
from models.messages.customers import (
    MergeCommand,
    MergeOrder,
    MergeState,
    MergeStatus,
    MergeStep,
    PairSearch,
    PairSlice,
    PrivacyKind,
    PrivacyStatus,
    merge_workflow_id,
)
from tests.builders import tickets as say
from tests.builders.desk import a_customer
from tests.builders.duplicates import a_merge
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import InvoiceAsTold, Post, VisitAsTold
from workflows.kit.options import BATCH_QUEUE, MAIL_QUEUE, MARKETING_QUEUE

OLD, NEW = "cus_mina", "cus_survivor"


@pytest.fixture
def stand_ins(worker_engine: AsyncEngine) -> StandIns:
    crm = HandoverActivities(worker_engine, ConsoleMarketing())
    twice = TwiceEach(worker_engine)
    return StandIns(
        [VisitAsTold, InvoiceAsTold],
        {
            MAIL_QUEUE: [Post().send], MARKETING_QUEUE: [crm.hand_over],
            BATCH_QUEUE: [twice.merge, twice.undo],
        },
    )  # fmt: skip


class TwiceEach:
    """A worker that dies after each step: what it did is done once more by the next one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine, self.acts = engine, MergeActivities(engine)

    @activity.defn(name="customers.merge")
    async def merge(self, step: MergeStep) -> MergeState:
        await self.acts.merge(step)
        return await self.acts.merge(step)

    @activity.defn(name="customers.undo_merge")
    async def undo(self, step: MergeStep) -> MergeState:
        await self.acts.undo(step)
        return await self.acts.undo(step)


async def begun(desk: RunningDesk, merge_id: str, **given: Any) -> WorkflowHandle[Any, Any]:
    """The customer of the ticket is merged into another one."""
    if not await desk.rows("select 1 from customers where id = :id", id=NEW):
        await desk.store(a_customer(NEW, name="Mina L."))
    await a_merge(desk.engine, NEW, OLD, merge_id=merge_id, asked_by=desk.company.agent_id, **given)
    order = MergeOrder(merge_id, datetime.now(UTC), bool(given.get("needs_second")), desk.company.agent_id)
    return await desk.client.start_workflow(
        "CustomerMerge", order, id=merge_workflow_id(merge_id), task_queue="desk", result_type=MergeState
    )


async def stands(desk: RunningDesk, merge_id: str, status: MergeStatus) -> None:
    async def look() -> str:
        return str(
            (await desk.rows("select status from customer_merges where id = :id", id=merge_id))[0].status
        )

    await desk.until_equal(look, status.value)


async def said(handle: WorkflowHandle[Any, Any], update: str, who: str, reason: str = "") -> str:
    """Say a command; answers with the code of a refusal."""
    command = MergeCommand(f"{update}-{who}", who, datetime.now(UTC), reason)
    try:
        await asyncio.wait_for(handle.execute_update(update, command), 30)
    except WorkflowUpdateFailedError as failure:
        return failure.cause.type or "failed" if isinstance(failure.cause, ApplicationError) else "failed"
    return ""


async def owner(desk: RunningDesk, table: str, key: str, id: str) -> set[str]:
    rows = await desk.rows(f"select customer_id from {table} where {key} = :id", id=id)
    return {row.customer_id for row in rows if row.customer_id}


async def test_a_running_ticket_goes_on_for_the_one_that_stays_and_back(desk: RunningDesk) -> None:
    ticket = await desk.report()
    handle = await begun(desk, "mrg_ticket")
    await stands(desk, "mrg_ticket", MergeStatus.MERGED)
    assert await owner(desk, "tickets", "id", ticket.id) == {NEW}

    message = say.a_message(ticket.id)
    await desk.store(message)
    await desk.say(ticket, "reply", say.reply(desk.company, message.id))

    assert await owner(desk, "timeline_entries", "ticket_id", ticket.id) <= {NEW}
    assert (await desk.row(ticket)).customer_id == NEW

    with desk.environment.with_time_skipping_disabled():
        assert await said(handle, "undo", desk.company.agent_id, "two sisters") == ""
    assert (await asyncio.wait_for(handle.result(), 20)).status is MergeStatus.UNDONE
    assert await owner(desk, "tickets", "id", ticket.id) == {OLD}
    assert await owner(desk, "waits", "ticket_id", ticket.id) <= {OLD}
    [row] = await desk.rows("select root from customers where id = :id", id=OLD)
    assert row.root is None
    told = await desk.rows("select 1 from timeline_entries where sentence = 'customers.merge_undone'")
    assert len(told) == 2  # one line on each record, however often the step was taken


async def test_what_is_written_for_the_old_id_lands_at_the_root_and_goes_back(desk: RunningDesk) -> None:
    handle = await begun(desk, "mrg_root")
    await stands(desk, "mrg_root", MergeStatus.MERGED)
    ticket = await desk.report()  # of the old id, as a journey knows it from long ago

    assert (await desk.row(ticket)).customer_id == NEW
    with desk.environment.with_time_skipping_disabled():
        assert await said(handle, "undo", desk.company.agent_id, "two sisters") == ""
    assert (await desk.row(ticket)).customer_id == OLD


async def test_a_second_person_has_to_agree(desk: RunningDesk) -> None:
    handle = await begun(desk, "mrg_two", needs_second=True)
    await stands(desk, "mrg_two", MergeStatus.CONFIRMING)

    with desk.environment.with_time_skipping_disabled():
        assert await said(handle, "confirm", desk.company.agent_id) == "merge_second_person"
        assert await said(handle, "confirm", desk.company.colleague_id) == ""
        await stands(desk, "mrg_two", MergeStatus.MERGED)
        assert await said(handle, "refuse", desk.company.colleague_id) == "merge_not_waiting"
        assert await said(handle, "undo", desk.company.agent_id, "two sisters") == ""
    [row] = await desk.rows("select confirmed_by from customer_merges where id = 'mrg_two'")
    assert row.confirmed_by == desk.company.colleague_id
    assert (await asyncio.wait_for(handle.result(), 20)).status is MergeStatus.UNDONE


async def test_a_merge_that_nobody_agrees_to_is_dropped(desk: RunningDesk) -> None:
    handle = await begun(desk, "mrg_alone", needs_second=True)

    state = await asyncio.wait_for(handle.result(), 30)

    assert state.status is MergeStatus.REFUSED
    assert await desk.rows("select 1 from customers where root is not null") == []


async def test_it_waits_while_something_stands_against_it(desk: RunningDesk) -> None:
    asked = datetime.now(UTC)
    await desk.store(
        PrivacyRequest(
            id="prv_1", customer_id=OLD, kind=PrivacyKind.ERASE, status=PrivacyStatus.RECEIVED,
            asked_by="x", asked_at=asked, due_at=asked + timedelta(days=10),
        )
    )  # fmt: skip
    with desk.environment.with_time_skipping_disabled():
        handle = await begun(desk, "mrg_wait")
        await stands(desk, "mrg_wait", MergeStatus.WAITING)
        [row] = await desk.rows("select against from customer_merges where id = 'mrg_wait'")
        assert row.against == ["privacy"]
        await desk.change("update privacy_requests set status = 'refused'")
    await desk.environment.fast_forward(handle, timedelta(minutes=11))

    await stands(desk, "mrg_wait", MergeStatus.MERGED)
    with desk.environment.with_time_skipping_disabled():
        assert await said(handle, "undo", desk.company.agent_id, "two sisters") == ""
    assert (await asyncio.wait_for(handle.result(), 20)).status is MergeStatus.UNDONE


async def test_after_three_months_it_stays(desk: RunningDesk) -> None:
    handle = await begun(desk, "mrg_kept")

    state = await asyncio.wait_for(handle.result(), 30)

    assert state.status is MergeStatus.KEPT
    assert await desk.rows("select id from customers where root is not null") == [(OLD,)]


async def test_it_is_called_off(desk: RunningDesk) -> None:
    with desk.environment.with_time_skipping_disabled():
        handle = await begun(desk, "mrg_off", needs_second=True)
        await stands(desk, "mrg_off", MergeStatus.CONFIRMING)
        assert await said(handle, "refuse", desk.company.colleague_id, "no") == ""

    assert (await asyncio.wait_for(handle.result(), 20)).status is MergeStatus.REFUSED


async def test_pairs_are_found_at_once_and_at_night(desk: RunningDesk) -> None:
    await desk.store(a_customer("cus_a", name="김하나", email="hana.kim@naver.com"))
    await desk.store(a_customer("cus_b", name="김하나", email="hana.kim@gmail.com", phone_as_given="010-9"))
    search = await desk.client.execute_workflow(
        "PairSearch", PairSearch("cus_b"), id="pairs:cus_b", task_queue="desk", result_type=int
    )
    assert search == 1

    await desk.change("update customers set name = '박하늘' where id = 'cus_b'")
    off = await desk.client.execute_workflow(
        "PairNight",
        PairSlice("", datetime.now(UTC), 1),
        id="pair-night:1",
        task_queue="desk",
        result_type=int,
    )

    assert off == 1  # what is no longer alike is off the list
    [row] = await desk.rows("select status, found_by from customer_pairs")
    assert (row.status, row.found_by) == ("not_the_same", "entry")
