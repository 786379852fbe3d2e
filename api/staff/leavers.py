"""The HR system's news stand still because very many people would leave: somebody looks and accepts."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from fastapi import Request
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit import signing
from api.kit.desk import Desk, DeskAt
from api.kit.formats import in_seoul
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import answer, move_on
from api.kit.routes import ADMINS
from api.kit.texts import Count, Key
from api.staff.routing import router
from models.kit.refusals import Refusal
from models.staff import Account, LeaverAcceptance, PeopleFeed


class Accepting(Input):
    """So many people really leave; the number is the one that the page showed."""

    command_id: Key
    leavers: Count


@dataclass(frozen=True)
class Word:
    """What an administrator has accepted."""

    at: datetime
    who: str
    day: date
    leavers: int


@dataclass(frozen=True)
class LeaversPage:
    """Whether the news stand still, since when, and how many would leave."""

    held_at: datetime | None
    held_leavers: int
    today: int
    most: int
    words: tuple[Word, ...]


@router.get("/people/leavers", may=ADMINS)
async def leavers(request: Request, desk: Desk) -> Response:
    """Show whether the HR system's news are held back."""
    most = request.app.state.settings.hr_most_leavers
    return answer(request, "staff/leavers.html", await leavers_page(desk, most))


@router.post("/people/leavers", may=ADMINS)
async def accept(request: Request, desk: Desk, sent: Typed[Accepting] = typed(Accepting)) -> Response:
    """Let so many people leave today; the next look into the feed goes on."""
    if sent.value is None:
        raise Refusal("invalid_form")
    feed = await desk.session.scalar(desk.visible(PeopleFeed).limit(1))
    if feed is None or feed.held_at is None:
        raise Refusal("already_over")
    if sent.value.leavers != feed.held_leavers:
        raise Refusal("changed_meanwhile")
    now = datetime.now(UTC)
    row = {
        "id": f"la_{sent.value.command_id}", "day": in_seoul(now).date(), "leavers": sent.value.leavers,
        "accepted_by": desk.person.id, "accepted_at": now,
    }  # fmt: skip
    mine = desk.visible(LeaverAcceptance).where(col(LeaverAcceptance.id) == row["id"])
    if await desk.session.scalar(mine) is None:
        await desk.session.execute(insert(LeaverAcceptance).values(row).on_conflict_do_nothing().inline())
        action, subject = "people.leavers.accepted", str(sent.value.leavers)
        await signing.note(desk.session, desk.person.id, desk.person.address, action, subject)
        await desk.commit()
    return move_on(request, "/people/leavers", data={"leavers": sent.value.leavers})


async def leavers_page(desk: DeskAt, most: int) -> LeaversPage:
    """Where the feed stands, and what was accepted of late."""
    feed = await desk.session.scalar(desk.visible(PeopleFeed).limit(1))
    query = desk.visible(LeaverAcceptance).order_by(col(LeaverAcceptance.accepted_at).desc()).limit(20)
    rows = list(await desk.session.scalars(query))
    accounts = desk.visible(Account).with_only_columns(col(Account.id), col(Account.name))
    found = await desk.session.execute(accounts.where(col(Account.id).in_({one.accepted_by for one in rows})))
    names = {row[0]: row[1] for row in found}
    words = tuple(Word(one.accepted_at, names.get(one.accepted_by, ""), one.day, one.leavers) for one in rows)
    is_today = feed is not None and feed.leavers_on == in_seoul(datetime.now(UTC)).date()
    return LeaversPage(
        feed.held_at if feed else None, feed.held_leavers if feed else 0,
        feed.leavers if feed is not None and is_today else 0, most, words,
    )  # fmt: skip
