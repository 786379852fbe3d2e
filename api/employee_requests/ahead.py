"""Who will approve, worked out before anything is sent: as of today, from the people of today."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlmodel import col

from api.employee_requests.known import Known, holds, whole
from api.employee_requests.people import Colleague, named
from api.employee_requests.shelf import said
from api.employee_requests.teams import team_names
from api.kit.desk import DeskAt
from api.kit.formats import in_seoul
from api.kit.labels import name_of
from api.kit.language import gettext as _
from models.messages.employee_requests.items import Approval, Approver, ApproverKind, Item, Step, StepKind
from models.messages.staff import ApproverKind as Described
from models.messages.staff import EmployeeStatus, Why
from models.rules.staff.approvers import Away, InPlace, People, Question, approver_for
from models.rules.staff.approvers import Colleague as Decider
from models.staff import CostCentre, Delegation, EmployeeAbsence

HIGHEST = 12  # so far up a line of managers is looked
GROUPS = (ApproverKind.ROLE, ApproverKind.TEAM)


@dataclass(frozen=True)
class Ahead:
    """One approval that is to come; `is_sure` unless it depends on what is not known yet."""

    stage: str
    name: str
    note: str
    is_sure: bool


@dataclass(frozen=True)
class Asking:
    """Who asks for whom, with which answers."""

    asker: Colleague
    beneficiary: Colleague
    known: Known
    answers: Mapping[str, object]


async def approvals_ahead(desk: DeskAt, item: Item, asking: Asking) -> tuple[Ahead, ...]:
    """The approvals of an item, in order, as they would come today."""
    steps = list(coming(item.steps, asking.known))
    if not steps:
        return ()
    today = in_seoul(datetime.now(UTC)).date()
    people = await people_around(desk, asking, steps, today)
    owner = await cost_owner(desk, asking.beneficiary)
    teams = await team_names(desk)
    ids: list[Ahead | tuple[str, str, str, bool]] = []
    for step, is_sure in steps:
        for approver in needed(step.approval, asking.known):
            ids.append(one_ahead(step, approver, is_sure, asking, people, owner, teams, today))
    names = await named(desk, [one[1] for one in ids if isinstance(one, tuple)])
    return tuple(
        one if isinstance(one, Ahead) else Ahead(one[0], name(names, one[1]), one[2], one[3]) for one in ids
    )


def name(names: Mapping[str, Colleague], id: str) -> str:
    """What a colleague is called; somebody unknown is somebody."""
    return names[id].name if id in names else _("somebody")


def coming(steps: Iterable[Step], known: Known, is_sure: bool = True) -> Iterator[tuple[Step, bool]]:
    """The approvals that these steps come to, as far as their conditions can be told already."""
    for step in steps:
        is_so = holds(step.when, known) if step.when else True
        if is_so is False:
            continue
        sure = is_sure and is_so is True
        if step.kind is StepKind.APPROVAL:
            yield step, sure
        yield from inside(step, known, sure)


def inside(step: Step, known: Known, is_sure: bool) -> Iterator[tuple[Step, bool]]:
    """The same for what is within a step: the case that holds, every lane, every round."""
    for lane in step.lanes:
        yield from coming(lane.steps, known, is_sure)
    yield from coming(step.steps, known, False)
    if step.kind is StepKind.BRANCH:
        for case in step.cases:
            is_so = holds(case.when, known)
            if is_so is not False:
                yield from coming(case.steps, known, is_sure and is_so is True)
            if is_so is True:
                return
        yield from coming(step.otherwise, known, is_sure and not step.cases)


def needed(approval: Approval | None, known: Known) -> tuple[Approver, ...]:
    """Who is asked: with limits, everybody up to the first who may decide the amount alone."""
    if approval is None:
        return ()
    amount = whole(approval.amount, known) if approval.amount else None
    chosen: list[Approver] = []
    for approver in approval.approvers:
        chosen.append(approver)
        if amount is not None and approver.up_to_minor and amount <= approver.up_to_minor:
            break
    return tuple(chosen)


def one_ahead(
    step: Step, approver: Approver, is_sure: bool, asking: Asking, people: People, owner: str,
    teams: Mapping[str, str], today: date,
) -> Ahead | tuple[str, str, str, bool]:  # fmt: skip
    """One approver: a team or role by its name, else the person who decides today."""
    stage = said(step.names)
    if approver.kind in GROUPS:
        is_team = approver.kind is ApproverKind.TEAM
        who = teams.get(approver.who, approver.who) if is_team else name_of(approver.who, "role")
        return Ahead(stage, who or approver.who, "", is_sure)
    question = Question(
        Described(approver.kind.value), asking.beneficiary.id, asking.asker.id,
        tuple(one for one in (who_is_meant(approver, asking, owner),) if one),
    )  # fmt: skip
    chosen = approver_for(question, people, today)
    if chosen.employee_id is None:
        return Ahead(stage, _("the team that is responsible"), "", is_sure)
    note = "" if chosen.why is Why.AS_PLANNED else name_of(chosen.why, "approver_why") or ""
    return stage, chosen.employee_id, note, is_sure


def who_is_meant(approver: Approver, asking: Asking, owner: str) -> str:
    """The person that an approver of this kind names; nobody for a manager, who is found by the line."""
    if approver.kind is ApproverKind.COST_OWNER:
        return owner
    if approver.kind is ApproverKind.PERSON:
        return str(asking.answers.get(approver.from_field) or "") if approver.from_field else approver.who
    return ""


async def cost_owner(desk: DeskAt, beneficiary: Colleague) -> str:
    """Who answers for the money of the beneficiary's cost centre."""
    query = desk.visible(CostCentre).with_only_columns(col(CostCentre.owner_id))
    found = await desk.session.scalar(query.where(col(CostCentre.id) == beneficiary.cost_centre))
    return str(found or "")


async def people_around(desk: DeskAt, asking: Asking, steps: list[tuple[Step, bool]], today: date) -> People:
    """Everybody to whom a decision may come: the lines of managers, who is named, who stands in."""
    seen: dict[str, Colleague] = {}
    owner = await cost_owner(desk, asking.beneficiary)
    wanted: set[str | None] = {asking.beneficiary.id, asking.asker.id, owner}
    wanted |= {
        who_is_meant(one, asking, owner) for step, _s in steps
        for one in (step.approval.approvers if step.approval else ())
    }  # fmt: skip
    delegations: dict[tuple[str, str, date], InPlace] = {}
    for _round in range(HIGHEST):
        found = await named(desk, {one for one in wanted if one and one not in seen})
        if not found:
            break
        seen.update(found)
        for one in await standing_in(desk, list(found), today):
            delegations[one.from_id, one.to_id, one.from_on] = one
        wanted = {one.manager_id for one in found.values()} | {one.to_id for one in delegations.values()}
    return People(
        {
            one.id: Decider(one.id, one.manager_id, one.starts_on, None, one.status is EmployeeStatus.LEFT)
            for one in seen.values()
        },
        await away(desk, list(seen), today), tuple(delegations.values()),
    )  # fmt: skip


async def standing_in(desk: DeskAt, ids: list[str], today: date) -> list[InPlace]:
    """Whom these people have named for today."""
    query = desk.visible(Delegation).where(
        col(Delegation.from_employee_id).in_(ids), col(Delegation.from_on) <= today,
        col(Delegation.until_on) >= today, col(Delegation.revoked_at).is_(None),
    )  # fmt: skip
    rows = await desk.session.scalars(query.order_by(col(Delegation.created_at)))
    return [InPlace(one.from_employee_id, one.to_employee_id, one.from_on, one.until_on) for one in rows]


async def away(desk: DeskAt, ids: list[str], today: date) -> tuple[Away, ...]:
    """Who of these is absent today."""
    query = desk.visible(EmployeeAbsence).where(
        col(EmployeeAbsence.employee_id).in_(ids), col(EmployeeAbsence.from_on) <= today,
        col(EmployeeAbsence.until_on) >= today, ~col(EmployeeAbsence.is_cancelled),
    )  # fmt: skip
    rows = await desk.session.scalars(query)
    return tuple(Away(str(one.employee_id), one.from_on, one.until_on) for one in rows)
