"""The life of one deposit: it settles what is owed, and what nobody claims waits for finance."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments import DepositActivities
    from models.messages.journeys import Wait, WaitFor
    from models.messages.payments.deposits import (
        Allocated,
        AllocateDeposit,
        BillCame,
        DepositCommand,
        DepositOrder,
        DepositStatus,
        ReturnDeposit,
        WaitDeposit,
        deposit_workflow_id,
    )
    from workflows.kit.options import ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.waiting import Waits

UNCLAIMED = (DepositStatus.SUSPENSE, DepositStatus.KEPT)


@workflow.defn(name="Deposit")
class DepositWorkflow:
    """One deposit, alive until all of it is allocated or given back."""

    @workflow.init
    def __init__(self, order: DepositOrder) -> None:
        self.order = order
        self.status = DepositStatus.RECEIVED
        self.seq = 0
        self.waits = Waits()
        self.is_busy = False
        self.has_bill = False

    @workflow.run
    async def run(self, order: DepositOrder) -> DepositStatus:
        await self.allocate()
        while self.status is DepositStatus.KEPT:
            await self.wait_for_a_bill()
        if self.status is DepositStatus.SUSPENSE:
            await self.wait_for_finance()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status

    async def wait_for_a_bill(self) -> None:
        """It lies on the account until a bill comes, or finance gives it back."""
        subject = deposit_workflow_id(self.order.deposit_id)
        may = ("allocate_to", "give_back")
        self.waits.begin(Wait("kept", subject, "", WaitFor.SYSTEM, "kept", workflow.now(), may=may))
        await self.say_waits("Say that it lies on the account")
        await self.waits.until("kept", lambda: self.has_bill or self.status is not DepositStatus.KEPT)
        self.waits.end("kept")
        await self.say_waits("Say that it lies there no more")
        await workflow.wait_condition(lambda: not self.is_busy)
        if self.has_bill and self.status is DepositStatus.KEPT:
            self.has_bill = False
            await self.allocate()

    async def say_waits(self, summary: str) -> None:
        """Write what is waited for."""
        await workflow.execute_activity_method(
            DepositActivities.wait_deposit,
            WaitDeposit(self.order.deposit_id, self.waits.take()),
            summary=summary,
            **ROWS,
        )

    async def wait_for_finance(self) -> None:
        """Somebody has to say whose it is, or give it back."""
        subject = deposit_workflow_id(self.order.deposit_id)
        may = ("allocate_to", "give_back")
        self.waits.begin(Wait("unclaimed", subject, "", WaitFor.US, "unclaimed", workflow.now(), may=may))
        await self.say_waits("Say that finance is asked")
        await self.waits.until("unclaimed", lambda: self.status is not DepositStatus.SUSPENSE)
        self.waits.end("unclaimed")
        await self.say_waits("Say that nobody is asked any more")

    async def allocate(self, command: DepositCommand | None = None) -> Allocated:
        """Settle what the customer owes, as far as the money goes."""
        self.seq += 1
        asked = AllocateDeposit(
            self.order.deposit_id, self.seq, workflow.now(), command.customer_id if command else "",
            command.actor_id if command else None,
        )  # fmt: skip
        done = await workflow.execute_activity_method(
            DepositActivities.allocate_deposit,
            asked,
            summary=f"Allocate the deposit {self.order.deposit_id}",
            **ROWS,
        )
        self.status = done.status
        return done

    @workflow.signal
    def bill_came(self, fact: BillCame) -> None:
        """Its customer owes something now."""
        self.has_bill = True

    @workflow.update
    async def allocate_to(self, command: DepositCommand) -> DepositStatus:
        """Finance says whose it is; answered once the books say so."""
        self.is_busy = True
        await self.allocate(command)
        self.is_busy = False
        return self.status

    @allocate_to.validator
    def refuse_what_is_claimed(self, command: DepositCommand) -> None:
        if self.status not in UNCLAIMED or self.is_busy:
            raise refuse("deposit_not_unclaimed")

    @workflow.update
    async def give_back(self, command: DepositCommand) -> DepositStatus:
        """Finance has given the rest back; answered once the books say so."""
        self.is_busy = True
        self.seq += 1
        asked = ReturnDeposit(
            self.order.deposit_id, self.seq, workflow.now(), command.actor_id, command.reason
        )
        done = await workflow.execute_activity_method(
            DepositActivities.return_deposit,
            asked,
            summary=f"Book that {self.order.deposit_id} was given back",
            **ROWS,
        )
        self.status, self.is_busy = done.status, False
        return self.status

    @give_back.validator
    def refuse_to_give_back_what_is_claimed(self, command: DepositCommand) -> None:
        if self.status not in UNCLAIMED or self.is_busy:
            raise refuse("deposit_not_unclaimed")
