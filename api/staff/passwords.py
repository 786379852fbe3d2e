"""Passwords: changing one's own, and setting the first one with a one-time link."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import Request
from sqlalchemy import text
from starlette.responses import Response

import models.kit
from api.kit import people, signing, throttles
from api.kit.desk import Desk, session_for
from api.kit.forms import Input, Typed, typed
from api.kit.language import N_
from api.kit.language import gettext as _
from api.kit.people import token_hash
from api.kit.rendering import answer, move_on
from api.kit.routes import ANYONE, SIGNED_IN
from api.kit.texts import Key, Password
from api.staff.me import my_page
from api.staff.routing import router
from models.kit.refusals import REFUSALS, Refusal
from models.rules.staff.passwords import weakness
from models.staff import Account

WHY_NOT = {
    "short": N_("Please choose at least 10 characters."),
    "long": N_("This password is too long."),
    "personal": N_("Please choose a password without your name or e-mail address."),
    "simple": N_("Please choose a password without rows or repeated characters."),
    "common": N_("This password is among the first that others would try."),
    "same": N_("Please choose a password that differs from the old one."),
}


class Changing(Input):
    """The old password and the one that replaces it."""

    password: Password
    new_password: Password


class Choosing(Input):
    """A first password."""

    new_password: Password


@dataclass(frozen=True)
class WelcomePage:
    """Whom a one-time link belongs to."""

    login: str
    name: str
    action: str


@cache
def common() -> Collection[str]:
    """Passwords that everybody tries first."""
    folder = Path(models.kit.__file__ or "").parent
    return frozenset((folder / "common_passwords.txt").read_text(encoding="utf-8").split())


@router.post("/me/password", may=SIGNED_IN)
async def change(request: Request, desk: Desk, sent: Typed[Changing] = typed(Changing)) -> Response:
    """Replace one's own password; every other session of mine ends."""
    person, state = desk.person, request.app.state
    if person.is_token:
        raise Refusal("not_allowed")
    if sent.value is None:
        return await again(request, desk, sent, 422)
    old, new = sent.value.password, sent.value.new_password
    account = await desk.one(Account, person.id)
    stored = await desk.session.scalar(text("select door_own_password()"))
    await desk.commit()
    try:
        await signing.recognise(state.engine, state.passwords, person, account.login, stored, old)
    except Refusal as refusal:
        status, sentence = REFUSALS[refusal.code]
        sent.form = sent.wrong("password", _(sentence))
        return await again(request, desk, sent, status)
    why = "same" if new == old else weakness(new, account.login, account.name, common())
    if why:
        sent.form = sent.wrong("new_password", _(WHY_NOT[why]))
        return await again(request, desk, sent, 422)
    fresh = await state.passwords.hash(new)
    values = {"fresh": fresh, "keep": person.token_hash}
    await desk.session.execute(text("select door_new_password(:fresh, :keep)"), values)
    await signing.note(desk.session, person.id, person.address, "password_changed", person.id)
    await desk.commit()
    state.doors.forget(account_id=person.id)
    return move_on(request, "/me", data={"status": "changed"})


async def again(request: Request, desk: Desk, sent: Typed[Changing], status: int) -> Response:
    """The form with what is wrong; a password is never shown again."""
    page = await my_page(desk)
    return answer(request, "staff/me.html", page, block="my_password", form=sent.form, status=status)


@router.get("/welcome/{token}", may=ANYONE)
async def welcome(request: Request, token: Key) -> Response:
    """Show whose password this link sets."""
    return answer(request, "staff/welcome.html", await invited(request, token))


@router.post("/welcome/{token}", may=ANYONE)
async def choose(request: Request, token: Key, sent: Typed[Choosing] = typed(Choosing)) -> Response:
    """Set the first password; the link is used up, and who set it signs in with it."""
    page = await invited(request, token)
    new = sent.value.new_password if sent.value else ""
    why = weakness(new, page.login, page.name, common()) if sent.value else ""
    if why:
        sent.form = sent.wrong("new_password", _(WHY_NOT[why]))
    if sent.value is None or why:
        return answer(request, "staff/welcome.html", page, form=sent.form, status=422)
    fresh = await request.app.state.passwords.hash(new)
    async with session_for(request.app.state.engine, signing.DOOR) as session:
        values = {"hash": token_hash(token), "fresh": fresh}
        account_id = await session.scalar(text("select door_accept(:hash, :fresh)"), values)
        if account_id is None:
            raise Refusal("link_ended")
        address = people.person(request).address
        await signing.note(session, account_id, address, "password_set", account_id)
        await session.commit()
    request.app.state.doors.forget(account_id=account_id)
    return move_on(request, "/sign-in", data={"status": "set"})


async def invited(request: Request, token: str) -> WelcomePage:
    """Whose one-time link it is; guessing is counted like guessing a password."""
    async with session_for(request.app.state.engine, signing.DOOR) as session:
        found = await session.execute(text("select * from door_invited(:hash)"), {"hash": token_hash(token)})
        row = found.mappings().one_or_none()
        if row is None:
            limits = request.app.state.limits.guessing(people.person(request).address)
            await throttles.count(session, limits)
            raise Refusal("link_ended")
    return WelcomePage(row["login"], row["name"], f"/welcome/{token}")
