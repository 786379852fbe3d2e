"""Evidence for the tax office: every morning what is due is issued, and what is unclear is looked up."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.billing import TaxActivities
    from models.messages.billing.tax import (
        TaxLeft,
        TaxOrder,
        TaxSlice,
        TaxWait,
        WriteTaxDocuments,
        tax_workflow_id,
    )
    from models.messages.journeys import Wait, WaitFor
    from workflows.kit.options import ROWS, SETS, TAX
    from workflows.kit.schedules import appointed_day, start_once
    from workflows.kit.waiting import Waits

LONGEST = timedelta(hours=20)  # then the next day's goes on with what is left
REST = timedelta(seconds=10)  # while the agency is away


@workflow.defn(name="TaxDay")
class TaxDayWorkflow:
    """What the schedule calls every morning: the documents of that day, once."""

    @workflow.run
    async def run(self) -> bool:
        day = appointed_day()
        summary = f"Evidence for the tax office of {day}"
        return await start_once("TaxDocuments", TaxOrder(day), tax_workflow_id(day), summary)


@workflow.defn(name="TaxDocuments")
class TaxDocumentsWorkflow:
    """The documents of one day, or one document after its repair, until all of it is certain."""

    @workflow.init
    def __init__(self, order: TaxOrder) -> None:
        self.order = order
        self.waits = Waits()

    @workflow.run
    async def run(self, order: TaxOrder) -> int:
        await (self.reopen() if order.only else self.write_rows())
        ends_at, issued = workflow.now() + LONGEST, 0
        while True:
            issued += await self.work()
            left = await workflow.execute_activity_method(
                TaxActivities.left, order, summary="Count what is left", **ROWS
            )
            if not left.to_ask + left.unclear or workflow.now() >= ends_at:
                return issued
            await self.rest(left)

    async def write_rows(self) -> None:
        """A row with its key for everything that is due, before anybody is asked."""
        after = ""
        while True:
            written = await workflow.execute_activity_method(
                TaxActivities.write,
                WriteTaxDocuments(self.order.day, after, workflow.now()),
                summary=f"Write the documents that are due, after {after or 'nobody'}",
                **SETS,
            )
            if not written.last:
                return
            after = written.last

    async def reopen(self) -> None:
        """Its reason is repaired: it may be asked for again."""
        await workflow.execute_activity_method(
            TaxActivities.again, self.order, summary=f"Open {self.order.only} again", **ROWS
        )

    async def work(self) -> int:
        """Ask for what is to be asked for and look up what is unclear; how many were asked for."""
        asked = TaxSlice(workflow.now(), self.order.only)
        count = await workflow.execute_activity_method(
            TaxActivities.issue, asked, summary="Issue the next documents", **TAX
        )
        asked = TaxSlice(workflow.now(), self.order.only)
        await workflow.execute_activity_method(
            TaxActivities.look_up, asked, summary="Look up what is unclear", **TAX
        )
        return count

    async def rest(self, left: TaxLeft) -> None:
        """Wait until the next look-up is due, or the agency may be asked again."""
        now, me = workflow.now(), workflow.info().workflow_id
        until = min(max(left.next_at or now, now + REST), now + timedelta(hours=1))
        if left.to_ask:
            until = now + REST
        self.waits.begin(Wait("tax", me, "", WaitFor.SYSTEM, "tax_documents", now, until, "look_up"))
        await self.say_waits()
        await self.waits.until("tax", lambda: False)
        self.waits.end("tax")
        await self.say_waits()

    async def say_waits(self) -> None:
        """Write what is waited for."""
        told = TaxWait(workflow.info().workflow_id, self.waits.take())
        await workflow.execute_activity_method(
            TaxActivities.wait, told, summary="Say what is waited for", **ROWS
        )
