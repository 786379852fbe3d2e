"""The second half of signing up: name, consents, and a password for who wants one."""

import json

from fastapi import Request
from sqlalchemy import text
from starlette.responses import Response

from api.customers.routing import router
from api.customers.signup import finish, page_of
from api.kit import onetime, signing
from api.kit.desk import Desk, session_for
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import answer, move_on
from api.kit.routes import ANYONE
from api.kit.texts import MaybePassword, Name
from api.staff.passwords import WHY_NOT, common
from models.kit.refusals import Refusal
from models.messages.customers import CONSENT_VERSION, ConsentKind, SignupStatus
from models.rules.customers import are_enough
from models.rules.staff.passwords import weakness


class Details(Input):
    """Who somebody is, and what they agree to; each text is ticked by itself."""

    name: Name
    terms: bool = False
    privacy: bool = False
    marketing: bool = False
    third_party: bool = False
    new_password: MaybePassword = ""


@router.post("/signup/details", may=ANYONE)
async def join(request: Request, desk: Desk, sent: Typed[Details] = typed(Details)) -> Response:
    """Keep name, consents and password with the signup, and have the customer made."""
    held = await onetime.held(request)
    if held is None and sent.value is None:
        raise Refusal("invalid_form")
    if held is None or held.status != SignupStatus.PROVED:
        return move_on(request, "/signup/code" if held else "/signup")
    details = checked(sent, held.address)
    if details is None:
        return answer(
            request, "customers/signup_code.html", page_of(held), block="signup_step", form=sent.form,
            status=422,
        )  # fmt: skip
    password = details.new_password
    hashed = await request.app.state.passwords.hash(password) if password else None
    choices: dict[str, object] = {kind.value: getattr(details, kind.value) for kind in ConsentKind}
    values = {
        "hash": onetime.holder(request), "name": details.name, "password": hashed,
        "choices": json.dumps({**choices, "version": CONSENT_VERSION}),
    }  # fmt: skip
    told = text("select door_details(:hash, :name, cast(:choices as jsonb), :password)")
    async with session_for(request.app.state.engine, signing.DOOR) as session:
        await session.execute(told, values)
        await session.commit()
    return await finish(request, desk, held)


def checked(sent: Typed[Details], address: str) -> Details | None:
    """What was told, when it is enough; else the form says what is missing."""
    details = sent.value
    if details is None:
        return None
    given: dict[str, object] = {kind.value: getattr(details, kind.value) for kind in ConsentKind}
    if not are_enough(given):
        for name in ("terms", "privacy"):
            if not given[name]:
                sent.form = sent.wrong(name, _("We cannot serve you without this."))
        return None
    why = weakness(details.new_password, address, details.name, common()) if details.new_password else ""
    if why:
        sent.form = sent.wrong("new_password", _(WHY_NOT[why]))
        return None
    return details
