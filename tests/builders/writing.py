"""What stands around composers: a template, a field, and something of each on a ticket."""

from datetime import datetime

from sqlmodel import SQLModel

from models.messages.tickets import MessageKind
from models.messages.tickets.writing import FieldKind, FollowReason, SendingAct
from models.tickets.writing import ClosingField, FieldValue, ReplyTemplate, Sending, TicketFollower


def kept(word: str, at: datetime) -> list[SQLModel]:
    """What belongs to no ticket; the field is asked of tasks only."""
    return [
        ReplyTemplate(
            key="greet", team_id="team_one", name_ko=word, name_en=word, body_ko=word, body_en=word,
            written_by="a_agent", written_at=at, seq=1,
        ),
        ClosingField(
            key="cause", name_ko=word, name_en=word, kind=FieldKind.TEXT, ticket_kinds=["task"],
            written_by="a_admin", written_at=at, seq=1,
        ),
    ]  # fmt: skip


def on_ticket(number: int, ticket: str, word: str, at: datetime) -> list[SQLModel]:
    """What somebody is sending, who follows, what was found."""
    return [
        Sending(
            id=f"sn{number}", ticket_id=ticket, account_id="a_agent", command_id=f"sn{number}",
            act=SendingAct.REPLY, kind=MessageKind.REPLY, author_name=word, channel="email", body=word,
            created_at=at, due_at=at,
        ),
        TicketFollower(
            ticket_id=ticket, account_id="a_agent", reason=FollowReason.SELF, added_by="a_agent", since=at
        ),
        FieldValue(ticket_id=ticket, field_key="cause", value=word, written_by="a_agent", written_at=at),
    ]  # fmt: skip
