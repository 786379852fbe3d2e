"""One search over everything that the asking person may see; what was typed never stands in an address."""

from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from api.home.routing import router
from api.kit.desk import Desk
from api.kit.finding import MOST, Group, search
from api.kit.forms import Input, Typed, typed
from api.kit.kept import Kept, keep
from api.kit.paths import own_path
from api.kit.rendering import answer, is_fragment, move_on, wants_json
from api.kit.routes import EMPLOYEES, STAFF
from api.kit.texts import Key, Line, MaybeLine
from models.kit.refusals import Refusal

FEW = 8  # of each kind while somebody is still typing


@dataclass(frozen=True)
class SearchPage:
    """What was looked for and what was found, by kind."""

    q: str
    groups: tuple[Group, ...] = ()


class Sought(Input):
    """What somebody looks for."""

    q: MaybeLine = ""


class Narrowing(Input):
    """Words that narrow a list, where it stands, and what else it is narrowed by."""

    q: MaybeLine = ""
    to: Line
    more: dict[Key, MaybeLine] = {}


@router.get("/home/search", may=STAFF)
async def searching(request: Request, desk: Desk, words: Kept) -> Response:
    """The search, and what was found for the words that were sent before."""
    groups = await search(desk.session, desk.person, words)
    return answer(request, "home/search.html", SearchPage(words, groups))


@router.post("/home/search", may=STAFF)
async def sought(request: Request, desk: Desk, sent: Typed[Sought] = typed(Sought)) -> Response:
    """Find it: while somebody types a few of each kind, then all; a whole number leads to its page."""
    if sent.value is None:
        return answer(request, "home/search.html", SearchPage(""), block="found", form=sent.form, status=422)
    is_typing = is_fragment(request) or wants_json(request)
    most = FEW if is_typing else MOST
    groups = await search(desk.session, desk.person, sent.value.q, most=most)
    if is_typing:
        page = SearchPage(sent.value.q, groups)
        return answer(request, "home/search.html", page, block="found", data={"groups": groups})
    only = [hit for group in groups for hit in group.hits]
    if len(only) == 1 and only[0].id == sent.value.q.strip().upper():
        return move_on(request, only[0].href)
    return move_on(request, (await keep(desk, sent.value.q)).address("/home/search"))


@router.post("/home/words", may=STAFF | EMPLOYEES)
async def narrow(request: Request, desk: Desk, sent: Typed[Narrowing] = typed(Narrowing)) -> Response:
    """Keep the words of a list's form and lead back to the list, whose address holds their id instead."""
    path = own_path(sent.value.to.partition("?")[0]) if sent.value else ""
    if sent.value is None or not path:
        raise Refusal("invalid_form")
    words = await keep(desk, sent.value.q)
    return move_on(request, words.address(path, **sent.value.more))
