"""Who hears of a ticket: whoever wants to, and whoever is named in a note."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from api.kit.desk import DeskAt
from api.tickets.hands import DESK
from models.messages.tickets.writing import FollowReason
from models.staff import Account
from models.tickets import Ticket
from models.tickets.writing import TicketFollower

MOST_NAMED = 20
AT = re.compile(r"@(?=\S)")


@dataclass(frozen=True)
class Follower:
    """One colleague who follows a ticket."""

    account_id: str
    name: str
    reason: FollowReason


async def followers_of(desk: DeskAt, ticket_id: str) -> tuple[Follower, ...]:
    """Everybody who follows, by name."""
    query = (
        desk.visible(TicketFollower)
        .join(Account, col(Account.id) == col(TicketFollower.account_id))
        .with_only_columns(col(Account.id), col(Account.name), col(TicketFollower.reason))
        .where(col(TicketFollower.ticket_id) == ticket_id, col(Account.is_active))
        .order_by(col(Account.name), col(Account.id))
        .limit(100)
    )
    return tuple(Follower(*line) for line in await desk.session.execute(query))


async def add(
    desk: DeskAt, ticket_id: str, account_id: str, reason: FollowReason, message_id: str = ""
) -> None:
    """Let somebody follow; whoever follows already is only noted as named in one more message."""
    named = [message_id] if message_id else []
    row = {
        "ticket_id": ticket_id, "account_id": account_id, "reason": reason, "added_by": desk.person.id,
        "since": datetime.now(UTC), "mentioned_in": named,
    }  # fmt: skip
    statement = insert(TicketFollower).values(row)
    if named:
        known = col(TicketFollower.mentioned_in)
        more = {"mentioned_in": func.array_append(func.array_remove(known, message_id), message_id)}
        statement = statement.on_conflict_do_update(index_elements=["ticket_id", "account_id"], set_=more)
    else:
        statement = statement.on_conflict_do_nothing()
    await desk.session.execute(statement.inline())


@dataclass(frozen=True)
class Named:
    """The colleagues whom a note names; `hidden` are those who may not see the ticket."""

    account_ids: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


async def named_in(desk: DeskAt, ticket_id: str, body: str) -> Named:
    """Everybody whose name stands behind an @; the longest name that fits counts."""
    if not AT.search(body):
        return Named()
    is_secret, team = (
        await desk.session.execute(
            desk.visible(Ticket)
            .with_only_columns(col(Ticket.is_confidential), col(Ticket.team_id))
            .where(col(Ticket.id) == ticket_id)
        )
    ).one()
    found: dict[str, tuple[str, bool]] = {}
    people = sorted(await colleagues(desk), key=lambda one: -len(one[1]))
    for place in [one.end() for one in AT.finditer(body)][:MOST_NAMED]:
        fitting = [one for one in people if body.startswith(one[1], place)]
        for account_id, name, own_team in fitting:
            if name == fitting[0][1]:
                found[account_id] = (name, not is_secret or own_team == team)
    found.pop(desk.person.id, None)
    return Named(
        tuple(key for key, (_name, sees) in found.items() if sees),
        tuple(dict.fromkeys(name for name, sees in found.values() if not sees)),
    )


async def colleagues(desk: DeskAt) -> list[tuple[str, str, str | None]]:
    """Whoever works on tickets: id, name, team."""
    query = (
        desk.visible(Account)
        .with_only_columns(col(Account.id), col(Account.name), col(Account.team_id))
        .where(col(Account.is_active), col(Account.name) != "", col(Account.roles).op("&&")(sorted(DESK)))
        .limit(1000)
    )
    return [(str(line[0]), str(line[1]), line[2]) for line in await desk.session.execute(query)]
