"""What waits for me to decide, and one approval with all that helps to decide it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from fastapi import Request
from sqlalchemy import or_, text
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests.fields import Told
from api.employee_requests.people import Colleague, myself
from api.employee_requests.reading import Life, lives_of
from api.employee_requests.routing import PORTAL, router
from api.employee_requests.shelf import TONES, said, versions
from api.employee_requests.show import answers_for
from api.employee_requests.stages import Stage, stages_of
from api.kit.desk import Desk, DeskAt
from api.kit.labels import name_of
from api.kit.rendering import Form, answer
from api.kit.texts import Key
from models.employee_requests import EmployeeRequest, RequestApproval, RequestStep
from models.kit.refusals import Refusal
from models.messages.employee_requests.items import Item
from models.messages.employee_requests.requests import ApprovalStatus, Verdict
from models.rules.employee_requests.walking import step_at

OPEN = (ApprovalStatus.PENDING, ApprovalStatus.ASKED)
DECIDED = (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED)
MOST = 100
SOON_HOURS = 48


@dataclass(frozen=True)
class Row:
    """One approval in the list."""

    id: str
    request_id: str
    name: str
    icon: str
    tone: str
    for_whom: str
    asked_by: str
    stage: str
    amount_minor: int | None
    status: ApprovalStatus
    why: str
    was_for: str
    asked_at: datetime | None
    due_at: datetime | None
    decided_at: datetime | None
    is_confidential: bool

    @property
    def href(self) -> str:
        """Where it is decided."""
        return f"/employee-requests/approvals/{self.id}"

    @property
    def is_pressing(self) -> bool:
        """Whether it is late, or nearly."""
        if self.due_at is None or self.status not in OPEN:
            return False
        return (self.due_at - datetime.now(UTC)).total_seconds() < SOON_HOURS * 3600


@dataclass(frozen=True)
class ApprovalsPage:
    """My approvals: what waits, and what I decided last."""

    waiting: tuple[Row, ...]
    decided: tuple[Row, ...]


@dataclass(frozen=True)
class Similar:
    """How the same was decided before."""

    status: ApprovalStatus
    amount_minor: int | None
    decided_at: datetime


@dataclass(frozen=True)
class Budget:
    """What there is for it; a shared one is partly spent by what was approved before."""

    minor: int
    spent_minor: int = 0
    asked_minor: int = 0  # for which others wait
    since: date | None = None  # the first day of its period; none: it is this request's own
    counted_at: datetime | None = None


@dataclass(frozen=True)
class ApprovalPage:
    """One approval."""

    row: Row
    base: str  # where its form goes
    answers: tuple[Told, ...]
    stages: tuple[Stage, ...]
    similar: tuple[Similar, ...]
    question: str
    answer: str
    may_decide: bool
    needs_sign_in: bool = False
    is_by_link: bool = False
    approver: str = ""
    verdicts: tuple[Verdict, ...] = tuple(Verdict)
    policy: str = ""  # the rule by which it is decided, where the item names one
    budget: Budget | None = None

    @property
    def left_minor(self) -> int | None:
        """What is left of the budget when this is approved, and what others ask for is not."""
        if self.budget is None or self.row.amount_minor is None:
            return None
        return self.budget.minor - self.budget.spent_minor - self.row.amount_minor


@router.get("/employee-requests/approvals", may=PORTAL)
async def approvals(request: Request, desk: Desk) -> Response:
    """List what waits for me, the nearest deadline first, and what I decided last."""
    me = await myself(desk)
    waiting = await rows_for(desk, me, OPEN)
    page = ApprovalsPage(waiting, await rows_for(desk, me, DECIDED, most=20))
    return answer(request, "employee_requests/approvals.html", page)


@router.get("/employee-requests/approvals/{request_approval_id}", may=PORTAL, row="request_approval")
async def approval(request: Request, desk: Desk, request_approval_id: Key) -> Response:
    """Show one approval with all that helps to decide it."""
    return await approval_shown(request, desk, await mine(desk, request_approval_id))


async def approval_shown(
    request: Request, desk: DeskAt, row: RequestApproval, *, form: Form | None = None, status: int = 200
) -> Response:
    """The page, or its live part."""
    page = await approval_page(desk, row)
    return answer(request, "employee_requests/approval.html", page, status=status, form=form)


async def mine(desk: DeskAt, id: str) -> RequestApproval:
    """An approval that I, or my team, was asked for; anybody else's is not there."""
    row = await desk.one(RequestApproval, id)
    me = await myself(desk)
    if not is_asked(row, me, desk.person.team_id):
        raise Refusal("not_found")
    return row


def is_asked(row: RequestApproval, me: Colleague | None, team_id: str | None) -> bool:
    """Whether it was for me, or for my team, to decide."""
    is_me = me is not None and row.approver_employee_id == me.id
    return is_me or (row.team_id is not None and row.team_id == team_id)


async def rows_for(
    desk: DeskAt, me: Colleague | None, statuses: tuple[ApprovalStatus, ...], most: int = MOST
) -> tuple[Row, ...]:
    """My approvals of these statuses."""
    asked = [col(RequestApproval.approver_employee_id) == me.id] if me is not None else []
    if desk.person.team_id is not None:
        asked.append(col(RequestApproval.team_id) == desk.person.team_id)
    if not asked:
        return ()
    query = desk.visible(RequestApproval).where(or_(*asked), col(RequestApproval.status).in_(statuses))
    place = (
        (col(RequestApproval.escalate_at).asc().nulls_last(), col(RequestApproval.asked_at))
        if statuses is OPEN else (col(RequestApproval.decided_at).desc(),)
    )  # fmt: skip
    found = list(await desk.session.scalars(query.order_by(*place).limit(most)))
    lives = await lives_by_id(desk, {one.request_id for one in found})
    return tuple(row_of(one, lives[one.request_id]) for one in found if one.request_id in lives)


async def lives_by_id(desk: DeskAt, ids: Iterable[str]) -> dict[str, Life]:
    """Requests with everything that belongs to them, by their ids."""
    query = desk.visible(EmployeeRequest).where(col(EmployeeRequest.id).in_(set(ids)))
    rows = list(await desk.session.scalars(query))
    items = await versions(desk, [(one.item_key, one.item_version) for one in rows])
    return {life.request.id: life for life in await lives_of(desk, rows, items)}


def row_of(one: RequestApproval, life: Life) -> Row:
    """One approval as a list shows it."""
    item, names = life.item, life.rows.names
    stage = next((stage.name for stage in stages_of(item, life.rows) if stage.path == one.path), "")
    return Row(
        one.id, one.request_id, said(item.names), item.icon or "clipboard-list", TONES[item.category],
        life.beneficiary.name if life.beneficiary else "", life.asker.name if life.asker else "", stage,
        one.amount_minor, one.status, name_of(one.why, "approver_why") or "",
        names.get(one.was_for_employee_id or "", ""), one.asked_at, one.escalate_at, one.decided_at,
        life.request.is_confidential,
    )  # fmt: skip


async def approval_page(desk: DeskAt, row: RequestApproval) -> ApprovalPage:
    """Everything that helps to decide: answers, cost, how far it is, how the same was decided before."""
    lives = await lives_by_id(desk, [row.request_id])
    if (life := lives.get(row.request_id)) is None:
        raise Refusal("not_found")
    me = await myself(desk)
    return ApprovalPage(
        row_of(row, life), f"/employee-requests/approvals/{row.id}", await answers_for(desk, me, life),
        stages_of(life.item, life.rows), await similar_to(desk, row.id), row.question, row.answer,
        may_decide=row.status in OPEN, policy=policy_of(life.item, row.path),
        budget=budget_of(life.rows.steps.get(row.path)),
    )  # fmt: skip


async def similar_to(desk: DeskAt, id: str) -> tuple[Similar, ...]:
    """How the same step of the same item was decided before, whoever asked: without names and answers."""
    found = await desk.session.execute(
        text("select status, amount_minor, decided_at from ieum_similar_decisions(:id)"), {"id": id}
    )
    return tuple(Similar(ApprovalStatus(row[0]), row[1], row[2]) for row in found)


def policy_of(item: Item, path: str) -> str:
    """The rule by which a step is decided, in the reader's language."""
    step = step_at(item, path)
    return said(step.approval.policies) if step is not None and step.approval is not None else ""


def budget_of(step: RequestStep | None) -> Budget | None:
    """What there was for it when somebody was asked last."""
    found = dict(step.details) if step is not None else {}
    if not isinstance(found.get("budget_minor"), int):
        return None
    if "spent_minor" not in found:
        return Budget(found["budget_minor"])
    return Budget(
        found["budget_minor"], found["spent_minor"], found["asked_minor"],
        date.fromisoformat(found["spent_since"]), datetime.fromisoformat(found["spent_at"]),
    )  # fmt: skip
