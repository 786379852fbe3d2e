"""Many tickets at once: what is asked of all of them, how far it is, and taking it back."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import Field
from sqlalchemy import Select, func, insert, literal
from sqlalchemy.dialects.postgresql import insert as insert_new
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.language import locale
from api.kit.rendering import Form, answer, is_fragment, move_on
from api.kit.routes import AGENTS
from api.kit.texts import Key, MaybeKey, MaybeParagraph
from api.tickets.filters import texts
from api.tickets.hands import colleague
from api.tickets.naming import Options, agents_of, teams_of
from api.tickets.queue import Row, rows_by_id
from api.tickets.routing import router
from models.kit.outbox import announce_start
from models.kit.refusals import REFUSALS, Refusal
from models.messages.tickets import Priority
from models.messages.tickets.batches import (
    TURNED,
    BatchAct,
    BatchOrder,
    BatchStatus,
    LineStatus,
    batch_workflow_id,
)
from models.staff import Account, Team
from models.tickets import Ticket
from models.tickets.desk import TicketBatch, TicketBatchLine

MOST = 100
Tickets = Annotated[list[Key], Field(max_length=MOST)]


class NewBatch(Input):
    """One act for these tickets."""

    command_id: Key
    act: BatchAct
    ticket: Tickets = []
    agent_id: MaybeKey = None
    team_id: MaybeKey = None
    priority: Priority | None = None
    note: MaybeParagraph = ""
    done: MaybeParagraph = ""


class Undoing(Input):
    """What was done is taken back where it still stands."""

    command_id: Key


@dataclass(frozen=True)
class BatchForm:
    """The tickets that were chosen, and what can be done with them."""

    rows: tuple[Row, ...]
    agents: Options
    teams: Options
    priorities: tuple[Priority, ...] = tuple(Priority)


@dataclass(frozen=True)
class Line:
    """One ticket of a batch."""

    ticket_id: str
    subject: str
    status: LineStatus
    why: str  # the refusal as a sentence


@dataclass(frozen=True)
class BatchPage:
    """How far a batch is."""

    id: str
    act: BatchAct
    status: BatchStatus
    undoes: str | None
    asked_at: datetime
    value: str  # what they get, in words
    lines: tuple[Line, ...]
    is_undone: str  # by which batch

    @property
    def is_running(self) -> bool:
        """Whether some tickets have not answered yet."""
        return self.status is BatchStatus.RUNNING

    def count(self, *statuses: str) -> int:
        """How many lines are this far."""
        return sum(line.status in statuses for line in self.lines)

    @property
    def over(self) -> int:
        """How many have an answer."""
        return self.count(LineStatus.DONE, LineStatus.SAME, LineStatus.REFUSED)

    @property
    def why_not_undone(self) -> str:
        """Why it cannot be taken back, or nothing."""
        code = "batch_not_undone" if self.act not in TURNED else "batch_running" if self.is_running else ""
        return why_of(code)

    @property
    def may_be_undone(self) -> bool:
        """Whether there is something to take back."""
        is_first = self.undoes is None and not self.is_undone
        return is_first and not self.why_not_undone and self.count(LineStatus.DONE) > 0


def why_of(code: str) -> str:
    """A refusal as a sentence."""
    sentence = REFUSALS[code][1] if code in REFUSALS else ""
    return _(sentence) if sentence else ""


@router.get("/tickets/batches/new", may=AGENTS)
async def choose(
    request: Request,
    desk: Desk,
    ticket: Annotated[list[str], Query(max_length=MOST)] = [],  # noqa: B006
) -> Response:
    """Show what can be done with these tickets; the queue takes the bar in once something is selected."""
    page = await form_page(desk, ticket)
    return answer(request, "tickets/batch_new.html", page, block="bulk_form")


@router.post("/tickets/batches", may=AGENTS)
async def begin(request: Request, desk: Desk, sent: Typed[NewBatch] = typed(NewBatch)) -> Response:
    """Ask something of many tickets; each answers for itself. The same form twice is one batch."""
    wish = sent.value
    form = sent.form if wish is None else await wrong(desk, wish, sent)
    if wish is None or form is not None:
        page = await form_page(desk, texts(sent.form.values, "ticket"))
        aim = {"HX-Retarget": "#bulk_form", "HX-Reswap": "outerHTML"}
        return answer(
            request, "tickets/batch_new.html", page, block="bulk_form", form=form, status=422, headers=aim
        )
    id = batch_id(desk, wish.command_id)
    row = {
        "id": id, "act": wish.act, "body": body_of(wish), "asked_by": desk.person.id,
        "asked_at": datetime.now(UTC), "status": BatchStatus.RUNNING,
    }  # fmt: skip
    if await is_new(desk, row):
        tickets = list(dict.fromkeys(wish.ticket))
        order = func.array_position(literal(tickets), col(Ticket.id))
        seen = (
            desk.visible(Ticket)
            .with_only_columns(
                literal(id), func.row_number().over(order_by=order), col(Ticket.id), literal(value_of(wish)),
                literal(LineStatus.WAITING.value), literal(""),
            )
            .where(col(Ticket.id).in_(tickets))
        )  # fmt: skip
        await start(desk, id, seen, ["batch_id", "n", "ticket_id", "value", "status", "refusal"])
    return await on_its_way(request, desk, id)


@router.get("/tickets/batches/{ticket_batch}", may=AGENTS, row="ticket_batch")
async def show_batch(request: Request, desk: Desk, ticket_batch: Key) -> Response:
    """Show how far a batch is, and why some tickets were left out."""
    page = await batch_page(desk, ticket_batch)
    return answer(request, "tickets/batch.html", page, block="batch_progress")


@router.post("/tickets/batches/{ticket_batch}/undo", may=AGENTS, row="ticket_batch")
async def undo(
    request: Request, desk: Desk, ticket_batch: Key, sent: Typed[Undoing] = typed(Undoing)
) -> Response:
    """Give each ticket back what it had before, where nobody has changed it since; once."""
    page = await batch_page(desk, ticket_batch)
    if sent.value is None:
        raise Refusal("invalid_form")
    id = f"{page.id}u"
    if page.is_undone:
        return await on_its_way(request, desk, page.is_undone)
    if page.undoes or page.act not in TURNED:
        raise Refusal("batch_not_undone")
    if page.is_running:
        raise Refusal("batch_running")
    row = {
        "id": id, "act": page.act, "body": "", "undoes": page.id, "asked_by": desk.person.id,
        "asked_at": datetime.now(UTC), "status": BatchStatus.RUNNING,
    }  # fmt: skip
    if await is_new(desk, row):
        done = col(TicketBatchLine.status) == LineStatus.DONE
        lines = (
            desk.visible(TicketBatchLine)
            .with_only_columns(
                literal(id), col(TicketBatchLine.n), col(TicketBatchLine.ticket_id),
                func.coalesce(col(TicketBatchLine.was), ""), col(TicketBatchLine.value),
                literal(LineStatus.WAITING.value), literal(""),
            )
            .where(col(TicketBatchLine.batch_id) == page.id, done)
        )  # fmt: skip
        await start(desk, id, lines, ["batch_id", "n", "ticket_id", "value", "expects", "status", "refusal"])
    return await on_its_way(request, desk, id)


async def is_new(desk: DeskAt, row: dict[str, object]) -> bool:
    """Store a batch; one that is there was asked for before."""
    statement = insert_new(TicketBatch).values(row).on_conflict_do_nothing().returning(col(TicketBatch.id))
    return (await desk.session.execute(statement)).first() is not None


async def start(desk: DeskAt, id: str, lines: Select[*tuple[Any, ...]], names: list[str]) -> None:
    """Its lines in one statement, and its life."""
    await desk.session.execute(
        insert(TicketBatchLine).from_select(names, lines, include_defaults=False).inline()
    )
    order = BatchOrder(id)
    await announce_start(
        desk.session, "TicketBatch", batch_workflow_id(id), order, summary="One act for many tickets"
    )


async def on_its_way(request: Request, desk: DeskAt, id: str) -> Response:
    """The part of the page that shows how far it is."""
    await desk.commit()
    if not is_fragment(request):
        return move_on(request, f"/tickets/batches/{id}", data={"batch": id}, status=202)
    page = await batch_page(desk, id)
    return answer(request, "tickets/batch.html", page, block="batch_progress")


def batch_id(desk: DeskAt, command_id: str) -> str:
    """The id that one person's form makes."""
    return f"tb_{hashlib.sha256(f'{desk.person.id}/{command_id}'.encode()).hexdigest()[:24]}"


def value_of(wish: NewBatch) -> str:
    """What each ticket gets."""
    match wish.act:
        case BatchAct.ASSIGN:
            return wish.agent_id or ""
        case BatchAct.TEAM:
            return wish.team_id or ""
        case BatchAct.PRIORITY:
            return wish.priority.value if wish.priority else ""
    return ""


def body_of(wish: NewBatch) -> str:
    """What is written into each ticket."""
    return {BatchAct.NOTE: wish.note, BatchAct.RESOLVE: wish.done}.get(wish.act, "")


async def wrong(desk: DeskAt, wish: NewBatch, sent: Typed[NewBatch]) -> Form | None:
    """What is missing for this act; nothing when all is there."""
    if not wish.ticket:
        return sent.wrong("ticket", _("Please choose at least one ticket."))
    needed = {
        BatchAct.TEAM: ("team_id", wish.team_id), BatchAct.PRIORITY: ("priority", wish.priority),
        BatchAct.NOTE: ("note", wish.note), BatchAct.RESOLVE: ("done", wish.done),
    }  # fmt: skip
    name, value = needed.get(wish.act, ("", True))
    if not value:
        return sent.wrong(name, _("Please fill in this field."))
    await colleague(desk, wish.agent_id)
    if wish.team_id is not None:
        await desk.one(Team, wish.team_id)
    seen = desk.visible(Ticket).with_only_columns(col(Ticket.id)).where(col(Ticket.id).in_(wish.ticket))
    if not (await desk.session.execute(seen.limit(1))).first():
        raise Refusal("not_found")
    return None


async def form_page(desk: DeskAt, tickets: list[str]) -> BatchForm:
    """The tickets that were chosen, as far as they may be seen, and what there is to choose from."""
    ids = [one for one in dict.fromkeys(tickets) if one.isprintable()][:MOST]
    rows = await rows_by_id(desk.session, desk.person, ids)
    shown = tuple(rows[id] for id in ids if id in rows)
    return BatchForm(shown, await agents_of(desk), await teams_of(desk))


async def batch_page(desk: DeskAt, id: str) -> BatchPage:
    """One batch of one's own with its lines, of tickets that one still sees."""
    batch = await desk.one(TicketBatch, id)
    query = (
        desk.visible(TicketBatchLine)
        .with_only_columns(
            col(TicketBatchLine.ticket_id), col(Ticket.subject), col(TicketBatchLine.status),
            col(TicketBatchLine.refusal), col(TicketBatchLine.value),
        )
        .join(Ticket, col(Ticket.id) == col(TicketBatchLine.ticket_id))
        .where(col(TicketBatchLine.batch_id) == id)
        .order_by(col(TicketBatchLine.n))
    )  # fmt: skip
    found = (await desk.session.execute(query)).all()
    lines = tuple(
        Line(one[0], one[1], one[2], _(REFUSALS[one[3]][1]) if one[3] in REFUSALS else one[3])
        for one in found
    )
    undone = desk.visible(TicketBatch).with_only_columns(col(TicketBatch.id))
    by = await desk.session.scalar(undone.where(col(TicketBatch.undoes) == id))
    value = found[0][4] if found and batch.undoes is None else ""
    return BatchPage(
        id, batch.act, batch.status, batch.undoes, batch.asked_at, await worded(desk, batch.act, value),
        lines, by or "",
    )  # fmt: skip


async def worded(desk: DeskAt, act: BatchAct, value: str) -> str:
    """What each ticket gets, as people say it."""
    if act is BatchAct.PRIORITY:
        return value.upper()
    if act is BatchAct.TEAM and value:
        name = col(Team.name_ko) if locale() == "ko" else col(Team.name_en)
        asked = desk.visible(Team).with_only_columns(name).where(col(Team.id) == value)
        return await desk.session.scalar(asked) or ""
    if act is BatchAct.ASSIGN and value:
        asked = desk.visible(Account).with_only_columns(col(Account.name)).where(col(Account.id) == value)
        return await desk.session.scalar(asked) or ""
    return ""
