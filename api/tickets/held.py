"""What was sent and has not left yet, as everybody on the ticket's page sees it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_
from sqlmodel import col

from api.kit.desk import DeskAt
from api.kit.language import gettext as _
from models.kit.refusals import REFUSALS
from models.messages.systems import OutboxStatus
from models.messages.tickets import ticket_workflow_id
from models.messages.tickets.writing import SendingAct
from models.systems import OutboxItem
from models.tickets.writing import Sending


@dataclass(frozen=True)
class Held:
    """One sending that has not left, as the page shows it."""

    id: str
    act: SendingAct
    body: str
    by: str
    due_at: datetime
    is_mine: bool
    refusal: str  # why it will never leave; its author takes the text back


async def held_of(desk: DeskAt, ticket_id: str) -> tuple[Held, ...]:
    """What waits to leave a ticket, of everybody; what was refused only to its author."""
    line = and_(
        col(OutboxItem.workflow_id) == ticket_workflow_id(ticket_id),
        col(OutboxItem.actor_id) == col(Sending.account_id),
        col(OutboxItem.key) == col(Sending.command_id),
    )
    query = (
        desk.visible(Sending)
        .outerjoin(OutboxItem, line)
        .with_only_columns(
            col(Sending.id), col(Sending.act), col(Sending.body), col(Sending.author_name),
            col(Sending.due_at), col(Sending.account_id), col(OutboxItem.status), col(OutboxItem.refusal),
        )
        .where(col(Sending.ticket_id) == ticket_id)
        .order_by(col(Sending.due_at), col(Sending.id))
        .limit(20)
    )  # fmt: skip
    found = []
    for one in await desk.session.execute(query):
        is_mine, is_refused = one.account_id == desk.person.account_id, one.status is OutboxStatus.REFUSED
        if is_refused and not is_mine:
            continue
        why = _(REFUSALS[one.refusal][1]) if is_refused and one.refusal in REFUSALS else ""
        text = one.body if is_mine else ""
        found.append(Held(one.id, one.act, text, one.author_name, one.due_at, is_mine, why))
    return tuple(found)


async def unseen(desk: DeskAt, ticket_id: str, seen: str) -> tuple[str, ...]:
    """What colleagues are sending just now and this page has not been told, as sentences."""
    known = set(seen.split(","))
    others = [one for one in await held_of(desk, ticket_id) if not one.is_mine and one.id not in known]
    return tuple(_("%(who)s is sending something to the customer right now", who=one.by) for one in others)
