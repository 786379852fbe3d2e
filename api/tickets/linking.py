"""What the desk says about tickets that belong together: links, and parts that hold their whole up."""

from datetime import UTC, datetime
from typing import Literal

from fastapi import Request
from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import move_on
from api.kit.routes import AGENTS
from api.kit.texts import Key, Line, MaybeParagraph
from api.tickets.birth import is_new, level_for, tell_live
from api.tickets.kin_page import kin_page
from api.tickets.page import Head, head_of
from api.tickets.routing import router
from api.tickets.saying import message_id
from models.customers import Customer
from models.kit import ids
from models.kit.outbox import announce_signal, announce_start
from models.kit.refusals import Refusal
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.tickets import (
    Channel,
    FaultReport,
    MessageKind,
    TicketKind,
    TicketStatus,
    ticket_workflow_id,
)
from models.messages.tickets.kin import ChildMoved, LinkKind
from models.rules import tickets as rules
from models.rules.tickets.kin import BUSY, why_not_joined
from models.tickets import Ticket, TicketLink, TicketMessage

What = Literal["related", "duplicate", "has_duplicate", "caused", "causes", "part", "whole"]
ENDS: dict[str, tuple[LinkKind, bool]] = {  # what the other one is: (kind, whether this one says it)
    "related": (LinkKind.RELATED, True),
    "duplicate": (LinkKind.DUPLICATE, True), "has_duplicate": (LinkKind.DUPLICATE, False),
    "caused": (LinkKind.CAUSED, True), "causes": (LinkKind.CAUSED, False),
    "whole": (LinkKind.CHILD, True), "part": (LinkKind.CHILD, False),
}  # fmt: skip
TOLD = {  # what is told where the link begins, and where it ends
    LinkKind.RELATED: ("tickets.linked_related", "tickets.linked_related"),
    LinkKind.DUPLICATE: ("tickets.linked_duplicate", "tickets.linked_has_duplicate"),
    LinkKind.CAUSED: ("tickets.linked_caused", "tickets.linked_causes"),
    LinkKind.CHILD: ("tickets.linked_child", ""),  # the whole tells it itself
}
UNTOLD = dict.fromkeys(TOLD, ("tickets.unlinked", "tickets.unlinked")) | {
    LinkKind.CHILD: ("tickets.unlinked_child", "")
}


class Linking(Input):
    """Another ticket, and what it is to this one."""

    command_id: Key
    other_id: Key
    is_what: What = "related"


class Parting(Input):
    """A part of this ticket: a task for colleagues, or a report that the customer follows, too."""

    submission_key: Key
    subject: Line
    description: MaybeParagraph = ""
    kind: Literal["task", "fault"] = "task"


@router.post("/tickets/{ticket_id}/links", may=AGENTS, row="ticket")
async def link(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Linking] = typed(Linking)
) -> Response:
    """Say what another ticket is to this one; both sides show it to whoever sees both."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await kin_page(request, desk, ticket_id, form=sent.form, status=422)
    other = await other_of(desk, sent.value.other_id)
    if other is None:
        return await unknown(request, desk, ticket_id, sent)
    if other.id == ticket_id:
        raise Refusal("link_self")
    kind, is_said = ENDS[sent.value.is_what]
    pair = (head, other) if is_said else (other, head)
    if kind is LinkKind.RELATED:
        pair = (min(pair, key=lambda one: one.id), max(pair, key=lambda one: one.id))
    if kind is LinkKind.CHILD:
        await join(desk, pair[0].id, pair[1], sent.value.command_id)
    row = link_row(desk, pair[0].id, pair[1].id, kind)
    if not await is_new(desk, TicketLink, row):
        if not await is_linked(desk, pair[0].id, pair[1].id, kind):
            raise Refusal("link_second_parent")
    else:
        await tell_both(desk, pair[0].id, pair[1].id, TOLD[kind], sent.value.command_id)
    await desk.commit()
    return move_on(request, f"/tickets/{ticket_id}", data={"ticket_id": ticket_id, "other_id": other.id})


async def unknown(request: Request, desk: DeskAt, ticket_id: str, sent: Typed[Linking]) -> Response:
    """A number that is no ticket, or none of theirs: the same sentence."""
    form = sent.wrong("other_id", _("There is no ticket with this number."))
    return await kin_page(request, desk, ticket_id, form=form, status=422)


async def other_of(desk: DeskAt, number: str) -> Head | None:
    """The ticket with a typed number, if they may see it."""
    try:
        return await head_of(desk.session, desk.person, number.upper() if number[:1] == "t" else number)
    except Refusal:
        return None


async def join(desk: DeskAt, part: str, whole: Head, key: str) -> None:
    """One ticket becomes a part of another: no circles, not too deep, and the whole hears of it."""
    if whole.status not in BUSY:
        raise Refusal(rules.refusal("resolve", whole.status) or "ticket_closed")
    found = await desk.session.execute(
        text("select * from ieum_join(:whole, :part)"), {"whole": whole.id, "part": part}
    )
    is_circle, deep, parts, seq, status = found.one()
    if not await is_linked(desk, part, whole.id, LinkKind.CHILD):
        if code := why_not_joined(is_circle, deep, parts):
            raise Refusal(code)
        is_open = TicketStatus(status) in BUSY
        await tell_whole(desk, whole.id, part, seq, "tickets.child_joined", key, is_open=is_open)


async def tell_whole(
    desk: DeskAt, whole: str, part: str, seq: int, sentence: str, key: str, *, is_open: bool
) -> None:
    """The whole's own life hears what came of a part."""
    fact = ChildMoved(part, seq, is_open, sentence, datetime.now(UTC), desk.person.id)
    name = f"{sentence}:{part}:{desk.person.id}:{key}"
    await announce_signal(desk.session, ticket_workflow_id(whole), "child_moved", fact, key=name)


@router.post("/tickets/{ticket_id}/links/removal", may=AGENTS, row="ticket")
async def unlink(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Linking] = typed(Linking)
) -> Response:
    """Take a link away; a part that leaves no longer holds its whole up."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await kin_page(request, desk, ticket_id, form=sent.form, status=422)
    other = await other_of(desk, sent.value.other_id)
    if other is None:
        return await unknown(request, desk, ticket_id, sent)
    kind, is_said = ENDS[sent.value.is_what]
    pair = (head, other) if is_said else (other, head)
    for first, second in {pair, pair if kind is not LinkKind.RELATED else (pair[1], pair[0])}:
        await take_away(desk, first, second, kind, sent.value.command_id)
    await desk.commit()
    return move_on(request, f"/tickets/{ticket_id}", data={"ticket_id": ticket_id, "other_id": other.id})


async def take_away(desk: DeskAt, first: Head, second: Head, kind: LinkKind, key: str) -> None:
    """One link, if it is there; gone already is as good."""
    if not await is_linked(desk, first.id, second.id, kind):
        return
    here = (col(TicketLink.from_id) == first.id, col(TicketLink.to_id) == second.id)
    await desk.session.execute(delete(TicketLink).where(*here, col(TicketLink.kind) == kind))
    await tell_both(desk, first.id, second.id, UNTOLD[kind], key)
    if kind is LinkKind.CHILD:
        await tell_whole(desk, second.id, first.id, first.seq, "tickets.child_left", key, is_open=False)


async def is_linked(desk: DeskAt, first: str, second: str, kind: LinkKind) -> bool:
    """Whether this link stands."""
    query = desk.visible(TicketLink).with_only_columns(col(TicketLink.from_id))
    here = (col(TicketLink.from_id) == first, col(TicketLink.to_id) == second, col(TicketLink.kind) == kind)
    return await desk.session.scalar(query.where(*here)) is not None


def link_row(desk: DeskAt, first: str, second: str, kind: LinkKind) -> dict[str, object]:
    """A link as it is stored."""
    now = datetime.now(UTC)
    return {"from_id": first, "to_id": second, "kind": kind, "made_by": desk.person.id, "made_at": now}


async def tell_both(desk: DeskAt, first: str, second: str, told: tuple[str, str], key: str) -> None:
    """One line in each timeline, for colleagues."""
    for here, there, sentence in ((first, second, told[0]), (second, first, told[1])):
        if sentence:
            line = {
                "key": f"{sentence}:{here}:{there}:{desk.person.id}:{key}",
                "subject": ticket_workflow_id(here), "ticket_id": here, "at": datetime.now(UTC),
                "kind": EntryKind.CHANGE, "actor_kind": ActorKind.STAFF, "actor_id": desk.person.account_id,
                "sentence": sentence, "details": {"other": there}, "is_public": False,
            }  # fmt: skip
            statement = insert(TimelineEntry).values(line).on_conflict_do_nothing().inline()
            await desk.session.execute(statement)
        await tell_live(desk, f"ticket:{here}")


@router.post("/tickets/{ticket_id}/parts", may=AGENTS, row="ticket")
async def part(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Parting] = typed(Parting)
) -> Response:
    """Make a part of this ticket: customer, product and priority are known already."""
    whole = await desk.one(Ticket, ticket_id)
    if sent.value is None:
        return await kin_page(request, desk, ticket_id, form=sent.form, status=422)
    mine = (
        col(Ticket.submitted_by) == desk.person.id, col(Ticket.submission_key) == sent.value.submission_key,
    )  # fmt: skip
    made = await desk.session.scalar(desk.visible(Ticket).with_only_columns(col(Ticket.id)).where(*mine))
    if made is None:
        made = await born(desk, whole, sent.value)
    return move_on(request, f"/tickets/{ticket_id}", data={"ticket_id": made}, status=201)


async def born(desk: DeskAt, whole: Ticket, parting: Parting) -> str:
    """The part, its first note, its link and its announcement in one transaction."""
    now, number = datetime.now(UTC), await desk.session.scalar(text("select nextval('ticket_numbers')"))
    part, kind = ids.ticket_id(int(number or 0)), TicketKind(parting.kind)
    row = {
        "id": part, "submission_key": parting.submission_key, "submitted_by": desk.person.id,
        "customer_id": whole.customer_id, "owned_product_id": whole.owned_product_id, "kind": kind,
        "channel": Channel.API, "subject": parting.subject, "description": parting.description,
        "status": TicketStatus.RECEIVED, "is_over": False, "priority": whole.priority,
        "is_confidential": whole.is_confidential, "created_at": now, "updated_at": now, "seq": 0,
        "team_id": whole.team_id if whole.is_confidential else None,
    }  # fmt: skip
    await desk.session.execute(insert(Ticket).values(row).inline())
    if parting.description:
        note = {
            "id": message_id(desk.person, part, parting.submission_key), "ticket_id": part,
            "kind": MessageKind.NOTE, "author_id": desk.person.account_id, "author_name": desk.person.name,
            "channel": Channel.API, "body": parting.description, "created_at": now, "delivery": "stored",
        }  # fmt: skip
        await desk.session.execute(insert(TicketMessage).values(note).inline())
    head = await head_of(desk.session, desk.person, whole.id)
    await join(desk, part, head, parting.submission_key)
    link = link_row(desk, part, whole.id, LinkKind.CHILD)
    await desk.session.execute(insert(TicketLink).values(link).inline())
    await tell_both(desk, part, whole.id, TOLD[LinkKind.CHILD], parting.submission_key)
    customer = await desk.one(Customer, whole.customer_id)
    level = await level_for(desk, whole.priority, customer.tier, now)
    fault = FaultReport(
        part, whole.customer_id, now, level, kind,
        case_id=whole.id if kind is TicketKind.TASK else "", topic="child",
    )  # fmt: skip
    await announce_start(
        desk.session, "Ticket", ticket_workflow_id(part), fault, summary="A part of a ticket"
    )
    await tell_live(desk, "tickets")
    await desk.commit()
    return part
