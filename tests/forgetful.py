"""A ticket whose story was changed without a patch: it forgets to open itself."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.messages.tickets import FaultReport, TicketStatus


@workflow.defn(name="Ticket")
class ForgetfulTicketWorkflow:
    """Waits where the real one opens the ticket."""

    @workflow.run
    async def run(self, fault: FaultReport) -> TicketStatus:
        await workflow.sleep(1)
        return TicketStatus.CLOSED
