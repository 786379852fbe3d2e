"""Saying a person's command to a ticket, and storing the words that go with it."""

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from api.kit.commands import Answer, Said, command
from api.kit.desk import DeskAt
from api.kit.language import gettext as _
from api.kit.people import Kind, Person
from api.kit.rendering import toast
from api.kit.sentences import sentence
from models.kit.refusals import Refusal
from models.kit.timeline import ActorKind, TimelineEntry
from models.messages.tickets import Channel, MessageKind, TicketStatus, ticket_workflow_id
from models.rules import tickets as rules
from models.tickets import TicketMessage


def refuse_if_not(act: str, status: TicketStatus) -> None:
    """Refuse before anything is stored what the ticket would refuse anyway."""
    if code := rules.refusal(act, status):
        raise Refusal(code)


def message_id(sender: Person, ticket_id: str, command_id: str) -> str:
    """The message that goes with somebody's command: sent twice, it is the same; nobody else can name it."""
    said = "\0".join((sender.id, ticket_id, command_id))
    return f"msg_{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def actor_kind(person: Person) -> str:
    """In which capacity somebody speaks."""
    return "customer" if person.kind in (Kind.CUSTOMER, Kind.LINK) else "staff"


async def is_stored(desk: DeskAt, message: str) -> bool:
    """Whether this message was already sent, for a form that comes twice."""
    query = desk.visible(TicketMessage).with_only_columns(col(TicketMessage.id))
    return await desk.session.scalar(query.where(col(TicketMessage.id) == message)) is not None


async def keep_message(
    desk: DeskAt, ticket_id: str, message: str, kind: MessageKind, body: str, channel: Channel
) -> None:
    """Store a message; stored twice it is one. It is committed together with the command that sends it."""
    row = {
        "id": message, "ticket_id": ticket_id, "kind": kind, "author_id": desk.person.account_id,
        "author_name": desk.person.name, "channel": channel, "body": body, "created_at": datetime.now(UTC),
        "delivery": "stored",
    }  # fmt: skip
    await desk.session.execute(insert(TicketMessage).values(row).on_conflict_do_nothing().inline())


async def say(
    desk: DeskAt, ticket_id: str, name: str, argument: Said, hold: timedelta = timedelta()
) -> Answer:
    """Say a command to the ticket; while Temporal is away it is kept and said later, under the same id."""
    return await command(desk.session, desk.client, ticket_workflow_id(ticket_id), name, argument, hold=hold)


def told(said: Answer, done: str) -> dict[str, object]:
    """The short message for the corner of the page."""
    if said is Answer.DONE:
        return toast(done)
    if said is Answer.HELD:
        return toast(_("On its way; you can still undo it"))
    return toast(_("Accepted. It will be done as soon as the system is free."), tone="amber")


async def changed_since(desk: DeskAt, ticket_id: str, version: int) -> tuple[str, ...]:
    """What other people did to the ticket after this version of it was shown, as sentences."""
    workflow_id = ticket_workflow_id(ticket_id)
    query = (
        desk.visible(TimelineEntry)
        .with_only_columns(col(TimelineEntry.key), col(TimelineEntry.sentence), col(TimelineEntry.details))
        .where(
            col(TimelineEntry.subject) == workflow_id,
            col(TimelineEntry.actor_kind) != ActorKind.SYSTEM,
            col(TimelineEntry.actor_id).is_distinct_from(desk.person.id),
        )
        .order_by(col(TimelineEntry.id).desc())
        .limit(20)
    )
    found = (await desk.session.execute(query)).all()
    return tuple(
        sentence(line.sentence, line.details) for line in reversed(found) if seq_of(line.key) > version
    )


def seq_of(key: str) -> int:
    """The step's number in the key of its timeline line: `ticket:T100123/7.0`."""
    number = key.rpartition("/")[2].partition(".")[0]
    return int(number) if number.isdigit() else 0
