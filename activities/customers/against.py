"""What stands against a merge or its undoing at this moment, read under the locks of both records."""

from sqlalchemy import or_, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from models.billing import BillRun, BillSkip
from models.customers import Customer, CustomerMerge, PrivacyRequest
from models.dunning import DunningCase
from models.messages.billing.runs import RunStatus
from models.messages.customers import MergeStatus, PrivacyStatus
from models.messages.dunning import CaseStatus
from models.messages.subscriptions import ChangeStatus
from models.subscriptions import SubscriptionChange

RUNNING = (RunStatus.PLANNED, RunStatus.RUNNING, RunStatus.PAUSED)
HOUSE = 35  # the space of advisory locks that belongs to merges
LOCK = text(f"select pg_advisory_xact_lock({HOUSE}, hashtext(id)) from unnest(cast(:ids as text[])) id")  # noqa: S608


async def hold(session: AsyncSession, *ids: str) -> dict[str, Customer]:
    """Both records to oneself: whoever works for one of them has finished, and nobody begins before us.

    We give up first when somebody else is in the middle of something, and are tried again."""
    await session.execute(text("set local lock_timeout = '500ms'"))
    await session.execute(LOCK, {"ids": sorted(ids)})
    await session.execute(text("lock table bill_runs in share mode"))  # no run begins between look and move
    query = select(Customer).where(col(Customer.id).in_(ids)).order_by(col(Customer.id)).with_for_update()
    return {row.id: row for row in await session.scalars(query)}


async def against_merge(session: AsyncSession, merge: CustomerMerge) -> tuple[str, ...]:
    """Codes in MERGE_AGAINST, the gravest first."""
    both = [merge.survivor_id, merge.loser_id]
    rows = (await session.scalars(select(Customer).where(col(Customer.id).in_(both)))).all()
    by_id = {row.id: row for row in rows}
    found = {
        "erased": any(row.erased_at is not None for row in rows),
        "merged": any(row.root is not None for row in rows),
        "changed": [by_id[one].version for one in both] != merge.versions,
        "privacy": await _any(session, select(PrivacyRequest.id).where(
            col(PrivacyRequest.customer_id).in_(both),
            col(PrivacyRequest.status).in_((PrivacyStatus.RECEIVED, PrivacyStatus.WORKING)),
        )),
        "dunning": len(await _open_cases(session, both)) > 1,
        "billing": await _is_billing(session),
        "parked": await _any(session, select(BillSkip.run_id).where(
            col(BillSkip.customer_id).in_(both), col(BillSkip.is_error), col(BillSkip.solved_at).is_(None),
        )),
        "transfer": await _any(session, select(SubscriptionChange.id).where(
            col(SubscriptionChange.customer_id).in_(both),
            col(SubscriptionChange.other_customer_id).in_(both),
            col(SubscriptionChange.status).not_in((ChangeStatus.DONE, ChangeStatus.CANCELLED)),
        )),
    }  # fmt: skip
    return tuple(code for code, holds in found.items() if holds)


async def against_undo(session: AsyncSession, merge: CustomerMerge) -> tuple[str, ...]:
    """Codes in UNDO_AGAINST."""
    both = [merge.survivor_id, merge.loser_id]
    rows = (await session.scalars(select(Customer).where(col(Customer.id).in_(both)))).all()
    by_id = {row.id: row for row in rows}
    found = {
        "erased": any(row.erased_at is not None for row in rows),
        "merged_on": by_id[merge.loser_id].root != merge.survivor_id
        or by_id[merge.survivor_id].root is not None
        or await _any(session, select(CustomerMerge.id).where(
            CustomerMerge.id != merge.id, col(CustomerMerge.merged_at) > merge.merged_at,
            or_(col(CustomerMerge.survivor_id).in_(both), col(CustomerMerge.loser_id).in_(both)),
            col(CustomerMerge.status).in_((MergeStatus.MERGED, MergeStatus.KEPT)),
        )),
        "billing": await _is_billing(session),
    }  # fmt: skip
    return tuple(code for code, holds in found.items() if holds)


async def _is_billing(session: AsyncSession) -> bool:
    running = (col(BillRun.status).in_(RUNNING), ~col(BillRun.is_preview))
    return await _any(session, select(BillRun.id).where(*running))


async def _open_cases(session: AsyncSession, ids: list[str]) -> list[str]:
    query = select(DunningCase.id).where(
        col(DunningCase.customer_id).in_(ids), DunningCase.status == CaseStatus.OPEN
    )
    return list((await session.scalars(query)).all())


async def _any(session: AsyncSession, query: object) -> bool:
    return (await session.scalars(query.limit(1))).first() is not None  # type: ignore[attr-defined]
