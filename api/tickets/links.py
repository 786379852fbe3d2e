"""What a customer does with their ticket, signed in or by a link without signing in."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import BeforeValidator, Field
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit.commands import Answer
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import LOCALES
from api.kit.language import gettext as _
from api.kit.people import Kind
from api.kit.rendering import Form, answer, is_fragment, move_on, toast
from api.kit.routes import ANY_LINK, CUSTOMERS, by_link
from api.kit.texts import Key, MaybeParagraph, Paragraph
from api.tickets.birth import is_new, tell_live
from api.tickets.kin import heard_by
from api.tickets.page import Head, head_of
from api.tickets.portal import own_ticket
from api.tickets.routing import router
from api.tickets.saying import is_stored, keep_message, message_id, refuse_if_not, say
from models.kit.outbox import announce_signal
from models.kit.refusals import Refusal
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.staff import LinkPurpose
from models.messages.tickets import (
    Cancel,
    Channel,
    Command,
    Confirmation,
    CustomerWrote,
    MessageKind,
    Reopening,
    TicketStatus,
    ticket_workflow_id,
)
from models.staff import SignedLink
from models.tickets import TicketRating

F = TypeVar("F", bound=Input)
FOLLOW, CONFIRM, RATE = LinkPurpose.FOLLOW, LinkPurpose.CONFIRM, LinkPurpose.RATE
ELSEWHERE = {
    LinkPurpose.SLOT: "slot", LinkPurpose.TRACK: "track", LinkPurpose.PAY: "pay",
    LinkPurpose.ORDER: "order", LinkPurpose.CHANGE: "change", LinkPurpose.RETURN: "return",
    LinkPurpose.APPROVE: "approval",
}  # fmt: skip


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdigit() else value


class Said(Input):
    """A message of the customer."""

    command_id: Key
    body: Paragraph


class Agreed(Input):
    """It works again."""

    command_id: Key


class Reasoned(Input):
    """Why the customer no longer needs us."""

    command_id: Key
    reason: MaybeParagraph = ""


class Rated(Input):
    """What the customer thought of the repair."""

    stars: Annotated[int, BeforeValidator(_whole), Field(ge=1, le=5)]
    comment: MaybeParagraph = ""


@router.get("/links/{token}", may=ANY_LINK)
async def open_link(request: Request, desk: Desk, token: str) -> Response:
    """Show what a link is for: one ticket to its customer, or the page of another word."""
    if desk.person.purpose in ELSEWHERE:
        asked = request.query_params.get("lang")
        kept = f"?lang={asked}" if asked in LOCALES else ""
        return move_on(request, f"/links/{token}/{ELSEWHERE[desk.person.purpose]}{kept}")
    return await show_own(request, desk)


@router.post("/tickets/{ticket_id}/messages", may=CUSTOMERS, row="ticket")
@router.post("/links/{token}/messages", may=by_link(FOLLOW))
async def write(request: Request, desk: Desk, sent: Typed[Said] = typed(Said)) -> Response:
    """The customer writes to us."""
    ticket_id = ticket_of(request, desk)
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await show_own(request, desk, form=sent.form, status=422)
    message = message_id(desk.person, ticket_id, sent.value.command_id)
    if not await is_stored(desk, message):
        heard = await heard_by(desk, ticket_id, head.status)
        await store(desk, ticket_id, message, sent.value.body)
        fact = CustomerWrote(message, datetime.now(UTC))
        await announce_signal(
            desk.session, ticket_workflow_id(heard), "customer_wrote", fact, key=f"wrote:{message}"
        )
        await tell_live(desk, "tickets", f"ticket:{ticket_id}", f"ticket:{heard}")
        await desk.commit()
    return await done(request, desk, _("Your message was sent"))


@router.post("/tickets/{ticket_id}/withdrawal", may=CUSTOMERS, row="ticket")
@router.post("/links/{token}/withdrawal", may=by_link(FOLLOW))
async def withdraw(request: Request, desk: Desk, sent: Typed[Reasoned] = typed(Reasoned)) -> Response:
    """The customer no longer needs us."""

    async def order(form: Reasoned, _head: Head) -> Cancel:
        return Cancel(**by(desk, form.command_id), reason=form.reason)

    return await speak(request, desk, sent, "cancel", order, _("Your report was cancelled"))


@router.post("/tickets/{ticket_id}/confirmation", may=CUSTOMERS, row="ticket")
@router.post("/links/{token}/confirmation", may=by_link(CONFIRM))
async def confirm(request: Request, desk: Desk, sent: Typed[Agreed] = typed(Agreed)) -> Response:
    """The customer says that it works again."""

    async def order(form: Agreed, _head: Head) -> Confirmation:
        return Confirmation(**by(desk, form.command_id))

    thanks = _("Thank you. We are glad that it works again.")
    return await speak(request, desk, sent, "confirm", order, thanks)


@router.post("/tickets/{ticket_id}/reopening", may=CUSTOMERS, row="ticket")
@router.post("/links/{token}/reopening", may=by_link(CONFIRM))
async def reopen(request: Request, desk: Desk, sent: Typed[Said] = typed(Said)) -> Response:
    """The customer says that it does not work, and what is wrong."""

    async def order(form: Said, head: Head) -> Reopening:
        message = message_id(desk.person, head.id, form.command_id)
        if not await is_stored(desk, message):
            refuse_if_not("reopen", head.status)
            await store(desk, head.id, message, form.body)
        return Reopening(**by(desk, form.command_id), message_id=message)

    return await speak(request, desk, sent, "reopen", order, _("We are sorry. We are looking at it again."))


@router.post("/tickets/{ticket_id}/rating", may=CUSTOMERS, row="ticket")
@router.post("/links/{token}/rating", may=by_link(RATE))
async def rate(request: Request, desk: Desk, sent: Typed[Rated] = typed(Rated)) -> Response:
    """The customer rates the repair, once, after the ticket is closed."""
    ticket_id = ticket_of(request, desk)
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await show_own(request, desk, form=sent.form, status=422)
    if head.status is not TicketStatus.CLOSED:
        raise Refusal("ticket_not_resolved")
    now = datetime.now(UTC)
    row = {
        "ticket_id": ticket_id,
        "stars": sent.value.stars,
        "comment": sent.value.comment,
        "created_at": now,
    }
    if not await is_new(desk, TicketRating, row):
        raise Refusal("rating_given")
    line = {
        "key": f"rating:{ticket_id}", "subject": ticket_workflow_id(ticket_id),
        "ticket_id": ticket_id, "at": now, "kind": EntryKind.STEP,
        "actor_kind": ActorKind.CUSTOMER, "actor_id": desk.person.account_id,
        "sentence": "tickets.rated", "details": {"stars": str(sent.value.stars)}, "is_public": True,
    }  # fmt: skip
    await desk.session.execute(insert(TimelineEntry).values(line).inline())
    await used(desk)
    await tell_live(desk, f"ticket:{ticket_id}")
    await desk.commit()
    return await done(request, desk, _("Thank you for your rating"))


def by(desk: DeskAt, command_id: str) -> dict[str, Any]:
    """Who commands, and when."""
    person, now = desk.person.id, datetime.now(UTC)
    return {"id": command_id, "actor_id": person, "at": now, "actor_kind": "customer"}


async def speak(
    request: Request,
    desk: DeskAt,
    sent: Typed[F],
    name: str,
    order: Callable[[F, Head], Awaitable[Command]],
    thanks: str,
) -> Response:
    """Say a customer's command to their ticket; a form with something wrong in it comes back."""
    head = await head_of(desk.session, desk.person, ticket_of(request, desk))
    if sent.value is None:
        return await show_own(request, desk, form=sent.form, status=422)
    said = await say(desk, head.id, name, await order(sent.value, head))
    return await done(request, desk, thanks, said)


def ticket_of(request: Request, desk: DeskAt) -> str:
    """The ticket of the address, or the one that the link is for."""
    if desk.person.kind is Kind.LINK:
        return desk.person.ticket_id or ""
    return str(request.path_params["ticket_id"])


def base_of(request: Request, desk: DeskAt) -> str:
    """Where the forms of this page go."""
    if desk.person.kind is Kind.LINK:
        return f"/links/{request.path_params['token']}"
    return f"/tickets/{ticket_of(request, desk)}"


async def store(desk: DeskAt, ticket_id: str, message: str, body: str) -> None:
    """Keep what the customer wrote."""
    await keep_message(desk, ticket_id, message, MessageKind.INBOUND, body, Channel.PORTAL)


async def used(desk: DeskAt) -> None:
    """Note that a link has done its one act."""
    if desk.person.kind is Kind.LINK:
        mine = col(SignedLink.token_hash) == desk.person.token_hash
        await desk.session.execute(update(SignedLink).where(mine).values(used_at=datetime.now(UTC)))


async def show_own(
    request: Request, desk: DeskAt, *, form: Form | None = None, status: int = 200, message: str = ""
) -> Response:
    """The customer's page of one ticket."""
    page = await own_ticket(desk, ticket_of(request, desk), base_of(request, desk))
    trigger = toast(message) if message else None
    return answer(
        request, "tickets/mine.html", page, block="own_ticket", oob=("own_beside",), form=form, status=status,
        trigger=trigger,
    )  # fmt: skip


async def done(request: Request, desk: DeskAt, message: str, said: Answer = Answer.DONE) -> Response:
    """The page again after an act."""
    if not is_fragment(request):
        status = 200 if said is Answer.DONE else 202
        return move_on(request, base_of(request, desk), data={"status": said.value}, status=status)
    if said is Answer.ACCEPTED:
        message = _("Accepted. It will be done as soon as the system is free.")
    return await show_own(request, desk, message=message)
