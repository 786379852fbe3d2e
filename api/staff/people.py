"""Who works here and what they may do; nobody gives what they do not hold."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import BeforeValidator
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit import signing
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.people import Person
from api.kit.rendering import answer, move_on
from api.kit.routes import ADMINS
from api.kit.texts import Count, Email, Key, MaybeName, Name
from api.staff.routing import router
from models.kit import ids
from models.kit.outbox import announce_start
from models.kit.refusals import Refusal
from models.messages.staff import STAFF_ROLES, Invite, Role, invitation_workflow_id
from models.staff import Account, Team


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdigit() and len(value) < 20 else value


Version = Annotated[Count, BeforeValidator(_whole)]


INVITED = STAFF_ROLES | {Role.EMPLOYEE}  # the others belong to a customer, a technician or a company


class Newcomer(Input):
    """Somebody who begins to work here."""

    command_id: Key
    login: Email
    name: Name
    roles: list[Role] = []
    team_id: MaybeName = None
    locale: Literal["ko", "en"] = "ko"


class Asked(Input):
    """A wish, known by its own id: a double click is one letter."""

    command_id: Key


class Access(Input):
    """Whether somebody may come in."""

    is_active: bool
    version: Version


class Rights(Input):
    """What an administrator sets for somebody."""

    roles: list[Role] = []
    team_id: MaybeName = None
    version: Version


@dataclass(frozen=True)
class PersonLine:
    """One person who may sign in."""

    id: str
    name: str
    login: str
    roles: list[str]
    team: str
    is_active: bool


@dataclass(frozen=True)
class PeoplePage:
    """Everybody who may sign in."""

    people: tuple[PersonLine, ...]
    grantable: list[Role]
    teams: list[tuple[str, str]]


@dataclass(frozen=True)
class PersonPage:
    """One person, and what the asking administrator may give them."""

    person: PersonLine
    version: int
    team_id: str
    teams: list[tuple[str, str]]
    grantable: list[str]
    may_change: bool


@router.get("/staff", may=ADMINS)
async def index(request: Request, desk: Desk) -> Response:
    """Everybody who may sign in."""
    return answer(request, "staff/index.html", await index_page(desk))


async def index_page(desk: DeskAt) -> PeoplePage:
    """Everybody, and what a newcomer may be given."""
    accounts = await desk.session.scalars(desk.visible(Account).order_by(col(Account.name)).limit(500))
    teams = await team_names(desk)
    names = dict(teams)
    people = tuple(line_of(account, names) for account in accounts)
    return PeoplePage(people, sorted(grantable(desk.person) & INVITED), teams)


@router.post("/staff", may=ADMINS)
async def create(request: Request, desk: Desk, sent: Typed[Newcomer] = typed(Newcomer)) -> Response:
    """Make an account and mail its owner a one-time link; nobody else ever knows the password."""
    if sent.value is None:
        return answer(request, "staff/index.html", await index_page(desk), status=422, form=sent.form)
    new = sent.value
    if set(new.roles) - grantable(desk.person) or not set(new.roles) <= INVITED:
        raise Refusal("not_allowed")
    if new.team_id is not None:
        await desk.one(Team, new.team_id)
    account_id = ids.fresh("acc")
    row = {
        "id": account_id, "login": new.login, "name": new.name, "locale": new.locale,
        "roles": sorted(map(str, new.roles)), "team_id": new.team_id, "is_active": True,
        "created_at": datetime.now(UTC), "version": 1,
    }  # fmt: skip
    statement = insert(Account).values(row).on_conflict_do_nothing().inline()
    made: Any = await desk.session.execute(statement, execution_options={"preserve_rowcount": True})
    if made.rowcount != 1:
        sent.form = sent.wrong("login", _("Somebody already signs in with this e-mail address."))
        return answer(request, "staff/index.html", await index_page(desk), status=409, form=sent.form)
    await noted(desk, "account_made", account_id, roles=row["roles"], team=new.team_id)
    await send_link(desk, account_id, new.command_id)
    return move_on(request, f"/staff/{account_id}", data={"account_id": account_id}, status=201)


@router.post("/staff/{account_id}/invitation", may=ADMINS, row="account")
async def invite(
    request: Request, desk: Desk, account_id: Key, sent: Typed[Asked] = typed(Asked)
) -> Response:
    """Mail somebody a one-time link to set a password, because they forgot it or the last one is over."""
    account = await changeable(desk, account_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    if not account.is_active:
        raise Refusal("not_allowed")
    await noted(desk, "invited", account.id)
    await send_link(desk, account.id, sent.value.command_id)
    return move_on(request, f"/staff/{account.id}", data={"status": "invited"})


@router.post("/staff/{account_id}/access", may=ADMINS, row="account")
async def shut(
    request: Request, desk: Desk, account_id: Key, sent: Typed[Access] = typed(Access)
) -> Response:
    """Let nobody in with this account any more, at once and everywhere, or let them in again."""
    account = await changeable(desk, account_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    if account.version != sent.value.version:
        raise Refusal("changed_meanwhile")
    account.is_active, account.version = sent.value.is_active, account.version + 1
    await desk.session.flush()
    if not account.is_active:
        await desk.session.execute(text("select door_shut(:account)"), {"account": account.id})
    await noted(desk, "account_opened" if account.is_active else "account_shut", account.id)
    await desk.commit()
    request.app.state.doors.forget(account_id=account.id)
    return move_on(request, f"/staff/{account.id}")


async def changeable(desk: DeskAt, account_id: str) -> Account:
    """Somebody whose rights are within one's own, and never oneself."""
    account = await desk.one(Account, account_id)
    if not may_change(desk.person, account):
        raise Refusal("not_allowed")
    return account


async def send_link(desk: DeskAt, account_id: str, command_id: str) -> None:
    """Announce the letter with the link; its token is made where it is sent and stored nowhere."""
    order = Invite(f"{account_id}.{command_id}", account_id, datetime.now(UTC))
    await announce_start(
        desk.session, "Invitation", invitation_workflow_id(order.id), order, summary="Set a password"
    )
    await desk.commit()


async def noted(desk: DeskAt, action: str, subject: str, **details: object) -> None:
    """One line in the audit log."""
    person = desk.person
    await signing.note(desk.session, person.id, person.address, action, subject, **details)


@router.get("/staff/{account_id}", may=ADMINS, row="account")
async def show(request: Request, desk: Desk, account_id: Key) -> Response:
    """One person and their rights."""
    return answer(request, "staff/show.html", await person_page(desk, await desk.one(Account, account_id)))


@router.post("/staff/{account_id}/rights", may=ADMINS, row="account")
async def grant(
    request: Request, desk: Desk, account_id: Key, sent: Typed[Rights] = typed(Rights)
) -> Response:
    """Set roles and team. Nobody gives or takes what they do not hold, and nobody changes their own."""
    account = await desk.one(Account, account_id)
    if sent.value is None:
        page = await person_page(desk, account)
        return answer(request, "staff/show.html", page, status=422, form=sent.form)
    asked, given = frozenset(sent.value.roles), grantable(desk.person)
    before = frozenset(Role(role) for role in account.roles)
    if not may_change(desk.person, account) or (asked ^ before) - given or asked - before - fitting(account):
        raise Refusal("not_allowed")
    if account.version != sent.value.version:
        raise Refusal("changed_meanwhile")
    if sent.value.team_id is not None:
        await desk.one(Team, sent.value.team_id)
    account.roles = sorted(str(role) for role in asked)
    account.team_id = sent.value.team_id
    account.version += 1
    rights: dict[str, Any] = {"before": sorted(before), "after": sorted(asked), "team": account.team_id}
    await signing.note(
        desk.session, desk.person.id, desk.person.address, "rights_changed", account.id, **rights
    )
    await desk.session.flush()
    await desk.session.execute(text("select door_forget(:account)"), {"account": account.id})
    await desk.commit()
    request.app.state.doors.forget(account_id=account.id)
    return move_on(request, f"/staff/{account.id}")


def grantable(person: Person) -> frozenset[Role]:
    """The staff roles that somebody holds, and those that reach only one's own things."""
    return (frozenset(Role) - STAFF_ROLES) | person.roles


def fitting(account: Account) -> frozenset[Role]:
    """The roles that an account can fill: a technician's needs a technician behind it, and so on."""
    behind = {
        Role.TECHNICIAN: account.technician_id, Role.PARTNER: account.partner_id,
        Role.PARTNER_DISPATCHER: account.partner_id, Role.CUSTOMER: account.customer_id,
    }  # fmt: skip
    return frozenset(role for role in Role if role not in behind or behind[role])


def may_change(person: Person, account: Account) -> bool:
    """Only somebody whose rights are within one's own, and never oneself."""
    return account.id != person.id and {Role(role) for role in account.roles} <= grantable(person)


async def person_page(desk: Desk, account: Account) -> PersonPage:
    """What the page of one person shows."""
    teams = await team_names(desk)
    return PersonPage(
        person=line_of(account, dict(teams)),
        version=account.version,
        team_id=account.team_id or "",
        teams=teams,
        grantable=sorted(grantable(desk.person) & (fitting(account) | {Role(one) for one in account.roles})),
        may_change=may_change(desk.person, account),
    )


async def team_names(desk: Desk) -> list[tuple[str, str]]:
    """Every team by its name in the reader's language."""
    teams = await desk.session.scalars(desk.visible(Team).order_by(col(Team.id)))
    return [(team.id, team.name_ko if desk.person.locale != "en" else team.name_en) for team in teams]


def line_of(account: Account, teams: dict[str, str]) -> PersonLine:
    """One line of the list; never the password's hash."""
    return PersonLine(
        account.id, account.name, account.login, list(account.roles), teams.get(account.team_id or "", ""),
        account.is_active,
    )  # fmt: skip
