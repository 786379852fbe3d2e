"""What was said or has happened to a request, written in one transaction."""

from dataclasses import replace
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.employee_requests import reading
from activities.employee_requests.rows import (
    Telling,
    approver_name,
    end_links,
    let_read,
    let_team_read,
    tell,
)
from activities.employee_requests.visiting import note_visit
from models.employee_requests import EmployeeRequest, RequestApproval, RequestStep, RequestTask
from models.messages.employee_requests.items import Item
from models.messages.employee_requests.lives import ApprovalWord, RequestChange, StepEnd, TaskWord
from models.messages.employee_requests.requests import (
    OVER,
    ApprovalStatus,
    ReaderWhy,
    RequestStatus,
    StepStatus,
    TaskStatus,
)
from models.rules.employee_requests.paths import step_at
from models.staff import Account

OPEN = (ApprovalStatus.PENDING, ApprovalStatus.ASKED, ApprovalStatus.LATER)
BY_HAND = {"ko": "%(name)s: 직접 되돌리기", "en": "%(name)s: undo by hand"}


async def record(session: AsyncSession, change: RequestChange) -> str:
    """Write one change; a number that is not newer than the row's changes nothing. Answers with the path of
    the step whose visit has ended, if one has."""
    request = await reading.locked(session, change.request_id)
    path = await note_visit(session, request.id, change.visit) if change.visit is not None else ""
    if request.seq >= change.seq:
        return path
    request.seq, request.updated_at = change.seq, change.at
    if change.moves_to:
        request.item_version = change.moves_to
    item = await reading.item_of(session, request.item_key, request.item_version)
    if change.answers:
        request.answers = {**request.answers, **change.answers}
    if change.reason:
        request.reason = change.reason
    if change.step is not None:
        await _end_step(session, request, change.step, change)
    if change.reader:
        await let_read(session, request, change.reader, ReaderWhy.NAMED, change.at)
    if change.approval is not None:
        await _decide(session, change.approval, change)
    if change.task is not None:
        await _do_task(session, change.task, change)
    if change.late:
        (await session.get_one(RequestStep, (request.id, change.late))).is_late = True
    if change.by_hand:
        await _undo_by_hand(session, request, item, change)
    if change.voids:
        await _void(session, request, change)
    if change.status in OVER and request.status is RequestStatus.OPEN:
        request.status, request.closed_at = change.status, change.at
    await session.flush()
    await _tell(session, request, item, replace(change, path=change.path or path))
    return path


async def _end_step(
    session: AsyncSession, request: EmployeeRequest, end: StepEnd, change: RequestChange
) -> None:
    row = await session.get_one(RequestStep, (request.id, end.path))
    row.status, row.ended_at = end.status, change.at
    row.result = {**row.result, **end.result}
    asked = await reading.approvals_of(session, request.id, end.path)
    if asked:
        decided = [one for one in asked if one.decided_at is not None and one.comment]
        row.result = {**row.result, "comment": decided[-1].comment if decided else ""}
        await end_links(session, *(one.id for one in asked if one.status in OPEN), at=change.at)
        for one in asked:
            one.status = ApprovalStatus.VOID if one.status in OPEN else one.status


async def _decide(session: AsyncSession, word: ApprovalWord, change: RequestChange) -> None:
    asked = await session.get_one(RequestApproval, word.id)
    asked.status = word.status
    if word.status is ApprovalStatus.ASKED:
        asked.question, asked.answer = word.comment, ""
    else:
        asked.decided_by, asked.decided_at, asked.comment = word.decided_by, change.at, word.comment
        await end_links(session, asked.id, at=change.at)


async def _do_task(session: AsyncSession, word: TaskWord, change: RequestChange) -> None:
    task = await session.get_one(RequestTask, word.id)
    task.status = word.status
    task.is_late = task.is_late or word.is_late
    if word.sets_assignee:
        task.assignee = word.assignee
    if word.point >= 0:
        ticked: dict[str, Any] = {**task.checklist[word.point], "is_done": word.is_ticked}
        ticked |= {"by": change.actor_id, "at": change.at.isoformat()}
        task.checklist = [*task.checklist[: word.point], ticked, *task.checklist[word.point + 1 :]]
    if word.status is TaskStatus.DONE:
        task.done_by, task.done_at, task.note = change.actor_id, change.at, word.note


async def _undo_by_hand(
    session: AsyncSession, request: EmployeeRequest, item: Item, change: RequestChange
) -> None:
    """What the outside system refuses to take back is a task of the team that owns the item."""
    step = step_at(item, change.by_hand)
    names = step.names if step is not None else {"ko": change.by_hand, "en": change.by_hand}
    session.add(
        RequestTask(
            id=f"{request.id}.{change.by_hand}.undo", request_id=request.id, path=change.by_hand,
            team_id=item.owner_team, title_ko=BY_HAND["ko"] % {"name": names["ko"]},
            title_en=BY_HAND["en"] % {"name": names["en"]}, checklist=[], status=TaskStatus.OPEN,
            created_at=change.at,
        )
    )  # fmt: skip
    await let_team_read(session, request, item.owner_team, change.at)


async def _void(session: AsyncSession, request: EmployeeRequest, change: RequestChange) -> None:
    """Nobody is asked and nobody has to do anything any more."""
    asked = await reading.approvals_of(session, request.id)
    await end_links(session, *(one.id for one in asked if one.status in OPEN), at=change.at)
    for table, still, over in (
        (RequestApproval, OPEN, ApprovalStatus.VOID),
        (RequestTask, (TaskStatus.OPEN,), TaskStatus.VOID),
    ):
        mine = col(table.request_id) == request.id, col(table.status).in_(still)
        await session.execute(update(table).where(*mine).values(status=over))
    if change.status in OVER:
        left = update(RequestStep).where(
            col(RequestStep.request_id) == request.id, col(RequestStep.status) == StepStatus.ACTIVE
        )
        await session.execute(left.values(status=StepStatus.VOID, ended_at=change.at))


async def _tell(session: AsyncSession, request: EmployeeRequest, item: Item, change: RequestChange) -> None:
    path = change.path or (change.step.path if change.step is not None else "")
    row = await session.get(RequestStep, (request.id, path)) if path else None
    details = dict(change.details)
    if change.reason:
        details["reason"] = change.reason
    if change.reader and (reader := await session.get(Account, change.reader)) is not None:
        details["reader"] = reader.name
    if change.approval is not None:
        asked = await session.get_one(RequestApproval, change.approval.id)
        details |= {"approver": await approver_name(session, asked), "question": change.approval.comment}
    telling = Telling(request, change.seq, change.at, change.actor_kind, change.actor_id, details)
    if row is not None:
        await session.refresh(row)
    state = reading.state_of(row) if row is not None and change.sentence else None
    sentences = (change.sentence,) if change.sentence else ()
    step = step_at(item, path) if path else None
    await tell(session, telling, *sentences, step=step, state=state, waits=change.waits)
