"""Whoever does not know where to ask: one box, and the default team finds the right place."""

from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from api.employee_requests.routing import PORTAL, router
from api.kit.desk import Desk
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import answer, move_on
from api.kit.texts import Key, MaybeKey, Paragraph
from api.tickets.birth import Report, earlier_ticket, receive
from api.tickets.report import fresh_key, key_of
from models.messages.tickets import Channel
from models.staff import Account

FIRST_WORDS = 80  # of what somebody wrote stand in the subject


class Question(Input):
    """What somebody needs, in their own words."""

    submission_key: Key
    body: Paragraph


@dataclass(frozen=True)
class SomewherePage:
    """The box, and the number of the ticket once it is sent."""

    key: str
    ticket_id: str = ""


@router.get("/employee-requests/somewhere", may=PORTAL)
async def somewhere(request: Request, desk: Desk, sent: MaybeKey = None) -> Response:
    """Show the box, or the number under which it was taken."""
    ticket_id = ""
    if sent is not None:
        await desk.take_in()
        ticket_id = await earlier_ticket(desk, sent) or ""
    page = SomewherePage(fresh_key(), ticket_id)
    return answer(request, "employee_requests/somewhere.html", page)


@router.post("/employee-requests/somewhere", may=PORTAL)
async def ask_somewhere(request: Request, desk: Desk, sent: Typed[Question] = typed(Question)) -> Response:
    """A ticket of the default team, written to by the e-mail address that signs in; twice is once."""
    if sent.value is None:
        page = SomewherePage(key_of(sent))
        return answer(request, "employee_requests/somewhere.html", page, status=422, form=sent.form)
    me = await desk.one(Account, desk.person.id)
    words = " ".join(sent.value.body.split())
    subject = words if len(words) <= FIRST_WORDS else f"{words[:FIRST_WORDS]}…"
    report = Report(
        key=sent.value.submission_key, subject=subject, description=sent.value.body, channel=Channel.PORTAL,
        name=me.name, email=me.login, phone_as_given=_("A question of a colleague"),
    )  # fmt: skip
    ticket_id = await receive(desk, report, request.app.state.settings.files_dir)
    where = f"/employee-requests/somewhere?sent={sent.value.submission_key}"
    return move_on(request, where, data={"ticket_id": ticket_id}, status=201)
