"""The clocks of a ticket: what happens when a promise is broken, when a deadline is moved from outside, and
when a rule's moment has come. The numbers come from the rows; here they are only waited for."""

import asyncio
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.tickets import TicketActivities
    from models.messages.tickets import Recorded
    from models.messages.tickets.promises import DeadlinesMoved, Target
    from workflows.kit.options import ROWS
    from workflows.tickets.steps import TicketSteps

BROKEN = {  # what is told, and by which letter
    Target.FIRST_REPLY: ("tickets.late", "late"),
    Target.NEXT_REPLY: ("tickets.reply_late", "late"),
    Target.RESOLVE: ("tickets.overdue", "overdue"),
}


class ClockSteps(TicketSteps):
    """A ticket that waits for the deadlines in its rows."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.watching: asyncio.Task[None] | None = None

    async def keep_the_promises(self) -> None:
        """Let people work; warn once for each promise that is broken, whichever comes first."""
        while self.is_worked_on():
            in_time = await self.waits.until("turn", self.has_moved_on)
            if self.has_visit_ended():
                await self.take_the_visit()
            elif not in_time:
                await self.warn()

    async def take_the_visit(self) -> None:
        """The visit's result is the ticket's fact."""
        raise NotImplementedError

    async def warn(self) -> None:
        """Tell the team or its leader which promise is broken; the next one is waited for then."""
        async with self.turn:
            turn = self.due.turn
            if turn is None or not (self.is_worked_on() and self.has_passed("turn")):
                return
            sentence, letter = BROKEN[Target(turn.target)]
            await self.record(sentence, self.status)
            self.send(letter)

    # Rules

    def watch_for_rules(self) -> None:
        """Wait beside the story for the moments at which rules are asked."""
        self.watching = asyncio.create_task(self.ring_in_time())

    def stop_watching(self) -> None:
        """Nobody asks rules about a ticket that is over."""
        if self.watching is not None:
            self.watching.cancel()

    async def ring_in_time(self) -> None:
        """Each moment as it comes; a step may move or take it away meanwhile."""
        while True:
            await workflow.wait_condition(lambda: self.alarm_at is not None)
            at = self.alarm_at
            if at is None:
                continue
            left = (at - workflow.now()).total_seconds()

            def moved(at: object = at) -> bool:
                return self.alarm_at != at

            try:
                await workflow.wait_condition(
                    moved, timeout=max(left, 0.0), timeout_summary="Until a rule is asked"
                )
            except TimeoutError:
                await self.ring()

    async def ring(self) -> None:
        """Have the rules asked whose moment has come."""
        async with self.turn:
            if self.alarm_at is None or self.alarm_at > workflow.now():
                return
            change = self.change("tickets.rung", self.status)
            recorded: Recorded = await workflow.execute_activity_method(
                TicketActivities.record, change, summary="Ask the rules whose moment has come", **ROWS
            )
            self.settle_clocks(recorded)
            await self.carry_out(recorded.effects)

    # Facts

    @workflow.signal
    async def deadlines_moved(self, fact: DeadlinesMoved) -> None:
        """The calendar or the policy has changed: the rows have other deadlines, and so have the waits."""
        async with self.turn:
            if fact.seq != self.seq:
                return  # a step after it has brought the newer ones
            self.waits.decide("turn", fact.turn.until, fact.turn.then)
            self.waits.decided("confirmation", fact.confirm_due)
            self.alarm_at = fact.alarm_at
            self.due = Recorded(
                self.due.answer_due, self.due.resolve_due, fact.confirm_due, fact.turn, fact.alarm_at,
                team_id=self.due.team_id, priority=self.due.priority,
            )  # fmt: skip
            self.show_stage()
