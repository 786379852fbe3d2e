"""What no article answered: searches without result and marked tickets, each made a draft with one press."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from fastapi import Request
from sqlalchemy import func, update
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import answer, move_on
from api.kit.routes import STAFF
from api.kit.texts import Key, Line
from api.knowledge import writing
from api.knowledge.routing import router
from models.kit import ids
from models.kit.refusals import Refusal
from models.knowledge import ArticleGap, ArticleSearch
from models.messages.knowledge import Article, Audience, GapStatus, Place, Topic
from models.tickets import Ticket

MOST = 200


class Settled(Input):
    """Write an article about it, or not."""

    act: Literal["draft", "dismiss"]


class SearchSettled(Settled):
    """The same for words that were searched."""

    words: Line


@dataclass(frozen=True)
class Asked:
    """Words for which nothing was found."""

    words: str
    times: int
    last_on: date
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Missed:
    """A ticket that no article answered."""

    id: str
    ticket_id: str
    subject: str
    is_over: bool
    words: str
    status: GapStatus
    article_key: str | None
    marked_at: datetime


@dataclass(frozen=True)
class GapsPage:
    """Everything that waits for somebody to write it."""

    searches: tuple[Asked, ...]
    tickets: tuple[Missed, ...]


@router.get("/knowledge/gaps", may=STAFF)
async def gaps(request: Request, desk: Desk) -> Response:
    """Show what people looked for and did not find, the most asked first."""
    return answer(request, "knowledge/gaps.html", GapsPage(await _searches(desk), await _tickets(desk)))


@router.post("/knowledge/gaps", may=STAFF)
async def settle_search(
    request: Request, desk: Desk, sent: Typed[SearchSettled] = typed(SearchSettled)
) -> Response:
    """Begin a draft about searched words, or take them off the list."""
    if sent.value is None:
        raise Refusal("invalid_form")
    open_ = (col(ArticleSearch.words) == sent.value.words, col(ArticleSearch.settled_by).is_(None))
    change = update(ArticleSearch).where(*open_).values(settled_by=desk.person.id)
    done: Any = await desk.session.execute(change, execution_options={"synchronize_session": False})
    if not done.rowcount:
        raise Refusal("already_over")
    key = await _draft(desk, sent.value.words) if sent.value.act == "draft" else ""
    await desk.commit()
    return move_on(request, _where(key), data={"key": key})


@router.post("/knowledge/gaps/{gap_id}", may=STAFF, row="article_gap")
async def settle_ticket(
    request: Request, desk: Desk, gap_id: Key, sent: Typed[Settled] = typed(Settled)
) -> Response:
    """Begin a draft about a ticket, or say that none is needed."""
    gap = await desk.one(ArticleGap, gap_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    is_draft = sent.value.act == "draft"
    status = GapStatus.DRAFTED if is_draft else GapStatus.DISMISSED
    words = gap.words or (await desk.one(Ticket, gap.ticket_id)).subject
    mine = (col(ArticleGap.id) == gap_id, col(ArticleGap.status) == GapStatus.OPEN)
    change = update(ArticleGap).where(*mine).values(status=status, settled_by=desk.person.id)
    done: Any = await desk.session.execute(change, execution_options={"synchronize_session": False})
    if not done.rowcount:
        raise Refusal("already_over")
    key = await _draft(desk, words, about=gap.ticket_id) if is_draft else ""
    if key:
        named = update(ArticleGap).where(col(ArticleGap.id) == gap_id).values(article_key=key)
        await desk.session.execute(named, execution_options={"synchronize_session": False})
    await desk.commit()
    return move_on(request, _where(key), data={"key": key})


async def _draft(desk: DeskAt, words: str, about: str = "") -> str:
    """An article that is called by the words, still to be written."""
    title = words[:120]
    is_korean = any("가" <= letter <= "힣" for letter in title)
    titles = {"ko": title if is_korean else "", "en": "" if is_korean else title}
    empty = {"ko": "", "en": ""}
    key = writing.key_for("", titles["en"])
    for wanted in (key, ids.fresh("kb")):
        new = Article(wanted, Audience.CUSTOMERS, Topic.FAULT, titles, empty, empty)
        if made := await writing.begin(desk, new, note=about):
            return made
    raise Refusal("article_exists")


def _where(key: str) -> str:
    return f"/knowledge/{key}/versions/1" if key else "/knowledge/gaps"


async def _searches(desk: DeskAt) -> tuple[Asked, ...]:
    times = func.sum(ArticleSearch.times)
    query = (
        desk.visible(ArticleSearch)
        .with_only_columns(
            col(ArticleSearch.words), times, func.max(ArticleSearch.day),
            func.array_agg(func.distinct(ArticleSearch.place)),
        )
        .where(col(ArticleSearch.settled_by).is_(None))
        .group_by(ArticleSearch.words)
        .order_by(times.desc(), ArticleSearch.words)
        .limit(MOST)
    )  # fmt: skip
    return tuple(
        Asked(row[0], int(row[1]), row[2], tuple(one for one in Place if one in set(row[3])))
        for row in await desk.session.execute(query)
    )


async def _tickets(desk: DeskAt) -> tuple[Missed, ...]:
    """What is not yet settled first, tickets that are over before those that go on."""
    query: Any = (
        desk.visible(ArticleGap)
        .with_only_columns(
            col(ArticleGap.id), col(ArticleGap.ticket_id), col(Ticket.subject), col(Ticket.is_over),
            col(ArticleGap.words), col(ArticleGap.status), col(ArticleGap.article_key),
            col(ArticleGap.marked_at),
        )
        .join(Ticket, col(Ticket.id) == col(ArticleGap.ticket_id))
        .order_by(
            col(ArticleGap.status) != GapStatus.OPEN, col(Ticket.is_over).desc(),
            col(ArticleGap.marked_at).desc(),
        )
        .limit(MOST)
    )  # fmt: skip
    return tuple(Missed(*row) for row in await desk.session.execute(query))
