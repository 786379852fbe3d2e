"""Everybody who works here, as colleagues know each other; and who decides in whose place."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from fastapi import Request
from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit import signing
from api.kit.desk import Desk, DeskAt
from api.kit.finding import tidy
from api.kit.forms import Input, Typed, typed
from api.kit.kept import Kept
from api.kit.language import gettext as _
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import EMPLOYEES, STAFF
from api.kit.texts import Email, Key, MaybeLine
from api.staff.routing import router
from models.kit.refusals import Refusal
from models.messages.staff import EmployeeStatus, Role
from models.rules.calendars import KST
from models.staff import Delegation, Employee, EmployeeAbsence, PeopleFeed

HERE = EMPLOYEES | STAFF
MOST, LONGEST = 200, timedelta(days=366)
SHOWN = ("id", "name", "email", "phone", "department", "title", "site", "manager_id")


class Handover(Input):
    """Somebody is to decide in my place for some days."""

    command_id: Key
    colleague: Email
    from_on: date
    until_on: date


class Sought(Input):
    """Words of a name, a department, a title or an address."""

    q: MaybeLine = ""


class Taken(Input):
    """The wish to decide oneself again; it says everything by its address."""


@dataclass(frozen=True)
class Line:
    """One colleague in the list: nothing private, and whether they are away today."""

    name: str
    email: str
    phone: str
    department: str
    title: str
    site: str
    manager: str
    away_until: date | None
    stands_in: str


@dataclass(frozen=True)
class ColleaguesPage:
    """Who works here, by name."""

    q: str
    people: tuple[Line, ...]
    is_cut: bool
    heard_at: datetime | None
    is_held: bool = False  # for administrators: the news stand still until they accept them


@dataclass(frozen=True)
class HandoverLine:
    """One delegation: who, for whom, when; `may_end` while it is not over and mine to end."""

    id: str
    name: str
    from_on: date
    until_on: date
    state: str
    may_end: bool


@dataclass(frozen=True)
class DelegationsPage:
    """Who decides in my place, and in whose place I decide."""

    is_employee: bool
    given: tuple[HandoverLine, ...]
    taken: tuple[HandoverLine, ...]
    today: date


def today() -> date:
    """The date in Seoul."""
    return datetime.now(KST).date()


@router.get("/people", may=HERE)
async def people(request: Request, desk: Desk, words: Kept) -> Response:
    """Who works here: name, department, how to reach them, and whether they are away."""
    return answer(request, "staff/people.html", await colleagues_page(desk, words))


@router.post("/people/search", may=HERE)
async def seek_people(request: Request, desk: Desk, sent: Typed[Sought] = typed(Sought)) -> Response:
    """The same while somebody types; a name stands in no address."""
    page = await colleagues_page(desk, tidy(sent.value.q) if sent.value else "")
    form, status = (sent.form, 422) if sent.value is None else (None, 200)
    return answer(request, "staff/people.html", page, block="colleague_list", form=form, status=status)


@router.get("/people/delegations", may=HERE)
async def delegations(request: Request, desk: Desk) -> Response:
    """Who decides in my place, and in whose place I decide."""
    return answer(request, "staff/delegations.html", await delegations_page(desk))


@router.post("/people/delegations", may=HERE)
async def hand_over(request: Request, desk: Desk, sent: Typed[Handover] = typed(Handover)) -> Response:
    """Let somebody decide in my place; approvals that wait for me move within a minute."""
    me = await my_id(desk)
    if me is None:
        raise Refusal("not_an_employee")
    form = await wrong(desk, sent, me) if sent.value else sent.form
    if sent.value is None or form is not None:
        page = await delegations_page(desk)
        return answer(request, "staff/delegations.html", page, status=422, form=form)
    wish, other = sent.value, await by_email(desk, sent.value.colleague)
    key = hashlib.sha256(f"{desk.person.id}/{wish.command_id}".encode()).hexdigest()
    row = {
        "id": f"dlg_{key[:24]}", "from_employee_id": me, "to_employee_id": other, "from_on": wish.from_on,
        "until_on": wish.until_on, "created_by": desk.person.id, "created_at": datetime.now(UTC),
    }  # fmt: skip
    await desk.session.execute(insert(Delegation).values(row).on_conflict_do_nothing().inline())
    await noted(desk, "delegated", me)
    await desk.commit()
    return move_on(request, "/people/delegations", data={"delegation_id": row["id"]}, status=201)


@router.post("/people/delegations/{delegation_id}/end", may=HERE, row="delegation")
async def end(
    request: Request, desk: Desk, delegation_id: Key, sent: Typed[Taken] = typed(Taken)
) -> Response:
    """Decide oneself again from now on; whoever was asked meanwhile stays asked."""
    if sent.value is None:
        raise Refusal("invalid_form")
    found = await desk.one(Delegation, delegation_id)
    if found.from_employee_id != await my_id(desk):
        raise Refusal("not_found")
    if found.revoked_at is None:
        found.revoked_at = datetime.now(UTC)
        await noted(desk, "delegation_ended", found.from_employee_id)
        await desk.commit()
    return move_on(request, "/people/delegations")


async def wrong(desk: DeskAt, sent: Typed[Handover], me: str) -> Form | None:
    """The form with what is wrong about the days or the colleague; None when nothing is."""
    wish = sent.value
    assert wish is not None
    if wish.until_on < max(wish.from_on, today()):
        return sent.wrong("until_on", _("The last day cannot lie before the first day or today."))
    if wish.until_on - wish.from_on > LONGEST:
        return sent.wrong("until_on", _("A delegation lasts a year at most."))
    other = await by_email(desk, wish.colleague)
    if other is None:
        return sent.wrong("colleague", _("Nobody who works here has this e-mail address."))
    if other == me:
        return sent.wrong("colleague", _("Please choose somebody else than yourself."))
    return None


async def my_id(desk: DeskAt) -> str | None:
    """Who asks, as an employee."""
    query = desk.visible(Employee).with_only_columns(col(Employee.id))
    found: str | None = await desk.session.scalar(query.where(col(Employee.account_id) == desk.person.id))
    return found


async def by_email(desk: DeskAt, address: str) -> str | None:
    """The colleague with this address who works here now."""
    query = desk.visible(Employee).with_only_columns(col(Employee.id))
    mine = col(Employee.email) == address, col(Employee.status) == EmployeeStatus.ACTIVE
    found = (await desk.session.scalars(query.where(*mine).limit(2))).all()
    return str(found[0]) if len(found) == 1 else None


async def colleagues_page(desk: DeskAt, q: str) -> ColleaguesPage:
    """The list, narrowed by words of name, department, title or address."""
    columns = [getattr(Employee, name) for name in SHOWN]
    query = desk.visible(Employee).with_only_columns(*columns)
    query = query.where(col(Employee.status) == EmployeeStatus.ACTIVE)
    for word in q.split()[:5]:
        like = "%{}%".format(word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_"))
        fields = (Employee.name, Employee.department, Employee.title, Employee.email)
        query = query.where(or_(*(col(field).ilike(like) for field in fields)))
    order = query.order_by(col(Employee.name), col(Employee.id)).limit(MOST + 1)
    rows = (await desk.session.execute(order)).all()
    away, instead = await away_today(desk), await in_place_today(desk)
    names = await names_of(desk, [*(row.manager_id for row in rows), *instead.values()])
    lines = tuple(
        Line(
            row.name, row.email, row.phone, row.department, row.title, row.site,
            names.get(row.manager_id or "", ""), away.get(row.id), names.get(instead.get(row.id, ""), ""),
        )
        for row in rows[:MOST]
    )  # fmt: skip
    feed = await desk.session.scalar(desk.visible(PeopleFeed).limit(1))
    is_held = feed is not None and feed.held_at is not None and Role.ADMIN in desk.person.roles
    return ColleaguesPage(q, lines, len(rows) > MOST, feed.read_at if feed else None, is_held)


async def away_today(desk: DeskAt) -> dict[str, date]:
    """Until when people are away who are away today."""
    row, day = EmployeeAbsence, today()
    query = desk.visible(row).where(~col(row.is_cancelled), col(row.from_on) <= day, col(row.until_on) >= day)
    found = await desk.session.scalars(query.order_by(col(row.until_on)))
    return {one.employee_id: one.until_on for one in found if one.employee_id}


async def in_place_today(desk: DeskAt) -> dict[str, str]:
    """Who decides in whose place today; the later of two delegations counts."""
    row, day = Delegation, today()
    query = desk.visible(row).where(
        col(row.revoked_at).is_(None), col(row.from_on) <= day, col(row.until_on) >= day
    )
    found = await desk.session.scalars(query.order_by(col(row.created_at), col(row.id)))
    return {one.from_employee_id: one.to_employee_id for one in found}


async def names_of(desk: DeskAt, ids: Iterable[str | None]) -> dict[str, str]:
    """What colleagues are called."""
    query = desk.visible(Employee).with_only_columns(col(Employee.id), col(Employee.name))
    rows = await desk.session.execute(query.where(col(Employee.id).in_({one for one in ids if one})))
    return {row[0]: row[1] for row in rows}


async def delegations_page(desk: DeskAt) -> DelegationsPage:
    """My delegations, the latest first, and those in which I stand in."""
    me, row = await my_id(desk), Delegation
    query = desk.visible(row).where(or_(col(row.from_employee_id) == me, col(row.to_employee_id) == me))
    found = (await desk.session.scalars(query.order_by(col(row.from_on).desc(), col(row.id)).limit(50))).all()
    names = await names_of(
        desk, [one.from_employee_id for one in found] + [one.to_employee_id for one in found]
    )
    given, taken = list[HandoverLine](), list[HandoverLine]()
    for one in found:
        is_mine = one.from_employee_id == me
        name = names.get(one.to_employee_id if is_mine else one.from_employee_id, "")
        state = state_of(one)
        may_end = is_mine and state in ("running", "planned")
        (given if is_mine else taken).append(
            HandoverLine(one.id, name, one.from_on, one.until_on, state, may_end)
        )
    return DelegationsPage(me is not None, tuple(given), tuple(taken), today())


def state_of(row: Delegation) -> str:
    """Whether a delegation holds today, will hold, or is over."""
    if row.revoked_at is not None:
        return "ended"
    if row.until_on < today():
        return "over"
    return "running" if row.from_on <= today() else "planned"


async def noted(desk: DeskAt, action: str, subject: str) -> None:
    """One line in the audit log."""
    await signing.note(desk.session, desk.person.id, desk.person.address, action, subject)
