"""Money that arrives tells the dunning of its customer, in the transaction that books it."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.kit.outbox import CHANNEL
from models.messages.systems import OutboxKind, OutboxStatus

# One fact for each open case and moment: what is still overdue is read from SQL when it is heard.
TELL = """
insert into outbox (key, actor_id, kind, workflow, workflow_id, name, task_queue, payload, summary, status,
                    tries, not_before, created_at, refusal)
select :key || c.id, '', :kind, '', 'dunning:' || c.id, 'money_received', 'desk',
       jsonb_build_object('case_id', c.id, 'at', cast(:at as text)), '', :status, 0, now(), now(), ''
from dunning_cases c where c.status = 'open' and c.customer_id = any(:customers)
on conflict (workflow_id, actor_id, key) do nothing
returning id
"""


async def money_came(session: AsyncSession, customer_ids: Collection[str], at: datetime) -> int:
    """Signal `money_received` to every open dunning case of these customers; says how many there are.

    One set-based statement in the caller's transaction; customers without an open case cost nothing."""
    if not customer_ids:
        return 0
    moment = at.isoformat()
    told = await session.execute(
        text(TELL),
        {
            "key": f"money:{moment}:", "kind": OutboxKind.SIGNAL.value, "at": moment,
            "status": OutboxStatus.WAITING.value, "customers": list(customer_ids),
        },
    )  # fmt: skip
    count = len(told.all())
    if count:
        await session.execute(text("select pg_notify(:channel, '')"), {"channel": CHANNEL})
    return count
