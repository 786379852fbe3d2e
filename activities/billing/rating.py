"""Rates what is due in a slice: contracts that are alike once, also over slices; odd ones one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.billing import statements as sql
from models.kit.records import from_record
from models.messages.catalogue import PlanTerms, PriceKind
from models.messages.subscriptions import MoneyLine
from models.rules.billing.rating import Rated, metered_until, rate
from models.rules.subscriptions.charges import KINDS, usage
from models.rules.subscriptions.periods import Contract, Stretch

Shape = tuple[Any, ...]
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # terms nobody can rate
MOST = 200_000  # shapes kept in memory


@dataclass(frozen=True)
class Priced:
    """One shape of contract with what it owes; `contract` says which days its usage is counted for."""

    contract: Contract
    rated: Rated


@dataclass
class Memory:
    """What was rated before in this process; the same shape on the same day is the same money."""

    priced: dict[Shape, Priced] = field(default_factory=dict)

    def keep(self, key: Shape, priced: Priced) -> None:
        """Remember, and begin anew when it grows beyond all measure."""
        if len(self.priced) >= MOST:
            self.priced.clear()
        self.priced[key] = priced


@dataclass
class Rating:
    """What a slice's shapes owe, by their number; and the shapes that could not be rated."""

    priced: dict[int, Priced] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def metered(self) -> list[int]:
        """The shapes whose usage is counted."""
        return [
            one for one, found in self.priced.items()
            if found.contract.terms.price.kind is PriceKind.USAGE
        ]  # fmt: skip


async def rate_slice(connection: AsyncConnection, memory: Memory, day: date) -> Rating:
    """Rate every shape of the slice that `bill_due` holds, and lay the result beside it."""
    rating = Rating()
    alike = (await connection.execute(text(sql.SHAPES))).all()
    wanted = {one: (*tuple(one)[2:], day) for one in alike if one.shape > 0}
    unknown = [one.id for one, key in wanted.items() if key not in memory.priced]
    terms = await _terms(connection, unknown)
    for row, key in wanted.items():
        if key not in memory.priced:
            _try(rating, row.shape, lambda row=row, key=key: memory.keep(key, _alike(row, terms, day)))
        if key in memory.priced:
            rating.priced[row.shape] = memory.priced[key]
    if any(one.shape < 0 for one in alike):
        for row in (await connection.execute(text(sql.ODD))).all():
            _try(rating, row.shape, lambda row=row: rating.priced.update({row.shape: _odd(row, day)}))
    await _lay_down(connection, rating)
    return rating


def _try(rating: Rating, shape: int, work: Any) -> None:
    """What nobody can rate parks its account; the run goes on."""
    try:
        work()
    except UNREADABLE as error:
        rating.failed[shape] = type(error).__name__


async def _terms(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Any]:
    if not ids:
        return {}
    found = await connection.execute(text(sql.TERMS), {"ids": list(ids)})
    return {row.id: row.terms for row in found}


def _alike(row: Row[Any], terms: dict[str, Any], day: date) -> Priced:
    contract = Contract(
        id="", customer_id="", terms=from_record(PlanTerms, terms[row.id]), starts_on=row.starts_on,
        billed_until=row.billed_until, bill_day=row.bill_day, quantity=row.quantity,
        percent_off=row.percent_off, anchor_on=row.anchor_on,
    )  # fmt: skip
    return Priced(contract, rate(contract, day))


def _odd(row: Row[Any], day: date) -> Priced:
    contract = Contract(
        id=row.id, customer_id=row.customer_id, terms=from_record(PlanTerms, row.terms),
        starts_on=row.starts_on or row.created_at.date(), billed_until=row.billed_until,
        bill_day=row.bill_day, quantity=row.quantity, percent_off=row.percent_off, anchor_on=row.anchor_on,
        pauses=_stretches(row.pause_from, row.pause_until),
        free=_stretches(row.free_from, row.free_until), ends_on=row.ends_on,
    )  # fmt: skip
    return Priced(contract, rate(contract, day, row.hold_on))


def _stretches(first: Sequence[date], last: Sequence[str]) -> tuple[Stretch, ...]:
    return tuple(
        Stretch(one, date.max if until == "infinity" else date.fromisoformat(until))
        for one, until in zip(first, last, strict=True)
    )


async def _lay_down(connection: AsyncConnection, rating: Rating) -> None:
    """Lines and states of all shapes as tables, to meet the contracts there."""
    if not rating.priced:
        return
    lines = [(shape, line) for shape, one in rating.priced.items() for line in one.rated.lines]
    if lines:
        await connection.execute(
            text(sql.RATED), {"shape": [shape for shape, _ in lines], **columns(line for _, line in lines)}
        )
    states = [(shape, one.rated) for shape, one in rating.priced.items()]
    values = {
        "shape": [shape for shape, _ in states],
        "billed_until": [one.billed_until for _, one in states],
        "next_bill_on": [one.next_bill_on for _, one in states],
        "steps": [one.steps for _, one in states],
    }
    await connection.execute(text(sql.AFTER), values)


def columns(given: Iterable[MoneyLine]) -> dict[str, list[Any]]:
    """Lines of money, column by column."""
    lines = list(given)
    return {
        "kind": [one.kind.value for one in lines],
        "line_kind": [KINDS[one.kind].value for one in lines],
        "name_ko": [one.name_ko for one in lines],
        "name_en": [one.name_en for one in lines],
        "gross": [one.gross_minor for one in lines],
        "net": [one.net_minor for one in lines],
        "tax": [one.tax_minor for one in lines],
        "tax_rule": [one.tax_rule for one in lines],
        "from_on": [one.from_on for one in lines],
        "until_on": [one.until_on for one in lines],
        "basis": [one.basis for one in lines],
    }


async def count_usage(connection: AsyncConnection, rating: Rating, day: date) -> dict[str, list[Any]]:
    """Add what was metered as lines; answers with the shapes and days that were counted, for the records."""
    shapes = rating.metered
    until = [metered_until(rating.priced[one].contract, rating.priced[one].rated, day) for one in shapes]
    counted: dict[str, list[Any]] = {"shapes": list(shapes), "until": until}
    if not shapes:
        return counted
    reach = dict(zip(shapes, until, strict=True))
    rows = (await connection.execute(text(sql.METERED), counted)).all()
    rows = [row for row in rows if row.quantity]
    lines = [
        usage(rating.priced[row.shape].contract, int(row.quantity), Stretch(row.from_on, reach[row.shape]))
        for row in rows
    ]
    if rows:
        values = columns(lines)
        del values["kind"], values["line_kind"]
        values |= {
            "customer_id": [row.customer_id for row in rows],
            "subscription_id": [row.id for row in rows],
            "id": [f"{row.id}:usage:{day.isoformat()}" for row in rows],
        }
        await connection.execute(text(sql.USAGE_LINES), values)
    return counted
