"""Who is asked to approve: at first, next in order, after silence, and instead of somebody who cannot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.employee_requests import reading
from activities.employee_requests.budgets import spent
from activities.employee_requests.choosing import ask_rule, choose, people
from activities.employee_requests.rows import (
    Telling,
    approver_name,
    end_links,
    let_employee_read,
    let_team_read,
    named,
    tell,
)
from activities.kit.calendars import working_calendar
from activities.kit.timeline import write_entry
from models.employee_requests import EmployeeRequest, RequestApproval, RequestReader, RequestStep
from models.kit import expressions
from models.messages import staff
from models.messages.employee_requests.items import Approval, ApproverKind, Step
from models.messages.employee_requests.lives import Ask, Asked, Asking
from models.messages.employee_requests.requests import ApprovalStatus, ReaderWhy, request_workflow_id
from models.messages.staff import Why
from models.rules.calendars import KST, add_working_minutes
from models.rules.employee_requests import approvals as deciding
from models.rules.employee_requests.paths import step_at
from models.rules.staff.approvers import Chosen, Question, can_decide
from models.staff import Employee

if TYPE_CHECKING:
    from activities.employee_requests.beginning import Beginning

ESCALATED = "escalated"
OPEN = (ApprovalStatus.PENDING, ApprovalStatus.ASKED, ApprovalStatus.LATER)


async def first_questions(beginning: Beginning, row: RequestStep) -> None:
    """Choose everybody whom an approval needs; the first of them, or all, are asked now."""
    session, request, approval = beginning.session, beginning.request, beginning.step.approval
    assert approval is not None
    at, day = beginning.place.at, on_day(beginning.place.at)
    amount = expressions.amount(approval.amount, beginning.names) if approval.amount else None
    seen: set[str] = set()
    names: list[str] = []
    for position in deciding.needed(approval, amount):
        approver = approval.approvers[position]
        asked = RequestApproval(
            id=f"{request.id}.{row.path}.{position}", request_id=request.id, path=row.path, position=position,
            status=ApprovalStatus.LATER, amount_minor=amount, why=approver.kind.value,
            needs_sign_in=amount is not None and 0 <= approval.second_factor_above_minor < amount,
        )  # fmt: skip
        if approver.kind is ApproverKind.TEAM:
            asked.team_id = approver.who
        else:
            settle(asked, await choose(session, request, approver, day), request, beginning.item.owner_team)
        if asked.approver_employee_id in seen:
            continue  # whoever is asked already has one word, not two
        seen.update(one for one in (asked.approver_employee_id,) if one)
        if not approval.is_ordered or not names:
            await turn_to(session, request, approval, asked, at)
        session.add(asked)
        await session.flush()
        names.append(await approver_name(session, asked))
        if asked.status is ApprovalStatus.PENDING:
            telling = Telling(request, beginning.place.seq, at, details={"approver": names[-1]})
            await _line(session, telling, beginning.step, asked, "employee_requests.approval_asked")


def on_day(at: datetime) -> date:
    """The day in Seoul."""
    return at.astimezone(KST).date()


def settle(asked: RequestApproval, chosen: Chosen, request: EmployeeRequest, owner_team: str) -> None:
    """Write down who was chosen; where nobody was found, the team that owns the item decides."""
    asked.approver_employee_id, asked.was_for_employee_id = chosen.employee_id, chosen.was_for
    asked.team_id = None if chosen.employee_id else owner_team
    if chosen.why is not Why.AS_PLANNED:
        asked.why = chosen.why.value


async def turn_to(
    session: AsyncSession, request: EmployeeRequest, approval: Approval, asked: RequestApproval, at: datetime
) -> None:
    """Ask somebody from now on: deadlines in business time, and they may see the request."""
    calendar = await working_calendar(session, at)
    asked.status, asked.asked_at = ApprovalStatus.PENDING, at
    asked.remind_at = asked.escalate_at = asked.answer_by = None
    if approval.remind_after_hours:
        asked.remind_at = add_working_minutes(at, approval.remind_after_hours * 60, calendar)
    if approval.escalate_after_hours and asked.why != ESCALATED and asked.approver_employee_id:
        asked.escalate_at = add_working_minutes(at, approval.escalate_after_hours * 60, calendar)
    if asked.team_id:
        await let_team_read(session, request, asked.team_id, at)
    await let_employee_read(session, request, asked.approver_employee_id, ReaderWhy.APPROVER, at)


async def ask(session: AsyncSession, asking: Asking) -> Asked:
    """Change who is asked, or how; what was done before under this number is only read back."""
    place = asking.place
    request = await reading.locked(session, place.request_id)
    asked = await session.get_one(RequestApproval, asking.approval_id)
    if request.seq >= place.seq or asked.status not in OPEN:
        return await _now(session, asked, ())
    item = await reading.item_of(session, place.item_key, place.item_version)
    step = step_at(item, place.path)
    if step is None or step.approval is None:
        raise reading.refused("item_gone")
    anew = Anew(session, request, step, step.approval, asked, asking, item.owner_team)
    refusal = await WAYS[asking.why](anew)
    if refusal:
        return Asked(refusal=refusal)
    request.seq, request.updated_at = place.seq, place.at
    await session.flush()
    row = await session.get_one(RequestStep, (request.id, place.path))
    row.details = {**row.details, **await spent(session, request, step, place.at)}
    telling = Telling(request, place.seq, place.at, details=anew.details)
    await tell(session, telling, step=step, state=reading.state_of(row))
    return await _now(session, asked, tuple(anew.letters))


async def _now(session: AsyncSession, asked: RequestApproval, letters: tuple[str, ...]) -> Asked:
    rows = await reading.approvals_of(session, asked.request_id, asked.path)
    return Asked(tuple(reading.approval_of(one) for one in rows), written=letters)


class Anew:
    """One question that is put anew: to the same person, somebody else, or somebody else as well."""

    def __init__(
        self, session: AsyncSession, request: EmployeeRequest, step: Step, approval: Approval,
        asked: RequestApproval, asking: Asking, owner_team: str,
    ) -> None:  # fmt: skip
        self.session, self.request, self.step, self.approval = session, request, step, approval
        self.asked, self.asking, self.owner_team = asked, asking, owner_team
        self.at, self.details, self.letters = asking.place.at, dict[str, str](), list[str]()

    @property
    def day(self) -> date:
        """Today, in Seoul."""
        return on_day(self.at)

    async def next(self) -> str:
        """In order: now it is this one's turn, whoever can take it today."""
        if self.asked.team_id is None or self.asked.approver_employee_id is None:
            await self._choose_again()
        await turn_to(self.session, self.request, self.approval, self.asked, self.at)
        await self._say("employee_requests.approval_asked", self.asked, "approval")
        return ""

    async def overdue(self) -> str:
        """Silence: the first deadline brings a reminder, the other one their manager as well."""
        asked = self.asked
        if asked.status is ApprovalStatus.ASKED:
            return await self._remind_asker()
        if asked.escalate_at is not None and asked.escalate_at <= self.at:
            asked.escalate_at = None
            await self._ask_above()
        if asked.remind_at is not None and asked.remind_at <= self.at:
            asked.remind_at = await self._in_hours()
            await self._say("employee_requests.reminded", asked, "approval_reminder")
        return ""

    async def question(self) -> str:
        """They ask back: whoever asked has as long as an approver before they are reminded."""
        self.asked.answer_by = await self._in_hours()
        return ""

    async def _remind_asker(self) -> str:
        """The question is still open: it is sent once more."""
        if self.asked.answer_by is None or self.asked.answer_by > self.at:
            return ""
        self.asked.answer_by = await self._in_hours()
        await self._say("employee_requests.asker_reminded", self.asked, "question")
        return ""

    async def _in_hours(self) -> datetime:
        calendar = await working_calendar(self.session, self.at)
        return add_working_minutes(self.at, max(1, self.approval.remind_after_hours) * 60, calendar)

    async def changed(self) -> str:
        """Whoever was asked cannot: the rule chooses anew, and they are asked no more."""
        before = self.asked.approver_employee_id
        await self._choose_again()
        if self.asked.approver_employee_id == before:
            return "nothing_changed"
        await self._forget(before)
        if self.asked.status is ApprovalStatus.LATER:
            return ""
        await turn_to(self.session, self.request, self.approval, self.asked, self.at)
        await self._say("employee_requests.approver_changed", self.asked, "approval")
        return ""

    async def delegate(self) -> str:
        """Whoever was asked names somebody, who must be able to decide it."""
        to = self.asking.delegate_to
        asker = await reading.employee_behind(self.session, self.request.asked_by)
        kind = staff.ApproverKind.PERSON
        question = Question(kind, self.request.for_employee_id, asker.id if asker else "", (to,))
        known = await people(self.session, [to, self.request.for_employee_id], self.day)
        if to == self.asked.approver_employee_id or not can_decide(to, question, known, self.day):
            return "cannot_decide"
        before, self.asked.approver_employee_id = self.asked.approver_employee_id, to
        self.asked.was_for_employee_id = self.asked.was_for_employee_id or before
        self.asked.team_id, self.asked.why = None, Why.DELEGATED.value
        await end_links(self.session, self.asked.id, at=self.at)
        await turn_to(self.session, self.request, self.approval, self.asked, self.at)
        await self._say("employee_requests.delegated", self.asked, "approval")
        return ""

    async def again(self) -> str:
        """Their question was answered: the time they have begins anew."""
        self.asked.answer = self.asking.text
        await turn_to(self.session, self.request, self.approval, self.asked, self.at)
        self.details = {"answer": self.asking.text}
        await self._say("employee_requests.answered", self.asked, "approval")
        return ""

    async def _choose_again(self) -> None:
        """Ask the rule as on the first day; who came in later is a person like any other."""
        asked, day = self.asked, self.day
        came_later = asked.why in (ESCALATED, Why.DELEGATED.value) and asked.approver_employee_id
        approver = self.approval.approvers[asked.position]
        if came_later:
            named = (str(asked.approver_employee_id),)
            kind = staff.ApproverKind.PERSON
            chosen = await ask_rule(self.session, self.request, kind, named, day)
        elif approver.kind is ApproverKind.TEAM:
            return
        else:
            chosen = await choose(self.session, self.request, approver, day)
        if chosen.employee_id != asked.approver_employee_id:
            settle(asked, chosen, self.request, self.owner_team)

    async def _ask_above(self) -> None:
        """Ask the manager of whoever is silent as well; where there is none, the owning team."""
        silent = str(self.asked.approver_employee_id)
        known = await reading.approvals_of(self.session, self.request.id, self.asked.path)
        barred = [one.approver_employee_id for one in known if one.approver_employee_id]
        chosen = await ask_rule(
            self.session, self.request, staff.ApproverKind.MANAGER, (), self.day, barred, of=silent
        )
        above = RequestApproval(
            id=f"{self.asked.id}.up{len(known)}", request_id=self.request.id, path=self.asked.path,
            position=self.asked.position, amount_minor=self.asked.amount_minor, why=ESCALATED,
            needs_sign_in=self.asked.needs_sign_in,
        )  # fmt: skip
        settle(above, chosen, self.request, self.owner_team)
        above.was_for_employee_id, above.why = silent, ESCALATED
        await turn_to(self.session, self.request, self.approval, above, self.at)
        self.session.add(above)
        await self.session.flush()
        await self._say("employee_requests.escalated", above, "approval")

    async def _forget(self, employee_id: str | None) -> None:
        """Who is not asked any more sees it no longer, and their link ends."""
        await end_links(self.session, self.asked.id, at=self.at)
        employee = await self.session.get(Employee, employee_id or "")
        if employee is not None and employee.account_id:
            mine = (
                col(RequestReader.request_id) == self.request.id,
                col(RequestReader.account_id) == employee.account_id,
                col(RequestReader.why) == ReaderWhy.APPROVER,
            )
            await self.session.execute(delete(RequestReader).where(*mine))

    async def _say(self, sentence: str, asked: RequestApproval, letter: str) -> None:
        details = {**self.details, "approver": await approver_name(self.session, asked)}
        telling = Telling(
            self.request,
            self.asking.place.seq,
            self.at,
            self.asking.actor_kind,
            self.asking.actor_id,
            details,
        )
        await _line(self.session, telling, self.step, asked, sentence)
        self.letters.append(f"{letter}:{asked.id}")


async def _line(
    session: AsyncSession, telling: Telling, step: Step, asked: RequestApproval, sentence: str
) -> None:
    """One line of the timeline for one question; several may begin with one step."""
    subject = request_workflow_id(telling.request.id)
    stage = {f"stage_{language}": name for language, name in step.names.items()}
    details = await named(session, telling, {**stage, **telling.details})
    await write_entry(
        session, key=f"{subject}/{telling.seq}.{asked.id}.{sentence}", subject=subject, ticket_id=None,
        case_id=telling.request.id, at=telling.at, sentence=sentence, actor_kind=telling.actor_kind,
        actor_id=telling.actor_id or None, details=details,
    )  # fmt: skip


WAYS: dict[Ask, Callable[[Anew], Any]] = {
    Ask.NEXT: Anew.next,
    Ask.OVERDUE: Anew.overdue,
    Ask.CHANGED: Anew.changed,
    Ask.DELEGATE: Anew.delegate,
    Ask.AGAIN: Anew.again,
    Ask.QUESTION: Anew.question,
}
