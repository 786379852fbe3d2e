"""Lives that forget: a ticket that does not open itself, a request that believes only what it heard."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.messages.employee_requests.items import StepKind
    from models.messages.employee_requests.requests import RequestOrder, RequestStatus, StepStatus
    from models.messages.tickets import FaultReport, TicketStatus
    from workflows.employee_requests import EmployeeRequestWorkflow


@workflow.defn(name="Ticket")
class ForgetfulTicketWorkflow:
    """Waits where the real one opens the ticket."""

    @workflow.run
    async def run(self, fault: FaultReport) -> TicketStatus:
        await workflow.sleep(1)
        return TicketStatus.CLOSED


@workflow.defn(name="EmployeeRequest")
class ForgetfulRequestWorkflow(EmployeeRequestWorkflow):
    """Takes back only what it knows to be done, not what was asked for and never answered."""

    @workflow.init
    def __init__(self, order: RequestOrder) -> None:
        super().__init__(order)

    @workflow.run
    async def run(self, order: RequestOrder) -> RequestStatus:
        return await super().run(order)

    async def undo_everything(self) -> None:
        """The naive way."""
        for state in sorted(self.steps.values(), key=lambda one: one.seq, reverse=True):
            if state.kind is StepKind.CALL and state.status is StepStatus.DONE:
                await self.undo(state)
