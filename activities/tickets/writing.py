"""What people write, as it reaches the tables: sent texts, what templates set, who is told."""

from collections.abc import Sequence

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from activities.kit.timeline import write_entry
from activities.tickets.promises import repick
from models.catalogue import Product
from models.customers import OwnedProduct
from models.kit.timeline import EntryKind
from models.messages.tickets import Change, Channel, Priority, ticket_workflow_id
from models.messages.tickets.writing import FOLLOWED, SendingAct, Told
from models.rules.tickets import writing as rules
from models.staff import Account, Team
from models.tickets import Attachment, Ticket, TicketMessage
from models.tickets.writing import ClosingField, FieldValue, ReplyTemplate, Sending, TicketFollower

MENTIONED = "tickets.mentioned"


async def leave(session: AsyncSession, change: Change) -> None:
    """What waited for its author's second thought leaves: now the message and its files exist."""
    if change.sentence == "tickets.cancelled":
        mine = (
            col(Sending.ticket_id) == change.ticket_id,
            col(Sending.account_id) == change.actor_id,
            col(Sending.act) == SendingAct.CANCEL,
        )
        await session.execute(delete(Sending).where(*mine))
    sending = await session.get(Sending, change.message_id or "")
    if sending is None:
        return
    channel = Channel(sending.channel)
    session.add(
        TicketMessage(
            id=sending.id, ticket_id=sending.ticket_id, kind=sending.kind, author_id=sending.account_id,
            author_name=sending.author_name, channel=channel, body=sending.body, created_at=change.at,
            delivery="stored",
        )
    )  # fmt: skip
    await session.flush()
    for kept in sending.files:
        session.add(
            Attachment(
                **kept, ticket_id=sending.ticket_id, message_id=sending.id, created_at=change.at,
            )
        )  # fmt: skip
    await session.delete(sending)
    await session.flush()


async def set_by_template(session: AsyncSession, ticket: Ticket, change: Change) -> dict[str, str]:
    """What a template sets: priority, team and tag, a line for each; answers with its names."""
    template = await session.get(ReplyTemplate, change.details.get("template", ""))
    if template is None:
        return {}
    names = {"template_ko": template.name_ko, "template_en": template.name_en}
    priority, team_id, tag = (change.sets.get(name, "") for name in ("priority", "team", "tag"))
    if tag and tag not in ticket.tags:
        ticket.tags = [*ticket.tags, tag]
        await _tell(session, change, "tickets.macro_tag", names | {"tag": tag})
    team = await session.get(Team, team_id) if team_id else None
    if team is not None and ticket.team_id != team.id:
        ticket.team_id = team.id
        called = {"team_ko": team.name_ko, "team_en": team.name_en}
        await _tell(session, change, "tickets.macro_team", names | called)
    if priority and ticket.priority.value != priority:
        ticket.priority = Priority(priority)
        await repick(session, ticket, change)
        await _tell(session, change, "tickets.macro_priority", names | {"priority": priority.upper()})
    return names


async def _tell(session: AsyncSession, change: Change, sentence: str, details: dict[str, str]) -> None:
    subject = ticket_workflow_id(change.ticket_id)
    await write_entry(
        session, key=f"{subject}/{change.seq}.{sentence.rpartition('_')[2]}", subject=subject,
        ticket_id=change.ticket_id, at=change.at, sentence=sentence, kind=EntryKind.CHANGE, details=details,
        actor_kind=change.actor_kind, actor_id=change.actor_id,
    )  # fmt: skip


async def followers(session: AsyncSession, ticket: Ticket, change: Change) -> tuple[Told, ...]:
    """Who is written to about this step: whoever follows and may see the ticket, but not who did it."""
    happened = next((one for one in (change.sentence, *change.further) if one in FOLLOWED), "")
    if not happened:
        return ()
    query = (
        select(TicketFollower, Account)
        .join(Account, col(Account.id) == col(TicketFollower.account_id))
        .where(col(TicketFollower.ticket_id) == ticket.id, col(Account.is_active))
        .order_by(col(TicketFollower.account_id))
        .limit(50)
    )
    found = []
    for follower, account in await session.execute(query):
        if account.id == change.actor_id or (ticket.is_confidential and account.team_id != ticket.team_id):
            continue
        is_named = change.message_id is not None and change.message_id in follower.mentioned_in
        found.append(Told(account.id, MENTIONED if is_named else happened))
    return tuple(found)


async def missing(session: AsyncSession, ticket_id: str, act: str) -> list[str]:
    """The fields that have to be answered before the ticket may end this way."""
    ticket = await session.get_one(Ticket, ticket_id)
    asked = (
        select(col(Product.category))
        .join(OwnedProduct, col(OwnedProduct.product_id) == col(Product.id))
        .where(col(OwnedProduct.id) == (ticket.owned_product_id or ""))
    )
    category = await session.scalar(asked) or ""
    fields: Sequence[ClosingField] = (
        await session.scalars(select(ClosingField).where(col(ClosingField.is_active)))
    ).all()
    kept = select(col(FieldValue.field_key), col(FieldValue.value)).where(
        col(FieldValue.ticket_id) == ticket_id
    )
    values = dict((await session.execute(kept)).all())
    return sorted(
        one.key
        for one in fields
        if rules.is_asked(asked_of(one), act, ticket.kind.value, category, ticket.team_id or "")
        and rules.answered(one.kind, values.get(one.key, ""), one.choices_ko) is None
    )


def asked_of(one: ClosingField) -> rules.Asked:
    """When a field is asked, as the rules see it."""
    return rules.Asked(
        one.asked_at, frozenset(one.ticket_kinds), frozenset(one.categories), frozenset(one.team_ids)
    )
