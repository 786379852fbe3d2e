"""The two records of a merge themselves: which values stay, and every value as it was before."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from models.customers import Customer, CustomerMerge, CustomerMove
from models.messages.payments import MethodStatus
from models.payments import PaymentMethod
from models.rules.customers import MERGE_FIELDS

UNIQUE = ("phone", "email")  # of the two that exist one stays on each record, so that both are still found
SWAPPED = {
    "phone": ("phone", "phone_as_given", "phone_proved_at"),
    "email": ("email", "email_proved_at"),
}


async def choose(
    session: AsyncSession, merge: CustomerMerge, both: dict[str, Customer], at: datetime
) -> None:
    """Give the survivor the values that were chosen, and make it the root of the other one."""
    stays, goes = both[merge.survivor_id], both[merge.loser_id]
    after: dict[str, dict[str, Any]] = {stays.id: {}, goes.id: {"root": stays.id}}
    for name in merge.taken:
        for column in MERGE_FIELDS[name]:
            after[stays.id][column] = getattr(goes, column)
            if name in SWAPPED:
                after[goes.id][column] = getattr(stays, column)
    if goes.is_verified and not stays.is_verified:
        after[stays.id]["is_verified"] = True
    after[stays.id]["version"], after[goes.id]["version"] = stays.version + 1, goes.version + 1
    absorbed = list(await session.scalars(select(Customer.id).where(Customer.root == goes.id)))
    after |= {one: {"root": stays.id} for one in absorbed}
    before = {stays.id: stays, goes.id: goes}
    for one, values in after.items():
        for column, value in values.items():
            was = goes.id if one in absorbed else getattr(before[one], column)
            if was != value:
                session.add(noted(merge.id, "customers", {"id": one}, column, was, value, at))
    await write(session, after)


async def give_back(session: AsyncSession, merge: CustomerMerge, at: datetime) -> bool:
    """Put back what still is what the merge made of it; False when an address is somebody else's by now."""
    mine = (CustomerMove.merge_id == merge.id, CustomerMove.table_name == "customers")
    moves = (
        await session.scalars(select(CustomerMove).where(*mine, col(CustomerMove.undone_at).is_(None)))
    ).all()
    ids = {id_of(move) for move in moves}
    rows = {one.id: one for one in await session.scalars(select(Customer).where(col(Customer.id).in_(ids)))}
    values: dict[str, dict[str, Any]] = {}
    for move in moves:
        row = rows[id_of(move)]
        if as_json(getattr(row, move.column_name)) == move.after:
            values.setdefault(row.id, {})[move.column_name] = _read(move.column_name, move.before)
    for name in UNIQUE:
        wanted = [one[name] for one in values.values() if one.get(name)]
        others = select(func.count()).where(
            getattr(Customer, name).in_(wanted), col(Customer.id).not_in(list(values))
        )  # fmt: skip
        kept = [getattr(row, name) for row in rows.values() if name not in values.get(row.id, {})]
        if wanted and (await session.scalar(others) or set(wanted) & set(kept)):
            return False
    await write(session, values)
    return True


async def write(session: AsyncSession, values: dict[str, dict[str, Any]]) -> None:
    """Change records; addresses are taken off first, so that two of them can change places."""
    for one, changed in values.items():
        empty = {name: None for name in UNIQUE if name in changed}
        if empty:
            await _set(session, one, empty)
    for one, changed in values.items():
        if changed:
            await _set(session, one, changed)


async def one_default(session: AsyncSession, merge: CustomerMerge, at: datetime) -> None:
    """Of two payment methods that are asked first, the survivor's stays the first."""
    first = (col(PaymentMethod.is_default), PaymentMethod.status == MethodStatus.ACTIVE)
    query = select(PaymentMethod.id).where(*first, PaymentMethod.customer_id == merge.survivor_id)
    if (await session.scalars(query)).first() is None:
        return
    theirs = select(PaymentMethod.id).where(*first, PaymentMethod.customer_id == merge.loser_id)
    for method_id in (await session.scalars(theirs)).all():
        session.add(noted(merge.id, "payment_methods", {"id": method_id}, "is_default", True, False, at))
        change = update(PaymentMethod).where(col(PaymentMethod.id) == method_id).values(is_default=False)
        await session.execute(change)


def noted(
    merge_id: str, table: str, key: dict[str, Any], column: str, before: Any, after: Any, at: datetime
) -> CustomerMove:
    """One value that changes, with what stood there."""
    return CustomerMove(
        merge_id=merge_id, table_name=table, key=json.dumps(key), column_name=column, before=as_json(before),
        after=as_json(after), moved_at=at,
    )  # fmt: skip


def id_of(move: CustomerMove) -> str:
    """Which record a noted value belongs to."""
    return str(json.loads(move.key)["id"])


def as_json(value: Any) -> Any:
    """A column's value as JSON."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, StrEnum) else value


def _read(column: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if column.endswith("_at") and value is not None else value


async def _set(session: AsyncSession, customer_id: str, values: dict[str, Any]) -> None:
    change = update(Customer).where(col(Customer.id) == customer_id).values(**values)
    await session.execute(change.execution_options(synchronize_session=False))


async def forget_moves(session: AsyncSession, customer_id: str) -> None:
    """Whoever is forgotten is forgotten in what merges wrote down, too."""
    theirs = select(col(CustomerMove.merge_id)).where(
        CustomerMove.table_name == "customers", CustomerMove.key == json.dumps({"id": customer_id})
    )
    change = update(CustomerMove).where(
        col(CustomerMove.merge_id).in_(theirs), col(CustomerMove.table_name) == "customers",
        col(CustomerMove.column_name) != "root",
    )  # fmt: skip
    await session.execute(change.values(before=None, after=None))
