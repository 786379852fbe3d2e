"""Which language a person reads, and the words in it."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from babel.core import negotiate_locale
from babel.support import NullTranslations, Translations
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCALES = ("ko", "en")
ZONE = "Asia/Seoul"
LOCALES_FOLDER = Path(__file__).resolve().parent.parent.parent / "locales"

_locale: ContextVar[str] = ContextVar("locale", default="ko")
_catalogues: dict[str, NullTranslations] = {}

Remember = Callable[[Any, str], Awaitable[None]]
"""Called with the signed-in person and the language that they chose, so that the account keeps it."""


def locale() -> str:
    """The language of the person who is being answered."""
    return _locale.get()


def speak(chosen: str) -> str:
    """Answer in this language from here on; an unknown one is answered in Korean."""
    _locale.set(chosen if chosen in LOCALES else "ko")
    return _locale.get()


def catalogue() -> NullTranslations:
    """The words of the current language; English is the language of the source and needs no catalogue."""
    name = _locale.get()
    if name not in _catalogues:
        path = LOCALES_FOLDER / name / "LC_MESSAGES" / "messages.mo"
        if name == "en":
            _catalogues[name] = NullTranslations()
        elif path.exists():
            _catalogues[name] = Translations.load(LOCALES_FOLDER, [name])
        else:
            raise RuntimeError(f"{path} is missing: run python -m ops.translations")
    return _catalogues[name]


def gettext(message: str, **values: object) -> str:
    """The message in the current language; `%(name)s` is filled from `values`, `%%` is a percent sign."""
    return catalogue().ugettext(message) % values


def ngettext(one: str, many: str, count: int, **values: object) -> str:
    """The message for a number of things; `%(num)d` is the number."""
    return str(catalogue().ungettext(one, many, count)) % {"num": count, **values}


def pgettext(context: str, message: str, **values: object) -> str:
    """A short word whose meaning needs a context, as in "open" the state and "open" the button."""
    return str(catalogue().upgettext(context, message)) % values


def N_(message: str) -> str:
    """Mark a text in a table of data for translation; it is translated where it is shown."""
    return message


_ = gettext


def plain_gettext(message: str) -> str:
    """Look a message up for the templates, which fill in the values themselves."""
    return catalogue().ugettext(message)


def plain_ngettext(one: str, many: str, count: int) -> str:
    """Look a plural up for the templates, which fill in the values themselves."""
    return str(catalogue().ungettext(one, many, count))


def plain_pgettext(context: str, message: str) -> str:
    """Look a word in its context up for the templates."""
    return str(catalogue().upgettext(context, message))


def accepted(header: str) -> str:
    """The best of our languages for an Accept-Language header, Korean when none fits."""
    wishes: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, _sep, weight = part.strip().partition(";q=")
        try:
            wishes.append((-(float(weight) if weight else 1.0), tag.replace("-", "_")))
        except ValueError:
            continue
    wishes.sort(key=lambda wish: wish[0])
    return negotiate_locale([tag for _weight, tag in wishes if tag], LOCALES, sep="_") or "ko"


def wanted(query: str, person: object, cookie: str, header: str) -> str:
    """`?lang=` → the account's language → cookie → Accept-Language → Korean."""
    asked = parse_qs(query).get("lang", [""])[-1]
    for choice in (asked, getattr(person, "locale", None), cookie):
        if choice in LOCALES:
            return str(choice)
    return accepted(header)


def speak_to(request: Request) -> str:
    """Choose the language of one request; call it again once the request's person is known."""
    person = getattr(request.state, "person", None)
    chosen = wanted(
        request.url.query, person, request.cookies.get("lang", ""), request.headers.get("accept-language", "")
    )
    return speak(chosen)


class Language:
    """Middleware: sets the language of each request and keeps a choice made with `?lang=` in a cookie.

    It stands inside the middleware that finds the person, so that an account's own language counts.
    """

    def __init__(self, app: ASGIApp, remember: Remember | None = None) -> None:
        self.app, self.remember = app, remember

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request in the reader's language."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        query = scope.get("query_string", b"").decode("latin-1")
        person = scope.get("state", {}).get("person")
        jar: SimpleCookie = SimpleCookie(headers.get("cookie", ""))
        cookie = jar["lang"].value if "lang" in jar else ""
        token = _locale.set(wanted(query, person, cookie, headers.get("accept-language", "")))
        asked = parse_qs(query).get("lang", [""])[-1] if "lang=" in query else ""
        if asked in LOCALES and self.remember is not None and getattr(person, "locale", asked) != asked:
            await self.remember(person, asked)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and asked in LOCALES:
                kept = f"lang={asked}; Path=/; Max-Age=31536000; SameSite=Lax"
                message.setdefault("headers", []).append((b"set-cookie", kept.encode()))
            await send(message)

        try:
            await self.app(scope, receive, send_with_cookie)
        finally:
            _locale.reset(token)
