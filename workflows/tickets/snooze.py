"""Out of the queue for a while: until a time, until the customer answers, or until something happens."""

import asyncio
from datetime import datetime
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.messages.journeys import WaitFor
    from models.messages.tickets import Command, FaultReport, TicketStatus
    from models.messages.tickets.kin import Snooze, Wake
    from models.rules import tickets as rules
    from models.rules.tickets.kin import why_not_snoozed
    from workflows.kit.refusals import refuse
    from workflows.tickets.steps import TicketSteps

WAKING = frozenset(
    {
        "tickets.customer_wrote", "tickets.letter_failed", "tickets.visit_failed", "tickets.not_repairable",
        "tickets.repaired_child_open", "tickets.repaired_part_open", "tickets.child_settled",
        "tickets.child_not_done", "tickets.child_done",
    }
)  # fmt: skip
"""After these somebody has to look: whoever snoozed it did not know of them."""


class SnoozeSteps(TicketSteps):
    """A ticket that rests. Its promises go on: they are waited for beside it."""

    def __init__(self, fault: FaultReport) -> None:
        super().__init__(fault)
        self.is_snoozed = False
        self.resting: asyncio.Task[None] | None = None

    async def record(
        self, sentence: str, status: TicketStatus, command: Command | None = None, **facts: Any
    ) -> None:
        """A step that nobody could know of, or that ends the work, also ends the rest."""
        if self.is_snoozed and (sentence in WAKING or status not in rules.WORKING):
            facts |= self.awake()
            if status in rules.WORKING:
                facts["further"] = (*facts.get("further", ()), "tickets.woken")
        await super().record(sentence, status, command, **facts)

    def awake(self) -> dict[str, Any]:
        """The rest is over from now on; what the next step has to write about it."""
        self.is_snoozed = False
        self.waits.end("snooze")
        return {"sets_snooze": True}

    def rest(self, until: datetime | None) -> None:
        """Begin to rest; the same wait again moves its end."""
        self.is_snoozed = True
        facts = {"until": until, "then": "back_in_queue", "what": "snoozed_time"}
        if until is None:
            facts = {"what": "snoozed_reply"}
        who = WaitFor.CUSTOMER if until is None else WaitFor.TIMER
        self.begin("snooze", who, self.status, **facts)

    def watch_the_rest(self) -> None:
        """Wait beside the story for the end of the rest."""
        if self.resting is None or self.resting.done():
            self.resting = asyncio.create_task(self.wake_in_time())

    async def wake_in_time(self) -> None:
        """Back at the exact time; whoever moves the time meanwhile is followed."""
        while self.is_snoozed and "snooze" in self.waits.open:
            if await self.waits.until("snooze", lambda: not self.is_snoozed):
                return
            async with self.turn:
                if self.is_snoozed and self.has_passed("snooze"):
                    await self.record("tickets.snooze_over", self.status, **self.awake())

    def refuse_rest(self, snooze: Snooze) -> None:
        turn = self.waits.open.get("turn")
        deadline = turn.until if turn is not None else None
        if code := why_not_snoozed(snooze.until, workflow.now(), deadline, snooze.is_past_deadline):
            raise refuse(code)

    @workflow.update
    async def snooze(self, snooze: Snooze) -> TicketStatus:
        """An agent takes the ticket out of the queue for a while; answered once the row says so."""
        async with self.step("snooze"):
            self.refuse_rest(snooze)
            self.rest(snooze.until)
            sentence, details = "tickets.snoozed_reply", {}
            if snooze.until is not None:
                sentence, details = "tickets.snoozed_until", {"until": snooze.until.isoformat()}
            await self.record(
                sentence, self.status, snooze,
                details=details, sets_snooze=True, is_snoozed=True, snoozed_until=snooze.until,
            )  # fmt: skip
            self.watch_the_rest()
        return self.status

    @snooze.validator
    def refuse_snooze(self, snooze: Snooze) -> None:
        self.refuse_early("snooze")
        self.refuse_rest(snooze)

    @workflow.update
    async def wake(self, wake: Wake) -> TicketStatus:
        """An agent takes the ticket back into the queue; answered once the row says so."""
        async with self.step("wake"):
            self.refuse_awake()
            await self.record("tickets.woken", self.status, wake, **self.awake())
        return self.status

    @wake.validator
    def refuse_wake(self, wake: Wake) -> None:
        self.refuse_early("wake")
        self.refuse_awake()

    def refuse_awake(self) -> None:
        if not self.is_snoozed:
            raise refuse("not_snoozed")
