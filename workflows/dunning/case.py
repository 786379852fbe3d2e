"""The life of one overdue account: step by step for months, until nothing is overdue or it is given up."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.messages.dunning import (
        CaseStatus,
        DeviceReturned,
        Dispute,
        DunningCommand,
        DunningOrder,
        Hold,
        HoldKind,
        MoneyCame,
        NewHold,
        NewPromise,
        Outlook,
        Promise,
        PromiseStatus,
        Resolution,
        Rest,
        Skip,
    )
    from models.messages.tickets import TicketSettled
    from models.rules import dunning as rules
    from workflows.dunning.steps import DunningSteps
    from workflows.kit.refusals import refuse


@workflow.defn(name="Dunning")
class DunningWorkflow(DunningSteps):
    """One case, alive until it is paid, written off or given up, and what it switched off runs again."""

    @workflow.init
    def __init__(self, order: DunningOrder) -> None:
        super().__init__(order)

    @workflow.run
    async def run(self, order: DunningOrder) -> CaseStatus:
        """Tell the story: one wait at a time, and money ends it at any moment."""
        async with self.turn:
            await self.look()
            if self.is_open:
                details = {"amount": self.amount(self.outlook.overdue_minor)}
                details["since"] = order.overdue_since.isoformat()
                await self.record("dunning.opened", details=details)
        while self.is_open:
            if self.outlook.overdue_minor <= 0:
                await self.be_paid()
                continue
            has_news = await self.waits.until("dunning", lambda: self.is_moved or not self.is_open)
            async with self.turn:
                self.is_moved = False
                if self.is_open:
                    await self.go_on(has_news)
        await self.letters.all_sent()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.outlook.status

    async def go_on(self, has_news: bool) -> None:
        """News are looked at; a rest that is over ends; else the next step is taken."""
        if has_news:
            await self.look()
        elif self.outlook.rest is not None:
            await self.stop_resting(self.outlook.rest)
        else:
            await self.take()

    async def be_paid(self) -> None:
        """Nothing is overdue any more: the case ends at once, and what was switched off runs again."""
        was_suspended = self.outlook.is_suspended
        async with self.turn:
            if not self.is_open:
                return
            await self.end(CaseStatus.PAID, "dunning.paid", is_public=True)
        if was_suspended:
            await self.switch_on_again()

    async def stop_resting(self, rest: Rest) -> None:
        """A promised day has passed without the money, or a hold is over."""
        if rest is Rest.PROMISE:
            await self.record("dunning.promise_broken", promise_ends=PromiseStatus.BROKEN)
        else:
            await self.record("dunning.hold_expired", hold_ends=HoldKind.HOLD, outcome="expired")
        await self.look()

    async def moved(self) -> Outlook:
        """After somebody's word: read how the case stands now, and wake the story."""
        await self.look()
        self.is_moved = True
        return self.outlook

    # What people say

    @workflow.update
    async def promise(self, command: Promise) -> Outlook:
        """The customer promises a day; nothing happens before it has passed."""
        async with self.turn:
            self.refuse_promise(command)
            made = NewPromise(f"{self.order.case_id}.{command.id}", command.pay_on, command.actor_id)
            details = {
                "amount": self.amount(self.outlook.overdue_minor), "pay_on": command.pay_on.isoformat(),
            }  # fmt: skip
            await self.record("dunning.promised", command, promise=made, details=details, is_public=True)
            return await self.moved()

    @promise.validator
    def refuse_promise(self, command: Promise) -> None:
        self.refuse_what_is_over()
        today = rules.today(workflow.now())
        if code := rules.promise_refusal(self.order.terms, self.outlook, command.pay_on, today):
            raise refuse(code)

    @workflow.update
    async def dispute(self, command: Dispute) -> Outlook:
        """The customer says that they do not owe it; the case rests until we have decided."""
        async with self.turn:
            self.refuse_dispute(command)
            hold = NewHold(
                f"{self.order.case_id}.{command.id}", HoldKind.DISPUTE, command.actor_id, command.reason,
                command.invoice_id,
            )  # fmt: skip
            await self.record("dunning.disputed", command, hold=hold, is_public=True)
            return await self.moved()

    @dispute.validator
    def refuse_dispute(self, command: Dispute) -> None:
        self.refuse_what_is_over()
        if self.outlook.has_dispute:
            raise refuse("dispute_open")

    @workflow.update
    async def resolve_dispute(self, command: Resolution) -> Outlook:
        """We have decided; an invoice that was wrong is taken back on its own page."""
        async with self.turn:
            self.refuse_resolution(command)
            outcome = "upheld" if command.is_upheld else "rejected"
            await self.record(
                f"dunning.dispute_{outcome}", command, hold_ends=HoldKind.DISPUTE, outcome=outcome,
                is_public=True,
            )  # fmt: skip
            return await self.moved()

    @resolve_dispute.validator
    def refuse_resolution(self, command: Resolution) -> None:
        self.refuse_what_is_over()
        if not self.outlook.has_dispute:
            raise refuse("no_dispute")

    @workflow.update
    async def hold(self, command: Hold) -> Outlook:
        """We wait ourselves until the end of a day."""
        async with self.turn:
            self.refuse_hold(command)
            hold = NewHold(
                f"{self.order.case_id}.{command.id}", HoldKind.HOLD, command.actor_id, command.reason,
                until_on=command.until_on,
            )  # fmt: skip
            details = {"until_on": command.until_on.isoformat(), "reason": command.reason}
            await self.record("dunning.held", command, hold=hold, details=details)
            return await self.moved()

    @hold.validator
    def refuse_hold(self, command: Hold) -> None:
        self.refuse_what_is_over()
        today = rules.today(workflow.now())
        if code := rules.hold_refusal(self.order.terms, self.outlook, command.until_on, today):
            raise refuse(code)

    @workflow.update
    async def release(self, command: DunningCommand) -> Outlook:
        """A hold ends early."""
        async with self.turn:
            self.refuse_release(command)
            await self.record("dunning.released", command, hold_ends=HoldKind.HOLD, outcome="released")
            return await self.moved()

    @release.validator
    def refuse_release(self, command: DunningCommand) -> None:
        self.refuse_what_is_over()
        if not self.outlook.has_hold:
            raise refuse("no_hold")

    @workflow.update
    async def skip(self, command: Skip) -> Outlook:
        """The next step is left out; the page says which one it meant."""
        async with self.turn:
            self.refuse_skip(command)
            details = {"step": self.order.terms.steps[command.position].kind.value}
            await self.record("dunning.skipped", command, skips=command.position, details=details)
            return await self.moved()

    @skip.validator
    def refuse_skip(self, command: Skip) -> None:
        self.refuse_what_is_over()
        if self.outlook.position < 0 or command.position != self.outlook.position:
            raise refuse("step_differs")

    @workflow.update
    async def write_off(self, command: DunningCommand) -> Outlook:
        """Finance gives the money up; answered once the books say so."""
        async with self.turn:
            self.refuse_what_is_over()
            await self.give_up_what_is_owed(command.reason, command)
            if self.is_open:
                self.is_moved = True
                raise refuse("payment_under_way")
            return self.outlook

    @write_off.validator
    def refuse_write_off(self, command: DunningCommand) -> None:
        self.refuse_what_is_over()

    @workflow.update
    async def give_up(self, command: DunningCommand) -> Outlook:
        """Dunning stops, the invoices stay owed; nobody is dunned again for what is overdue today."""
        async with self.turn:
            self.refuse_what_is_over()
            details = {"reason": command.reason}
            await self.end(CaseStatus.GIVEN_UP, "dunning.given_up", command, details)
            return self.outlook

    @give_up.validator
    def refuse_to_give_up(self, command: DunningCommand) -> None:
        self.refuse_what_is_over()

    def refuse_what_is_over(self) -> None:
        """A case that is paid, written off or given up takes no word any more."""
        if not self.is_open:
            raise refuse("case_over")

    # What others tell

    @workflow.signal
    def money_received(self, fact: MoneyCame) -> None:
        """Money was booked: how much is still overdue stands in the tables."""
        self.is_moved = True

    @workflow.signal
    async def ticket_settled(self, fact: TicketSettled) -> None:
        """The colleague has called, or will not."""
        async with self.turn:
            await self.record("dunning.called", status=self.outlook.status)

    @workflow.signal
    async def return_settled(self, fact: DeviceReturned) -> None:
        """A device is back, or will not come."""
        async with self.turn:
            await self.record("dunning.returned", status=self.outlook.status)

    @workflow.query(name="status")
    def current_state(self) -> Outlook:
        """For operations and tests."""
        return self.outlook

    @workflow.query(name="now")
    def current_time(self) -> datetime:
        """The time in this life; tests move it."""
        return workflow.now()
