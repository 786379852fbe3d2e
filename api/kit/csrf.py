"""No other site may act in our people's name: every change must come from our own pages."""

import hmac

from starlette.requests import Request

from api.kit.people import Person
from models.kit.refusals import Refusal

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def comes_from_here(request: Request, origin: str) -> bool | None:
    """What the browser says about where a request comes from; None when it says nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    said = request.headers.get("origin")
    if said is not None:
        return said == origin
    return None


async def refuse_forgery(request: Request, person: Person, origin: str) -> None:
    """Raise `cross_site` unless the change comes from a page of this very session.

    A request with an API token is exempt because nothing in it is sent by a browser on its own."""
    if request.method in SAFE or person.is_token:
        return
    here = comes_from_here(request, origin)
    if here is False or (here is None and not person.token_hash):
        raise Refusal("cross_site")
    if not person.token_hash:
        return
    sent = request.headers.get("x-csrf-token", "")
    if not sent and request.headers.get("content-type", "").startswith(FORMS):
        sent = str((await request.form()).get("_csrf", ""))
    if not hmac.compare_digest(sent.encode(), request.state.csrf.encode()):
        raise Refusal("cross_site")
