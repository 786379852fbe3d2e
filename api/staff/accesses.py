"""Who looked at whose personal data, when, from where and why: the record that the law asks for."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from sqlalchemy import func, select
from sqlmodel import col
from starlette.responses import Response

from api.kit import signing
from api.kit.desk import Desk, DeskAt
from api.kit.formats import SEOUL
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import answer
from api.kit.routes import ADMINS
from api.kit.seeing import may_see
from api.kit.spreadsheets import as_csv
from api.kit.texts import Line, MaybeLine
from api.staff.routing import router
from models.customers import Customer
from models.kit.refusals import Refusal
from models.staff import Account, PersonalDataAccess

PAGE, MOST = 50, 50_000
COLUMNS = ("at", "actor_id", "actor_kind", "address", "subject_id", "action", "purpose", "fields")


@dataclass(frozen=True)
class Asked:
    """What of the record is shown, as it stands in the address; days are days in Seoul."""

    actor: str = ""
    subject: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def pairs(self) -> dict[str, str]:
        """The filters that are set."""
        return {name: str(value) for name, value in vars(self).items() if value}

    def href(self, path: str = "/staff/accesses", **more: object) -> str:
        """The address with these filters."""
        return f"{path}?{urlencode({**self.pairs, **{k: str(v) for k, v in more.items()}})}"


@dataclass(frozen=True)
class AccessLine:
    """One look at somebody's data."""

    at: datetime
    actor_id: str
    actor: str
    actor_kind: str
    address: str
    subject_id: str
    subject: str
    action: str
    purpose: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class AccessPage:
    """One page of the record, and whose data all of it is about."""

    asked: Asked
    lines: tuple[AccessLine, ...]
    count: int
    subjects: int  # the first number that a report of a breach needs
    next: str


class Export(Input):
    """Why the record leaves the house, and which part of it."""

    purpose: Line
    actor: MaybeLine = ""
    subject: MaybeLine = ""
    since: MaybeLine = ""
    until: MaybeLine = ""


def filters(
    actor: Annotated[str, Query(max_length=64)] = "",
    subject: Annotated[str, Query(max_length=64)] = "",
    since: Annotated[str, Query(max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
) -> Asked:
    """The filters of an address; what is no day filters nothing."""
    if not (actor + subject).isprintable():
        raise Refusal("not_found")
    return Asked(actor.strip(), subject.strip(), day_of(since), day_of(until))


def day_of(written: str) -> date | None:
    """A day as browsers write it."""
    try:
        return date.fromisoformat(written) if written else None
    except ValueError:
        return None


@router.get("/staff/accesses", may=ADMINS)
async def accesses(
    request: Request,
    desk: Desk,
    asked: Annotated[Asked, Depends(filters)],
    after: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Show the record, the newest look first."""
    return answer(request, "staff/accesses.html", await access_page(desk, asked, after))


@router.post("/staff/accesses/export", may=ADMINS)
async def export(request: Request, desk: Desk, sent: Typed[Export] = typed(Export)) -> Response:
    """Give the record out as a table for a reason; this is a look at people's data as well."""
    given = {name: str(sent.form.value(name)) for name in ("actor", "subject", "since", "until")}
    if sent.value is None:
        page = await access_page(desk, Asked(), "")
        return answer(request, "staff/accesses.html", page, form=sent.form, status=422)
    asked = Asked(given["actor"], given["subject"], day_of(given["since"]), day_of(given["until"]))
    query = narrowed(desk.visible(PersonalDataAccess), asked).order_by(col(PersonalDataAccess.id).desc())
    rows = list(await desk.session.scalars(query.limit(MOST)))
    person = desk.person
    await signing.note(
        desk.session, person.id, person.address, "accesses_exported", "personal_data_accesses",
        purpose=sent.value.purpose, rows=len(rows), asked=asked.pairs,
    )  # fmt: skip
    await desk.commit()
    return as_csv("accesses", COLUMNS, (cells_of(row) for row in rows))


def cells_of(row: PersonalDataAccess) -> tuple[str, ...]:
    """One look as the cells of its line."""
    middle = (str(getattr(row, name)) for name in COLUMNS[1:-1])
    return (row.at.astimezone(UTC).isoformat(), *middle, " ".join(row.fields))


def narrowed(query: Any, asked: Asked) -> Any:
    """The part of the record that is asked for."""
    if asked.actor:
        query = query.where(col(PersonalDataAccess.actor_id) == asked.actor)
    if asked.subject:
        query = query.where(col(PersonalDataAccess.subject_id) == asked.subject)
    if asked.since:
        query = query.where(col(PersonalDataAccess.at) >= midnight(asked.since))
    if asked.until:
        query = query.where(col(PersonalDataAccess.at) < midnight(asked.until) + timedelta(days=1))
    return query


def midnight(day: date) -> datetime:
    """When a day begins in Seoul."""
    return datetime.combine(day, time(), SEOUL)


async def access_page(desk: DeskAt, asked: Asked, after: str) -> AccessPage:
    """One page after the cursor; the numbers are of everything that the filters leave."""
    query = narrowed(
        desk.visible(PersonalDataAccess)
        .add_columns(col(Account.name), col(Customer.name))
        .outerjoin(Account, col(Account.id) == col(PersonalDataAccess.actor_id))
        .outerjoin(Customer, col(Customer.id) == col(PersonalDataAccess.subject_id)),
        asked,
    )
    if after.isascii() and after.isdigit() and len(after) < 19:
        query = query.where(col(PersonalDataAccess.id) < int(after))
    found = (
        await desk.session.execute(query.order_by(col(PersonalDataAccess.id).desc()).limit(PAGE + 1))
    ).all()
    sums = select(func.count(), func.count(col(PersonalDataAccess.subject_id).distinct()))
    count, subjects = (
        await desk.session.execute(narrowed(sums.where(may_see(desk.person, PersonalDataAccess)), asked))
    ).one()
    lines = tuple(
        AccessLine(
            row.at, row.actor_id, actor or row.actor_id, row.actor_kind, row.address, row.subject_id,
            subject or row.subject_id, row.action, row.purpose, tuple(row.fields),
        )
        for row, actor, subject in found[:PAGE]
    )  # fmt: skip
    more = asked.href(after=found[PAGE - 1][0].id) if len(found) > PAGE else ""
    return AccessPage(asked, lines, count, subjects, more)
