"""Signing up, and signing in by code. Known and unknown people are answered alike."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import Request
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from starlette.responses import Response

from api.customers.routing import router
from api.kit import onetime, people, signing, throttles
from api.kit.commands import Answer, command, is_kept
from api.kit.desk import Desk, DeskAt, session_for
from api.kit.forms import Input, Typed, typed
from api.kit.language import N_, locale
from api.kit.language import gettext as _
from api.kit.onetime import Held
from api.kit.paths import own_path
from api.kit.people import cookie_name, token_hash
from api.kit.personal import mask_email, mask_phone
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import ANYONE
from api.kit.texts import Key, Line, MaybeLine, email, phone
from models.customers import Signup
from models.kit import ids
from models.kit.codes import code_hash
from models.kit.outbox import announce_signal, announce_start
from models.kit.refusals import REFUSALS, Refusal
from models.messages.customers import (
    CodeAsked,
    FinishSignup,
    ProveSignup,
    SignupOrder,
    SignupPurpose,
    SignupStatus,
    signup_workflow_id,
)


class Contact(Input):
    """How somebody can be reached: a telephone number or an e-mail address, in one field."""

    contact: Line
    return_to: MaybeLine = ""


class Code(Input):
    """The six digits."""

    code: Line


@dataclass(frozen=True)
class SignupPage:
    """The first screen."""

    return_to: str = ""
    action: str = "/signup"


@dataclass(frozen=True)
class CodePage:
    """The second screen: the code, then the name, then in."""

    step: Literal["code", "details", "soon", "making", "ready", "closed"]
    shown: str = ""  # the address as it was typed, masked
    is_locked: bool = False
    may_resend: bool = False
    has_more_codes: bool = True
    is_contact: bool = False
    is_mail: bool = False


@router.get("/signup", may=ANYONE)
async def door(request: Request, return_to: str = "") -> Response:
    """The first screen; who is in already is led on."""
    wish = own_path(return_to)
    if people.person(request):
        return move_on(request, wish or "/home")
    return answer(request, "customers/signup.html", SignupPage(wish))


@router.post("/signup", may=ANYONE)
async def begin(request: Request, desk: Desk, sent: Typed[Contact] = typed(Contact)) -> Response:
    """Send a code, whoever it is: the address is looked up only after it was proved."""
    page = SignupPage(own_path(str(sent.form.value("return_to"))))
    to = channel_of(sent)
    if to is None:
        return answer(request, "customers/signup.html", page, block="signup_form", form=sent.form, status=422)
    try:
        token = await start(request, desk, to, page.return_to)
    except Refusal as refusal:
        return too_often(request, page, sent.form, refusal)
    return onetime.hold(request, move_on(request, "/signup/code", data={"status": "sent"}), token)


def too_often(request: Request, page: SignupPage, form: Form, refusal: Refusal) -> Response:
    """The form again with what was typed."""
    status, sentence = REFUSALS[refusal.code]
    form = Form(form.values, {"contact": _(sentence)})
    return answer(
        request, "customers/signup.html", page, block="signup_form", form=form, status=status,
        headers={"Retry-After": "600"},
    )  # fmt: skip


def channel_of(sent: Typed[Contact]) -> tuple[str, str] | None:
    """The way and the address, or nothing when it is neither; then the form says so."""
    if sent.value is None:
        return None
    typed_in = sent.value.contact
    try:
        return ("mail", email(typed_in)) if "@" in typed_in else ("sms", phone(typed_in))
    except ValueError:
        wrong = _("Please enter a telephone number like 010-1234-5678 or an e-mail address.")
        sent.form = sent.wrong("contact", wrong)
        return None


async def start(
    request: Request, desk: DeskAt, to: tuple[str, str], return_to: str, customer_id: str | None = None
) -> str:
    """Store a signup and announce it, in one transaction; the token is for the browser that asked."""
    limits = request.app.state.limits.signing_up(desk.person.address, to[1])
    await throttles.count(desk.session, limits)
    token, now = secrets.token_urlsafe(32), datetime.now(UTC)
    purpose = SignupPurpose.CONTACT if customer_id else SignupPurpose.SIGNUP
    cart = request.cookies.get(cookie_name(request.app.state.settings.is_secure) + "_cart", "")[:200]
    row: dict[str, Any] = {
        "id": ids.fresh("sgn"), "token_hash": token_hash(token), "channel": to[0], "address": to[1],
        "code_hash": "", "sends": 1, "tries": 0, "status": SignupStatus.STARTED, "is_over": False, "name": "",
        "locale": locale(), "customer_id": customer_id, "return_to": return_to, "created_at": now, "seq": 0,
        "purpose": purpose, "code_number": 0, "sent_at": now, "choices": {}, "cart_key": token_hash(cart),
    }  # fmt: skip
    await desk.take_in()
    await desk.session.execute(insert(Signup).values(row).inline())
    order = SignupOrder(str(row["id"]), now, purpose)
    workflow_id = signup_workflow_id(order.signup_id)
    await announce_start(desk.session, "Signup", workflow_id, order, summary=f"{purpose} by {to[0]}")
    await desk.commit()
    return token


@router.get("/signup/code", may=ANYONE)
async def second(request: Request, desk: Desk) -> Response:
    """The second screen, as far as this browser's signup has come."""
    held = await onetime.held(request)
    if held is None:
        return move_on(request, "/home" if desk.person else "/signup")
    if held.status == SignupStatus.DONE and held.purpose == SignupPurpose.CONTACT:
        return move_on(request, held.return_to or "/my/profile")
    is_making = await is_kept(desk.session, signup_workflow_id(held.id), finishing(held))
    return answer(request, "customers/signup_code.html", page_of(held, is_making=is_making))


def page_of(held: Held, *, is_making: bool = False) -> CodePage:
    """What the second screen shows; `is_making` when name and consents are already on their way."""
    is_mail = held.channel == "mail"
    shown = mask_email(held.address) if is_mail else mask_phone(held.address)
    is_contact = held.purpose == SignupPurpose.CONTACT
    if held.status == SignupStatus.DONE:
        return CodePage("ready" if held.has_account else "closed", is_contact=is_contact, is_mail=is_mail)
    if held.status == SignupStatus.ABANDONED:
        return CodePage("closed", is_contact=is_contact, is_mail=is_mail)
    if held.is_proved and held.status == SignupStatus.STARTED:
        return CodePage("soon", shown, is_contact=is_contact, is_mail=is_mail)
    if held.is_proved:
        return CodePage("making" if is_making else "details", shown, is_mail=is_mail)
    return CodePage("code", shown, held.is_locked, held.may_resend, held.has_more_codes, is_contact, is_mail)


@router.post("/signup/code", may=ANYONE)
async def prove(request: Request, desk: Desk, sent: Typed[Code] = typed(Code)) -> Response:
    """Take the code: counted before it is compared, and only then anybody is looked for."""
    held = await onetime.held(request)
    if held is None and sent.value is None:
        raise Refusal("invalid_form")
    if held is None:
        return move_on(request, "/signup")
    digits = "".join(letter for letter in sent.value.code if letter.isdigit()) if sent.value else ""
    if len(digits) != 6 or not digits.isascii():
        return wrong(request, held, _("Please enter the six digits of the code."), 422)
    await throttles.count(desk.session, request.app.state.limits.guessing(desk.person.address))
    given = code_hash(request.app.state.settings.secret_key, held.id, digits)
    async with session_for(request.app.state.engine, signing.DOOR) as session:
        values = {"hash": onetime.holder(request), "code": given}
        said = await session.scalar(text("select door_code(:hash, :code)"), values)
        await session.commit()
    if said != "proved":
        held = await onetime.held(request) or held
        return wrong(request, held, _(WHY_NOT.get(said, WHY_NOT["gone"])), 429 if said == "locked" else 422)
    return await after_proof(request, desk, held)


async def after_proof(request: Request, desk: DeskAt, held: Held) -> Response:
    """Tell the signup that its address is proved, and go where it then stands."""
    fact = ProveSignup(f"{held.id}.proved", held.id)
    workflow_id = signup_workflow_id(held.id)
    if await command(desk.session, desk.client, workflow_id, "prove", fact) is Answer.ACCEPTED:
        return move_on(request, "/signup/code")
    return await go_on(request)


def wrong(request: Request, held: Held, sentence: str, status: int) -> Response:
    """The second screen with what is wrong; the code itself is never shown again."""
    form = Form({}, {"code": sentence})
    return answer(
        request, "customers/signup_code.html", page_of(held), block="signup_step", form=form, status=status
    )


WHY_NOT = {
    "wrong": N_("This code is not right."),
    "expired": N_("This code is over. Please ask for another one."),
    "locked": N_("Too many wrong codes. Please wait a quarter of an hour, then ask for another one."),
    "gone": N_("This signup is over. Please begin again."),
}


@router.post("/signup/code/again", may=ANYONE)
async def again(request: Request, desk: Desk) -> Response:
    """Send one more code; too early or too often, nothing happens and the page says when."""
    held = await onetime.held(request)
    if held is None:
        return move_on(request, "/signup")
    limits = request.app.state.limits.signing_up(desk.person.address, held.address)
    await throttles.count(desk.session, limits)
    async with session_for(request.app.state.engine, signing.DOOR) as session:
        asked = text("select * from door_code_again(:hash)")
        row = (await session.execute(asked, {"hash": onetime.holder(request)})).mappings().one_or_none()
        if row is not None:
            workflow_id, fact = signup_workflow_id(row["id"]), CodeAsked(row["id"], row["number"])
            key = f"{workflow_id}:code:{row['number']}"
            await announce_signal(session, workflow_id, "code_asked", fact, key=key)
        await session.commit()
    if row is None:
        return wrong(request, held, _("Please wait half a minute before you ask for another code."), 429)
    return move_on(request, "/signup/code", data={"status": "sent"})


def finishing(held: Held) -> FinishSignup:
    """The one command that has customer and account made."""
    return FinishSignup(f"{held.id}.finished", held.id)


async def finish(request: Request, desk: DeskAt, held: Held) -> Response:
    """Name and consents stand in the row: have customer and account made."""
    order = finishing(held)
    workflow_id = signup_workflow_id(held.id)
    if await command(desk.session, desk.client, workflow_id, "finish", order) is Answer.ACCEPTED:
        return move_on(request, "/signup/code")
    return await go_on(request)


async def go_on(request: Request) -> Response:
    """Where a signup leads now: in when it is done, else to its second screen."""
    held = await onetime.held(request)
    if held is None or held.status != SignupStatus.DONE or held.purpose != SignupPurpose.SIGNUP:
        return move_on(request, "/signup/code")
    token = await onetime.come_in(request)
    if token is None:
        return move_on(request, "/signup/code")
    state = request.app.state
    response = move_on(request, held.return_to or "/home", data={"status": "signed_in"})
    response.delete_cookie(onetime.signup_cookie(request), path="/")
    response.set_cookie(
        cookie_name(state.settings.is_secure), token, max_age=int(signing.ABSOLUTE.total_seconds()), path="/",
        secure=state.settings.is_secure, httponly=True, samesite="lax",
    )  # fmt: skip
    return response


@router.post("/signup/entry", may=ANYONE)
async def enter(request: Request) -> Response:
    """Come in with a signup that took a moment longer."""
    return await go_on(request)


@dataclass(frozen=True)
class ResumePage:
    """The link of the reminder."""

    action: str


@router.get("/signup/resume/{token}", may=ANYONE)
async def resumable(request: Request, token: Key) -> Response:
    """Ask whether to go on; looking at a link changes nothing."""
    async with session_for(request.app.state.engine, signing.DOOR) as session:
        there = await session.scalar(text("select door_resumable(:hash)"), {"hash": token_hash(token)})
        if not there:
            limits = request.app.state.limits.guessing(people.person(request).address)
            await throttles.count(session, limits)
            raise Refusal("link_ended")
    return answer(request, "customers/signup_resume.html", ResumePage(f"/signup/resume/{token}"))


@router.post("/signup/resume/{token}", may=ANYONE)
async def resume(request: Request, desk: Desk, token: Key) -> Response:
    """Go on in this browser: whoever has the letter has the address, and earlier browsers lose the signup."""
    fresh = secrets.token_urlsafe(32)
    async with session_for(request.app.state.engine, signing.DOOR) as session:
        values = {"hash": token_hash(token), "fresh": token_hash(fresh)}
        signup_id = await session.scalar(text("select door_resume(:hash, :fresh)"), values)
        await session.commit()
    if signup_id is None:
        await throttles.count(desk.session, request.app.state.limits.guessing(desk.person.address))
        raise Refusal("link_ended")
    fact = ProveSignup(f"{signup_id}.proved", signup_id)
    await command(desk.session, desk.client, signup_workflow_id(signup_id), "prove", fact)
    return onetime.hold(request, move_on(request, "/signup/code"), fresh)
