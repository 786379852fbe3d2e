"""Tickets that belong together: parts that hold their whole up, a merge and its undoing, and a split."""

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.tickets import TicketActivities
    from models.messages.field_service import VisitResult
    from models.messages.journeys import Wait, WaitFor
    from models.messages.letters import Letter
    from models.messages.tickets import (
        OVER,
        SENTENCES,
        Cancel,
        Command,
        CustomerWrote,
        FaultReport,
        TicketStatus,
        ticket_workflow_id,
    )
    from models.messages.tickets.kin import (
        UNDO_SECONDS,
        ChildMoved,
        KinRecorded,
        Merge,
        MergeSettled,
        MergeStep,
        Split,
        SplitStep,
        Unmerge,
    )
    from workflows.kit.options import ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.waiting import told
    from workflows.tickets.children import ChildSteps
    from workflows.tickets.snooze import SnoozeSteps

PATCH = "2026-11-tickets-that-belong-together"


class KinSteps(SnoozeSteps, ChildSteps):
    """What is different when other tickets hang on this one, or this one goes on in another."""

    def __init__(self, fault: FaultReport) -> None:
        super().__init__(fault)
        self.parts: dict[str, ChildMoved] = {}
        self.merge: Merge | None = None  # how it went on in another ticket, while it does
        self.before: tuple[TicketStatus, tuple[Wait, ...]] = (TicketStatus.RECEIVED, ())
        self.is_settled = False  # the merge can no longer be undone
        self.is_told = False  # the customer knows of the merge

    # Parts

    def open_parts(self) -> list[str]:
        """The parts whose work is not done."""
        return sorted(key for key, part in self.parts.items() if part.is_open)

    def refuse_while_asked(self) -> None:
        super().refuse_while_asked()
        self.refuse_while_in_parts()

    def refuse_while_in_parts(self) -> None:
        if parts := self.open_parts():
            raise refuse("ticket_parts_open", open=", ".join(parts))

    def refuse_ending(self, cancel: Cancel) -> None:
        """We do not end what colleagues still work for; the customer may at any time."""
        if cancel.actor_kind != "customer":
            self.refuse_while_in_parts()

    def has_to_wait(self, result: VisitResult) -> bool:
        return super().has_to_wait(result) or (self.is_repaired(result) and bool(self.open_parts()))

    def waits_for(self) -> str:
        """What a repair is told that does not resolve the ticket yet."""
        return "tickets.repaired_child_open" if self.has_open_child() else "tickets.repaired_part_open"

    @workflow.signal
    async def child_moved(self, fact: ChildMoved) -> None:
        """A part has joined or left, is done, or is worked on again; an older word changes nothing."""
        known = self.parts.get(fact.ticket_id)
        if not workflow.patched(PATCH) or (known is not None and known.seq > fact.seq):
            return
        self.parts[fact.ticket_id] = fact
        if fact.sentence == "tickets.child_left":
            self.parts[fact.ticket_id] = replace(fact, is_open=False)
        await workflow.wait_condition(lambda: self.status is not TicketStatus.RECEIVED)
        async with self.turn:
            if self.status in OVER:
                return
            count = len(self.open_parts())
            if count:
                details = {"count": str(count)}
                before = self.waits.open.get("children")
                since = before.since if before is not None else workflow.now()
                self.begin(
                    "children", WaitFor.US, self.status, what="child_tickets", details=details, since=since
                )
            else:
                self.waits.end("children")
            by = Command("", fact.actor_id, fact.at) if fact.actor_id else None
            await self.record(fact.sentence, self.status, by, details={"other": fact.ticket_id})

    # A merge

    async def stay_merged(self) -> None:
        """While the ticket goes on in another one: until that is undone, or can no longer be.

        Nobody is written to in the seconds in which most mistakes are noticed."""
        while self.status is TicketStatus.MERGED and not self.is_settled:
            if self.is_told:
                await workflow.wait_condition(self.is_merge_over)
                continue
            try:
                await workflow.wait_condition(
                    self.is_merge_over,
                    timeout=timedelta(seconds=UNDO_SECONDS),
                    timeout_summary="Until the customer is told of the merge",
                )
            except TimeoutError:
                self.tell_merge("merged")
        if self.status is TicketStatus.MERGED:
            self.tell_merge("merged")
            async with self.turn:
                self.waits.end_all()
                others = {"other": self.merge.keeper_id if self.merge else ""}
                await self.record("tickets.merge_final", self.status, details=others)

    def is_merge_over(self) -> bool:
        return self.is_settled or self.status is not TicketStatus.MERGED

    def tell_merge(self, name: str) -> None:
        """Tell the customer once where it goes on, and that it does not any more if they were told."""
        is_news = name == "merged"
        if self.merge is None or self.is_told is is_news:
            return
        self.is_told = is_news
        if self.fault.is_quiet:
            return
        here, ticket_id, other = self.fault.ticket_id, self.merge.keeper_id, self.fault.ticket_id
        if self.merge.is_across or name == "separated":  # another customer's number is not theirs to know
            ticket_id, other = here, "" if self.merge.is_across else self.merge.keeper_id
        key = f"{ticket_workflow_id(here)}/{self.seq}/{name}"
        self.letters.send(Letter(key, ticket_id, f"tickets/{name}", values={"other": other}))

    @workflow.update(name="merge")
    async def go_on_in(self, merge: Merge) -> TicketStatus:
        """An agent lets the ticket go on in another one; answered once both rows say so."""
        async with self.step("merge"):
            before = self.status, tuple(self.waits.open.values())
            self.waits.end_all()
            self.begin(
                "merged", WaitFor.US, TicketStatus.MERGED, what="merged", details={"other": merge.keeper_id}
            )
            change = self.change(
                "tickets.merged", TicketStatus.MERGED, merge, details={"other": merge.keeper_id}
            )
            step = MergeStep(change, merge.keeper_id, merge.is_across)
            done = await workflow.execute_activity_method(
                TicketActivities.merge, step, summary=told(SENTENCES["tickets.merged"]), **ROWS
            )
            if done.refusal:
                self.seq -= 1
                self.resume(before[1])
                self.waits.take()  # the rows know them already
                raise refuse(done.refusal)
            self.merge, self.before, self.is_told = merge, before, False
            self.arrive(TicketStatus.MERGED, done)
        return self.status

    @go_on_in.validator
    def refuse_merge(self, merge: Merge) -> None:
        self.refuse_early("merge")
        if merge.keeper_id == self.fault.ticket_id:
            raise refuse("merge_same")

    @workflow.update(name="unmerge")
    async def be_given_back(self, unmerge: Unmerge) -> TicketStatus:
        """An agent undoes the merge; answered once both rows are as they were."""
        async with self.step("unmerge"):
            if self.merge is None or self.is_settled:
                raise refuse("merge_final")
            status, waits = self.before
            now = tuple(self.waits.open.values())
            self.waits.end("merged")
            self.resume(waits)
            details = {"other": self.merge.keeper_id}
            change = self.change("tickets.unmerged", status, unmerge, details=details)
            step = MergeStep(change, self.merge.keeper_id)
            done = await workflow.execute_activity_method(
                TicketActivities.unmerge, step, summary=told(SENTENCES["tickets.unmerged"]), **ROWS
            )
            if done.refusal:
                self.seq -= 1
                self.waits.end_all()
                self.resume(now)
                self.waits.take()
                raise refuse(done.refusal)
            self.arrive(status, done)
            self.tell_merge("separated")
            self.merge = None
            if self.is_snoozed:
                self.watch_the_rest()
        return self.status

    @be_given_back.validator
    def refuse_unmerge(self, unmerge: Unmerge) -> None:
        self.refuse_early("unmerge")

    def resume(self, waits: tuple[Wait, ...]) -> None:
        """Wait again for what was waited for."""
        for wait in waits:
            self.waits.begin(wait)

    def arrive(self, status: TicketStatus, done: KinRecorded) -> None:
        """The rows are written; now the ticket is in that status."""
        self.status = status
        if done.recorded is not None:
            self.settle_clocks(done.recorded)
        self.show_stage()

    @workflow.signal
    def merge_settled(self, fact: MergeSettled) -> None:
        """The ticket that this one goes on in is resolved or over: the merge stays."""
        if self.status is TicketStatus.MERGED:
            self.is_settled = True

    async def pass_on(self, fact: CustomerWrote) -> bool:
        """A merged ticket hands what it hears to the one that it goes on in."""
        if self.status is not TicketStatus.MERGED or self.merge is None:
            return False
        keeper = workflow.get_external_workflow_handle(ticket_workflow_id(self.merge.keeper_id))
        try:
            await keeper.signal("customer_wrote", fact)
        except ApplicationError:
            workflow.logger.info("%s is over already", self.merge.keeper_id)
        return True

    # A split

    @workflow.update(name="split")
    async def give_away(self, split: Split) -> TicketStatus:
        """An agent makes a ticket of its own of some messages; answered once they have moved."""
        async with self.step("split"):
            change = self.change("tickets.split", self.status, split)
            key = f"{ticket_workflow_id(self.fault.ticket_id)}/{split.actor_id}/{split.id}"
            step = SplitStep(change, split.message_ids, split.subject, key)
            done = await workflow.execute_activity_method(
                TicketActivities.split, step, summary="Make a ticket of some of its messages", **ROWS
            )
            if done.refusal:
                self.seq -= 1
                raise refuse(done.refusal)
            self.arrive(self.status, done)
        return self.status

    @give_away.validator
    def refuse_split(self, split: Split) -> None:
        self.refuse_early("split")
        if not split.message_ids:
            raise refuse("split_nothing")
