"""How a request walks through its item: step by step, lanes beside each other, until it ends."""

import asyncio
from dataclasses import replace
from functools import partial

from temporalio import workflow
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError, is_cancelled_exception
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.employee_requests import CallActivities
    from models.messages.employee_requests.items import VISIT_ENDED, Outcome, Wait
    from models.messages.employee_requests.lives import ApprovalState, Ask, CallOrder, StepEnd, TaskWord
    from models.messages.employee_requests.requests import (
        RequestOrder,
        RequestStatus,
        StepStatus,
        request_workflow_id,
    )
    from models.rules.employee_requests import approvals as deciding
    from models.rules.employee_requests.paths import Place, path_of, place_of, step_at, steps_in
    from models.rules.employee_requests.visits import awaited_event
    from models.rules.employee_requests.waits import key_of
    from workflows.employee_requests.steps import Ending, RequestSteps, code_of
    from workflows.kit.options import DIRECTORY, OFFICE, ROWS, STOCK, ActivityOptions

LINES: dict[str, ActivityOptions] = {"directory": DIRECTORY, "equipment": STOCK, "field_service": ROWS}


class Walking(RequestSteps):
    """The interpreter: each kind of step is lived by one method."""

    async def walk(self, place: Place) -> None:
        """Live through a list of steps; what was lived through before is left alone."""
        index = 0
        while self.ending is None and index < len(steps_in(self.item, (*place, index))):
            await self.live_step(path_of((*place, index)))
            index += 1

    async def live_step(self, path: str) -> None:
        """Begin a step unless it has begun, and live it."""
        if path not in self.steps:
            await self.begin(path)
        if path in self.steps and self.is_under_way(path):
            await getattr(self, f"live_{self.steps[path].kind.value}")(path)

    # The kinds

    async def live_approval(self, path: str) -> None:
        """Wait for enough words; silence is reminded and then goes to the manager as well."""
        while self.is_under_way(path):
            approval, asked = self.step_of(path).approval, self.asked_at(path)
            assert approval is not None
            is_agreed = deciding.verdict(approval, asked)
            if is_agreed is not None:
                await self.end_approval(path, is_agreed, is_final=approval.is_final)
            elif (following := deciding.next_in_order(asked)) is not None:
                async with self.turn:
                    if self.is_under_way(path) and self.asked_at(path) == asked:
                        await self.put(Ask.NEXT, following.id)
            elif not await self.waits.until(key_of(path), partial(self.has_word, path, asked)):
                await self.break_silence(path)

    def has_word(self, path: str, asked: tuple[ApprovalState, ...]) -> bool:
        """Whether somebody has decided, or somebody else is asked by now."""
        return self.asked_at(path) != asked or self.ends(path)

    async def end_approval(self, path: str, is_agreed: bool, *, is_final: bool) -> None:
        await self.end_step(path, approved=is_agreed)
        if not is_agreed and is_final and self.ending is None:
            self.ending = Ending(RequestStatus.REJECTED)

    async def break_silence(self, path: str) -> None:
        """Remind whoever is late, or ask above them."""
        async with self.turn:
            for one in self.asked_at(path):
                due = deciding.due_of(one)
                if self.is_under_way(path) and due is not None and due <= workflow.now():
                    await self.put(Ask.OVERDUE, one.id)

    async def live_task(self, path: str) -> None:
        """Wait for the team; the first deadline that passes is told once."""
        while self.is_under_way(path):
            in_time = await self.waits.until(key_of(path), lambda: self.ends(path))
            if not in_time:
                await self.be_late(path, "employee_requests.task_late", "task_late")

    async def live_form(self, path: str) -> None:
        """Wait for the answers; remind once."""
        while self.is_under_way(path):
            in_time = await self.waits.until(key_of(path), lambda: self.ends(path))
            if not in_time:
                await self.be_late(path, "employee_requests.form_late", "form_late")

    async def be_late(self, path: str, sentence: str, letter: str) -> None:
        async with self.turn:
            if not self.is_under_way(path):
                return
            self.steps[path] = replace(self.steps[path], is_late=True)
            self.show(path)
            tasks = [one for one in self.open_tasks() if one.path == path]
            word = TaskWord(tasks[0].id, is_late=True) if tasks else None
            await self.record(sentence, path=path, task=word, late=path)
            self.send(letter, path=path)

    async def live_call(self, path: str) -> None:
        """Ask the outside system until it answers; a definite no ends the request."""
        call = self.step_of(path).call
        assert call is not None
        self.calls += 1
        if call.connector == "field_service":
            self.events.discard(VISIT_ENDED)  # what is waited for from now on is this visit
        try:
            result = await self.ask_system(path, call.connector, call.operation)
        except ActivityError as failure:
            if self.ending is not None and is_cancelled_exception(failure):
                return  # it may have been done: it is undone like everything that was
            code = code_of(failure)
            async with self.turn:
                self.waits.end(key_of(path))
                await self.record("employee_requests.call_refused", step=StepEnd(path, StepStatus.FAILED))
            self.fail(code)
            return
        finally:
            self.calls -= 1
        async with self.turn:  # also when the request ends meanwhile: what came of it is what is undone
            self.waits.end(key_of(path))
            await self.record("employee_requests.called", step=StepEnd(path, StepStatus.DONE, dict(result)))

    async def ask_system(
        self, path: str, connector: str, operation: str, *, is_undo: bool = False
    ) -> dict[str, str]:
        """One operation over the connector's own line; the end of the request calls it off."""
        order = CallOrder(self.order.request_id, path, connector, operation, is_undo)
        asked = workflow.start_activity_method(
            CallActivities.call, order,
            summary=f"{connector}: {operation}", **LINES.get(connector, OFFICE),
        )  # fmt: skip
        await workflow.wait_condition(lambda: asked.done() or (self.ending is not None and not is_undo))
        if not asked.done():
            asked.cancel()
        return dict(await asked)

    async def live_wait(self, path: str) -> None:
        """Wait until the day, or the event; when it does not come, do what is done otherwise."""
        wait = self.step_of(path).wait
        assert wait is not None
        event = self.event_of(wait)
        below = (*place_of(path), 0)
        has_begun_otherwise = path_of((*below, 0)) in self.steps
        has_come = not has_begun_otherwise and await self.waits.until(
            key_of(path), lambda: self.ends(path) or bool(event and event in self.events)
        )
        if self.ending is not None:
            return
        if wait.event and not has_come:
            async with self.turn:
                self.waits.end(key_of(path))
                if not has_begun_otherwise:
                    await self.record("employee_requests.not_arrived", path=path)
            await self.walk(below)
            return await self.end_step(path, arrived=False)
        sentence = "employee_requests.arrived" if wait.event else "employee_requests.day_came"
        return await self.end_step(path, sentence, arrived=True)

    def event_of(self, wait: Wait) -> str:
        """What is listened for; each visit has an event of its own."""
        if wait.event != VISIT_ENDED or not workflow.patched("2026-11-visits-apart"):
            return wait.event
        return awaited_event(self.item, wait, self.steps.values())

    async def live_branch(self, path: str) -> None:
        """Take the case that was chosen when the step began."""
        await self.walk((*place_of(path), self.steps[path].chosen))
        await self.end_step(path)

    async def live_parallel(self, path: str) -> None:
        """Every lane at once."""
        lanes = range(len(self.step_of(path).lanes))
        walks = [asyncio.create_task(self.walk((*place_of(path), lane))) for lane in lanes]
        await asyncio.gather(*walks)
        await self.end_step(path)

    async def live_each(self, path: str) -> None:
        """One round for each element, one after the other."""
        for number in range(self.steps[path].chosen):
            await self.walk((*place_of(path), number))
        await self.end_step(path, count=self.steps[path].chosen)

    async def live_message(self, path: str) -> None:
        """The letter is on its way."""
        await self.end_step(path)

    async def live_request(self, path: str) -> None:
        """Start the other request, and wait for how it ends where the item says so."""
        state = self.steps[path]
        await self.start_child(path, state.child_id)
        if state.is_waited_for:
            await self.waits.until(key_of(path), lambda: path in self.children or self.ends(path))
        if self.is_under_way(path):
            status = self.children.get(path, RequestStatus.OPEN)
            await self.end_step(
                path, "employee_requests.child_settled" if state.is_waited_for else "",
                status=status.value, request_id=state.child_id,
            )  # fmt: skip

    async def start_child(self, path: str, child_id: str) -> None:
        child = step_at(self.item, path)
        if path in self.children or child is None or child.request is None:
            return
        order = RequestOrder(
            child_id, child.request.item, 0, self.order.asked_by, self.order.for_employee_id, workflow.now(),
            asked_by_workflow=request_workflow_id(self.order.request_id), asked_by_path=path,
        )  # fmt: skip
        try:
            await workflow.start_child_workflow(
                "EmployeeRequest", order, id=request_workflow_id(child_id),
                parent_close_policy=ParentClosePolicy.ABANDON, static_summary=f"Request {child_id}",
            )  # fmt: skip
        except WorkflowAlreadyStartedError:
            workflow.logger.info("%s was asked for before", child_id)

    async def live_end(self, path: str) -> None:
        """The request is over here."""
        is_done = self.step_of(path).outcome is Outcome.DONE
        await self.end_step(path)
        if self.ending is None:
            self.ending = Ending(RequestStatus.DONE if is_done else RequestStatus.REJECTED)

    def ends(self, path: str) -> bool:
        """Whether nothing has to be waited for at this step any more."""
        return not self.is_under_way(path)
