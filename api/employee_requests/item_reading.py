"""Items as their keepers see them: the house of the day, what is wrong, who may write, what was changed."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import col

from api.employee_requests.item_words import ICONS
from api.kit.desk import DeskAt
from api.kit.labels import label_text
from api.kit.language import gettext as _
from api.kit.language import locale
from api.kit.people import Kind, Person
from models.employee_requests.items import RequestItem, RequestItemVersion
from models.kit import item_files
from models.kit.records import from_record
from models.kit.refusals import Refusal
from models.knowledge import ArticleVersion
from models.messages.catalogue import VersionStatus
from models.messages.employee_requests.items import Item, Texts
from models.messages.employee_requests.problems import Problem
from models.messages.knowledge import Audience
from models.messages.staff import EmployeeStatus, Role
from models.rules.employee_requests.checks import children_of, people_of
from models.rules.employee_requests.judging import World
from models.rules.employee_requests.walking import walk
from models.rules.knowledge import reads
from models.staff import Account, Employee, Team


@dataclass(frozen=True)
class Told:
    """A problem as it is shown."""

    place: str
    line: int
    code: str
    sentence: str


@dataclass(frozen=True)
class Stage:
    """A step as one line of the outline."""

    path: str
    depth: int
    kind: str
    name: str
    id: str
    when: str


def owns(person: Person, item: RequestItem) -> bool:
    """Whether somebody keeps this item: administrators, and our staff in its team."""
    if person.kind is not Kind.STAFF:
        return False
    return Role.ADMIN in person.roles or (person.team_id is not None and person.team_id == item.owner_team)


async def kept(desk: DeskAt, item_key: str) -> RequestItem:
    """An item that the asking person may write on."""
    item = await desk.one(RequestItem, item_key)
    if not owns(desk.person, item):
        raise Refusal("not_allowed")
    return item


async def examined(desk: DeskAt, text: str, item_key: str = "") -> tuple[Item | None, tuple[Problem, ...]]:
    """The item that a text says, and all that is wrong with it today."""
    found = item_files.from_yaml(text)
    if not isinstance(found, Item):
        return None, found
    item, problems = item_files.examine(text, await world(desk, found))
    if item_key and found.key != item_key:
        wrong = Problem("key", "wrong_key", {"given": found.key, "wanted": item_key})
        problems = (wrong, *problems)
    return item, problems


async def world(desk: DeskAt, item: Item) -> World:
    """What is there today: teams, the employees that the item names, what is published."""
    teams = await desk.session.scalars(desk.visible(Team).with_only_columns(col(Team.id)))
    here = desk.visible(Employee).with_only_columns(col(Employee.id))
    named = here.where(col(Employee.id).in_(people_of(item)), col(Employee.status) != EmployeeStatus.LEFT)
    published = desk.visible(RequestItemVersion).where(
        col(RequestItemVersion.status) == VersionStatus.PUBLISHED
    )
    items = [one.definition for one in await desk.session.scalars(published) if one.definition]
    asks = [from_record(Item, one) for one in items]
    return World(
        frozenset(teams), frozenset(await desk.session.scalars(named)),
        items={one.key: children_of(one) for one in asks}, icons=ICONS,
        articles=await articles_of(desk, item.knowledge),
    )  # fmt: skip


async def articles_of(desk: DeskAt, keys: tuple[str, ...]) -> dict[str, bool]:
    """Of these articles those that are published, and whether employees may read them."""
    query = desk.visible(ArticleVersion).with_only_columns(
        col(ArticleVersion.article_key), col(ArticleVersion.audience)
    )
    mine = (
        col(ArticleVersion.article_key).in_(keys),
        col(ArticleVersion.status) == VersionStatus.PUBLISHED,
    )
    rows = await desk.session.execute(query.where(*mine))
    return {row[0]: reads(Audience.EMPLOYEES, row[1]) for row in rows}


def told(problems: tuple[Problem, ...], text: str) -> tuple[Told, ...]:
    """Problems in the reader's language, with their lines."""
    lines = item_files.lines_of(text)
    return tuple(
        Told(one.place, item_files.line_of(one.place, lines), one.code, _(one.sentence, **one.values))
        for one in problems
    )


def said(texts: Texts) -> str:
    """A text in the reader's language."""
    return texts.get(locale()) or texts.get("ko", "")


def outline(item: Item) -> tuple[Stage, ...]:
    """The steps as lines."""
    return tuple(
        Stage(
            one.path, one.depth, label_text(one.step.kind, "item_step"), said(one.step.names), one.step.id,
            one.step.when,
        )
        for one in walk(item)
    )  # fmt: skip


def canonical(text: str) -> str:
    """A file as the house writes it; a broken one as it is."""
    found = item_files.from_yaml(text)
    return item_files.to_yaml(found) if isinstance(found, Item) else text


async def names_of(desk: DeskAt, accounts: set[str]) -> dict[str, str]:
    """What colleagues are called."""
    query = desk.visible(Account).with_only_columns(col(Account.id), col(Account.name))
    rows: Any = await desk.session.execute(query.where(col(Account.id).in_(accounts)))
    return {row[0]: row[1] for row in rows}


async def versions_of(desk: DeskAt, item_key: str) -> list[RequestItemVersion]:
    """All versions, newest first."""
    query = desk.visible(RequestItemVersion).where(col(RequestItemVersion.item_key) == item_key)
    return list(await desk.session.scalars(query.order_by(col(RequestItemVersion.version).desc()).limit(200)))
