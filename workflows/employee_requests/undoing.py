"""How a request ends: what was done is undone in reverse order, and whoever waits for it is told."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from models.messages.employee_requests.items import Moment, StepKind
    from models.messages.employee_requests.lives import StepEnd, StepState, TaskState
    from models.messages.employee_requests.requests import (
        ChildSettled,
        RequestStatus,
        StepStatus,
        TaskStatus,
        Withdrawn,
        request_workflow_id,
    )
    from models.messages.journeys import Wait, WaitFor
    from workflows.employee_requests.steps import code_of
    from workflows.employee_requests.walking import Walking

MOMENTS = {
    RequestStatus.DONE: Moment.DONE,
    RequestStatus.REJECTED: Moment.REJECTED,
    RequestStatus.CANCELLED: Moment.CANCELLED,
    RequestStatus.FAILED: Moment.CANCELLED,
}


class Undoing(Walking):
    """The end of a request."""

    async def end(self) -> None:
        """Let nobody work for it any more, undo what was done, and say how it ended."""
        assert self.ending is not None
        ending = self.ending
        if ending.status is not RequestStatus.DONE:
            async with self.turn:
                self.waits.end_all()
                await self.record(voids=True)
            await self.undo_everything()
        async with self.turn:
            self.waits.end_all()
            sentence = f"employee_requests.{ending.status.value}"
            await self.record(
                sentence, ending.command, status=ending.status, voids=True, reason=ending.reason
            )
            self.tell_how_it_ended(ending.status)
        await self.tell_asker()

    async def undo_everything(self) -> None:
        """What was begun last is undone first; what may have been done without our hearing of it, too."""
        for state in sorted(self.steps.values(), key=lambda one: (one.seq, one.path), reverse=True):
            if state.kind is StepKind.CALL and state.status in (StepStatus.DONE, StepStatus.ACTIVE):
                await self.undo(state)
            elif state.kind is StepKind.REQUEST and state.status is StepStatus.ACTIVE:
                await self.withdraw_child(state)

    async def undo(self, state: StepState) -> None:
        """Have the outside system take one operation back; what it refuses is a colleague's task."""
        call = self.step_of(state.path).call
        if call is None or not call.undo:
            return
        async with self.turn:
            self.waits.begin(self.undo_wait(state.path, "request_undo", WaitFor.SYSTEM))
            await self.record()
        try:
            await self.ask_system(state.path, call.connector, call.undo, is_undo=True)
        except ActivityError as failure:
            code_of(failure)
            await self.undo_by_hand(state.path)
        async with self.turn:
            self.waits.end(f"undo:{state.path}")
            await self.record("employee_requests.undone", step=StepEnd(state.path, StepStatus.UNDONE))

    async def undo_by_hand(self, path: str) -> None:
        """Wait until somebody of the owning team has undone it."""
        task = TaskState(f"{self.order.request_id}.{path}.undo", path, TaskStatus.OPEN, self.item.owner_team)
        async with self.turn:
            self.waits.end(f"undo:{path}")
            self.waits.begin(self.undo_wait(path, "undo_by_hand", WaitFor.US))
            self.tasks[task.id] = task
            await self.record("employee_requests.undo_by_hand", path=path, by_hand=path)
            self.send("undo_by_hand", path=path)
        await workflow.wait_condition(lambda: self.tasks[task.id].status is TaskStatus.DONE)

    def undo_wait(self, path: str, what: str, who: WaitFor) -> Wait:
        subject = request_workflow_id(self.order.request_id)
        return Wait(f"undo:{path}", subject, "", who, what, workflow.now(), case_id=self.order.request_id)

    async def withdraw_child(self, state: StepState) -> None:
        """Whoever asked does not need it any more; one that is over already needs no telling."""
        if state.path in self.children or not state.child_id:
            return
        await self.signal(
            request_workflow_id(state.child_id), "withdrawn", Withdrawn(state.child_id, workflow.now())
        )

    def tell_how_it_ended(self, status: RequestStatus) -> None:
        """The item's own words for this moment, else ours."""
        moment = MOMENTS[status]
        if any(notice.moment is moment for notice in self.item.messages):
            self.send("notice", moment=moment.value)
        else:
            self.send("ended", moment=status.value)

    async def tell_asker(self) -> None:
        """Tell the request or ticket that waits for how this one ends."""
        order = self.order
        if order.asked_by_workflow:
            fact = ChildSettled(order.request_id, order.asked_by_path, self.status, workflow.now())
            await self.signal(order.asked_by_workflow, "child_settled", fact)

    async def signal(self, workflow_id: str, name: str, fact: ChildSettled | Withdrawn) -> None:
        try:
            await workflow.get_external_workflow_handle(workflow_id).signal(name, fact)
        except ApplicationError:
            workflow.logger.info("%s is over already", workflow_id)
