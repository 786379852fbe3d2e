"""Payloads made readable for the Temporal UI: only for signed-in administrators, and every time on record.

Temporal's UI speaks the codec protocol from its own port: same site, so the session cookie comes along, but
another origin, so exactly that origin is named. Nothing is ever encrypted here, and what belongs to a secret
ticket or a confidential request is shown to nobody who does not see that."""

import structlog
from cryptography.exceptions import InvalidTag
from fastapi import Request
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from starlette.responses import JSONResponse, Response
from temporalio.api.common.v1 import Payload, Payloads

from api.journeys.routing import router
from api.journeys.show import WORDS, thing_of
from api.kit.desk import Desk, DeskAt
from api.kit.routes import ADMINS, SYSTEM
from api.kit.signing import note
from api.kit.texts import KEY
from models.employee_requests import EmployeeRequest
from models.kit.refusals import Refusal
from models.rules.systems import read_object
from workflows.kit.payloads import EncryptedPayloads, life_of

log = structlog.get_logger()
MOST = 2_000
SENT_HEADERS = "content-type, x-namespace, authorization"


def shared_with_ui(request: Request, answer: Response) -> Response:
    """Allow exactly the Temporal UI's origin to read this answer."""
    origin = origin_of_ui(request)
    answer.headers["Vary"] = "Origin"
    if origin and request.headers.get("origin") == origin:
        answer.headers["Access-Control-Allow-Origin"] = origin
        answer.headers["Access-Control-Allow-Credentials"] = "true"
    return answer


def origin_of_ui(request: Request) -> str:
    """The Temporal UI's scheme, host and port."""
    return "/".join(str(request.app.state.settings.temporal_ui_url).split("/")[:3])


@router.route("OPTIONS", "/codec/decode", may=SYSTEM, is_forgeable=True)
@router.route("OPTIONS", "/codec/encode", may=SYSTEM, is_forgeable=True)
async def preflight(request: Request) -> Response:
    """What a browser asks before it sends a page's request to another origin."""
    answer = shared_with_ui(request, Response(status_code=204))
    if "access-control-allow-origin" in answer.headers:
        answer.headers["Access-Control-Allow-Methods"] = "POST"
        answer.headers["Access-Control-Allow-Headers"] = SENT_HEADERS
        answer.headers["Access-Control-Max-Age"] = "600"
    return answer


@router.post("/codec/encode", may=ADMINS, is_forgeable=True)
async def encode(request: Request, desk: Desk) -> Response:
    """Refuse: only workers and the app put payloads into Temporal."""
    refuse_other_sites(request, desk.person.is_token)
    raise Refusal("not_allowed")


@router.post("/codec/decode", may=ADMINS, is_forgeable=True, max_body=4 * 1024 * 1024)
async def decode(request: Request, desk: Desk) -> Response:
    """Decrypt payloads; written down with who asked, how many, and for which journey if that was said."""
    refuse_other_sites(request, desk.person.is_token)
    sent = await payloads_of(request)
    codec = EncryptedPayloads(request.app.state.settings.payload_keys)
    hidden = {life for life in {life_of(one) for one in sent} if not await may_see(desk, life)}
    shown = [one if life_of(one) in hidden else await readable(codec, one) for one in sent]
    opened = sum(
        one.metadata.get("encoding") != two.metadata.get("encoding")
        for one, two in zip(sent, shown, strict=True)
    )
    if opened:
        said = request.query_params.get("workflow", "")
        subject = said if KEY.match(said) else request.app.state.settings.temporal_namespace
        await note(
            desk.session, desk.person.id, desk.person.address, "payloads_read", subject, payloads=opened
        )
        await desk.commit()
    told = json_format.MessageToDict(Payloads(payloads=shown))
    return shared_with_ui(request, JSONResponse({"payloads": told.get("payloads", [])}))


def refuse_other_sites(request: Request, is_token: bool) -> None:
    """A cookie counts only when the Temporal UI sends it; a browser never sends a key on its own."""
    if not is_token and (not origin_of_ui(request) or request.headers.get("origin") != origin_of_ui(request)):
        raise Refusal("cross_site")


async def payloads_of(request: Request) -> list[Payload]:
    """The payloads in a request of the codec protocol."""
    sent = read_object(await request.body())
    if sent is None:
        raise Refusal("invalid_form")
    try:
        asked = json_format.ParseDict(sent, Payloads(), ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise Refusal("invalid_form") from error
    if len(asked.payloads) > MOST:
        raise Refusal("invalid_form")
    return list(asked.payloads)


async def may_see(desk: DeskAt, life: str) -> bool:
    """Whether the asker sees what the life is about: those of secret tickets and requests stay closed."""
    word, _, number = life.partition(":")
    try:
        if word == "employee-request":
            await desk.one(EmployeeRequest, number)
        elif word in WORDS:
            await thing_of(desk, life)
    except Refusal:
        return False
    return True


async def readable(codec: EncryptedPayloads, payload: Payload) -> Payload:
    """One payload as plain JSON; one that none of our keys opens stays as it is."""
    try:
        return (await codec.decode([payload]))[0]
    except (KeyError, ValueError, InvalidTag, DecodeError) as error:
        log.warning("payload_unreadable", error=type(error).__name__)
        return payload
