"""What the small company's agents keep about their queue: views, batches, and who has which ticket open."""

from datetime import datetime

from sqlmodel import SQLModel

from models.messages.tickets.batches import BatchAct, BatchStatus, LineStatus
from models.tickets.desk import QueueView, TicketBatch, TicketBatchLine, TicketPresence

OWNERS = (("one", "agent"), ("two", "agent_other_team"))
TICKETS = ("T1", "T2", "T3", "T5")


def worked_on(word: str, now: datetime) -> list[SQLModel]:
    """One view of one's own, one that a team shares, a batch of two agents, and everybody at each ticket."""
    views: list[SQLModel] = [
        QueueView(
            id=f"qv_{n}", owner_id=f"a_{who}", name=f"{word} {n}",
            filters={"view": "open", "tag": [word]}, created_at=now, updated_at=now,
        )
        for n, who in OWNERS
    ]  # fmt: skip
    views.append(
        QueueView(
            id="qv_team", owner_id="a_dispatcher", team_id="team_one", name=f"{word} team",
            filters={"view": "open"}, created_at=now, updated_at=now,
        )
    )  # fmt: skip
    batches: list[SQLModel] = [
        TicketBatch(
            id=f"tb_{n}", act=BatchAct.NOTE, body=word, asked_by=f"a_{who}", asked_at=now,
            status=BatchStatus.RUNNING,
        )
        for n, who in OWNERS
    ]  # fmt: skip
    lines: list[SQLModel] = [
        TicketBatchLine(
            batch_id=f"tb_{n}", n=at, ticket_id=ticket, status=LineStatus.REFUSED, refusal="ticket_closed"
        )
        for n, _who in OWNERS
        for at, ticket in enumerate(TICKETS, 1)
    ]
    present: list[SQLModel] = [
        TicketPresence(ticket_id=ticket, account_id=f"a_{who}", seen_at=now)
        for ticket in TICKETS
        for who in ("agent", "agent_other_team", "dispatcher")
    ]
    return [*views, *batches, *lines, *present]
