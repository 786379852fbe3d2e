"""What a request remembers of its steps, and how anything is written: one at a time, rows before memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.employee_requests import RequestActivities
    from models.messages.employee_requests.items import Item, Step
    from models.messages.employee_requests.lives import (
        ApprovalState,
        Ask,
        Asked,
        Asking,
        Begun,
        Place,
        RequestChange,
        Standing,
        StepEnd,
        StepState,
        TaskState,
    )
    from models.messages.employee_requests.requests import (
        OVER,
        SENTENCES,
        ApprovalStatus,
        CheckOff,
        FinishTask,
        RequestCommand,
        RequestOrder,
        RequestStatus,
        StepStatus,
        TaskStatus,
        request_workflow_id,
    )
    from models.messages.letters import Letter
    from models.rules.employee_requests import deciding
    from models.rules.employee_requests.paths import step_at
    from models.rules.employee_requests.waits import key_of, wait_of
    from workflows.kit.letters import Letters
    from workflows.kit.options import ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.search import DUE_AT, STAGE
    from workflows.kit.waiting import Waits, told

OPEN_QUESTIONS = (ApprovalStatus.PENDING, ApprovalStatus.ASKED, ApprovalStatus.LATER)


@dataclass(frozen=True)
class Ending:
    """How a request ends, and why; what was done is undone unless it is done."""

    status: RequestStatus
    reason: str = ""
    command: RequestCommand | None = None


class RequestSteps:
    """What a request knows; whatever is written is written by whoever holds the turn."""

    def __init__(self, order: RequestOrder) -> None:
        self.order = order
        self.version = order.item_version
        self.known: Item | None = None
        self.status = RequestStatus.OPEN
        self.seq = 0
        self.asker_employee_id = ""
        self.due_at: datetime | None = None
        self.steps: dict[str, StepState] = {}
        self.approvals: dict[str, ApprovalState] = {}
        self.tasks: dict[str, TaskState] = {}
        self.children: dict[str, RequestStatus] = {}
        self.events = set(order.events)
        self.facts = set(order.facts)
        self.ending: Ending | None = None
        self.calls = 0  # outside systems that are being asked
        self.waits = Waits()
        self.letters = Letters(self.tell_failed_letter, "employee_requests.write")
        self.turn = asyncio.Lock()

    @property
    def item(self) -> Item:
        assert self.known is not None
        return self.known

    # Where it stands

    async def open(self) -> None:
        """Open the request, or find out where it stands when it goes on in a new run."""
        async with self.turn:
            self.seq = 1
            stands: Standing = await workflow.execute_activity_method(
                RequestActivities.open, args=[self.place(""), self.order],
                summary="Open the request: item, readers, promised day", **ROWS,
            )  # fmt: skip
            self.seq, self.known, self.version = stands.seq, stands.item, stands.item.version
            self.status, self.asker_employee_id = stands.status, stands.asker_employee_id
            self.due_at = stands.due_at
            self.steps = {one.path: one for one in stands.steps}
            self.approvals = {one.id: one for one in stands.approvals}
            self.tasks = {one.id: one for one in stands.tasks}
            self.children = {one.path: one.status for one in stands.children}
            for path, state in self.steps.items():
                if state.status is StepStatus.ACTIVE:
                    self.show(path)
            self.show_stage()

    def step_of(self, path: str) -> Step:
        """The step of a path that has begun."""
        step = step_at(self.item, path)
        assert step is not None
        return step

    def asked_at(self, path: str) -> tuple[ApprovalState, ...]:
        """The questions of one approval."""
        return tuple(one for one in self.approvals.values() if one.path == path)

    def is_under_way(self, path: str) -> bool:
        return self.ending is None and self.steps[path].status is StepStatus.ACTIVE

    def show(self, path: str) -> None:
        """Keep the wait of a step as the tables have it already."""
        state, step = self.steps[path], step_at(self.item, path)
        wait = wait_of(self.order.request_id, step, state, self.asked_at(path)) if step is not None else None
        if state.status is StepStatus.ACTIVE and wait is not None:
            self.waits.begin(wait)
            self.waits.take()

    def show_stage(self) -> None:
        attributes: list[Any] = [STAGE.value_set(self.status.value)]
        attributes.append(DUE_AT.value_set(self.due_at) if self.due_at else DUE_AT.value_unset())
        workflow.upsert_search_attributes(attributes)

    # What every step does

    async def begin(self, path: str) -> None:
        """Begin a step; one that makes no sense with what is known ends the request."""
        async with self.turn:
            if self.ending is not None:
                return
            self.seq += 1
            try:
                begun: Begun = await workflow.execute_activity_method(
                    RequestActivities.begin, self.place(path), summary=f"Begin step {path}", **ROWS
                )
            except ActivityError as failure:
                self.fail(code_of(failure))
                return
            self.take_over(begun)
            self.write_to_everybody(path)

    async def look_again(self) -> None:
        """Work out anew until when steps wait; callers hold the turn."""
        for path in [path for path, state in self.steps.items() if state.status is StepStatus.ACTIVE]:
            step = self.step_of(path)
            if step.wait is None or not step.wait.until:
                continue
            self.seq += 1
            try:
                begun = await workflow.execute_activity_method(
                    RequestActivities.look_again, self.place(path),
                    summary=f"Work out anew until when step {path} waits", **ROWS,
                )  # fmt: skip
            except ActivityError as failure:
                self.fail(code_of(failure))
                return
            self.take_over(begun)

    def take_over(self, begun: Begun) -> None:
        """Remember what has begun."""
        self.steps[begun.step.path] = begun.step
        self.approvals |= {one.id: one for one in begun.approvals}
        if begun.task is not None:
            self.tasks[begun.task.id] = begun.task
        self.show(begun.step.path)

    async def put(self, why: Ask, approval_id: str, **facts: Any) -> str:
        """Ask somebody: next, again, as well or instead; why not, if not. Callers hold the turn."""
        path = self.approvals[approval_id].path
        self.seq += 1
        asked: Asked = await workflow.execute_activity_method(
            RequestActivities.ask, Asking(self.place(path), why, approval_id, **facts),
            summary=f"Ask for approval at step {path}: {why.value}", **ROWS,
        )  # fmt: skip
        if asked.refusal:
            self.seq -= 1  # nothing was written under it
            return asked.refusal
        self.approvals |= {one.id: one for one in asked.approvals}
        self.show(path)
        for letter in asked.written:
            name, _, id = letter.partition(":")
            self.send(name, approval_id=id)
        return ""

    async def record(self, sentence: str = "", command: RequestCommand | None = None, **facts: Any) -> str:
        """Write what was said or has happened; callers hold the turn. Which visit has ended, if one has."""
        self.seq += 1
        actor = {"actor_id": command.actor_id, "actor_kind": command.actor_kind} if command else {}
        change = RequestChange(
            self.order.request_id, self.seq, workflow.now(), sentence, waits=self.waits.take(),
            **{**actor, **facts},
        )  # fmt: skip
        path: str | None = await workflow.execute_activity_method(
            RequestActivities.record, change,
            summary=told(SENTENCES[sentence]) if sentence else f"Write step {change.seq}", **ROWS,
        )  # fmt: skip
        self.remember(change)
        return path or ""

    def remember(self, change: RequestChange) -> None:
        """What is written is so."""
        if change.step is not None:
            path = change.step.path
            self.steps[path] = replace(self.steps[path], status=change.step.status)
            for one in self.asked_at(path):
                if one.status in OPEN_QUESTIONS:
                    self.approvals[one.id] = replace(one, status=ApprovalStatus.VOID)
        if change.approval is not None:
            asked = self.approvals[change.approval.id]
            self.approvals[asked.id] = replace(asked, status=change.approval.status)
            self.show(asked.path)
        if change.task is not None:
            task, points = self.tasks[change.task.id], list(self.tasks[change.task.id].points)
            if change.task.point >= 0:
                points[change.task.point] = change.task.is_ticked
            self.tasks[task.id] = replace(task, status=change.task.status, points=tuple(points))
        if change.voids:
            for one in self.approvals.values():
                if one.status in OPEN_QUESTIONS:
                    self.approvals[one.id] = replace(one, status=ApprovalStatus.VOID)
            self.tasks |= {one.id: replace(one, status=TaskStatus.VOID) for one in self.open_tasks()}
        if change.status in OVER:
            self.status = change.status
            self.show_stage()

    async def end_step(self, path: str, sentence: str = "", **result: Any) -> None:
        """A step is over; one that somebody ended meanwhile stays as it is."""
        async with self.turn:
            if self.is_under_way(path):
                self.waits.end(key_of(path))
                await self.record(sentence, step=StepEnd(path, StepStatus.DONE, result))

    def fail(self, code: str) -> None:
        """The request cannot go on; the first reason counts."""
        if self.ending is None:
            self.ending = Ending(RequestStatus.FAILED, code)

    # Letters

    def write_to_everybody(self, path: str) -> None:
        """Tell whoever a step that has just begun needs."""
        if self.steps[path].status is not StepStatus.ACTIVE:
            return
        step = self.step_of(path)
        for one in self.asked_at(path):
            if one.status is ApprovalStatus.PENDING:
                self.send("approval", approval_id=one.id)
        if step.task is not None:
            self.send("task", path=path)
        if step.form is not None:
            self.send("form", path=path)
        if step.message is not None:
            self.send("message", path=path)

    def send(self, name: str, **values: str) -> None:
        """Hand a letter over without waiting for it; who gets it is looked up when it is written."""
        about = "/".join(values.values())
        key = f"{request_workflow_id(self.order.request_id)}/{self.seq}/{name}/{about}"
        letter = f"employee_requests/{name}"
        self.letters.send(Letter(key, "", letter, case_id=self.order.request_id, values=values))

    async def tell_failed_letter(self, letter: Letter) -> None:
        """A letter that reached nobody stands in the timeline."""
        async with self.turn:
            await self.record("employee_requests.letter_failed", details={"letter": letter.template})

    # Means

    def place(self, path: str) -> Place:
        order = self.order
        return Place(order.request_id, order.item_key, self.version, path, self.seq, workflow.now())

    @asynccontextmanager
    async def step(self) -> AsyncIterator[None]:
        """One step of a person: after the opening, one at a time, while the request is open."""
        await workflow.wait_condition(lambda: self.known is not None)
        async with self.turn:
            self.refuse_what_is_over()
            yield

    def refuse_early(self) -> bool:
        """Refuse before history what is over; True when nothing is just being written."""
        if self.turn.locked() or self.known is None:
            return False
        self.refuse_what_is_over()
        return True

    def refuse_what_is_over(self) -> None:
        if self.status in OVER or self.ending is not None:
            raise refuse("request_over")

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """One step of somebody who has a task, which may also be to undo something of an ending request."""
        await workflow.wait_condition(lambda: self.known is not None)
        async with self.turn:
            yield

    def refuse_working(self, task_id: str, command: CheckOff | FinishTask | None = None) -> None:
        if code := deciding.task_refusal(self.tasks.get(task_id), command):
            raise refuse(code)

    def is_settled(self) -> bool:
        """Whether nothing is just being written that a validator could not see."""
        return self.known is not None and not self.turn.locked()

    def open_tasks(self) -> tuple[TaskState, ...]:
        return tuple(one for one in self.tasks.values() if one.status is TaskStatus.OPEN)


def code_of(failure: ActivityError) -> str:
    """Why an activity said a definite no; whatever else broke goes on breaking."""
    if is_cancelled_exception(failure):
        raise failure
    cause = failure.cause
    return cause.type or "failed" if isinstance(cause, ApplicationError) else "failed"
