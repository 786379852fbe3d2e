"""Bills one slice of a run in one transaction: rated, drafted, booked, numbered, or told why not."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.billing import statements as sql
from activities.billing.rating import Memory, Rating, count_usage, rate_slice
from models.billing import BillingAccount
from models.messages.billing.runs import SkipReason, SliceCounts
from models.messages.subscriptions import ChargeKind, MoneyLine
from models.rules.billing.invoices import due_at, on_day
from models.rules.billing.rating import on_a_bill

MOST_REFUSED = 100  # accounts of one slice; more of them is not odd accounts but something that is broken
DEFAULT_DAYS = int(BillingAccount.model_fields["due_days"].default)


class Overtaken(Exception):
    """Somebody changed a contract or a charge while the slice was rated; it is done anew."""


@dataclass(frozen=True)
class Work:
    """What a slice has to do."""

    run_id: str
    day: date
    at: datetime
    memory: Memory
    is_preview: bool = False
    suffix: str = ""  # of a second invoice for the same account and run

    @property
    def facts(self) -> dict[str, Any]:
        """What many statements ask for."""
        return {"run_id": self.run_id, "day": self.day, "at": self.at, "suffix": self.suffix,
                "prefix": f"I{self.run_id.replace('-', '')}-"}  # fmt: skip


@dataclass(frozen=True)
class Range:
    """The accounts from one id to another, both included."""

    from_id: str
    until_id: str

    @property
    def facts(self) -> dict[str, Any]:
        """As the statements ask for it."""
        return asdict(self)


async def bill(connection: AsyncConnection, work: Work, accounts: Range) -> SliceCounts:
    """Bill these accounts; whatever the database refuses is halved until the odd account stands alone."""
    for statement in sql.SCRATCH:
        await connection.execute(text(statement))
    return await _bill_or_halve(connection, work, accounts, [])


async def _bill_or_halve(
    connection: AsyncConnection, work: Work, accounts: Range, refused: list[str]
) -> SliceCounts:
    try:
        async with connection.begin_nested():
            return await _bill(connection, work, accounts)
    except (IntegrityError, DataError, Overtaken):
        ids = await _ids(connection, work, accounts)
        if len(ids) < 2:
            return await _bill_alone(connection, work, accounts, refused)
    middle = len(ids) // 2
    halves = (Range(accounts.from_id, ids[middle - 1]), Range(ids[middle], accounts.until_id))
    counts = [await _bill_or_halve(connection, work, half, refused) for half in halves]
    return added(counts)


async def _bill_alone(
    connection: AsyncConnection, work: Work, accounts: Range, refused: list[str]
) -> SliceCounts:
    """Once more, in case somebody else was quicker; then the account is parked with what was said."""
    try:
        async with connection.begin_nested():
            return await _bill(connection, work, accounts)
    except (IntegrityError, DataError) as error:
        refused.append(accounts.from_id)
        if len(refused) > MOST_REFUSED:
            raise
        said = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        detail = said or type(error.orig).__name__
    ids = await _ids(connection, work, accounts)
    await park(connection, work, SkipReason.REFUSED, dict.fromkeys(ids, detail))
    due = await connection.scalar(text(sql.CONTRACTS_WITHIN), {**accounts.facts, "day": work.day})
    return SliceCounts(
        contracts=due or 0, parked=due or 0, accounts=len(ids), parked_accounts=len(ids)
    )  # fmt: skip


async def _ids(connection: AsyncConnection, work: Work, accounts: Range) -> list[str]:
    found = await connection.scalars(text(sql.WITHIN), {**accounts.facts, "day": work.day})
    return list(found)


async def _bill(connection: AsyncConnection, work: Work, accounts: Range) -> SliceCounts:
    facts = {**work.facts, **accounts.facts}
    await connection.execute(text(sql.CLEAN))
    await connection.execute(text(sql.DUE), facts)
    rating = await rate_slice(connection, work.memory, work.day)
    parked, contracts = await _park_unreadable(connection, work, rating)
    await connection.execute(text(sql.NEW_LINES))
    metered = await count_usage(connection, rating, work.day)
    await connection.execute(text(sql.OPEN_LINES), {**facts, "parked": parked})
    await _draft(connection, facts, rating)
    counts = await _counted(connection, parked=len(parked), contracts=contracts)
    await _explain(connection, facts, rating)
    if not work.is_preview:
        await _book(connection, facts, counts, metered)
        await _number(connection, work, accounts, counts.invoices)
    return counts


async def _park_unreadable(connection: AsyncConnection, work: Work, rating: Rating) -> tuple[list[str], int]:
    """Take accounts with terms that nobody can rate out of the slice; how many contracts they have."""
    if not rating.failed:
        return [], 0
    asked = {"shapes": list(rating.failed)}
    rows = (await connection.execute(text(sql.CUSTOMERS_OF), asked)).all()
    details = {row.customer_id: rating.failed[row.shape] for row in rows}
    gone = (await connection.execute(text(sql.PARKED), {"parked": list(details)})).all()
    await park(connection, work, SkipReason.TERMS, details)
    return list(details), len(gone)


async def park(
    connection: AsyncConnection, work: Work, reason: SkipReason, details: Mapping[str, str]
) -> None:
    """Leave accounts out with a reason that says how to repair them."""
    values = {
        "run_id": work.run_id, "at": work.at, "reason": reason.value, "ids": list(details),
        "details": list(details.values()),
    }  # fmt: skip
    await connection.execute(text(sql.PARK), values)


async def _draft(connection: AsyncConnection, facts: dict[str, Any], rating: Rating) -> None:
    """One draft an account; those with credits or money of changes among their lines are told in Python."""
    await connection.execute(text(sql.DRAFTS), facts)
    await connection.execute(text(sql.REST))
    if any(not one.rated.lines for one in rating.priced.values()):
        await connection.execute(text(sql.HELD_DRAFTS))
    odd = (await connection.execute(text(sql.ODD_LINES))).all()
    if odd:
        await connection.execute(text(sql.DOCUMENTS), _documents(odd))
        await connection.execute(text(sql.ODD_SUMS))


def _documents(rows: Sequence[Row[Any]]) -> dict[str, list[Any]]:
    names = ("customer_id", "position", "kind", "name_ko", "name_en", "gross", "net", "tax", "tax_rule")
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for customer_id, own in groupby(rows, lambda row: row.customer_id):
        lines = [_line(row) for row in own]
        for position, one in enumerate(on_a_bill(lines, customer_id), 1):
            values = (customer_id, position, one.kind.value, one.name_ko, one.name_en, one.gross_minor,
                      one.net_minor, one.tax_minor, one.tax_rule)  # fmt: skip
            for name, value in zip(names, values, strict=True):
                columns[name].append(value)
    return columns


def _line(row: Row[Any]) -> MoneyLine:
    return MoneyLine(
        ChargeKind(row.kind), row.name_ko, row.name_en, row.gross, row.net, row.tax, row.from_on,
        row.until_on, row.basis, row.tax_rule, False, row.subscription_id, row.customer_id,
    )  # fmt: skip


async def _counted(connection: AsyncConnection, *, parked: int, contracts: int) -> SliceCounts:
    row = (await connection.execute(text(sql.COUNTS))).one()
    return SliceCounts(
        contracts=row.contracts + contracts, charged=row.charged, held=row.contracts - row.charged,
        parked=contracts, accounts=row.accounts + parked, invoices=row.invoices,
        carried=row.accounts - row.invoices, parked_accounts=parked, lines=row.lines,
        charged_minor=int(row.charged_minor), open_minor=int(row.open_minor),
        carried_minor=int(row.carried_minor), total_minor=int(row.total_minor),
    )  # fmt: skip


async def _explain(connection: AsyncConnection, facts: dict[str, Any], rating: Rating) -> None:
    """Say why an account has no bill, and which contracts wait for a change."""
    await connection.execute(text(sql.CARRIED), facts)
    if any(not one.rated.steps for one in rating.priced.values()):
        await connection.execute(text(sql.HELD), facts)


async def _book(
    connection: AsyncConnection, facts: dict[str, Any], counts: SliceCounts, metered: dict[str, list[Any]]
) -> None:
    """Charges, contracts one step on, and the books; all of it before anybody waits for a number."""
    await connection.execute(text(sql.CHARGES), facts)
    to_take = await connection.scalar(text(sql.TO_TAKE))
    if to_take and (await connection.execute(text(sql.TAKEN), facts)).rowcount != to_take:
        raise Overtaken
    if metered["shapes"]:
        await connection.execute(text(sql.COUNT_USAGE), metered)
    if (await connection.execute(text(sql.FORWARD), facts)).rowcount != counts.charged:
        raise Overtaken
    await connection.execute(text(sql.POSTED), {**facts, "posted_on": on_day(facts["at"])})
    await connection.execute(text(sql.SOLVED), facts)


async def _number(connection: AsyncConnection, work: Work, accounts: Range, count: int) -> None:
    """A block of numbers for the slice's invoices, without a gap and with days that never go back."""
    if not count:
        return
    today = on_day(work.at)
    series = str(today.year)
    taken = {"series": series, "count": count}
    before = int(await connection.scalar(text(sql.NUMBERS), taken) or 0) - count
    latest = await connection.scalar(text(sql.LATEST), {"number": f"{series}-{before:06d}"})
    own = list(await connection.scalars(text(sql.DUE_DAYS), accounts.facts))
    days = sorted({*own, DEFAULT_DAYS})
    values = {
        "series": series, "before": before, "issued_on": max(today, latest or today), "due_days": days,
        "due_at": [due_at(work.at, one) for one in days], "default_days": DEFAULT_DAYS, **work.facts,
    }  # fmt: skip
    await connection.execute(text(sql.INVOICES), values)
    await connection.execute(text(sql.INVOICE_LINES))


def added(counts: Sequence[SliceCounts]) -> SliceCounts:
    """Several slices together."""
    total = SliceCounts()
    for one in counts:
        more = asdict(one)
        total = replace(total, **{name: getattr(total, name) + value for name, value in more.items()})
    return total
