"""What can be asked for: published items as each person sees them, by audience, category and words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fastapi import Request
from sqlalchemy import text
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests.known import is_for
from api.employee_requests.people import Colleague, me_or_refusal
from api.employee_requests.routing import PORTAL, router
from api.kit.desk import Desk, DeskAt
from api.kit.kept import Kept
from api.kit.language import locale
from api.kit.rendering import answer
from models.employee_requests.items import RequestItemVersion
from models.kit.records import from_record
from models.kit.refusals import Refusal
from models.messages.catalogue import VersionStatus
from models.messages.employee_requests.items import Category, Item, StepKind, Texts
from models.rules.employee_requests.walking import walk

TONES = {
    Category.HR: "green", Category.IT: "indigo", Category.FINANCE: "pink", Category.LEGAL: "amber",
    Category.WORKPLACE: "teal", Category.PURCHASING: "blue",
}  # fmt: skip
KEPT: dict[tuple[str, int, str], Item] = {}  # a published version never changes
MOST_KEPT = 500


@dataclass(frozen=True)
class Usual:
    """How long an item took of late: half of the requests, and four of five, in seconds."""

    count: int
    half_seconds: int
    most_seconds: int


@dataclass(frozen=True)
class Tile:
    """One item on the shelf."""

    key: str
    name: str
    about: str
    category: Category
    icon: str
    tone: str
    approvals: int
    usual: Usual | None

    @property
    def href(self) -> str:
        """Where it is asked for."""
        return f"/employee-requests/catalogue/{self.key}"


@dataclass(frozen=True)
class Shelf:
    """The items of one department."""

    category: Category
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class CataloguePage:
    """Everything that may be asked for, by department."""

    shelves: tuple[Shelf, ...]
    q: str
    count: int


@router.get("/employee-requests/catalogue", may=PORTAL)
async def catalogue(request: Request, desk: Desk, words: Kept) -> Response:
    """Show what I may ask for, all of it or what holds these words."""
    me = await me_or_refusal(desk)
    tiles = matching(await tiles_for(desk, me), words)
    shelves = tuple(
        Shelf(one, found) for one in Category if (found := tuple(t for t in tiles if t.category is one))
    )
    page = CataloguePage(shelves, words, len(tiles))
    return answer(request, "employee_requests/catalogue.html", page)


def said(texts: Texts) -> str:
    """One of an item's own texts in the reader's language."""
    return texts.get(locale()) or next(iter(texts.values()), "")


def item_of(key: str, version: int, checksum: str, definition: Mapping[str, Any]) -> Item:
    """The item behind a row; read once, because a published version never changes."""
    found = KEPT.get((key, version, checksum))
    if found is None:
        while len(KEPT) >= MOST_KEPT:
            KEPT.pop(next(iter(KEPT)))
        found = KEPT[key, version, checksum] = from_record(Item, definition)
    return found


COLUMNS = (
    col(RequestItemVersion.item_key), col(RequestItemVersion.version), col(RequestItemVersion.checksum),
    col(RequestItemVersion.definition),
)  # fmt: skip


async def published(desk: DeskAt) -> list[Item]:
    """What new requests take, item by item."""
    query = desk.visible(RequestItemVersion).with_only_columns(*COLUMNS)
    rows = await desk.session.execute(
        query.where(col(RequestItemVersion.status) == VersionStatus.PUBLISHED).order_by(
            col(RequestItemVersion.item_key)
        )
    )
    return [item_of(row[0], row[1], row[2], row[3]) for row in rows]


async def one_published(desk: DeskAt, key: str, me: Colleague) -> Item:
    """The version of one item that a new request takes; not for me is not there."""
    query = desk.visible(RequestItemVersion).with_only_columns(*COLUMNS)
    row = (
        await desk.session.execute(
            query.where(
                col(RequestItemVersion.status) == VersionStatus.PUBLISHED,
                col(RequestItemVersion.item_key) == key,
            )
        )
    ).first()
    if row is None or not is_for(item := item_of(*row), me):
        raise Refusal("not_found")
    return item


async def versions(desk: DeskAt, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Item]:
    """The versions by which requests live."""
    pairs = set(wanted)
    if not pairs:
        return {}
    query = desk.visible(RequestItemVersion).with_only_columns(*COLUMNS)
    rows = await desk.session.execute(
        query.where(
            col(RequestItemVersion.item_key).in_({key for key, _ in pairs}),
            col(RequestItemVersion.definition).is_not(None),
        )
    )
    return {(row[0], row[1]): item_of(*row) for row in rows if (row[0], row[1]) in pairs}


async def tiles_for(desk: DeskAt, me: Colleague) -> tuple[Tile, ...]:
    """The items that are for me, by name."""
    mine = [item for item in await published(desk) if is_for(item, me)]
    times = await usual_times(desk, [item.key for item in mine])
    tiles = (tile_of(item, times.get(item.key)) for item in mine)
    return tuple(sorted(tiles, key=lambda tile: tile.name))


def tile_of(item: Item, usual: Usual | None) -> Tile:
    """An item as it stands on the shelf."""
    return Tile(
        item.key, said(item.names), said(item.descriptions), item.category, item.icon or "clipboard-list",
        TONES[item.category], sum(one.step.kind is StepKind.APPROVAL for one in walk(item)), usual,
    )  # fmt: skip


def matching(tiles: Iterable[Tile], q: str) -> tuple[Tile, ...]:
    """Those whose name or description holds all of the words."""
    words = q.lower().split()[:8]
    return tuple(tile for tile in tiles if all(word in f"{tile.name} {tile.about}".lower() for word in words))


async def usual_times(desk: DeskAt, keys: list[str]) -> dict[str, Usual]:
    """How long items took of late, over everybody's requests; too few say nothing."""
    found = await desk.session.execute(
        text("select item_key, requests, half, most from ieum_usual_times(:keys)"), {"keys": keys}
    )
    return {row[0]: Usual(row[1], row[2], row[3]) for row in found}


@lru_cache(maxsize=4096)
def _position(path: str) -> tuple[int, ...]:
    return tuple(int(part) for part in path.split(".") if part.isdigit())


def in_order(path: str) -> tuple[int, ...]:
    """Paths sort by their numbers: 2.10 after 2.9."""
    return _position(path)
