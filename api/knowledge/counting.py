"""What readers leave: looks, searches without result and verdicts, counted without saying who it was."""

import hashlib
import hmac
from collections.abc import Mapping

from fastapi import Request
from sqlalchemy import text

from api.kit import throttles
from api.kit.desk import DeskAt, session_for
from api.kit.language import locale
from api.kit.people import Kind
from models.kit.refusals import Refusal
from models.messages.knowledge import Place, Use
from models.rules.knowledge import masked


async def used(request: Request, desk: DeskAt, article_key: str, use: Use) -> None:
    """Count one use on this day; a stranger's only up to a measure."""
    if use is Use.READ and desk.person.kind is Kind.STAFF:
        return
    await _leave(
        request, desk, "select ieum_article_used(:key, :use)", {"key": article_key, "use": use.value}
    )


async def nothing_found(request: Request, desk: DeskAt, asked: str, place: Place) -> None:
    """Keep for which words nothing was found: masked, cut, by day, and nothing about whose they were."""
    kept = masked(asked)
    if len(kept) > 1:
        values = {"asked": kept, "spoken": locale(), "place": place.value}
        await _leave(request, desk, "select ieum_nothing_found(:asked, :spoken, :place)", values)


async def said(
    request: Request, desk: DeskAt, article_key: str, version: int, is_helpful: bool, comment: str
) -> bool:
    """Keep whether it helped, once per person and version; False when there is nothing to judge."""
    if desk.person.account_id is None:
        await throttles.count(desk.session, request.app.state.limits.helping(desk.person.address))
    values = {
        "key": article_key, "version": version, "whom": whom(request, desk, article_key, version),
        "helpful": is_helpful, "said": comment, "spoken": locale(),
    }  # fmt: skip
    door = text("select ieum_article_said(:key, :version, :whom, :helpful, :said, :spoken)")
    is_kept = bool(await desk.session.scalar(door, values))
    await desk.commit()
    return is_kept


def whom(request: Request, desk: DeskAt, article_key: str, version: int) -> str:
    """Who judges, as a word from which nobody is found: another one for each article and version."""
    browser = request.headers.get("user-agent", "")
    who = desk.person.account_id or f"{desk.person.address}|{browser}"
    told = f"article:{article_key}:{version}:{who}".encode("utf-8", "replace")
    return hmac.new(request.app.state.settings.secret_key, told, hashlib.sha256).hexdigest()[:32]


async def _leave(request: Request, desk: DeskAt, door: str, values: Mapping[str, object]) -> None:
    """In a session of its own, because a page that is looked at writes nothing by itself."""
    await desk.commit()  # gives the connection back, so that nobody waits for a second one
    async with session_for(desk.engine, desk.person) as session:
        if desk.person.account_id is None:
            try:
                await throttles.count(session, request.app.state.limits.helping(desk.person.address))
            except Refusal:
                return  # too often from there: shown all the same, and counted no more
        await session.execute(text(door), values)
        await session.finish()
