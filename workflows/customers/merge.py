"""The life of one merge: looked at, agreed to, moved, and for three months the way back."""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.customers.handover import HandoverActivities
    from activities.customers.merging import MergeActivities
    from models.messages.customers import (
        Handover,
        MergeCommand,
        MergeOrder,
        MergeState,
        MergeStatus,
        MergeStep,
    )
    from models.rules.customers import merge_wait
    from workflows.kit.options import MARKETING, ROWS, SETS
    from workflows.kit.refusals import refuse
    from workflows.kit.waiting import Waits


@workflow.defn(name="CustomerMerge")
class CustomerMergeWorkflow:
    """One record merged into another; alive for as long as that can be undone."""

    @workflow.init
    def __init__(self, order: MergeOrder) -> None:
        self.order = order
        self.state = MergeState(MergeStatus.ASKED)
        self.seq = 0
        self.waits = Waits()
        self.pen = asyncio.Lock()  # one step is written at a time
        self.is_confirmed = not order.needs_second
        self.is_refused = False

    @workflow.run
    async def run(self, order: MergeOrder) -> MergeState:
        if await self.is_agreed() and await self.is_merged():
            await self.tell_crm()
            await self.keep_the_way_back()
            if self.state.status is MergeStatus.UNDONE:
                await self.tell_crm()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.state

    @property
    def give_up_at(self) -> datetime:
        """Until when it waits for anything."""
        return self.order.asked_at + timedelta(days=self.order.wait_days)

    async def is_agreed(self) -> bool:
        """Look once; where two people have to agree, wait for the second one."""
        await self.weigh()
        if self.is_confirmed or self.state.status is MergeStatus.REFUSED:
            return self.state.status is not MergeStatus.REFUSED
        self.begin("merge_second", self.give_up_at)
        await self.record(MergeStatus.CONFIRMING)
        await self.waits.until("merge_second", lambda: self.is_confirmed or self.is_refused)
        async with self.pen:
            pass  # whoever has just decided is written down
        self.waits.end("merge_second")
        if not self.is_confirmed and not self.is_refused:
            await self.record(MergeStatus.REFUSED)
        return self.is_confirmed

    async def is_merged(self) -> bool:
        """Move everything as soon as nothing stands against it; looked at again every few minutes."""
        while not self.is_refused:
            async with self.pen:
                if self.is_refused:
                    break
                self.begin_undo()
                self.state = await workflow.execute_activity_method(
                    MergeActivities.merge,
                    self.step(),
                    summary="Move everything to the one that stays",
                    **SETS,
                )
            if self.state.status is MergeStatus.MERGED:
                return True
            self.waits.end("merge_undo")
            if workflow.now() >= self.give_up_at:
                await self.record(MergeStatus.REFUSED)
                return False
            again = workflow.now() + timedelta(minutes=self.order.look_again_minutes)
            self.begin("merge_against", min(again, self.give_up_at))
            await self.weigh()
            if self.state.status is MergeStatus.REFUSED:
                break
            await self.waits.until("merge_against", lambda: self.is_refused)
            self.waits.end("merge_against")
        return False

    def begin_undo(self) -> None:
        """From the merge on it can be undone; written with the merge itself."""
        self.begin("merge_undo", workflow.now() + timedelta(days=self.order.undo_days))

    async def keep_the_way_back(self) -> None:
        """Wait for somebody to undo it; after the last day it stays as it is."""
        await self.waits.until("merge_undo", lambda: self.state.status is MergeStatus.UNDONE)
        if self.state.status is not MergeStatus.UNDONE:
            self.waits.end("merge_undo")
            await self.record(MergeStatus.KEPT)

    async def tell_crm(self) -> None:
        """The CRM hears how both records stand; while it is away, the way back is open all the same."""
        for customer_id in (self.state.survivor_id, self.state.loser_id):
            await workflow.execute_activity_method(
                HandoverActivities.hand_over,
                Handover(customer_id, 0),
                summary="Tell the CRM how the customer stands",
                **MARKETING,
            )

    async def weigh(self) -> None:
        """Look at what stands against it."""
        async with self.pen:
            self.state = await workflow.execute_activity_method(
                MergeActivities.weigh, self.step(), summary="Look at what stands against it", **ROWS
            )

    async def record(self, status: MergeStatus, command: MergeCommand | None = None) -> None:
        """Write one step down."""
        async with self.pen:
            await self.write(status, command)

    async def write(self, status: MergeStatus, command: MergeCommand | None) -> None:
        """Write one step down, with the pen in one's hand."""
        self.state = await workflow.execute_activity_method(
            MergeActivities.record,
            args=[self.step(command), status],
            summary=f"The merge is {status.value}",
            **ROWS,
        )

    def begin(self, key: str, until: datetime) -> None:
        """Say what is waited for."""
        self.waits.begin(
            merge_wait(self.order, key, workflow.now(), until, self.state.survivor_id)
        )  # fmt: skip

    def step(self, command: MergeCommand | None = None) -> MergeStep:
        """The next step, with everything about waits that is not yet written."""
        self.seq += 1
        actor, reason = (command.actor_id, command.reason) if command else ("", "")
        return MergeStep(self.order.merge_id, self.seq, workflow.now(), actor, reason, self.waits.take())

    @workflow.update
    async def confirm(self, command: MergeCommand) -> MergeState:
        """A second person agrees; answered once the row says so."""
        async with self.pen:
            if self.is_confirmed or self.is_refused or self.state.status is MergeStatus.REFUSED:
                raise refuse("merge_not_waiting")
            if command.actor_id == self.order.asked_by:
                raise refuse("merge_second_person")
            await self.write(MergeStatus.ASKED, command)
            self.is_confirmed = True
        return self.state

    @workflow.update
    async def refuse(self, command: MergeCommand) -> MergeState:
        """The records are not merged after all."""
        async with self.pen:
            if self.is_refused or self.state.status in (
                MergeStatus.MERGED, MergeStatus.KEPT, MergeStatus.UNDONE, MergeStatus.REFUSED
            ):  # fmt: skip
                raise refuse("merge_not_waiting")
            self.waits.end("merge_second", "merge_against")
            await self.write(MergeStatus.REFUSED, command)
            self.is_refused = True
        return self.state

    @workflow.update
    async def undo(self, command: MergeCommand) -> MergeState:
        """Everything is put back as it was; answered once the rows say so, or why it cannot be."""
        async with self.pen:
            if self.state.status is not MergeStatus.MERGED:
                raise refuse("merge_not_undoable")
            until = self.waits.open.get("merge_undo")
            self.waits.end("merge_undo")
            state: MergeState = await workflow.execute_activity_method(
                MergeActivities.undo, self.step(command), summary="Put everything back", **SETS
            )
            if state.status is not MergeStatus.UNDONE:
                if until is not None:
                    self.waits.begin(until)
                raise refuse(f"undo_{state.against[0]}" if state.against else "merge_not_undoable")
            self.state = state
        return self.state

    @workflow.query
    def status(self) -> MergeState:
        """Where the merge stands."""
        return self.state
