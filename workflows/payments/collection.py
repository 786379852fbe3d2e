"""The collection of one business day: due invoices are charged in slices, and nobody is asked twice."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.payments import AskingActivities, CollectionActivities, NoticeActivities
    from models.messages.journeys import Wait, WaitFor
    from models.messages.payments.collection import (
        BeginCollection,
        CollectionCommand,
        CollectionOrder,
        CollectionPolicy,
        CollectionStatus,
        CollectionStep,
        SliceDone,
        WorkSlice,
        WriteAttempts,
        collection_workflow_id,
    )
    from models.rules.payments.collection import pause_while_away
    from workflows.kit.options import NOTICES, ROWS, SETS, SLICE
    from workflows.kit.refusals import refuse
    from workflows.kit.schedules import appointed_day, start_once
    from workflows.kit.waiting import Waits

LOOK_AGAIN = timedelta(seconds=60)  # news of a gateway bring look-ups forward: look at least so often


@workflow.defn(name="CollectionDay")
class CollectionDayWorkflow:
    """The appointment: each day has one collection, however often it is called."""

    @workflow.run
    async def run(self) -> None:
        day = appointed_day()
        order = CollectionOrder(day)
        await start_once("Collection", order, collection_workflow_id(day), f"Collect what is due on {day}")


@workflow.defn(name="Collection")
class CollectionWorkflow:
    """All that is due on one day, asked by the methods that customers have agreed on."""

    @workflow.init
    def __init__(self, order: CollectionOrder) -> None:
        self.order = order
        self.id = order.day.isoformat()
        self.policy = CollectionPolicy()
        self.seq = order.seq
        self.waits = Waits()
        self.is_paused = False
        self.is_over = False
        self.times_away = 0
        self.began = workflow.now()

    @workflow.run
    async def run(self, order: CollectionOrder) -> CollectionStatus:
        self.policy = await workflow.execute_activity_method(
            CollectionActivities.begin_collection,
            BeginCollection(order, workflow.now()),
            summary=f"Begin the collection of {self.id}",
            **SETS,
        )
        await self.write_and_ask()
        await self.tell_customers()
        await self.find_out()
        await self.tell_customers()
        self.is_over = True
        self.waits.end_all()
        await self.record(CollectionStatus.DONE, "payments.collection_done")
        await workflow.wait_condition(workflow.all_handlers_finished)
        return CollectionStatus.DONE

    async def write_and_ask(self) -> None:
        """Write the attempts of the next customers, ask for them, go on; rows and keys always come first."""
        after, written = self.order.after, 0
        if self.order.is_written:
            return await self.ask()
        while True:
            await self.until_let_go_on()
            page = await workflow.execute_activity_method(
                CollectionActivities.write_attempts,
                WriteAttempts(self.id, self.order.day, self.policy, after, workflow.now()),
                summary="Write the next attempts with their keys",
                **SETS,
            )
            after, written = page.last or after, written + page.attempts
            if not page.last or written >= self.policy.slice_attempts * self.policy.lanes:
                await self.ask()
                written = 0
                self.go_on_anew(after, is_written=not page.last)
            if not page.last:
                return None

    async def ask(self) -> None:
        """Ask in a few lanes until nothing is left to ask; a provider that is away is left alone longer
        and longer, and what nobody took all day is closed without harm."""
        give_up_at = self.began + timedelta(hours=self.policy.gives_up_after_hours)
        while True:
            await self.until_let_go_on()
            lanes = [self.slice_of("ask") for _ in range(self.policy.lanes)]
            done = await asyncio.gather(*lanes)
            if not any(one.is_more for one in done):
                if self.is_paused:
                    continue
                return
            asked_for = max(one.away_seconds for one in done)
            if not asked_for:
                self.times_away = 0
                continue
            if workflow.now() >= give_up_at:
                return await self.give_up()
            pause = pause_while_away(self.policy.away_seconds, self.times_away, asked_for)
            self.times_away += 1
            await self.rest("provider_away", workflow.now() + timedelta(seconds=pause), "ask_again")

    async def give_up(self) -> None:
        """No provider took these all day: close them, the next collection tries again."""
        self.seq += 1
        step = CollectionStep(self.id, self.seq, CollectionStatus.RUNNING, workflow.now())
        await workflow.execute_activity_method(
            CollectionActivities.give_up_asking, step, summary="Close what no provider took today", **SETS
        )

    async def find_out(self) -> None:
        """Look up what is unclear before anything else happens to it, until nothing of ours is."""
        while True:
            await self.until_let_go_on()
            left = await workflow.execute_activity_method(
                CollectionActivities.collection_left,
                self.id,
                summary="Count what is not certain yet",
                **SETS,
            )
            if left.to_ask:
                await self.ask()
            elif not left.unclear:
                return
            elif left.next_at is not None and left.next_at > workflow.now():
                until = min(left.next_at, workflow.now() + LOOK_AGAIN)
                await self.rest("collection_lookup", until, "look_up")
            else:
                await self.slice_of("look up")
            self.go_on_anew("", is_written=True)

    async def tell_customers(self) -> None:
        """Receipts and refusals; a mail system that is down for a day holds nothing up any longer."""
        is_more = True
        while is_more:
            try:
                is_more = (await self.slice_of("tell")).is_more
            except ActivityError:
                workflow.logger.warning("letters of the collection %s are left", self.id)
                return

    async def slice_of(self, what: str) -> SliceDone:
        """One slice of asking, looking up or telling."""
        work = WorkSlice(self.id, self.policy, workflow.now())
        if what == "ask":
            return await workflow.execute_activity_method(
                AskingActivities.ask_slice, work, summary="Ask for the money of a slice", **SLICE
            )
        if what == "look up":
            return await workflow.execute_activity_method(
                AskingActivities.look_up_slice, work, summary="Look unclear payments up", **SLICE
            )
        return await workflow.execute_activity_method(
            NoticeActivities.tell_slice,
            work,
            summary="Write to the customers of a slice",
            **NOTICES,
        )

    async def rest(self, what: str, until: datetime, then: str) -> None:
        """Wait a while, and say for what; a pause by finance is waited for afterwards."""
        subject = collection_workflow_id(self.order.day)
        since = workflow.now()
        self.waits.begin(Wait(what, subject, "", WaitFor.SYSTEM, what, since, until, then))
        status = CollectionStatus.PAUSED if self.is_paused else CollectionStatus.RUNNING
        sentence = "payments.collection_away" if what == "provider_away" and not self.times_away > 1 else ""
        await self.record(status, sentence, waits_for=what, until=until)
        await self.waits.until(what, lambda: False)
        self.waits.end(what)

    async def until_let_go_on(self) -> None:
        """Finance may stop the collection at any moment; it then waits without end."""
        if self.is_paused:
            await self.waits.until("collection_paused", lambda: not self.is_paused)

    def go_on_anew(self, after: str, *, is_written: bool) -> None:
        """A long collection goes on under a fresh history; nothing is counted in this one."""
        is_long = workflow.info().is_continue_as_new_suggested()
        if is_long and not self.is_paused and workflow.all_handlers_finished():
            workflow.continue_as_new(replace(self.order, after=after, seq=self.seq, is_written=is_written))

    async def record(
        self,
        status: CollectionStatus,
        sentence: str = "",
        *,
        actor_id: str | None = None,
        waits_for: str = "",
        until: datetime | None = None,
    ) -> None:
        """Write one step of the collection."""
        self.seq += 1
        step = CollectionStep(
            self.id, self.seq, status, workflow.now(), sentence, actor_id, waits_for, until,
            self.waits.take(),
        )  # fmt: skip
        await workflow.execute_activity_method(
            CollectionActivities.record_collection,
            step,
            summary=f"Record that the collection is {status.value}",
            **ROWS,
        )

    @workflow.update
    async def pause(self, command: CollectionCommand) -> CollectionStatus:
        """Finance stops it: what is under way is finished, nothing new is asked."""
        self.is_paused = True
        subject = collection_workflow_id(self.order.day)
        now = workflow.now()
        self.waits.begin(
            Wait("collection_paused", subject, "", WaitFor.US, "collection_paused", now, may=("resume",))
        )
        await self.record(
            CollectionStatus.PAUSED, "payments.collection_paused", actor_id=command.actor_id,
            waits_for="collection_paused",
        )  # fmt: skip
        return CollectionStatus.PAUSED

    @pause.validator
    def refuse_to_pause_what_rests(self, command: CollectionCommand) -> None:
        if self.is_over or self.is_paused:
            raise refuse("collection_not_running")

    @workflow.update
    async def resume(self, command: CollectionCommand) -> CollectionStatus:
        """Finance lets it go on."""
        self.waits.end("collection_paused")
        await self.record(CollectionStatus.RUNNING, "payments.collection_resumed", actor_id=command.actor_id)
        self.is_paused = False
        return CollectionStatus.RUNNING

    @resume.validator
    def refuse_to_resume_what_runs(self, command: CollectionCommand) -> None:
        if self.is_over or not self.is_paused:
            raise refuse("collection_not_paused")
