"""What our people should know about a customer: written by one, read by all, the pinned first."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.customers.routing import router
from api.customers.value import tell_live
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import AGENTS
from api.kit.texts import Key, Paragraph
from models.customers import Customer, CustomerNote
from models.kit.refusals import Refusal
from models.staff import Account

MOST = 20


@dataclass(frozen=True)
class Note:
    """One note with who wrote it."""

    id: str
    body: str
    author: str
    is_pinned: bool
    made_at: datetime


@dataclass(frozen=True)
class NotesPage:
    """The notes of one customer."""

    customer_id: str
    notes: tuple[Note, ...]
    may_write: bool


class NewNote(Input):
    """What somebody wants to be known; the same form sent twice is one note."""

    submission_key: Key
    body: Paragraph


class Pinning(Input):
    """Whether a note stands first."""

    is_pinned: bool = False


async def notes_of(desk: DeskAt, customer_id: str) -> NotesPage:
    """Read them, the pinned first, then the newest."""
    query = (
        desk.visible(CustomerNote)
        .with_only_columns(
            col(CustomerNote.id), col(CustomerNote.body), col(Account.name), col(CustomerNote.is_pinned),
            col(CustomerNote.made_at),
        )
        .join(Account, col(Account.id) == col(CustomerNote.author_id))
        .where(col(CustomerNote.customer_id) == customer_id)
        .order_by(col(CustomerNote.is_pinned).desc(), col(CustomerNote.made_at).desc())
        .limit(MOST)
    )  # fmt: skip
    notes = tuple(Note(*row) for row in await desk.session.execute(query))
    return NotesPage(customer_id, notes, desk.person.is_desk)


@router.post("/customers/{customer_id}/notes", may=AGENTS, row="customer")
async def write(
    request: Request, desk: Desk, customer_id: Key, sent: Typed[NewNote] = typed(NewNote)
) -> Response:
    """Write one more note."""
    await desk.one(Customer, customer_id)
    if sent.value is None:
        return await shown(request, desk, customer_id, sent.form, 422)
    row = {
        "id": f"nt_{desk.person.id}_{sent.value.submission_key}", "customer_id": customer_id,
        "is_pinned": False, "author_id": desk.person.id, "body": sent.value.body,
        "made_at": datetime.now(UTC),
    }  # fmt: skip
    await desk.session.execute(insert(CustomerNote).values(row).on_conflict_do_nothing().inline())
    return await changed(request, desk, customer_id)


@router.post("/customers/{customer_id}/notes/{note_id}/pin", may=AGENTS, row="customer")
async def pin(
    request: Request, desk: Desk, customer_id: Key, note_id: Key, sent: Typed[Pinning] = typed(Pinning)
) -> Response:
    """Let a note stand first, or no longer."""
    note = await desk.one(CustomerNote, note_id)
    if note.customer_id != customer_id:
        raise Refusal("not_found")
    if sent.value is None:
        raise Refusal("invalid_form")
    change = (
        update(CustomerNote).where(col(CustomerNote.id) == note_id).values(is_pinned=sent.value.is_pinned)
    )
    await desk.session.execute(change.execution_options(synchronize_session=False))
    return await changed(request, desk, customer_id)


async def changed(request: Request, desk: DeskAt, customer_id: str) -> Response:
    """Store it, tell open pages, and show the notes again."""
    await tell_live(desk, customer_id)
    await desk.commit()
    if request.headers.get("hx-request") == "true":
        return await shown(request, desk, customer_id, Form(), 200)
    return move_on(request, f"/customers/{customer_id}", data={"status": "done"})


async def shown(request: Request, desk: DeskAt, customer_id: str, form: Form, status: int) -> Response:
    """The notes and their form."""
    page = await notes_of(desk, customer_id)
    return answer(request, "customers/notes.html", page, block="notes", form=form, status=status)
