"""Collecting from many customers at once: attempts are written first, asked in slices, merged in sets."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio import activity

from activities.kit.keeping import bill_came
from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from activities.payments.picking import LEFT, PAGE, WRITE, limits_of
from models.kit.timeline import EntryKind
from models.messages.payments.collection import (
    BeginCollection,
    CollectionPolicy,
    CollectionStatus,
    CollectionStep,
    Left,
    WriteAttempts,
    Written,
    collection_workflow_id,
)
from models.payments import Collection
from models.rules.payments.collection import policy_of

GIVE_UP = """
update payment_attempts set status = 'refused', code = 'gateway_away', settled_at = :at, seq = seq + 1,
  told_at = :at
where collection_id = :collection and status in ('created', 'not_sent') and asked_at is null
"""
SUMS = """
select count(*) filter (where status in ('succeeded', 'cancelled')) as paid,
  count(*) filter (where status = 'refused') as refused
from payment_attempts where collection_id = :collection
"""


@dataclass
class CollectionActivities:
    """What a collection writes about itself, and the attempts that it begins."""

    engine: AsyncEngine

    @activity.defn(name="payments.begin_collection")
    async def begin_collection(self, asked: BeginCollection) -> CollectionPolicy:
        """Store the collection of the day with the rules in force, and answer with them.

        Safe to repeat: the first row of a day stays, with its rules."""
        day = asked.order.day
        async with transaction(self.engine) as session:
            query = "select version, terms from collection_rules order by version desc limit 1"
            version, terms = (await session.execute(text(query))).one()
            policy = policy_of({**terms, "version": version})
            row = {
                "id": day.isoformat(), "day": day, "run_id": asked.order.run_id, "policy": asdict(policy),
                "status": CollectionStatus.RUNNING, "started_at": asked.at, "seq": 0, "waits_for": "",
            }  # fmt: skip
            await session.execute(insert(Collection).values(row).on_conflict_do_nothing())
            found = await session.get_one(Collection, day.isoformat())
            await _tell(
                session, found, "payments.collection_begun", "begun", asked.at, {"day": day.isoformat()}
            )
            return policy_of(found.policy)

    @activity.defn(name="payments.write_attempts")
    async def write_attempts(self, asked: WriteAttempts) -> Written:
        """Give the due invoices of the next customers an attempt each, with its key, before any call.

        Safe to repeat: an invoice has one open attempt at most, so that a second writing finds nothing."""
        async with transaction(self.engine) as session:
            page = {"after": asked.after, "size": asked.policy.slice_customers}
            customers = list((await session.scalars(text(PAGE), page)).all())
            if not customers:
                return Written()
            await bill_came(session, customers, asked.at)
            given = {
                "customers": customers, "collection": asked.collection_id, "day": asked.day, "at": asked.at,
                **limits_of(asked.policy),
            }  # fmt: skip
            written = (await session.execute(text(WRITE), given)).all()
            await tell_live(session, "collections")
            return Written(customers[-1], len(written))

    @activity.defn(name="payments.collection_left")
    async def collection_left(self, collection_id: str) -> Left:
        """Count what is not certain yet. Safe to repeat: it only reads."""
        async with transaction(self.engine) as session:
            row = (await session.execute(text(LEFT), {"collection": collection_id})).one()
            return Left(row.to_ask, row.unclear, row.to_tell, row.next_at)

    @activity.defn(name="payments.give_up_asking")
    async def give_up_asking(self, step: CollectionStep) -> None:
        """Close what no provider took all day: nobody was asked, so the next collection may try it again.

        Safe to repeat: what is closed stays closed."""
        async with transaction(self.engine) as session:
            await session.execute(text(GIVE_UP), {"collection": step.collection_id, "at": step.at})
            await tell_live(session, "collections")

    @activity.defn(name="payments.record_collection")
    async def record_collection(self, step: CollectionStep) -> CollectionStatus:
        """Write one step: row, timeline, waits; answer what holds now. Safe to repeat: an older `seq`
        changes nothing, and a collection that has ended stays ended."""
        async with transaction(self.engine) as session:
            row = await session.get_one(Collection, step.collection_id, with_for_update=True)
            if step.seq > row.seq:
                row.seq, row.status = step.seq, step.status
                row.waits_for, row.waits_until = step.waits_for, step.waits_until
                if step.status is CollectionStatus.DONE:
                    row.ended_at = row.ended_at or step.at
                await write_waits(session, collection_workflow_id(row.day), step.waits)
            if step.sentence:
                sums = (await session.execute(text(SUMS), {"collection": row.id})).mappings().one()
                details = {name: str(value) for name, value in sums.items()}
                await _tell(session, row, step.sentence, str(step.seq), step.at, details, step.actor_id)
            await tell_live(session, "collections")
            return row.status


async def _tell(
    session: AsyncSession, row: Collection, sentence: str, key: str, at: datetime,
    details: dict[str, str], actor_id: str | None = None,
) -> None:  # fmt: skip
    subject = collection_workflow_id(row.day)
    await write_entry(
        session, key=f"{subject}:{key}", subject=subject, ticket_id=None, at=at, sentence=sentence,
        kind=EntryKind.MONEY, details=details, actor_kind="staff" if actor_id else "system",
        actor_id=actor_id,
    )  # fmt: skip
