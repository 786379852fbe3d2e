"""Contracts between the tables and the rules: read under a lock, written back whole."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from activities.kit.timeline import tell_live, write_entry
from models.kit.records import to_record
from models.kit.timeline import EntryKind
from models.messages.subscriptions import ChangeStatus, MoneyLine, SubscriptionStatus, subscription_subject
from models.rules.subscriptions.charges import due, rent
from models.rules.subscriptions.periods import Contract, next_bill
from models.subscriptions import (
    Subscription,
    SubscriptionChange,
    SubscriptionCharge,
    SubscriptionPause,
    SubscriptionSuspension,
    as_contract,
)

BILLED = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED, SubscriptionStatus.SUSPENDED)


async def locked(session: AsyncSession, subscription_id: str) -> tuple[Contract, dict[str, Subscription]]:
    """A contract with its add-ons, held until the end of the transaction, and their rows by id."""
    query = (
        select(Subscription)
        .where((col(Subscription.id) == subscription_id) | (col(Subscription.parent_id) == subscription_id))
        .order_by(col(Subscription.created_at), col(Subscription.id))
        .with_for_update()
    )
    rows = {one.id: one for one in await session.scalars(query)}
    paused = select(SubscriptionPause).where(col(SubscriptionPause.subscription_id).in_(rows))
    off = select(SubscriptionSuspension).where(col(SubscriptionSuspension.subscription_id).in_(rows))
    rests = [
        *await session.scalars(paused.order_by(col(SubscriptionPause.from_on))),
        *await session.scalars(off.order_by(col(SubscriptionSuspension.from_on))),
    ]
    add_ons = [as_contract(row, rests) for row in rows.values() if row.id != subscription_id]
    return as_contract(rows[subscription_id], rests, add_ons), rows


async def keep(
    session: AsyncSession, contract: Contract, at: datetime, like: Subscription, parent_id: str | None = None
) -> None:
    """Write a contract back with its add-ons; one that is new takes what rules do not know from `like`."""
    row = {
        "id": contract.id, "customer_id": contract.customer_id, "plan_id": contract.terms.plan_id,
        "plan_version": contract.terms.version, "terms": to_record(contract.terms),
        "quantity": contract.quantity, "percent_off": contract.percent_off, "status": contract.status,
        "starts_on": contract.starts_on, "anchor_on": contract.anchor_on, "bill_day": contract.bill_day,
        "billed_until": contract.billed_until, "next_bill_on": next_bill(contract),
        "obligation_until": contract.obligation_until, "ends_on": contract.ends_on, "seq": contract.seq,
        "parent_id": parent_id,
    }  # fmt: skip
    born = {
        "end_reason": "", "created_at": at, "bundle_id": like.bundle_id,
        "owned_product_id": like.owned_product_id if parent_id is None else None,
    }  # fmt: skip
    statement = insert(Subscription).values({**row, **born})
    await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=row))
    await keep_pauses(session, contract)
    for one in contract.add_ons:
        await keep(session, one, at, like, contract.id)


async def keep_pauses(session: AsyncSession, contract: Contract) -> None:
    """The pauses as they are now; one that was shortened or taken away is written anew."""
    mine = col(SubscriptionPause.subscription_id) == contract.id
    await session.execute(delete(SubscriptionPause).where(mine))
    if contract.pauses:
        rows = [
            {"subscription_id": contract.id, "from_on": one.from_on, "until_on": one.until_on}
            for one in contract.pauses
        ]
        await session.execute(insert(SubscriptionPause).values(rows))


def charge_row(line: MoneyLine, charge_id: str, at: datetime, change_id: str | None = None) -> dict[str, Any]:
    """One line of money as it is stored."""
    return {
        "id": charge_id, "subscription_id": line.subscription_id, "customer_id": line.customer_id,
        "change_id": change_id, "kind": line.kind, "name_ko": line.name_ko, "name_en": line.name_en,
        "gross_minor": line.gross_minor, "net_minor": line.net_minor, "tax_minor": line.tax_minor,
        "tax_rule": line.tax_rule, "currency": "KRW", "from_on": line.from_on, "until_on": line.until_on,
        "basis": line.basis, "is_credit": line.is_credit, "is_void": False, "created_at": at,
    }  # fmt: skip


async def keep_rent(session: AsyncSession, lines: Sequence[MoneyLine], at: datetime) -> None:
    """Store regular rent; a day that was charged already is refused by the table."""
    if lines:
        rows = [charge_row(one, f"{one.subscription_id}:{one.from_on.isoformat()}", at) for one in lines]
        await session.execute(insert(SubscriptionCharge).values(rows))


async def charge_until(session: AsyncSession, contract: Contract, day: date, at: datetime) -> Contract:
    """Charge what was due before a day under the terms that held, add-ons too."""
    lines, after = rent(contract, day)
    await keep_rent(session, lines, at)
    add_ons = []
    for one in contract.add_ons:
        made, later = rent(one, day) if one.ends_on is None else ((), one)
        await keep_rent(session, made, at)
        add_ons.append(later)
    return replace(after, add_ons=tuple(add_ons))


async def charge_due(session: AsyncSession, subscription_id: str, today: date, at: datetime) -> int:
    """Charge what is due of a contract and its add-ons; days that belong to an open change wait for it.

    Answers with how many lines were made; asked again on the same day there are none."""
    contract, rows = await locked(session, subscription_id)
    open_change = select(col(SubscriptionChange.effective_on)).where(
        col(SubscriptionChange.subscription_id) == subscription_id,
        col(SubscriptionChange.status).in_([ChangeStatus.REQUESTED, ChangeStatus.AWAITING]),
    )
    hold_on = await session.scalar(open_change)
    made, after = due(contract, today, hold_on) if contract.status in BILLED else ((), contract)
    add_ons, lines = [], list(made)
    for one in contract.add_ons:
        more, later = due(one, today, hold_on) if one.status in BILLED else ((), one)
        add_ons.append(later)
        lines += more
    await keep_rent(session, lines, at)
    await keep(session, replace(after, add_ons=tuple(add_ons)), at, rows[subscription_id])
    return len(lines)


async def void(session: AsyncSession, *conditions: Any) -> int:
    """Take charges back that no document holds; answers with how many."""
    statement = (
        update(SubscriptionCharge)
        .where(col(SubscriptionCharge.document_id).is_(None), ~col(SubscriptionCharge.is_void), *conditions)
        .values(is_void=True)
        .returning(col(SubscriptionCharge.id))
    )
    return len((await session.execute(statement)).all())


async def tell_contract(
    session: AsyncSession, row: Subscription, sentence: str, at: datetime, **details: str
) -> None:
    """One line of a contract's own story, under the order that began it."""
    subject = subscription_subject(row.id)
    await write_entry(
        session, key=f"{subject}/{sentence}", subject=subject, ticket_id=None, case_id=row.order_id,
        customer_id=row.customer_id, at=at, sentence=sentence, kind=EntryKind.STEP, details=details,
        is_public=True,
    )  # fmt: skip
    await tell_live(session, subject, f"customer:{row.customer_id}")


async def next_number(session: AsyncSession, sequence: str) -> int:
    """The next number of a sequence."""
    return int(await session.scalar(select(func.nextval(sequence))) or 0)
