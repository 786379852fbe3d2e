"""What the desk does to tickets that are one matter, or two: merge, undo that, split."""

from datetime import UTC, datetime

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.kit.commands import Answer
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import move_on
from api.kit.routes import AGENTS
from api.kit.seeing import has
from api.kit.texts import Key, Line
from api.tickets.kin_page import kin_page
from api.tickets.linking import other_of
from api.tickets.page import head_of
from api.tickets.routing import router
from api.tickets.saying import refuse_if_not, say
from models.kit.refusals import Refusal
from models.messages.staff import Role
from models.messages.tickets import TicketStatus, ticket_workflow_id
from models.messages.tickets.kin import Merge, Split, Unmerge
from models.tickets import Ticket


class Merging(Input):
    """In which ticket this one goes on; `is_across` when it is knowingly another customer's."""

    command_id: Key
    keeper_id: Key
    is_across: bool = False


class Undoing(Input):
    """The merge was a mistake."""

    command_id: Key


class Splitting(Input):
    """Which messages become a ticket of their own, and what that is called."""

    command_id: Key
    about: Line
    message_ids: list[Key] = []


@router.post("/tickets/{ticket_id}/merge", may=AGENTS, row="ticket")
async def merge(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Merging] = typed(Merging)
) -> Response:
    """Let this ticket go on in another one of the same customer; who may, knowingly, in anybody's."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await kin_page(request, desk, ticket_id, form=sent.form, status=422)
    keeper = await other_of(desk, sent.value.keeper_id)
    if keeper is None:
        form = sent.wrong("keeper_id", _("There is no ticket with this number."))
        return await kin_page(request, desk, ticket_id, form=form, status=422)
    if head.status is not TicketStatus.MERGED:  # a second click is answered like the first
        refuse_if_not("merge", head.status)
    is_across = keeper.customer_id != head.customer_id
    if is_across and not may_across(desk):
        raise Refusal("merge_other_customer")
    if is_across and not sent.value.is_across:
        form = sent.wrong(
            "is_across", _("The other ticket belongs to another customer. Is that what you want?")
        )
        return await kin_page(request, desk, ticket_id, form=form, status=422)
    order = Merge(
        sent.value.command_id, desk.person.id, datetime.now(UTC), keeper_id=keeper.id, is_across=is_across
    )
    said = await say(desk, ticket_id, "merge", order)
    return move_on(
        request, f"/tickets/{keeper.id}", data={"status": said.value, "ticket_id": keeper.id},
        status=200 if said is Answer.DONE else 202,
    )  # fmt: skip


def may_across(desk: DeskAt) -> bool:
    """Who may join what two customers said: whoever answers for more than their own tickets."""
    return has(desk.person, Role.DISPATCHER, Role.ADMIN)


@router.post("/tickets/{ticket_id}/merge/undoing", may=AGENTS, row="ticket")
async def undo(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Undoing] = typed(Undoing)
) -> Response:
    """Make a merged ticket one of its own again, exactly as it was."""
    await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await kin_page(request, desk, ticket_id, form=sent.form, status=422)
    order = Unmerge(sent.value.command_id, desk.person.id, datetime.now(UTC))
    said = await say(desk, ticket_id, "unmerge", order)
    return move_on(
        request, f"/tickets/{ticket_id}", data={"status": said.value, "ticket_id": ticket_id},
        status=200 if said is Answer.DONE else 202,
    )  # fmt: skip


@router.post("/tickets/{ticket_id}/split", may=AGENTS, row="ticket")
async def split(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Splitting] = typed(Splitting)
) -> Response:
    """Make a ticket of its own of some messages."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await kin_page(request, desk, ticket_id, form=sent.form, status=422)
    refuse_if_not("split", head.status)
    if not sent.value.message_ids:
        form = sent.wrong("message_ids", _("Please choose at least one message of the customer."))
        return await kin_page(request, desk, ticket_id, form=form, status=422)
    order = Split(
        sent.value.command_id, desk.person.id, datetime.now(UTC),
        message_ids=tuple(dict.fromkeys(sent.value.message_ids)), subject=sent.value.about,
    )  # fmt: skip
    said = await say(desk, ticket_id, "split", order)
    key = f"{ticket_workflow_id(ticket_id)}/{desk.person.id}/{order.id}"
    made = desk.visible(Ticket).with_only_columns(col(Ticket.id))
    new = await desk.session.scalar(
        made.where(col(Ticket.submitted_by) == "split", col(Ticket.submission_key) == key)
    )
    return move_on(
        request, f"/tickets/{new or ticket_id}", data={"status": said.value, "ticket_id": new or ticket_id},
        status=200 if said is Answer.DONE else 202,
    )  # fmt: skip
