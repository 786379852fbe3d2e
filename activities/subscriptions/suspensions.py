"""Contracts whose holder does not pay: switched off, on again, or ended. Asked for by dunning alone."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col, select
from temporalio import activity

from activities.connectors.provisioning import Service
from activities.kit.timeline import tell_live, write_entry
from activities.kit.transactions import transaction
from activities.subscriptions.rows import charge_row, keep, locked
from models.dunning import DunningCase
from models.kit.ids import change_id
from models.kit.records import to_record
from models.kit.timeline import EntryKind
from models.messages.dunning import CaseStatus
from models.messages.subscriptions import (
    ChangeKind,
    ChangeRequested,
    ChangeStatus,
    DismissalOrder,
    Dismissed,
    ReactivationOrder,
    SubscriptionStatus,
    SuspensionOrder,
    Switch,
    Wish,
    subscription_subject,
)
from models.rules.subscriptions.periods import Contract, business_day
from models.rules.subscriptions.previews import preview, refusal
from models.rules.subscriptions.suspensions import free_from, resumed
from models.subscriptions import (
    Subscription,
    SubscriptionChange,
    SubscriptionCharge,
    SubscriptionSuspension,
)

RUNNING = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED)
OPEN = (ChangeStatus.REQUESTED, ChangeStatus.AWAITING)


@dataclass
class SuspensionActivities:
    """Everything that dunning asks of contracts; dependencies are handed in by worker.py."""

    engine: AsyncEngine
    service: Service

    @activity.defn(name="subscriptions.suspend")
    async def suspend(self, asked: SuspensionOrder) -> tuple[Switch, ...]:
        """Mark the customer's contracts as suspended and say what has to be switched off.

        Safe to repeat: a suspension has an id made of case and contract and is stored once."""
        today = business_day(asked.at)
        async with transaction(self.engine) as session:
            roots = await _roots(session, asked.customer_id, RUNNING)
            for root in roots if await _is_open(session, asked.case_id) else ():
                contract, rows = await locked(session, root)
                if contract.status not in RUNNING or contract.ends_on or contract.starts_on > today:
                    continue
                for one in contract.family:
                    await _switch_off(session, asked, one, rows[one.id])
            return tuple(
                _switch(one, asked.at, is_on=False)
                for one in await _open(session, asked.case_id)
                if one.off_at is None
            )

    @activity.defn(name="subscriptions.switch")
    async def switch(self, asked: Switch) -> None:
        """Have the service switched, and note when it said so. Safe to repeat: one key is one switch, and
        the service leaves a word aside that is older than its last one."""
        version = int(asked.at.timestamp() * 1000)
        await self.service.switch(
            asked.subscription_id, is_on=asked.is_on, version=version, key=asked.key, case=asked.case_id
        )
        async with transaction(self.engine) as session:
            row = await session.get_one(SubscriptionSuspension, asked.suspension_id, with_for_update=True)
            if asked.is_on and row.on_at is None:
                row.on_at = asked.at
            elif not asked.is_on and row.off_at is None:
                row.off_at = asked.at

    @activity.defn(name="subscriptions.to_switch_on")
    async def to_switch_on(self, asked: ReactivationOrder) -> tuple[Switch, ...]:
        """What this case has switched off and has to run again. Safe to repeat: it only reads."""
        async with transaction(self.engine) as session:
            found = await _open(session, asked.case_id)
            off = select(col(Subscription.id)).where(
                col(Subscription.id).in_([one.subscription_id for one in found]),
                col(Subscription.status) == SubscriptionStatus.SUSPENDED,
            )
            suspended = set(await session.scalars(off))
            return tuple(
                _switch(one, asked.at, is_on=True)
                for one in found
                if one.on_at is None and one.subscription_id in suspended
            )

    @activity.defn(name="subscriptions.resume")
    async def resume(self, asked: ReactivationOrder) -> int:
        """The contracts run again, with the charges of days that had been passed over as free.

        Safe to repeat: a suspension ends once. Answers with how many contracts run again."""
        today = business_day(asked.at)
        async with transaction(self.engine) as session:
            suspensions = {one.subscription_id: one for one in await _open(session, asked.case_id)}
            roots = await _roots(session, asked.customer_id, (SubscriptionStatus.SUSPENDED,))
            count = 0
            for root in roots:
                contract, rows = await locked(session, root)
                family = []
                for one in contract.family:
                    off = suspensions.get(one.id)
                    family.append(await _resumed(session, one, off, asked.at) if off else one)
                    if off:
                        count += 1
                        await _tell(session, rows[one.id], off.id, "subscriptions.unsuspended", asked.at)
                ended = [one for one in contract.add_ons if one.ends_on is not None]
                after = replace(family[0], add_ons=(*family[1:], *ended))
                await keep(session, after, asked.at, rows[root])
            for off in suspensions.values():
                off.until_on = today
            return count

    @activity.defn(name="subscriptions.draft_dismissals")
    async def draft_dismissals(self, asked: DismissalOrder) -> Dismissed:
        """Store one termination for each running contract, with the money that the rules say, and name the
        open changes that stand in its way. Safe to repeat: a termination is stored once per case."""
        today = business_day(asked.at)
        changes, in_the_way = [], []
        async with transaction(self.engine) as session:
            roots = await _roots(session, asked.customer_id, (*RUNNING, SubscriptionStatus.SUSPENDED))
            for root in roots if await _is_open(session, asked.case_id) else ():
                contract, _ = await locked(session, root)
                wish = Wish(ChangeKind.TERMINATION, today)
                mine = f"dunning:{asked.case_id}:{root}"
                found = await _open_change(session, root)
                if found is not None and found.submission_key != mine:
                    in_the_way.append(found.id)
                elif found is not None:
                    changes.append(_requested(found, asked))
                elif not refusal(contract, wish, today):
                    changes.append(_requested(await _draft(session, contract, wish, mine, asked), asked))
        return Dismissed(tuple(changes), tuple(in_the_way))


async def _is_open(session: AsyncSession, case_id: str) -> bool:
    """Whether the case still dunns; it cannot end before this step is stored."""
    query = select(col(DunningCase.status)).where(col(DunningCase.id) == case_id)
    return (await session.scalar(query.with_for_update(read=True))) is CaseStatus.OPEN


async def _roots(
    session: AsyncSession, customer_id: str, statuses: tuple[SubscriptionStatus, ...]
) -> list[str]:
    """The customer's contracts at these statuses, without add-ons, always in the same order."""
    query = select(col(Subscription.id)).where(
        col(Subscription.customer_id) == customer_id,
        col(Subscription.parent_id).is_(None),
        col(Subscription.status).in_(statuses),
    )
    return list(await session.scalars(query.order_by(col(Subscription.id))))


async def _open(session: AsyncSession, case_id: str) -> list[SubscriptionSuspension]:
    query = select(SubscriptionSuspension).where(
        col(SubscriptionSuspension.case_id) == case_id, col(SubscriptionSuspension.until_on).is_(None)
    )
    return list(await session.scalars(query.order_by(col(SubscriptionSuspension.id)).with_for_update()))


def _switch(row: SubscriptionSuspension, at: datetime, *, is_on: bool) -> Switch:
    return Switch(row.id, row.subscription_id, row.case_id, is_on, at)


async def _switch_off(
    session: AsyncSession, asked: SuspensionOrder, contract: Contract, row: Subscription
) -> None:
    today = business_day(asked.at)
    values = {
        "id": f"{asked.case_id}:{contract.id}", "subscription_id": contract.id,
        "customer_id": contract.customer_id, "case_id": asked.case_id, "from_on": today,
        "free_from": free_from(
            contract, today, charges_while_suspended=asked.charges_while_suspended
        ),
    }  # fmt: skip
    made = insert(SubscriptionSuspension).values(values).on_conflict_do_nothing()
    if (await session.execute(made.returning(col(SubscriptionSuspension.id)))).first() is None:
        return  # another case has switched it off already
    row.status, row.seq = SubscriptionStatus.SUSPENDED, row.seq + 1
    await _tell(session, row, str(values["id"]), "subscriptions.suspended", asked.at)


async def _resumed(
    session: AsyncSession, contract: Contract, off: SubscriptionSuspension, at: datetime
) -> Contract:
    lines, after = resumed(contract, business_day(at), off.free_from)
    rows = [charge_row(line, f"{off.id}:{line.from_on.isoformat()}", at) for line in lines]
    if rows:
        await session.execute(insert(SubscriptionCharge).values(rows).on_conflict_do_nothing())
    return after


async def _open_change(session: AsyncSession, subscription_id: str) -> SubscriptionChange | None:
    query = select(SubscriptionChange).where(
        col(SubscriptionChange.subscription_id) == subscription_id, col(SubscriptionChange.status).in_(OPEN)
    )
    found: SubscriptionChange | None = await session.scalar(query)
    return found


async def _draft(
    session: AsyncSession, contract: Contract, wish: Wish, key: str, asked: DismissalOrder
) -> SubscriptionChange:
    """A termination with exactly the money that will be charged: days given back, and the fee of R1."""
    shown = preview(contract, wish, wish.effective_on)
    number = int(await session.scalar(select(func.nextval("change_numbers"))) or 0)
    change = SubscriptionChange(
        id=change_id(number), submission_key=key, subscription_id=contract.id,
        customer_id=contract.customer_id, asked_by=f"dunning:{asked.case_id}", kind=wish.kind,
        effective_on=wish.effective_on, wish=to_record(wish), preview=to_record(shown),
        total_minor=shown.total_minor, currency=shown.currency, created_at=asked.at,
    )  # fmt: skip
    session.add(change)
    await session.flush()
    return change


def _requested(change: SubscriptionChange, asked: DismissalOrder) -> ChangeRequested:
    return ChangeRequested(
        change.id, change.subscription_id, change.customer_id, change.kind, asked.at, actor_kind="system"
    )


async def _tell(session: AsyncSession, row: Subscription, key: str, sentence: str, at: datetime) -> None:
    """One line of the contract's own story; a contract may be suspended more than once."""
    subject = subscription_subject(row.id)
    await write_entry(
        session, key=f"{subject}/{sentence}/{key}", subject=subject, ticket_id=None, case_id=row.order_id,
        customer_id=row.customer_id, at=at, sentence=sentence, kind=EntryKind.STEP,
        details={"plan": str(row.terms["name_ko"])}, is_public=True,
    )  # fmt: skip
    await tell_live(session, subject, f"customer:{row.customer_id}")
