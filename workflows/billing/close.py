"""The close of one month's books, from the first look to the ERP's answer, and reopening it by two people."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.billing import CloseActivities
    from models.kit.money import shown
    from models.messages.billing.close import (
        Accepted,
        Acknowledged,
        Check,
        CheckStatus,
        CloseAt,
        CloseBegun,
        CloseCommand,
        CloseOrder,
        CloseStep,
        Found,
        JournalEntry,
        PeriodStatus,
        close_workflow_id,
    )
    from models.messages.journeys import Wait, WaitFor
    from models.rules.billing import close as rules
    from workflows.kit.options import ACCOUNTING, ROWS, SLICES
    from workflows.kit.refusals import refuse
    from workflows.kit.schedules import appointed_day, start_once
    from workflows.kit.waiting import Waits

HELD = ("close_checks", "close_tie_out", "erp_repair")


@workflow.defn(name="MonthEnd")
class MonthEndWorkflow:
    """What the calendar begins on the first of a month: the close of the month before, once."""

    @workflow.run
    async def run(self) -> bool:
        month = rules.month_before(appointed_day())
        order = CloseOrder(month.id)
        return await start_once("Close", order, close_workflow_id(month.id), f"Close the books of {month.id}")


@workflow.defn(name="Close")
class CloseWorkflow:
    """One month's books, until they are closed and can no longer be reopened."""

    @workflow.init
    def __init__(self, order: CloseOrder) -> None:
        self.order = order
        self.period = order.period_id
        self.status = PeriodStatus.OPEN
        self.round = 1
        self.seq = 0
        self.waits = Waits()
        self.pen = asyncio.Lock()  # one step is written at a time
        self.found: tuple[Found, ...] = ()  # what the last look found
        self.again = False  # somebody wants us to look or ask again
        self.started = True  # false after a reopening, until somebody closes it again
        self.reopen_asked_by = ""
        self.reopened = False

    @workflow.run
    async def run(self, order: CloseOrder) -> int:
        begun: CloseBegun = await workflow.execute_activity_method(
            CloseActivities.begin_close,
            args=[order, workflow.now()],
            summary=f"Begin to close {self.period}",
            **ROWS,
        )
        self.round = begun.round
        await self.record("billing.close_begun", actor=order.asked_by)
        while True:
            await self.clear("close_checks", self.look)
            await self.lock()
            await self.clear("close_tie_out", self.tie_out)
            await self.tell_the_erp()
            self.waits.end(*HELD, "erp")
            self.status = PeriodStatus.CLOSED
            if not await self.is_reopened():
                break
            await self.wait_for_a_new_start()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.round

    def at(self) -> CloseAt:
        """Which round works now."""
        return CloseAt(self.period, self.round, workflow.now())

    async def look(self) -> tuple[Found, ...]:
        """Everything that must be done before the month is locked."""
        return await workflow.execute_activity_method(
            CloseActivities.check_before_close, self.at(), summary=f"Look at {self.period}", **SLICES
        )

    async def lock(self) -> None:
        """Nothing more is posted to the month; then what is not earned yet is moved out of it."""
        await workflow.execute_activity_method(
            CloseActivities.lock_period, self.at(), summary=f"Lock {self.period}", **SLICES
        )
        self.status = PeriodStatus.CLOSING
        await self.record("billing.close_locked")
        await workflow.execute_activity_method(
            CloseActivities.defer, self.at(), summary="Move what is not earned yet", **SLICES
        )

    async def tie_out(self) -> tuple[Found, ...]:
        """The books against the documents and payments behind them."""
        return await workflow.execute_activity_method(
            CloseActivities.tie_out, self.at(), summary=f"Tie {self.period} out", **SLICES
        )

    async def clear(self, key: str, ask: Callable[[], Awaitable[tuple[Found, ...]]]) -> None:
        """Ask until nothing is in the way: again each hour, and whenever finance has repaired or accepted."""
        held: tuple[Check, ...] = ()
        while True:
            self.again = False
            self.found = await ask()
            in_the_way = rules.in_the_way(self.found)
            if not in_the_way:
                return self.waits.end(key)
            self.hold(key, self.order.check_again_minutes, "check_again", {"count": str(len(in_the_way))})
            now_held = tuple(one.check for one in in_the_way)
            sentence = "billing.close_held" if now_held != held else ""
            held = now_held
            await self.record(sentence, {"count": str(len(in_the_way))})
            await self.waits.until(key, lambda: self.again)

    async def tell_the_erp(self) -> None:
        """Send the sums once: what is away is waited for, what is refused or differs is for finance."""
        entry: JournalEntry = await workflow.execute_activity_method(
            CloseActivities.sum_up, self.at(), summary=f"Sum {self.period} up", **SLICES
        )
        if not entry.lines:
            return
        while True:
            self.waits.end(*HELD)
            self.hold("erp", 0, "", {}, WaitFor.SYSTEM)
            await self.record("")
            sentence, details = await self.send(entry)
            self.waits.end("erp")
            if not sentence:
                return
            self.again = False
            self.hold("erp_repair", 24 * 60, "ask_erp_again", {})
            await self.record(sentence, details)
            await self.waits.until("erp_repair", lambda: self.again)

    async def send(self, entry: JournalEntry) -> tuple[str, dict[str, str]]:
        """Draft, post, compare; what the ERP or the comparison says against it, or nothing."""
        try:
            document_id: int = await workflow.execute_activity_method(
                CloseActivities.draft_posting, entry, summary=f"Draft {entry.key} in the ERP", **ACCOUNTING
            )
            document = await workflow.execute_activity_method(
                CloseActivities.post_draft,
                args=[document_id, entry.key],
                summary=f"Post {entry.key} in the ERP",
                **ACCOUNTING,
            )
        except ActivityError as failure:
            no = failure.cause
            if not isinstance(no, ApplicationError) or no.type != "erp_refused":
                raise
            return "billing.close_refused", {"reason": no.message}
        found = await workflow.execute_activity_method(
            CloseActivities.acknowledge,
            Acknowledged(self.period, entry.key, document, workflow.now()),
            summary=f"Compare {entry.key}",
            **ROWS,
        )
        self.found = (found,)
        await self.record("billing.close_sent", {"document": document.number})
        differs = found.status is CheckStatus.DIFFERS
        return ("billing.close_differs", {"amount": shown(found.amount_minor)}) if differs else ("", {})

    async def is_reopened(self) -> bool:
        """Closed; for some weeks two people may still reopen it, then it is final."""
        self.reopened, self.reopen_asked_by = False, ""
        until = workflow.now() + timedelta(days=self.order.reopen_days)
        self.begin("reopening", WaitFor.TIMER, until, "close_final", ("reopen",), {"period": self.period})
        await self.record("billing.closed")
        await self.waits.until("reopening", lambda: self.reopened)
        if not self.reopened:
            self.waits.end("reopening")
            await self.record("billing.close_final")
        return self.reopened

    async def wait_for_a_new_start(self) -> None:
        """Reopened: corrections are posted, then somebody closes the month again."""
        self.begin("close_start", WaitFor.US, None, "", ("start",), {"period": self.period})
        await self.record("")
        await self.waits.until("close_start", lambda: self.started)
        self.waits.end("close_start")
        await self.record("billing.close_begun")

    def hold(
        self, key: str, minutes: int, then: str, details: dict[str, str], who: WaitFor = WaitFor.US
    ) -> None:
        """Begin to wait for a repair, or for the ERP."""
        until = workflow.now() + timedelta(minutes=minutes) if minutes else None
        self.begin(key, who, until, then, ("retry", "accept") if who is WaitFor.US else (), details)

    def begin(
        self, key: str, who: WaitFor, until: Any, then: str, may: tuple[str, ...], details: dict[str, str]
    ) -> None:
        """Begin a wait of this month."""
        details = {"period": self.period, **details}
        subject = close_workflow_id(self.period)
        wait = Wait(
            key, subject, "", who, key, workflow.now(), until, then, may, details, case_id=self.period
        )
        self.waits.begin(wait)

    async def record(
        self, sentence: str, details: dict[str, str] | None = None, actor: str = "", *, reopens: bool = False
    ) -> None:
        """Write one step of the close."""
        async with self.pen:
            self.seq += 1
            step = CloseStep(
                self.period, self.seq, workflow.now(), sentence, self.status, actor, details or {},
                self.waits.take(), reopens,
            )  # fmt: skip
            await workflow.execute_activity_method(
                CloseActivities.record_close,
                step,
                summary=f"Record that {self.period} is {self.status.value}",
                **ROWS,
            )

    @workflow.update
    async def retry(self, command: CloseCommand) -> int:
        """Finance has repaired something: look or ask again. Answered at once with the round."""
        self.again = True
        return self.round

    @retry.validator
    def refuse_to_retry_nothing(self, command: CloseCommand) -> None:
        if not any(key in self.waits.open for key in HELD):
            raise refuse("nothing_to_accept")

    @workflow.update
    async def accept(self, command: CloseCommand) -> int:
        """Finance accepts what was found, with a reason; answered once the row says so."""
        accepted = Accepted(Check(command.check), command.actor_id, command.reason, workflow.now())
        try:
            await workflow.execute_activity_method(
                CloseActivities.accept_difference,
                args=[self.period, self.round, accepted],
                summary=f"Accept {command.check}",
                **ROWS,
            )
        except ActivityError as refused:
            raise refused.cause or refused from refused
        details = {"check": command.check, "reason": command.reason}
        await self.record("billing.close_accepted", details, command.actor_id)
        self.again = True
        return self.round

    @accept.validator
    def refuse_to_accept_nothing(self, command: CloseCommand) -> None:
        if command.check not in {one.check for one in rules.in_the_way(self.found)}:
            raise refuse("nothing_to_accept")
        if not command.reason.strip():
            raise refuse("reason_missing")

    @workflow.update
    async def reopen(self, command: CloseCommand) -> int:
        """One of finance asks, another one agrees; answered once the row says so."""
        details = {"reason": command.reason}
        if not self.reopen_asked_by:
            self.reopen_asked_by = command.actor_id
            await self.record("billing.reopen_asked", details, command.actor_id)
            return self.round
        try:
            await self.record("billing.reopened", details, command.actor_id, reopens=True)
        except ActivityError as refused:
            raise refused.cause or refused from refused
        self.status, self.started, self.reopened = PeriodStatus.OPEN, False, True
        self.waits.end("reopening")
        self.round += 1
        return self.round

    @reopen.validator
    def refuse_to_reopen_alone(self, command: CloseCommand) -> None:
        if "reopening" not in self.waits.open:
            raise refuse("month_not_closed")
        if not command.reason.strip():
            raise refuse("reason_missing")
        if self.reopen_asked_by == command.actor_id:
            raise refuse("second_person_needed")

    @workflow.update
    async def start(self, command: CloseCommand) -> int:
        """Finance closes a reopened month again. Answered at once with the round."""
        self.started = True
        return self.round

    @start.validator
    def refuse_to_start_what_runs(self, command: CloseCommand) -> None:
        if "close_start" not in self.waits.open:
            raise refuse("close_under_way")
