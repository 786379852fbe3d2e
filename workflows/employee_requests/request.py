"""The life of one employee's request: the interpreter of catalogue items."""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.employee_requests import RequestActivities
    from models.messages.employee_requests.items import VISIT_ENDED, Item, Moment, StepKind, Trigger
    from models.messages.employee_requests.lives import ApprovalWord, Ask, StepEnd, TaskWord
    from models.messages.employee_requests.requests import (
        Amend,
        Answer,
        ApprovalStatus,
        CancelRequest,
        CheckOff,
        ChildSettled,
        Decision,
        EventArrived,
        FillIn,
        FinishTask,
        Move,
        NameReader,
        PersonChanged,
        PersonNews,
        RequestOrder,
        RequestState,
        RequestStatus,
        StepStatus,
        TakeTask,
        TaskStatus,
        Verdict,
        Withdrawn,
    )
    from models.messages.staff import ApproverChanged
    from models.messages.tickets import TicketSettled
    from models.rules.employee_requests import deciding
    from models.rules.employee_requests.moving import hindrances
    from models.rules.employee_requests.visits import ended
    from models.rules.employee_requests.waits import key_of
    from workflows.employee_requests.steps import OPEN_QUESTIONS, Ending
    from workflows.employee_requests.undoing import Undoing
    from workflows.kit.options import ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.search import TEAM, WORD


@workflow.defn(name="EmployeeRequest")
class EmployeeRequestWorkflow(Undoing):
    """One request, alive until everything its item says is done, or it ended and what was done is undone."""

    @workflow.init
    def __init__(self, order: RequestOrder) -> None:
        super().__init__(order)
        self.story: asyncio.Task[None] | None = None

    @workflow.run
    async def run(self, order: RequestOrder) -> RequestStatus:
        """Live through the item; a long life goes on in a new run where this one stands."""
        try:
            await self.live()
        except (asyncio.CancelledError, ActivityError) as stop:
            if not is_cancelled_exception(stop):
                raise
            await self.end_by_operations()
        await self.end()
        await self.letters.all_sent()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status

    async def live(self) -> None:
        """The story from the first step to the last, or until something ends it."""
        await self.open()
        workflow.upsert_search_attributes(
            [WORD.value_set("EmployeeRequest"), TEAM.value_set(self.item.owner_team)]
        )
        if not self.order.is_again and any(one.moment is Moment.ASKED for one in self.item.messages):
            self.send("notice", moment=Moment.ASKED.value)
        self.story = asyncio.create_task(self.walk(()))
        await workflow.wait_condition(lambda: self.is_told() or self.may_go_on_anew())
        if not self.is_told():
            self.story.cancel()
            self.go_on_anew()
        await self.story
        self.ending = self.ending or Ending(RequestStatus.DONE)

    def is_told(self) -> bool:
        """Whether every step is over, or something ends the request."""
        return self.ending is not None or (self.story is not None and self.story.done())

    async def end_by_operations(self) -> None:
        """The workflow itself was cancelled: like called off by somebody."""
        if self.known is None:
            await self.open()
        self.ending = self.ending or Ending(RequestStatus.CANCELLED)
        if self.story is not None:
            await self.story

    def may_go_on_anew(self) -> bool:
        """Whether the history is long, and nothing is on its way that a new run would not know."""
        info = workflow.info()
        is_long = (
            info.is_continue_as_new_suggested()
            or info.get_current_history_length() > self.order.longest_history
        )
        is_quiet = not self.turn.locked() and self.calls == 0 and workflow.all_handlers_finished()
        return is_long and is_quiet and self.letters.are_done()

    def go_on_anew(self) -> None:
        again = replace(
            self.order, item_version=self.version, is_again=True, events=tuple(sorted(self.events)),
            facts=tuple(sorted(self.facts)),
        )  # fmt: skip
        workflow.continue_as_new(again)

    # What people say

    @workflow.update
    async def decide(self, decision: Decision) -> RequestStatus:
        """An approver approves, rejects, asks back or hands over; answered once the rows say so."""
        async with self.step():
            self.refuse_deciding(decision)
            asked = self.approvals[decision.approval_id]
            if decision.verdict is Verdict.DELEGATE:
                refusal = await self.put(
                    Ask.DELEGATE, asked.id, actor_id=decision.actor_id, actor_kind=decision.actor_kind,
                    delegate_to=decision.delegate_to, text=decision.comment,
                )  # fmt: skip
                if refusal:
                    raise refuse(refusal)
                return self.status
            status, sentence = WORDS[decision.verdict]
            word = ApprovalWord(asked.id, status, decision.actor_id, decision.comment)
            await self.record(sentence, decision, approval=word, path=asked.path)
            if decision.verdict is Verdict.ASK:
                self.send("question", approval_id=asked.id)
                if workflow.patched("2026-11-open-questions"):
                    await self.put(Ask.QUESTION, asked.id)
        return self.status

    def refuse_deciding(self, decision: Decision) -> None:
        asked = self.approvals.get(decision.approval_id)
        if asked is not None and self.steps[asked.path].status is not StepStatus.ACTIVE:
            raise refuse("approval_not_open")
        beneficiary, asker = self.order.for_employee_id, self.asker_employee_id
        if code := deciding.decision_refusal(decision, asked, beneficiary, asker):
            raise refuse(code)

    @decide.validator
    def refuse_decide(self, decision: Decision) -> None:
        if self.refuse_early():
            self.refuse_deciding(decision)

    @workflow.update
    async def answer(self, answer: Answer) -> RequestStatus:
        """The asker answers an approver's question; the approver is asked again."""
        async with self.step():
            self.refuse_answering(answer)
            await self.put(
                Ask.AGAIN, answer.approval_id, actor_id=answer.actor_id, actor_kind=answer.actor_kind,
                text=answer.text,
            )  # fmt: skip
        return self.status

    def refuse_answering(self, answer: Answer) -> None:
        if code := deciding.answer_refusal(answer, self.approvals.get(answer.approval_id)):
            raise refuse(code)

    @answer.validator
    def refuse_answer(self, answer: Answer) -> None:
        if self.refuse_early():
            self.refuse_answering(answer)

    @workflow.update
    async def check_off(self, check: CheckOff) -> RequestStatus:
        """Somebody of the team ticks a point, or takes the tick back."""
        async with self.working():
            self.refuse_working(check.task_id, check)
            word = TaskWord(check.task_id, point=check.point, is_ticked=check.is_done)
            path = self.tasks[check.task_id].path
            await self.record("employee_requests.task_ticked", check, task=word, path=path)
        return self.status

    @check_off.validator
    def refuse_check_off(self, check: CheckOff) -> None:
        if self.is_settled():
            self.refuse_working(check.task_id, check)

    @workflow.update
    async def take_task(self, take: TakeTask) -> RequestStatus:
        """Somebody of the team takes the task, or gives it back."""
        async with self.working():
            self.refuse_working(take.task_id)
            word = TaskWord(take.task_id, sets_assignee=True, assignee=take.assignee)
            sentence = "employee_requests.task_taken" if take.assignee else "employee_requests.task_back"
            await self.record(sentence, take, task=word, path=self.tasks[take.task_id].path)
        return self.status

    @take_task.validator
    def refuse_take_task(self, take: TakeTask) -> None:
        if self.is_settled():
            self.refuse_working(take.task_id)

    @workflow.update
    async def finish_task(self, finish: FinishTask) -> RequestStatus:
        """The team has done it; answered once the step is over."""
        async with self.working():
            self.refuse_working(finish.task_id, finish)
            task = self.tasks[finish.task_id]
            word = TaskWord(task.id, TaskStatus.DONE, note=finish.note)
            facts: dict[str, Any] = {"task": word, "path": task.path}
            if not task.id.endswith(".undo"):
                self.waits.end(key_of(task.path))
                facts["step"] = StepEnd(task.path, StepStatus.DONE, {"done": True})
            await self.record("employee_requests.task_done", finish, **facts)
        return self.status

    @finish_task.validator
    def refuse_finish_task(self, finish: FinishTask) -> None:
        if self.is_settled():
            self.refuse_working(finish.task_id, finish)

    @workflow.update
    async def fill_in(self, fill: FillIn) -> RequestStatus:
        """A form in the middle of the request is filled in."""
        async with self.step():
            self.refuse_filling(fill)
            self.waits.end(key_of(fill.path))
            end = StepEnd(fill.path, StepStatus.DONE, dict(fill.answers))
            await self.record("employee_requests.filled_in", fill, step=end)
        return self.status

    def refuse_filling(self, fill: FillIn) -> None:
        state = self.steps.get(fill.path)
        if state is None or state.kind is not StepKind.FORM or state.status is not StepStatus.ACTIVE:
            raise refuse("request_step_not_open")

    @fill_in.validator
    def refuse_fill_in(self, fill: FillIn) -> None:
        if self.refuse_early():
            self.refuse_filling(fill)

    @workflow.update
    async def amend(self, amend: Amend) -> RequestStatus:
        """Answers change while the request runs; days that are waited for are worked out anew."""
        async with self.step():
            await self.record("employee_requests.amended", amend, answers=dict(amend.answers))
            await self.look_again()
        return self.status

    @amend.validator
    def refuse_amend(self, amend: Amend) -> None:
        self.refuse_early()

    @workflow.update
    async def name_reader(self, naming: NameReader) -> RequestStatus:
        """A colleague of a team that works on it may see the request from now on."""
        async with self.step():
            await self.record("employee_requests.reader_named", naming, reader=naming.account_id)
        return self.status

    @name_reader.validator
    def refuse_name_reader(self, naming: NameReader) -> None:
        self.refuse_early()

    @workflow.update
    async def cancel(self, cancel: CancelRequest) -> RequestStatus:
        """Call the request off; answered once nobody works for it any more, undoing goes on by itself."""
        async with self.step():
            self.waits.end_all()
            await self.record("employee_requests.cancel_asked", cancel, voids=True, reason=cancel.reason)
            self.ending = Ending(RequestStatus.CANCELLED, cancel.reason)
        return self.status

    @cancel.validator
    def refuse_cancel(self, cancel: CancelRequest) -> None:
        self.refuse_early()

    @workflow.update
    async def move(self, move: Move) -> RequestStatus:
        """Go on by another version, when everything that has begun stands in it unchanged."""
        async with self.step():
            version: Item = await workflow.execute_activity_method(
                RequestActivities.version, args=[self.order.item_key, move.version],
                summary=f"Read version {move.version} of the item", **ROWS,
            )  # fmt: skip
            if hindrances(self.item, version, self.steps.values()):
                raise refuse("request_cannot_move")
            await self.record(
                "employee_requests.moved", move, moves_to=move.version,
                details={"version": str(move.version)},
            )  # fmt: skip
            self.known, self.version = version, move.version
        return self.status

    @move.validator
    def refuse_move(self, move: Move) -> None:
        self.refuse_early()

    # What others tell

    @workflow.signal
    async def approver_changed(self, fact: ApproverChanged) -> None:
        """Whoever was asked left, is away or has named somebody: it is decided anew who is asked."""
        if not await self.is_news(fact.id):
            return
        async with self.turn:
            asked = self.approvals.get(fact.approval_id)
            is_open = asked is not None and asked.status in OPEN_QUESTIONS and self.ending is None
            if asked is not None and is_open and asked.employee_id == fact.employee_id:
                await self.put(Ask.CHANGED, asked.id, reason=fact.why.value)

    @workflow.signal
    async def person_changed(self, fact: PersonChanged) -> None:
        """The HR system has news of the person: days move, or the request is called off."""
        if not await self.is_news(fact.fact_id):
            return
        async with self.turn:
            if self.ending is not None or self.status is not RequestStatus.OPEN:
                return
            if fact.news is PersonNews.CALLED_OFF and self.item.trigger is not Trigger.NONE:
                self.ending = Ending(RequestStatus.CANCELLED)
                return
            await self.record("employee_requests.person_changed")
            await self.look_again()

    @workflow.signal
    def event_arrived(self, fact: EventArrived) -> None:
        """Something that a step waits for, or will wait for, has happened."""
        self.events.add(fact.name)

    @workflow.signal
    def child_settled(self, fact: ChildSettled) -> None:
        """A request that this one asked for has ended."""
        self.children.setdefault(fact.path, fact.status)

    @workflow.signal
    async def ticket_settled(self, fact: TicketSettled) -> None:
        """A visit that a step has asked for has ended; what waits for it goes on."""
        if not workflow.patched("2026-11-office-visits") or not await self.is_news(fact.ticket_id):
            return
        async with self.turn:
            if self.ending is None and self.status is RequestStatus.OPEN:
                sentence = "visit_done" if fact.is_done else "visit_not_done"
                path = await self.record(f"employee_requests.{sentence}", visit=fact)
                self.events |= {VISIT_ENDED, ended(path)}

    @workflow.signal
    async def withdrawn(self, fact: Withdrawn) -> None:
        """Whoever asked for this request does not need it any more."""
        await workflow.wait_condition(lambda: self.known is not None)
        async with self.turn:
            if self.ending is None and self.status is RequestStatus.OPEN:
                self.ending = Ending(RequestStatus.CANCELLED)

    async def is_news(self, fact_id: str) -> bool:
        """Whether this is told for the first time; after the opening."""
        await workflow.wait_condition(lambda: self.known is not None)
        is_new = not fact_id or fact_id not in self.facts
        self.facts.add(fact_id)
        return is_new

    # For operations and tests

    @workflow.query(name="status")
    def state(self) -> RequestState:
        """Where this life stands; pages read tables instead."""
        return RequestState(self.status, self.seq, self.version, tuple(self.waits.open))

    @workflow.query
    def now(self) -> datetime:
        """The time in this life, which tests can move."""
        return workflow.now()


WORDS = {
    Verdict.APPROVE: (ApprovalStatus.APPROVED, "employee_requests.approved"),
    Verdict.REJECT: (ApprovalStatus.REJECTED, "employee_requests.refused"),
    Verdict.ASK: (ApprovalStatus.ASKED, "employee_requests.asked_back"),
}
