"""What the desk does to a ticket: take, answer, note, resolve, send somebody, cancel, keep a draft."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import Request
from pydantic import BeforeValidator, Field
from starlette.datastructures import UploadFile
from starlette.responses import Response

from api.kit.commands import Answer, is_kept
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import Form, answer, is_fragment, move_on, wants_json
from api.kit.routes import AGENTS
from api.kit.texts import Count, Key, MaybeKey, MaybeLine, MaybeParagraph, Paragraph
from api.tickets.closing import keep_answers
from api.tickets.drafts import forget_sent
from api.tickets.files import MOST_BODY, photos, stored
from api.tickets.filling import gap_sentence, way_out
from api.tickets.following import add, named_in
from api.tickets.hands import colleague, working
from api.tickets.held import unseen
from api.tickets.kin import refuse_open_parts
from api.tickets.page import Head, head_of
from api.tickets.routing import router
from api.tickets.saying import changed_since, message_id, refuse_if_not, say, told
from api.tickets.sending import Leaving, is_sent, keep_and_say, refuse_refused, send_off
from api.tickets.show import shown
from api.tickets.templates import sets_of, used_template
from models.messages.tickets import (
    Assign,
    Cancel,
    Channel,
    Dispatch,
    MessageKind,
    Reply,
    Resolve,
    ticket_workflow_id,
)
from models.messages.tickets.writing import FollowReason, Macro, SendingAct, TemplateUse
from models.tickets.writing import ReplyTemplate


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdigit() else value


Version = Annotated[Count, BeforeValidator(_whole)]


class Writing(Input):
    """An answer to the customer, or a note for colleagues."""

    command_id: Key
    version: Version | None = None  # of the ticket on the page where it was written
    seen: MaybeLine = ""  # what colleagues were sending then, as that page said
    kind: Literal["reply", "note"] = "reply"
    channel: Literal["email", "sms", ""] = ""
    template: MaybeKey = None  # what it was made from: that also does what the template does
    stamp: MaybeLine = ""  # of the draft that is sent
    body: Paragraph


class Taking(Input):
    """To whom the ticket goes; nobody means back to the team."""

    command_id: Key
    agent_id: MaybeKey = None
    from_agent_id: MaybeKey = None


class Solving(Input):
    """What was done; the customer reads it."""

    command_id: Key
    done: Paragraph
    answers: dict[Key, MaybeParagraph] = Field(default_factory=dict)


class Sending(Input):
    """A visit is to be arranged, by this technician first or by whoever ranks best."""

    command_id: Key
    technician_id: MaybeKey = None
    why: MaybeParagraph = ""


class Ending(Input):
    """Why the ticket ends without a repair."""

    command_id: Key
    reason: Paragraph
    answers: dict[Key, MaybeParagraph] = Field(default_factory=dict)


@router.post("/tickets/{ticket_id}/replies", may=AGENTS, row="ticket", max_body=MOST_BODY)
async def reply(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Writing] = typed(Writing)
) -> Response:
    """Send an answer to the customer; kind "note" keeps it among colleagues."""
    return await write(request, desk, ticket_id, sent)


@router.post("/tickets/{ticket_id}/notes", may=AGENTS, row="ticket", max_body=MOST_BODY)
async def note(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Writing] = typed(Writing)
) -> Response:
    """Keep a note that no customer ever sees."""
    if sent.value is not None:
        sent.value = sent.value.model_copy(update={"kind": "note"})
    return await write(request, desk, ticket_id, sent)


async def write(request: Request, desk: DeskAt, ticket_id: str, sent: Typed[Writing]) -> Response:
    """Store what was written and say it; what others did meanwhile is shown first."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await shown(request, desk, ticket_id, block="composer", status=422, form=sent.form)
    writing, template = sent.value, await used_template(desk, head, sent.value.template)
    use = TemplateUse(writing.kind)
    if template is not None and use is TemplateUse.REPLY and template.use is TemplateUse.RESOLVE:
        use = template.use
    message = message_id(desk.person, ticket_id, writing.command_id)
    if not await is_sent(desk, message):
        await refuse_refused(desk, ticket_id, writing.command_id)
        refuse_if_not(use.value, head.status)
        if wrong_text := await what_is_wrong(desk, ticket_id, use, writing.body):
            form = sent.wrong("body", wrong_text)
            return await shown(request, desk, ticket_id, block="composer", status=422, form=form)
        if use is TemplateUse.RESOLVE and (errors := await keep_answers(desk, ticket_id, "resolve", {})):
            form = Form({"done": writing.body, "body": writing.body}, errors)
            return await wrong(request, desk, ticket_id, form, "resolve")
        if writing.version is not None:
            theirs = (
                await changed_since(desk, ticket_id, writing.version) if writing.version < head.seq else ()
            )
            theirs += await unseen(desk, ticket_id, writing.seen)
            if theirs:
                return await conflicting(request, desk, ticket_id, theirs, sent.form)
    said = await send_writing(request, desk, head, Sent(writing, message, use, template, sent.files))
    done = _("Note kept") if use is TemplateUse.NOTE else _("Reply sent")
    return await after(request, desk, ticket_id, said, done, block="composer")


@dataclass(frozen=True)
class Sent:
    """What is sent, after everything was looked at."""

    writing: Writing
    message_id: str
    use: TemplateUse
    template: ReplyTemplate | None
    files: dict[str, list[UploadFile]]


async def what_is_wrong(desk: DeskAt, ticket_id: str, use: TemplateUse, body: str) -> str:
    """Why a text is not sent as it stands: gaps, or names of those who may not see the ticket."""
    if use is not TemplateUse.NOTE:
        return gap_sentence(body)
    hidden = (await named_in(desk, ticket_id, body)).hidden
    return _("%(names)s may not see this ticket.", names=", ".join(hidden)) if hidden else ""


async def send_writing(request: Request, desk: DeskAt, head: Head, sent: Sent) -> Answer:
    """Keep or hold the message with its files; whoever a note names follows from now on."""
    writing, use, now = sent.writing, sent.use, datetime.now(UTC)
    kind = MessageKind.NOTE if use is TemplateUse.NOTE else MessageKind.REPLY
    folder = request.app.state.settings.files_dir
    files = [(one, await stored(folder, one)) for one in await photos(sent.files.get("photos", []))]
    await forget_sent(desk, head.id, writing.body, writing.stamp)
    by = (writing.command_id, desk.person.id, now)
    leaving = partial(
        Leaving, head.id, sent.message_id, kind=kind, body=writing.body, files=files,
        channel=way_out(writing.channel, head.channel),
    )  # fmt: skip
    if use is TemplateUse.NOTE:
        for account_id in (await named_in(desk, head.id, writing.body)).account_ids:
            await add(desk, head.id, account_id, FollowReason.MENTIONED, sent.message_id)
    if sent.template is not None:
        macro = Macro(
            *by, template_key=sent.template.key, use=use, message_id=sent.message_id,
            sets=sets_of(sent.template), takes=sent.template.takes,
        )  # fmt: skip
        gone = leaving(act=SendingAct.MACRO, order=macro)
        return await (keep_and_say(desk, gone) if use is TemplateUse.NOTE else send_off(request, desk, gone))
    order = Reply(*by, message_id=sent.message_id, kind=kind)
    gone = leaving(act=SendingAct.REPLY, order=order)
    return await (
        keep_and_say(desk, gone, "note") if use is TemplateUse.NOTE else send_off(request, desk, gone)
    )


async def conflicting(
    request: Request, desk: DeskAt, ticket_id: str, theirs: tuple[str, ...], form: Form
) -> Response:
    """Show what others changed, and let the same text be sent again; nothing typed is lost."""
    if wants_json(request):
        body = {
            "code": "changed_meanwhile", "changes": theirs,
            "message": _("Someone else changed this meanwhile. What you typed is kept."),
        }  # fmt: skip
        return answer(request, "", None, data=body, status=409)
    aim = {"HX-Retarget": "#conflict", "HX-Reswap": "outerHTML show:top"}
    return await shown(
        request, desk, ticket_id, block="conflict", oob=("version", "ticket_state", *STATE_ONLY), status=409,
        headers=aim, conflict=theirs, form=form,
    )  # fmt: skip


STATE_ONLY = ("ticket_head", "timeline", "beside", "held")


async def after(
    request: Request, desk: DeskAt, ticket_id: str, said: Answer, done: str, *, block: str = "ticket_state"
) -> Response:
    """The ticket as it stands after a command: fragments for htmx, the page again for a plain form."""
    if not is_fragment(request):
        data = {"status": said.value, "ticket_id": ticket_id}
        status = 202 if said is Answer.ACCEPTED else 200
        return move_on(request, f"/tickets/{ticket_id}", data=data, status=status)
    oob = STATE_ONLY if block == "ticket_state" else ("ticket_state", *STATE_ONLY)
    return await shown(
        request, desk, ticket_id, block=block, oob=(*oob, "conflict"), trigger=told(said, done)
    )


@router.post("/tickets/{ticket_id}/assignment", may=AGENTS, row="ticket")
async def assign(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Taking] = typed(Taking)
) -> Response:
    """Take the ticket, give it to a colleague, or give it back to the team."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await wrong(request, desk, ticket_id, sent.form, "assign")
    refuse_if_not("assign", head.status)
    for account_id in (sent.value.agent_id, sent.value.from_agent_id):
        await colleague(desk, account_id)
    order = Assign(
        sent.value.command_id, desk.person.id, datetime.now(UTC),
        agent_id=sent.value.agent_id, from_agent_id=sent.value.from_agent_id,
    )  # fmt: skip
    return await after(
        request, desk, ticket_id, await say(desk, ticket_id, "assign", order), _("Ticket assigned")
    )


@router.post("/tickets/{ticket_id}/resolution", may=AGENTS, row="ticket")
async def resolve(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Solving] = typed(Solving)
) -> Response:
    """Say what was done; the customer is told and asked to confirm."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await wrong(request, desk, ticket_id, sent.form, "resolve")
    message = message_id(desk.person, ticket_id, sent.value.command_id)
    if not await is_sent(desk, message):
        await refuse_refused(desk, ticket_id, sent.value.command_id)
        refuse_if_not("resolve", head.status)
        await refuse_open_parts(desk, ticket_id)
        if gap := gap_sentence(sent.value.done):
            return await wrong(request, desk, ticket_id, sent.wrong("done", gap), "resolve")
        if errors := await keep_answers(desk, ticket_id, "resolve", sent.value.answers):
            return await wrong(request, desk, ticket_id, Form(sent.form.values, errors), "resolve")
    order = Resolve(sent.value.command_id, desk.person.id, datetime.now(UTC), message_id=message)
    channel = way_out("", head.channel)
    act, kind = SendingAct.RESOLVE, MessageKind.REPLY
    leaving = Leaving(ticket_id, message, act, kind, sent.value.done, channel, order, [])
    said = await send_off(request, desk, leaving)
    return await after(request, desk, ticket_id, said, _("Resolved; the customer is asked to confirm"))


@router.post("/tickets/{ticket_id}/visit", may=AGENTS, row="ticket")
async def dispatch(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Sending] = typed(Sending)
) -> Response:
    """Have a technician sent."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await wrong(request, desk, ticket_id, sent.form, "dispatch")
    await working(desk, sent.value.technician_id)
    order = Dispatch(
        sent.value.command_id, desk.person.id, datetime.now(UTC),
        technician_id=sent.value.technician_id, reason=sent.value.why,
    )  # fmt: skip
    return await once(request, desk, head, "dispatch", order, _("A visit was requested"))


@router.post("/tickets/{ticket_id}/cancellation", may=AGENTS, row="ticket")
async def cancel(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Ending] = typed(Ending)
) -> Response:
    """End the ticket without a repair; a visit under way is called off."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await wrong(request, desk, ticket_id, sent.form, "cancel")
    message = message_id(desk.person, ticket_id, sent.value.command_id)
    order = Cancel(sent.value.command_id, desk.person.id, datetime.now(UTC), reason=sent.value.reason)
    if not await is_kept(desk.session, ticket_workflow_id(ticket_id), order):
        await refuse_refused(desk, ticket_id, order.id)
        refuse_if_not("cancel", head.status)
        await refuse_open_parts(desk, ticket_id)
        if errors := await keep_answers(desk, ticket_id, "cancel", sent.value.answers):
            return await wrong(request, desk, ticket_id, Form(sent.form.values, errors), "cancel")
    act, kind = SendingAct.CANCEL, MessageKind.NOTE
    leaving = Leaving(ticket_id, message, act, kind, sent.value.reason, Channel.API, order, [])
    said = await send_off(request, desk, leaving)
    return await after(request, desk, ticket_id, said, _("Ticket cancelled"))


async def once(request: Request, desk: DeskAt, head: Head, name: str, order: Dispatch, done: str) -> Response:
    """Say a command; a second click on the same button is answered like the first."""
    return await after(request, desk, head.id, await say(desk, head.id, name, order), done)


async def wrong(request: Request, desk: DeskAt, ticket_id: str, form: Form, opened: str) -> Response:
    """A sheet with something wrong in it: it stays open and keeps what was typed."""
    return await shown(
        request, desk, ticket_id, block="ticket_head", status=422, form=form, opened=opened,
        headers={"HX-Retarget": "#ticket_head", "HX-Reswap": "outerHTML"},
    )  # fmt: skip
