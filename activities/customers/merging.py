"""What a merge does to the rows: looked at, moved in one transaction, and put back exactly."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio import activity

from activities.customers import fields
from activities.customers.against import against_merge, against_undo, hold
from activities.customers.moving import move_back, move_rows
from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from models.customers import CustomerMerge, CustomerPair
from models.kit.timeline import EntryKind
from models.messages.customers import (
    FOR_GOOD,
    MergeState,
    MergeStatus,
    MergeStep,
    PairStatus,
    merge_workflow_id,
)

OVER = (MergeStatus.MERGED, MergeStatus.KEPT, MergeStatus.UNDONE, MergeStatus.REFUSED)
TOLD = {
    MergeStatus.WAITING: "customers.merge_waits",
    MergeStatus.REFUSED: "customers.merge_refused",
    MergeStatus.UNDONE: "customers.merge_undone",
}


@dataclass
class MergeActivities:
    """The one writer of merges after their birth; dependencies are handed in by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="customers.weigh_merge")
    async def weigh(self, step: MergeStep) -> MergeState:
        """Look at what stands against it and write that down. Safe to repeat: what is over stays."""
        async with transaction(self.engine) as session:
            merge = await session.get_one(CustomerMerge, step.merge_id, with_for_update=True)
            if merge.status in OVER or merge.seq >= step.seq:
                return state_of(merge)
            merge.against = list(await against_merge(session, merge))
            status = MergeStatus.CONFIRMING if waits_for_another(merge) else merge.status
            if merge.against:
                is_lost = bool(FOR_GOOD & set(merge.against))
                status = MergeStatus.REFUSED if is_lost else MergeStatus.WAITING
            await become(session, merge, step, status)
            return state_of(merge)

    @activity.defn(name="customers.record_merge")
    async def record(self, step: MergeStep, status: MergeStatus) -> MergeState:
        """Write one step: agreed to, refused, or no longer to be undone. Safe to repeat: an older one, or one
        about a merge that is over, changes nothing."""
        async with transaction(self.engine) as session:
            merge = await session.get_one(CustomerMerge, step.merge_id, with_for_update=True)
            is_over = merge.status in OVER and not (
                merge.status is MergeStatus.MERGED and status in (MergeStatus.KEPT, MergeStatus.MERGED)
            )
            if is_over or merge.seq >= step.seq:
                return state_of(merge)
            if status is MergeStatus.ASKED:  # agreed to
                merge.confirmed_by = step.actor_id
                await tell(session, merge, step, "customers.merge_confirmed")
            await become(session, merge, step, status)
            return state_of(merge)

    @activity.defn(name="customers.merge")
    async def merge(self, step: MergeStep) -> MergeState:
        """Move everything in one transaction. Safe to repeat: a merge that is done stays as it is, and one
        that something stands against by now waits."""
        async with transaction(self.engine) as session:
            merge = await session.get_one(CustomerMerge, step.merge_id, with_for_update=True)
            if merge.status in OVER:
                return state_of(merge)
            both = await hold(session, merge.survivor_id, merge.loser_id)
            merge.against = list(await against_merge(session, merge))
            if merge.against or waits_for_another(merge):
                return state_of(merge)
            await fields.choose(session, merge, both, step.at)
            await fields.one_default(session, merge, step.at)
            merge.merged_at = step.at
            await become(session, merge, step, MergeStatus.MERGED)
            await session.flush()
            merge.counts = await move_rows(session, merge.id, merge.loser_id, merge.survivor_id)
            pair = await session.get_one(CustomerPair, merge.pair_id)
            pair.status, pair.decided_by, pair.decided_at = PairStatus.MERGED, merge.asked_by, step.at
            await tell(session, merge, step, "customers.merged", merge.survivor_id, merge.loser_id)
            await tell(session, merge, step, "customers.merged_away", merge.loser_id, merge.survivor_id)
            return state_of(merge)

    @activity.defn(name="customers.undo_merge")
    async def undo(self, step: MergeStep) -> MergeState:
        """Put everything back in one transaction, or say what stands against it. Safe to repeat: what is
        undone stays undone."""
        async with transaction(self.engine) as session:
            merge = await session.get_one(CustomerMerge, step.merge_id, with_for_update=True)
            if merge.status is not MergeStatus.MERGED:
                return state_of(merge)
            await hold(session, merge.survivor_id, merge.loser_id)
            against = list(await against_undo(session, merge))
            if not against and not await fields.give_back(session, merge, step.at):
                against = ["taken"]
            if against:
                return MergeState(merge.status, tuple(against), merge.survivor_id, merge.loser_id)
            merge.undone_at, merge.undone_by, merge.undo_reason = step.at, step.actor_id, step.reason
            await become(session, merge, step, MergeStatus.UNDONE)
            await session.flush()
            await move_back(session, merge.id, merge.loser_id, merge.survivor_id, merge.merged_at or step.at)
            pair = await session.get_one(CustomerPair, merge.pair_id)
            pair.status, pair.decided_by, pair.decided_at = PairStatus.OPEN, None, None
            return state_of(merge)


def waits_for_another(merge: CustomerMerge) -> bool:
    """Whether somebody else still has to agree."""
    return merge.needs_second and merge.confirmed_by is None


def state_of(merge: CustomerMerge) -> MergeState:
    """How it stands, told the same way however often it is asked."""
    return MergeState(merge.status, tuple(merge.against), merge.survivor_id, merge.loser_id)


async def become(session: AsyncSession, merge: CustomerMerge, step: MergeStep, status: MergeStatus) -> None:
    """Write status, waits, and a line of the story when something new is to be told."""
    is_new, merge.status, merge.seq = status is not merge.status, status, step.seq
    if is_new and status in TOLD:
        await tell(session, merge, step, TOLD[status])
    await write_waits(session, merge_workflow_id(merge.id), step.waits)
    await tell_live(session, f"customer:{merge.survivor_id}", f"customer:{merge.loser_id}")


async def tell(
    session: AsyncSession, merge: CustomerMerge, step: MergeStep, sentence: str, *about: str
) -> None:
    """A line on a record, with the other one to look at; on both when none is named."""
    one, other = about or (merge.survivor_id, merge.loser_id)
    pairs = ((one, other),) if about else ((one, other), (other, one))
    for customer_id, also in pairs:
        details: dict[str, Any] = {"also": also, "merge": merge.id}
        await write_entry(
            session, key=f"{merge_workflow_id(merge.id)}/{step.seq}/{customer_id}/{sentence}",
            subject=f"customer:{customer_id}", ticket_id=None, case_id=customer_id, customer_id=customer_id,
            at=step.at, sentence=sentence, kind=EntryKind.CHANGE, details=details,
            actor_kind="staff" if step.actor_id else "system", actor_id=step.actor_id or None,
        )  # fmt: skip
