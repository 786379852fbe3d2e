"""One act for many tickets, as the api stores it."""

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from models.kit.outbox import announce_start
from models.messages.tickets.batches import BatchAct, BatchOrder, batch_workflow_id
from models.tickets import Ticket
from models.tickets.desk import TicketBatch, TicketBatchLine


async def a_batch(
    engine: AsyncEngine, act: BatchAct, tickets: list[Ticket], value: str = "", **facts: object
) -> str:
    """Batch, lines and outbox line in one transaction; answers with the batch's id."""
    id = f"tb_{uuid4().hex[:24]}"
    given = {"asked_by": "acc_jo", "asked_at": datetime.now(UTC), "body": "", **facts}
    expects = given.pop("expects", None)
    size = int(str(given.pop("slice_size", 25)))
    async with AsyncSession(engine) as session, session.begin():
        session.add(TicketBatch(id=id, act=act, **given))
        await session.flush()
        session.add_all(
            TicketBatchLine(batch_id=id, n=n, ticket_id=ticket.id, value=value, expects=expects)
            for n, ticket in enumerate(tickets, 1)
        )
        order = BatchOrder(id, size)
        await announce_start(session, "TicketBatch", batch_workflow_id(id), order, summary="Many tickets")
    return id
