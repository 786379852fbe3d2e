"""Mails as they came in: what is held back, one original as text, and the verdict about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy import insert
from sqlmodel import col
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, HTMLResponse, Response

from api.kit.commands import Answer
from api.kit.commands import command as say_to
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.personal import mask_email
from api.kit.rendering import answer, is_fragment, move_on, wants_json
from api.kit.routes import AGENTS
from api.kit.texts import Key
from api.tickets import mail_html
from api.tickets.files import CAREFUL
from api.tickets.routing import router
from api.tickets.saying import told
from models.kit.refusals import Refusal
from models.messages.tickets.mails import REASONS, MailSource, MailStatus, Verdict, mail_workflow_id
from models.staff import PersonalDataAccess
from models.tickets import Attachment, InboundMail, Ticket

PAGE = 50
SHOWN = 200_000  # bytes of an original on a page; the file has all of it
PURPOSE = "to read a mail"


@dataclass(frozen=True)
class MailRow:
    """One mail in a list; its sender is masked."""

    id: str
    received_at: datetime
    sender: str
    subject: str
    status: MailStatus
    reason: str
    ticket_id: str | None


@dataclass(frozen=True)
class MailsPage:
    """Mails of one status, the newest first."""

    rows: tuple[MailRow, ...]
    status: MailStatus
    next: str = ""

    @property
    def views(self) -> list[tuple[str, str, bool]]:
        """The lists there are."""
        names = {
            MailStatus.QUARANTINED: _("Held back"), MailStatus.IGNORED: _("Ignored"),
            MailStatus.THREADED: _("In tickets"), MailStatus.RECEIVED: _("Being read"),
        }  # fmt: skip
        return [(text, href(one), one is self.status) for one, text in names.items()]


@dataclass(frozen=True)
class Original:
    """One mail as it came, with everything that was said around it."""

    id: str
    received_at: datetime
    source: MailSource
    status: MailStatus
    reason: str
    sender: str
    subject: str
    envelope_from: str
    envelope_to: tuple[str, ...]
    size: int
    sha256: str
    held_back: tuple[str, ...]
    ticket_id: str | None
    text: str
    is_cut: bool
    has_page: bool
    is_gone: bool


class Decided(Input):
    """The verdict's own id: a double click is one."""

    command_id: Key


def href(status: MailStatus, after: str = "") -> str:
    """The address of a list."""
    asked = {"status": status.value, **({"after": after} if after else {})}
    return f"/tickets/mails?{urlencode(asked)}"


@router.get("/tickets/mails", may=AGENTS)
async def listed(
    request: Request, desk: Desk, status: MailStatus = MailStatus.QUARANTINED, after: str = ""
) -> Response:
    """Show the mails of one status."""
    return answer(request, "tickets/mails.html", await mails_page(desk, status, after))


async def mails_page(desk: DeskAt, status: MailStatus, after: str) -> MailsPage:
    """Read one page of a list."""
    names = ("id", "received_at", "sender", "subject", "status", "reason", "ticket_id")
    query = (
        desk.visible(InboundMail)
        .with_only_columns(*(getattr(InboundMail, name) for name in names))
        .where(col(InboundMail.status) == status)
        .order_by(col(InboundMail.received_at).desc(), col(InboundMail.id).desc())
        .limit(PAGE + 1)
    )
    if after:
        last = await desk.one(InboundMail, after)
        moment = (col(InboundMail.received_at) < last.received_at) | (
            (col(InboundMail.received_at) == last.received_at) & (col(InboundMail.id) < last.id)
        )
        query = query.where(moment)
    found = [
        MailRow(**{**row._mapping, "sender": mask_email(row.sender), "reason": why(row.reason)})
        for row in await desk.session.execute(query)
    ]
    more = href(status, found[PAGE - 1].id) if len(found) > PAGE else ""
    return MailsPage(tuple(found[:PAGE]), status, more)


def why(reason: str) -> str:
    """Why a mail is where it is, in the reader's language."""
    text = REASONS.get(reason, "")
    return _(text) if text else ""


@router.get("/tickets/mails/{mail_id}", may=AGENTS, row="mail", reveals=PURPOSE)
async def original(request: Request, desk: Desk, mail_id: Key) -> Response:
    """Show one mail as text, and write down who read it."""
    return answer(request, "tickets/mail.html", await original_of(request, desk, mail_id))


async def original_of(request: Request, desk: DeskAt, mail_id: str) -> Original:
    """Read one mail with its first bytes."""
    mail = await desk.one(InboundMail, mail_id)
    await note_reading(desk, mail)
    raw = await run_in_threadpool(beginning, path_of(request, mail))
    return Original(
        id=mail.id, received_at=mail.received_at, source=mail.source, status=mail.status,
        reason=why(mail.reason), sender=mail.sender, subject=mail.subject, envelope_from=mail.envelope_from,
        envelope_to=tuple(mail.envelope_to), size=mail.size, sha256=mail.sha256,
        held_back=tuple(mail.held_back), ticket_id=mail.ticket_id, text=visible_text(raw[:SHOWN]),
        is_cut=len(raw) > SHOWN, has_page=bool(mail.html), is_gone=mail.stored_as is None,
    )  # fmt: skip


@router.get("/tickets/mails/{mail_id}/original", may=AGENTS, row="mail", reveals=PURPOSE)
async def fetched(request: Request, desk: Desk, mail_id: Key) -> Response:
    """Send the untouched file; a browser keeps it and opens nothing."""
    mail = await desk.one(InboundMail, mail_id)
    path = path_of(request, mail)
    if path is None or not await run_in_threadpool(path.is_file):
        raise Refusal("not_found")
    await note_reading(desk, mail)
    headers = {
        **CAREFUL,
        "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; filename={mail.id}.eml",
    }
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


@router.get("/tickets/mails/{mail_id}/page", may=AGENTS, row="mail", reveals=PURPOSE)
async def formatted(request: Request, desk: Desk, mail_id: Key) -> Response:
    """Show the mail's own page, cleaned and locked in; its pictures are the ones that we drew anew."""
    mail = await desk.one(InboundMail, mail_id)
    if not mail.html:
        raise Refusal("not_found")
    await note_reading(desk, mail)
    pictures = await pictures_of(request, desk, mail)
    text = await run_in_threadpool(mail_html.page, mail.subject, mail.html, pictures)
    return HTMLResponse(text, headers=mail_html.AROUND)


async def pictures_of(request: Request, desk: DeskAt, mail: InboundMail) -> Mapping[str, tuple[str, bytes]]:
    """The pictures that came with it, by the names that its page knows them by."""
    query = (
        desk.visible(Attachment)
        .where(
            col(Attachment.message_id) == (mail.message_id or ""), col(Attachment.content_id) != "",
            col(Attachment.media_type).in_(["image/jpeg", "image/png", "image/webp"]),
        )
        .order_by(col(Attachment.id))
        .limit(20)
    )  # fmt: skip
    found = (await desk.session.scalars(query)).all()
    folder: Path = request.app.state.settings.files_dir

    def read() -> dict[str, tuple[str, bytes]]:
        there = [(one, folder / one.stored_as) for one in found]
        return {one.content_id: (one.media_type, path.read_bytes()) for one, path in there if path.is_file()}

    return await run_in_threadpool(read)


@router.post("/tickets/mails/{mail_id}/release", may=AGENTS, row="mail")
async def release(
    request: Request, desk: Desk, mail_id: Key, sent: Typed[Decided] = typed(Decided)
) -> Response:
    """Let a mail in that was held back."""
    return await decide(request, desk, mail_id, sent, "release", _("The mail has been let in."))


@router.post("/tickets/mails/{mail_id}/dismissal", may=AGENTS, row="mail")
async def dismiss(
    request: Request, desk: Desk, mail_id: Key, sent: Typed[Decided] = typed(Decided)
) -> Response:
    """Send a mail away that was held back; the original stays."""
    return await decide(request, desk, mail_id, sent, "dismiss", _("The mail is ignored."))


async def decide(
    request: Request, desk: DeskAt, mail_id: str, sent: Typed[Decided], verdict: str, done: str
) -> Response:
    """Say a verdict to the mail's life."""
    mail = await desk.one(InboundMail, mail_id)
    if sent.value is None:
        page = await mails_page(desk, mail.status, "")
        return answer(request, "tickets/mails.html", page, block="mails", form=sent.form, status=422)
    if mail.status is not MailStatus.QUARANTINED:
        raise Refusal("mail_not_held_back")
    order = Verdict(sent.value.command_id, desk.person.id, datetime.now(UTC))
    said = await say_to(desk.session, desk.client, mail_workflow_id(mail_id), verdict, order)
    if wants_json(request) or not is_fragment(request):
        status = 200 if said is Answer.DONE else 202
        return move_on(request, href(MailStatus.QUARANTINED), data={"status": said.value}, status=status)
    page = await mails_page(desk, MailStatus.QUARANTINED, "")
    return answer(request, "tickets/mails.html", page, block="mails", trigger=told(said, done))


async def note_reading(desk: DeskAt, mail: InboundMail) -> None:
    """Write down who read whose mail, in the same transaction."""
    whose: Any = None
    if mail.ticket_id is not None:
        owner = desk.visible(Ticket).with_only_columns(col(Ticket.customer_id))
        whose = await desk.session.scalar(owner.where(col(Ticket.id) == mail.ticket_id))
    await desk.session.execute(
        insert(PersonalDataAccess)
        .values(
            at=datetime.now(UTC), actor_id=desk.person.id, actor_kind=str(desk.person.kind),
            address=desk.person.address, subject_id=whose or mail.id, action="tickets.mail_read",
            purpose=PURPOSE, fields=["email", "name"],
        )
        .inline()
    )  # fmt: skip


def path_of(request: Request, mail: InboundMail) -> Path | None:
    """Where the original lies; nowhere once it was forgotten."""
    folder: Path = request.app.state.settings.files_dir
    return folder / mail.stored_as if mail.stored_as else None


def beginning(path: Path | None) -> bytes:
    """As much of the original as a page shows, and one byte more."""
    if path is None or not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(SHOWN + 1)


def visible_text(raw: bytes) -> str:
    """Bytes as text; what cannot be printed is shown as what it is, so that nothing hides in it."""
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n")
    return "".join(sign if sign in "\n\t" or sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text)
