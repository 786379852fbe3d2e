"""One page, three answers: the whole page, one named block of it, or JSON."""

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from pydantic_core import to_jsonable_python
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from api.kit import browsers, charts, formats, labels, language, places
from api.kit.components import Components
from api.kit.navigation import CREATIONS, Shown, navigation
from api.kit.people import PROGRAMS
from api.kit.static import Statics

TEMPLATES = Path(__file__).resolve().parent.parent.parent / "templates"
VARY = "HX-Request, HX-Target, Accept, Accept-Language, Cookie"
NO_STORE = {"Vary": VARY, "Cache-Control": "no-store"}


class Form:
    """What somebody typed and what is wrong with it: `ui.field` shows both."""

    def __init__(
        self, values: Mapping[str, Any] | None = None, errors: Mapping[str, str] | None = None
    ) -> None:
        self.values, self.errors = values or {}, errors or {}

    def value(self, name: str, default: object = "") -> Any:
        """What was typed into a field, else its default."""
        return self.values.get(name, default)

    def error(self, name: str) -> str:
        """What is wrong with a field, or nothing."""
        return self.errors.get(name, "")


class Shell:
    """What the frame around a page needs to know; worked out only when a whole page is drawn."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.person = getattr(request.state, "person", None)
        self.theme = request.cookies.get("theme", "")
        self.path = request.url.path

    @property
    def nav(self) -> list[Shown]:
        """The entries of the rail for this person."""
        return navigation(getattr(self.person, "roles", ()), self.path)

    @property
    def creations(self) -> list[Shown]:
        """What this person may make anew."""
        return navigation(getattr(self.person, "roles", ()), self.path, CREATIONS)

    @property
    def live(self) -> str:
        """Where this page hears that something changed: signed-in people and link pages each their own."""
        if self.person:
            return "/events"
        token = self._request.path_params.get("token", "")
        return f"/links/{token}/events" if token and getattr(self.person, "purpose", None) else ""

    @property
    def read_at(self) -> int:
        """When this page began to be read, in milliseconds: what changes from now on it is told."""
        return int(getattr(self._request.state, "began", time.time()) * 1000)

    @property
    def other(self) -> str:
        """The language that is not spoken now."""
        return "en" if language.locale() == "ko" else "ko"

    @property
    def other_href(self) -> str:
        """This page in the other language."""
        pairs = [(name, value) for name, value in self._request.query_params.multi_items() if name != "lang"]
        return f"?{urlencode([*pairs, ('lang', self.other)])}"

    @property
    def theme_href(self) -> str:
        """Switch between light and dark and come back here."""
        query = self._request.url.query
        back = quote(f"{self.path}?{query}" if query else self.path)
        return f"/theme/{'light' if self.theme == 'dark' else 'dark'}?back={back}"


def environment(statics: Statics, folders: tuple[Path, ...] = (TEMPLATES,)) -> Environment:
    """The one Jinja environment: strict about names, escaping everything, in the reader's language."""
    made = Environment(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]
        language.plain_gettext,
        language.plain_ngettext,
        newstyle=True,
        pgettext=language.plain_pgettext,
    )
    # Quicker than the extension's own, which looks itself up and formats at every call.
    made.globals.update(_=translated, gettext=translated)
    made.filters.update(formats.FILTERS)
    made.filters.update(label=labels.label_text, named=labels.named, place=places.place)
    made.filters.update(attributes=attributes, lines=lines)
    made.filters.update(browser=browsers.browser)
    made.globals.update(
        ic=icons(statics),
        url=statics.url,
        charts=charts,
        label_of=labels.label,
        lang=language.locale,
        fresh_id=fresh_id,
        text_of=SimpleNamespace(**formats.FILTERS),
    )
    made.globals["ui"] = Components(made)
    return made


def translated(message: str, /, **values: object) -> Markup:
    """A message of a template in the reader's language; values are escaped."""
    said = _said(language.locale(), message)
    return said % values if values or "%" in said else said


@lru_cache(maxsize=4096)
def _said(_spoken: str, message: str) -> Markup:
    return Markup(language.plain_gettext(message))  # noqa: S704 (the words of our own translators)


def attributes(values: Mapping[str, object]) -> Markup:
    """A macro's further arguments as HTML: hx_post → hx-post, True → bare, None and False → none."""
    parts = Markup()
    for name, value in values.items():
        if value is True:
            parts += Markup(" {}").format(name.replace("_", "-"))
        elif value is not None and value is not False:
            parts += Markup(' {}="{}"').format(name.replace("_", "-"), value)
    return parts


def lines(text: str) -> Markup:
    """Plain text with its line breaks; text that is already safe HTML stays as it is."""
    return text if isinstance(text, Markup) else escape(text).replace("\n", Markup("<br>\n"))


def fresh_id() -> str:
    """A random word: for the id of an element, or a form's key against double sending."""
    return secrets.token_hex(8)


def icons(statics: Statics) -> Callable[..., Markup]:
    """The function `ic(name, size)`: an icon of the sprite; a name that is not in it is an error."""
    sheet, known = statics.url("icons.svg"), {name.decode() for name in statics.icons}

    @cache
    def icon(name: str, size: str = "") -> Markup:
        if name not in known:
            raise LookupError(f"icon {name} is not in the sprite: run python -m ops.assets")
        return Markup('<svg class="i {}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
            size, sheet, name
        )

    return icon


class Pages:
    """Draws templates; the app makes one at its start."""

    def __init__(self, statics: Statics | None = None, folders: tuple[Path, ...] = (TEMPLATES,)) -> None:
        self.statics = statics or Statics()
        self.environment = environment(self.statics, folders)

    def whole(self, template: str, context: dict[str, Any]) -> str:
        """The page with its frame."""
        return self.environment.get_template(template).render(context)

    def part(self, template: str, context: dict[str, Any], block: str, oob: tuple[str, ...]) -> str:
        """One block, and after it the blocks that htmx puts elsewhere on the page."""
        found = self.environment.get_template(template)
        text = "".join(found.blocks[block](found.new_context(context)))
        for name in oob:
            text += "".join(found.blocks[name](found.new_context({**context, "oob": True})))
        return text

    def has(self, template: str, block: str) -> bool:
        """Whether the template has a block of this name."""
        return block in self.environment.get_template(template).blocks


@cache
def pages() -> Pages:
    """The product's pages, made when first needed."""
    return Pages()


def wants_json(request: Request) -> bool:
    """Whether a program asks; below /api/ nobody else does."""
    if request.url.path.startswith(PROGRAMS):
        return True
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def is_fragment(request: Request) -> bool:
    """Whether htmx asks for a piece of the page that it already shows."""
    asked = request.headers
    return (
        asked.get("hx-request") == "true"
        and asked.get("hx-boosted") != "true"
        and asked.get("hx-history-restore-request") != "true"
    )


def toast(message: str, tone: str = "green") -> dict[str, Any]:
    """A trigger that shows a short message in the corner."""
    return {"toast": {"msg": message, "tone": tone}}


def answer(
    request: Request,
    template: str,
    page: Any,
    *,
    block: str | None = None,
    oob: tuple[str, ...] = (),
    status: int = 200,
    trigger: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    data: Any = None,
    form: Form | None = None,
) -> Response:
    """Answer with the page, with one block of it, or with JSON, as the asker wishes.

    htmx gets `block`, else the block whose name is the id of the element that it wants to replace. JSON is
    `data`, else `page`; a form with errors answers as `{code, message, errors}`.
    """
    extra = {**NO_STORE, **(headers or {})}
    if wants_json(request):
        return JSONResponse(_told(page, data, form), status, extra)
    if trigger:
        # Header values are Latin-1, so Korean goes escaped.
        extra["HX-Trigger"] = json.dumps(trigger, ensure_ascii=True)
    drawn = getattr(request.app.state, "pages", None) or pages()
    context = _context(request, page, form)
    if is_fragment(request):
        target = request.headers.get("hx-target", "")
        part = block or (target if target and drawn.has(template, target) else None)
        if part is not None:
            return HTMLResponse(drawn.part(template, context, part, oob), status, extra)
    return HTMLResponse(drawn.whole(template, context), status, extra)


def _told(page: Any, data: Any, form: Form | None) -> Any:
    """What a program is told: the errors of a form, else `data`, else the page."""
    if form is not None and form.errors:
        message = language.gettext("Please check the marked fields.")
        return {"code": "invalid_form", "message": message, "errors": dict(form.errors)}
    return to_jsonable_python(page if data is None else data, by_alias=True)


def _context(request: Request, page: Any, form: Form | None) -> dict[str, Any]:
    """The names that a template sees."""
    return {
        "request": request,
        "page": page,
        "csrf": getattr(request.state, "csrf", ""),
        "person": getattr(request.state, "person", None),
        "form": form or Form(),
        "oob": False,
        "shell": Shell(request),
    }


def move_on(request: Request, location: str, *, data: Any = None, status: int = 200) -> Response:
    """After a change that leads to another page: 303 for a form, HX-Redirect for htmx, JSON for a program.

    With `data`, a program gets that and the status; the address stands in `Location` either way.
    """
    if wants_json(request):
        body = to_jsonable_python(data if data is not None else {"location": location}, by_alias=True)
        return JSONResponse(body, status, {**NO_STORE, "Location": location})
    if is_fragment(request):
        return Response(status_code=204, headers={**NO_STORE, "HX-Redirect": location})
    return RedirectResponse(location, 303, headers=NO_STORE)


def notice(
    request: Request,
    message: str,
    *,
    code: str,
    status: int = 409,
    reference: str = "",
    kept: Sequence[tuple[str, str]] = (),
) -> Response:
    """A refusal: a sentence into `#notice`, `{code, message}` for a program, else an error page."""
    if wants_json(request):
        body = {"code": code, "message": message}
        return JSONResponse({**body, "reference": reference} if reference else body, status, NO_STORE)
    page = SimpleNamespace(status=status, message=message, reference=reference, kept=kept)
    if is_fragment(request):
        aim = {"HX-Retarget": "#notice", "HX-Reswap": "innerHTML show:none"}
        return answer(request, "error.html", page, block="refusal", status=status, headers=aim)
    return answer(request, "error.html", page, status=status)
