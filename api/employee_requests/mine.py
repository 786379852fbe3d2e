"""My requests, one search over everything an employee looks for, and the page where it all begins."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fastapi import Request
from sqlalchemy import or_, text
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests.approvals import OPEN as TO_DECIDE
from api.employee_requests.approvals import Row as ApprovalRow
from api.employee_requests.approvals import rows_for
from api.employee_requests.people import Colleague, found_by, me_or_refusal, myself
from api.employee_requests.reading import Life, lives_of
from api.employee_requests.routing import PORTAL, router
from api.employee_requests.shelf import TONES, Tile, matching, said, tiles_for, versions
from api.employee_requests.stages import stages_of
from api.employee_requests.tasks import Row as TaskRow
from api.employee_requests.tasks import tasks_of_team
from api.employee_requests.waiting import FormRow, forms_waiting
from api.kit.desk import Desk, DeskAt
from api.kit.finding import Hit
from api.kit.finding import search as find
from api.kit.forms import Input, Typed, typed
from api.kit.kept import Kept, keep
from api.kit.rendering import answer, is_fragment, move_on, wants_json
from api.kit.texts import MaybeLine
from models.employee_requests import EmployeeRequest
from models.messages.employee_requests.requests import OVER, RequestStatus

PAGE, FEW, MOST_USED = 50, 5, 8


@dataclass(frozen=True)
class Card:
    """One request of mine in a list: how far it is, and what it waits for."""

    id: str
    name: str
    icon: str
    tone: str
    status: RequestStatus
    for_whom: str
    created_at: datetime
    due_at: datetime | None
    done: int
    stages: int
    waits: str
    is_confidential: bool

    @property
    def href(self) -> str:
        """Where it is followed, or gone on with."""
        return f"/employee-requests/{self.id}{'/draft' if self.status is RequestStatus.DRAFT else ''}"


@dataclass(frozen=True)
class HomePage:
    """Where an employee begins: one box, what to do, what runs, what colleagues like me ask for most."""

    name: str
    approvals: tuple[ApprovalRow, ...]
    tasks: tuple[TaskRow, ...]
    forms: tuple[FormRow, ...]
    running: tuple[Card, ...]
    drafts: int
    used: tuple[Tile, ...]


@dataclass(frozen=True)
class MinePage:
    """My requests."""

    cards: tuple[Card, ...]
    show: str


class Sought(Input):
    """What somebody looks for, in their own words."""

    q: MaybeLine = ""


@dataclass(frozen=True)
class SearchPage:
    """What was found: things to ask for, articles, my requests, people."""

    q: str
    tiles: tuple[Tile, ...] = ()
    cards: tuple[Card, ...] = ()
    people: tuple[Colleague, ...] = ()
    articles: tuple[Hit, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found at all."""
        return not (self.tiles or self.cards or self.people or self.articles)


@router.get("/employee-requests", may=PORTAL)
async def start(request: Request, desk: Desk) -> Response:
    """Show where an employee begins."""
    return answer(request, "employee_requests/home.html", await home_page(desk))


@router.get("/employee-requests/mine", may=PORTAL)
async def mine(request: Request, desk: Desk, show: Literal["open", "draft", "over"] = "open") -> Response:
    """List my requests: under way, drafts, or over."""
    statuses = {"open": [RequestStatus.OPEN], "draft": [RequestStatus.DRAFT], "over": list(OVER)}[show]
    page = MinePage(await cards_of(desk, await myself(desk), statuses, PAGE), show)
    return answer(request, "employee_requests/mine.html", page)


@router.get("/employee-requests/search", may=PORTAL)
async def search(request: Request, desk: Desk, words: Kept) -> Response:
    """Look for things to ask for, articles, my requests and people with the same words."""
    return answer(request, "employee_requests/search.html", await search_page(desk, words))


@router.post("/employee-requests/search", may=PORTAL)
async def sought(request: Request, desk: Desk, sent: Typed[Sought] = typed(Sought)) -> Response:
    """The same while somebody types; then the page, whose address does not hold what was typed."""
    if sent.value is None:
        page = SearchPage("")
        return answer(
            request, "employee_requests/search.html", page, block="found", form=sent.form, status=422
        )
    if is_fragment(request) or wants_json(request):
        page = await search_page(desk, sent.value.q)
        return answer(request, "employee_requests/search.html", page, block="found")
    return move_on(request, (await keep(desk, sent.value.q)).address("/employee-requests/search"))


async def search_page(desk: DeskAt, words: str) -> SearchPage:
    """Everything that these words may mean to an employee, a few of each kind."""
    me = await me_or_refusal(desk)
    if not words:
        return SearchPage("")
    cards = await cards_of(desk, me, [RequestStatus.OPEN, RequestStatus.DRAFT, *OVER], PAGE)
    groups = await find(desk.session, desk.person, words, most=FEW, only=("article",))
    return SearchPage(
        words, matching(await tiles_for(desk, me), words)[:MOST_USED], matching_cards(cards, words)[:FEW],
        await found_by(desk, words, MOST_USED), tuple(hit for group in groups for hit in group.hits),
    )  # fmt: skip


async def home_page(desk: DeskAt) -> HomePage:
    """Everything that the first page shows."""
    me = await myself(desk)
    drafts = await cards_of(desk, me, [RequestStatus.DRAFT], PAGE)
    return HomePage(
        desk.person.name, (await rows_for(desk, me, TO_DECIDE))[:FEW], await tasks_of_team(desk, FEW),
        (await forms_waiting(desk, me))[:FEW],
        await cards_of(desk, me, [RequestStatus.OPEN], FEW + 3), len(drafts),
        await most_used(desk, me) if me is not None else (),
    )  # fmt: skip


async def most_used(desk: DeskAt, me: Colleague) -> tuple[Tile, ...]:
    """What colleagues of my department and site ask for most, filled up with the rest of the shelf."""
    ranked = await desk.session.scalars(text("select item_key from ieum_most_used()"))
    rank = {key: at for at, key in enumerate(ranked)}
    tiles = await tiles_for(desk, me)
    return tuple(sorted(tiles, key=lambda tile: (rank.get(tile.key, len(rank)), tile.name))[:MOST_USED])


async def cards_of(
    desk: DeskAt, me: Colleague | None, statuses: Iterable[RequestStatus], most: int
) -> tuple[Card, ...]:
    """My requests of these statuses: those that I asked for and those that are for me."""
    mine = [col(EmployeeRequest.asked_by) == desk.person.account_id]
    if me is not None:
        mine.append(col(EmployeeRequest.for_employee_id) == me.id)
    query = desk.visible(EmployeeRequest).where(or_(*mine), col(EmployeeRequest.status).in_(list(statuses)))
    newest = query.order_by(col(EmployeeRequest.created_at).desc(), col(EmployeeRequest.id)).limit(most)
    rows = list(await desk.session.scalars(newest))
    items = await versions(desk, [(one.item_key, one.item_version) for one in rows])
    return tuple(card_of(life) for life in await lives_of(desk, rows, items))


def card_of(life: Life) -> Card:
    """One request as a card."""
    row, item = life.request, life.item
    stages = [one for one in stages_of(item, life.rows) if one.depth == 0 and one.state != "skipped"]
    waits = [one.sub for one in stages_of(item, life.rows) if one.state in ("now", "late") and one.sub]
    return Card(
        row.id, said(item.names), item.icon or "clipboard-list", TONES[item.category], row.status,
        life.beneficiary.name if life.beneficiary else "", row.created_at, row.due_at,
        sum(one.state == "done" for one in stages), len(stages), waits[0] if waits else "",
        row.is_confidential,
    )  # fmt: skip


def matching_cards(cards: Iterable[Card], q: str) -> tuple[Card, ...]:
    """Those whose name, number or person holds all of the words."""
    words = q.lower().split()[:8]
    return tuple(
        card for card in cards if all(w in f"{card.id} {card.name} {card.for_whom}".lower() for w in words)
    )
