"""Colleagues as the portal names them: who I am here, who somebody else is, nothing private."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Request
from sqlalchemy import Select, or_
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests.routing import PORTAL, router
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import answer
from api.kit.texts import Key, MaybeLine
from models.kit.refusals import Refusal
from models.messages.staff import EmployeeStatus
from models.staff import Employee

SUGGESTED = 30


class Meant(Input):
    """Words of a colleague; the field of a form that looks for one sends itself under its own name."""

    q: MaybeLine = ""
    colleague: MaybeLine = ""
    answers: dict[Key, MaybeLine] = {}

    @property
    def words(self) -> str:
        """What was typed, in whichever field."""
        return self.q or self.colleague or next(iter(self.answers.values()), "")


@dataclass(frozen=True)
class Colleague:
    """What colleagues know of each other."""

    id: str
    account_id: str | None
    name: str
    email: str
    department: str
    title: str
    site: str
    cost_centre: str
    manager_id: str | None
    starts_on: date
    status: EmployeeStatus


@dataclass(frozen=True)
class ColleaguesPage:
    """Whom a field that asks for a colleague may mean."""

    found: tuple[Colleague, ...]


NOBODY = Colleague("", None, "", "", "", "", "", "", None, date.min, EmployeeStatus.LEFT)


@router.post("/employee-requests/colleagues", may=PORTAL)
async def colleagues(request: Request, desk: Desk, sent: Typed[Meant] = typed(Meant)) -> Response:
    """Suggest colleagues by name, department or address, while somebody types; no address holds a name."""
    if sent.value is None:
        raise Refusal("invalid_form")
    page = ColleaguesPage(await found_by(desk, sent.value.words, SUGGESTED))
    return answer(request, "employee_requests/colleagues.html", page, block="colleagues")


def known(desk: DeskAt) -> Select[Any]:
    """Colleagues without the columns that no page sees."""
    return desk.visible(Employee).with_only_columns(
        *(getattr(Employee, name) for name in Colleague.__dataclass_fields__)
    )


async def named(desk: DeskAt, ids: Iterable[str | None]) -> dict[str, Colleague]:
    """Colleagues by their ids; whoever is not known has no name."""
    wanted = {one for one in ids if one}
    if not wanted:
        return {}
    rows = await desk.session.execute(known(desk).where(col(Employee.id).in_(wanted)))
    return {row[0]: Colleague(*row) for row in rows}


async def by_accounts(desk: DeskAt, accounts: Iterable[str | None]) -> dict[str, Colleague]:
    """Colleagues by the accounts with which they sign in."""
    wanted = {one for one in accounts if one}
    if not wanted:
        return {}
    rows = await desk.session.execute(known(desk).where(col(Employee.account_id).in_(wanted)))
    return {row[1]: Colleague(*row) for row in rows}


async def myself(desk: DeskAt) -> Colleague | None:
    """Who asks, as an employee; an account need not belong to one."""
    account = desk.person.account_id
    return (await by_accounts(desk, [account])).get(account or "")


async def me_or_refusal(desk: DeskAt) -> Colleague:
    """The same where only an employee can go on."""
    if (me := await myself(desk)) is None:
        raise Refusal("not_an_employee")
    return me


async def by_email(desk: DeskAt, address: str) -> Colleague | None:
    """The colleague with this address who has not left."""
    query = known(desk).where(
        col(Employee.email) == address.strip().lower(), col(Employee.status) != EmployeeStatus.LEFT
    )
    rows = (await desk.session.execute(query.limit(2))).all()
    return Colleague(*rows[0]) if len(rows) == 1 else None


async def found_by(desk: DeskAt, q: str, most: int) -> tuple[Colleague, ...]:
    """Colleagues who have not left, whose name, department or address holds these words."""
    query = known(desk).where(col(Employee.status) != EmployeeStatus.LEFT)
    for word in q.split()[:5]:
        like = f"%{escaped(word)}%"
        query = query.where(
            or_(
                col(Employee.name).ilike(like), col(Employee.department).ilike(like),
                col(Employee.email).ilike(like), col(Employee.title).ilike(like),
            )
        )  # fmt: skip
    rows = await desk.session.execute(query.order_by(col(Employee.name), col(Employee.id)).limit(most))
    return tuple(Colleague(*row) for row in rows)


def escaped(q: str) -> str:
    """What somebody types is text, never a pattern."""
    return q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
