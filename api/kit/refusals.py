"""What people read when the answer is no, or when something broke on our side."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from api.kit.csrf import FORMS
from api.kit.forms import SECRET
from api.kit.language import gettext as _
from api.kit.language import speak_to
from api.kit.rendering import is_fragment, move_on, notice, wants_json
from models.kit.refusals import REFUSALS, Refusal

log = structlog.get_logger()
HTTP_CODES = {401: "not_signed_in", 403: "not_allowed", 404: "not_found", 413: "file_too_large"}


def refuse(request: Request, refusal: Refusal, kept: Sequence[tuple[str, str]] = ()) -> Response:
    """The refusal's sentence with its status; who is not signed in is led to the door."""
    status, sentence = REFUSALS.get(refusal.code, (409, refusal.code))
    log.info("refused", code=refusal.code, status=status)
    if refusal.code == "not_signed_in" and request.method == "GET" and not wants_json(request):
        back = request.url.path if not is_fragment(request) else ""
        return move_on(request, f"/sign-in?next={quote(back, safe='/')}" if back else "/sign-in")
    speak_to(request)
    answer = notice(
        request, _(sentence, **_plain(refusal.values)), code=refusal.code, status=status, kept=kept
    )
    if status in (429, 503):
        answer.headers["Retry-After"] = "60" if status == 429 else "5"
    return answer


def _plain(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def refusal_of(error: BaseException | None) -> Refusal | None:
    """The refusal inside a failed update, if it is one; its type is the code."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, ApplicationError) and error.type in REFUSALS:
            values = error.details[0] if error.details and isinstance(error.details[0], dict) else {}
            return Refusal(error.type, values)
        error, seen = error.__cause__, seen + 1
    return None


async def on_refusal(request: Request, error: Exception) -> Response:
    """An ordinary no."""
    refusal = cast(Refusal, error)
    is_for_now = REFUSALS.get(refusal.code, (409, ""))[0] in (429, 503)
    return refuse(request, refusal, await typed_texts(request) if is_for_now else ())


async def typed_texts(request: Request) -> list[tuple[str, str]]:
    """What a plain form sent, to be sent again from the page that says "later"; passwords are not kept."""
    if request.method != "POST" or not request.headers.get("content-type", "").startswith(FORMS):
        return []
    form = await request.form()
    return [
        (name, value) for name, value in form.multi_items() if isinstance(value, str) and name not in SECRET
    ]


async def on_update_failure(request: Request, error: Exception) -> Response:
    """A workflow said no: the same refusal, or a failure of ours."""
    refusal = refusal_of(error)
    return refuse(request, refusal) if refusal is not None else broken(request, error)


async def on_slow_update(request: Request, error: Exception) -> Response:
    """Temporal is slow or away; nothing was lost, and the same request may be sent again."""
    if isinstance(error, RPCError):
        if error.status is RPCStatusCode.NOT_FOUND:
            return refuse(request, Refusal("not_found"))
        if error.status not in (
            RPCStatusCode.UNAVAILABLE,
            RPCStatusCode.DEADLINE_EXCEEDED,
            RPCStatusCode.CANCELLED,
        ):
            return broken(request, error)
    return refuse(request, Refusal("try_again_later"))


async def on_bad_request(request: Request, error: Exception) -> Response:
    """Something of the request does not have the right shape; 422, with the places."""
    found = cast(RequestValidationError, error)
    places = sorted({".".join(str(part) for part in problem["loc"]) for problem in found.errors()})
    log.info("malformed", places=places)
    speak_to(request)
    return notice(request, _("Please check the marked fields."), code="invalid_form", status=422)


async def on_http(request: Request, error: Exception) -> Response:
    """What the framework itself refuses: no such page, wrong method, body too large."""
    found = cast(HTTPException, error)
    if found.status_code in HTTP_CODES:
        return refuse(request, Refusal(HTTP_CODES[found.status_code]))
    speak_to(request)
    answer = notice(request, _("That is not possible here."), code="bad_request", status=found.status_code)
    answer.headers.update(found.headers or {})
    return answer


async def on_database(request: Request, error: Exception) -> Response:
    """The database is away or busy: say so and let people try again. Anything else of it is our fault."""
    if isinstance(error, DataError):
        return refuse(
            request, Refusal("invalid_form")
        )  # NUL, a number beyond every column: no table takes it
    away = isinstance(error, OperationalError | InterfaceError | PoolTimeout)
    if away or (isinstance(error, DBAPIError) and error.connection_invalidated):
        log.warning("database_away", error=type(error).__name__)
        return refuse(request, Refusal("try_again_later"))
    return broken(request, error)


def broken(request: Request, error: Exception) -> Response:
    """A page with a reference; the log has the place of the error under it, and never its text."""
    reference = secrets.token_hex(4)
    log.error("failed", reference=reference, error=type(error).__name__, places=places_of(error))
    speak_to(request)
    sentence = _("Something went wrong on our side.")
    return notice(request, sentence, code="failed", status=500, reference=reference)


def places_of(error: BaseException) -> list[str]:
    """File and line of the last steps; an error's text may hold personal data and is left out."""
    places, frame = [], error.__traceback__
    while frame is not None:
        code = frame.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{frame.tb_lineno} {code.co_name}")
        frame = frame.tb_next
    return places[-6:]


def handle_refusals(app: FastAPI) -> None:
    """Teach the app every answer above."""
    app.add_exception_handler(Refusal, on_refusal)
    app.add_exception_handler(WorkflowUpdateFailedError, on_update_failure)
    app.add_exception_handler(WorkflowUpdateRPCTimeoutOrCancelledError, on_slow_update)
    app.add_exception_handler(RPCError, on_slow_update)
    app.add_exception_handler(RequestValidationError, on_bad_request)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(DBAPIError, on_database)
    app.add_exception_handler(PoolTimeout, on_database)


class Failures:
    """Middleware: answers what no handler foresaw, inside the one that adds the headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        # Whatever it is, people get a sentence and a number to quote. A handler of the framework for every
        # exception answers outside the middleware that adds the headers, and raises again after it.
        except Exception as error:
            if has_begun:
                raise
            answer = await on_database(Request(scope), error)
            await answer(scope, receive, send)
