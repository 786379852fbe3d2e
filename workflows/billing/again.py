"""Beside the runs: the letters of their invoices, and one account that is billed again."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.billing import BillAgainActivities, BillLetterActivities, BillRunActivities
    from models.messages.billing.runs import AgainAt, BillAgain, BilledAccount, TakenBack, WriteBills
    from models.messages.payments import RefundOrder, refund_workflow_id
    from models.messages.payments.deposits import DepositOrder, deposit_workflow_id
    from workflows.kit.options import BILL_LETTERS, ROWS
    from workflows.kit.schedules import start_once


@workflow.defn(name="BillLetters")
class BillLettersWorkflow:
    """The invoices of a run on their way to the customers; a slow mail system holds up nothing but this."""

    @workflow.run
    async def run(self, run: str) -> int:
        sent = 0
        slices = await workflow.execute_activity_method(
            BillRunActivities.slices_to_write, run, summary=f"Which slices of {run} have no letters", **ROWS
        )
        for number in slices:
            sent += await workflow.execute_activity_method(
                BillLetterActivities.write_bills,
                WriteBills(run, number),
                summary=f"Send the invoices of slice {number}",
                **BILL_LETTERS,
            )
            workflow.set_current_details(f"{sent} letters sent, slice {number} of {len(slices)}")
        return sent


@workflow.defn(name="BillAccount")
class BillAccountWorkflow:
    """One account billed by itself: after the repair of what parked it, or once its invoice is taken back."""

    @workflow.run
    async def run(self, order: BillAgain) -> BilledAccount:
        taken = TakenBack()
        if order.invoice_id:
            try:
                taken = await self.take_back(order)
            except ActivityError as held:
                if not isinstance(held.cause, ApplicationError) or held.cause.type != "payment_under_way":
                    raise
                return BilledAccount(skipped="payment_under_way")
            if taken.refund_minor:
                await self.give_back(order, taken)
        billed = await workflow.execute_activity_method(
            BillAgainActivities.bill_account,
            AgainAt(order, workflow.now()),
            summary=f"Bill the account again for {order.run_id}",
            **ROWS,
        )
        if taken.kept:  # it pays the new invoice first
            kept = DepositOrder(taken.kept)
            await start_once("Deposit", kept, deposit_workflow_id(taken.kept), f"Keep {taken.kept}")
        return billed

    async def take_back(self, order: BillAgain) -> TakenBack:
        """The invoice is over: cancelled while unpaid, else to be credited with its refund."""
        return await workflow.execute_activity_method(
            BillAgainActivities.take_back,
            AgainAt(order, workflow.now()),
            summary=f"Take invoice {order.invoice_id} back",
            **ROWS,
        )

    async def give_back(self, order: BillAgain, taken: TakenBack) -> None:
        """What was paid goes back by credit notes, the way it came; each refund lives its own life."""
        for number, amount in enumerate(taken.parts or (taken.refund_minor,), 1):
            refund_id = f"{order.invoice_id}.correction" + (f"-{number}" if number > 1 else "")
            refund = RefundOrder(
                refund_id, order.invoice_id, order.customer_id, "", amount, order.reason
            )  # fmt: skip
            await start_once("Refund", refund, refund_workflow_id(refund_id), f"Correct {order.invoice_id}")
