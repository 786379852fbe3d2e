"""Many contracts at once, of every sort that a bill run meets."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlmodel import SQLModel

from models.catalogue import Plan
from models.customers import Customer
from models.kit.records import to_record
from models.messages.catalogue import Phase, PhaseKind, PlanTerms, Price, PriceKind, PriceTier
from models.messages.subscriptions import ChangeKind, ChangeStatus, SubscriptionStatus
from models.rules.subscriptions.periods import Contract, next_bill
from models.subscriptions import (
    Subscription,
    SubscriptionChange,
    SubscriptionPause,
    SubscriptionSuspension,
)
from tests.builders.desk import a_customer
from tests.builders.leases import BASIC, BETTER, FILTER, plan_row
from tests.builders.subscriptions import TRIAL, a_plan

TIERS = (PriceTier(100, 0), PriceTier(1_000, 7), PriceTier(None, 3))
LATE = a_plan("late", 11_003, 1, in_advance=False)
FIRST = a_plan("first", 20_001, 1, phases=TRIAL)
QUARTER = a_plan("quarter", 90_001, 1, period_months=3)
EACH = a_plan("each", 3_333, 1, price=Price(PriceKind.PER_UNIT, 3_333))
WATER = a_plan("water", 0, 1, in_advance=False, price=Price(PriceKind.USAGE, 0, TIERS, "litres"))
FREE = a_plan("free", 9_900, 1, phases=(Phase(PhaseKind.TRIAL, 600), Phase(PhaseKind.EVERGREEN)))
PLANS = (BASIC, BETTER, FILTER, LATE, FIRST, QUARTER, EACH, WATER, FREE)
AT = datetime(2026, 3, 31, 3, tzinfo=UTC)


@dataclass(frozen=True)
class Lease:
    """One contract of the mix."""

    id: str
    customer_id: str
    terms: PlanTerms = BASIC
    starts_on: date = date(2026, 1, 31)
    quantity: int = 1
    percent_off: int = 0
    pause: tuple[int, int] | None = None  # days after the start: first, length
    off: tuple[int, int | None] | None = None  # switched off for nothing: day after the start, length
    ends_after: int | None = None
    held_after: int | None = None  # an open change takes effect so many days after the start
    parent_id: str | None = None
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE

    @property
    def contract(self) -> Contract:
        """As the rules know it."""
        ends_on = None if self.ends_after is None else self.starts_on + timedelta(days=self.ends_after)
        return Contract(
            id=self.id, customer_id=self.customer_id, terms=self.terms, starts_on=self.starts_on,
            billed_until=self.starts_on, bill_day=self.starts_on.day, quantity=self.quantity,
            percent_off=self.percent_off, ends_on=ends_on, status=self.status,
        )  # fmt: skip

    @property
    def rows(self) -> list[SQLModel]:
        """As the tables hold it."""
        one, on = self.contract, self.starts_on
        made: list[SQLModel] = [
            Subscription(
                id=self.id, customer_id=self.customer_id, parent_id=self.parent_id,
                plan_id=self.terms.plan_id, plan_version=self.terms.version, terms=to_record(self.terms),
                quantity=self.quantity, percent_off=self.percent_off, status=self.status, starts_on=on,
                bill_day=on.day, billed_until=on, next_bill_on=next_bill(one), ends_on=one.ends_on,
                created_at=datetime.combine(on, time(), UTC), end_reason="",
            )
        ]  # fmt: skip
        if self.pause is not None:
            first = on + timedelta(days=self.pause[0])
            until = first + timedelta(days=self.pause[1])
            made.append(SubscriptionPause(subscription_id=self.id, from_on=first, until_on=until))
        if self.off is not None:
            first = on + timedelta(days=self.off[0])
            until = None if self.off[1] is None else first + timedelta(days=self.off[1])
            made.append(
                SubscriptionSuspension(
                    id=f"D1:{self.id}", subscription_id=self.id, customer_id=self.customer_id, case_id="D1",
                    from_on=first, free_from=first, until_on=until,
                )
            )  # fmt: skip
        if self.held_after is not None:
            made.append(
                SubscriptionChange(
                    id=f"C{self.id}", submission_key=self.id, subscription_id=self.id,
                    customer_id=self.customer_id, asked_by=self.customer_id, kind=ChangeKind.UPGRADE,
                    status=ChangeStatus.AWAITING, effective_on=on + timedelta(days=self.held_after),
                    created_at=AT,
                )
            )  # fmt: skip
        return made


async def sign(connection: AsyncConnection, leases: list[Lease]) -> None:
    """Store customers, plans and contracts."""
    rows: list[SQLModel] = [plan_row(plan, AT) for plan in PLANS]
    rows += [a_customer(id) for id in sorted({one.customer_id for one in leases})]
    by_table: dict[type[SQLModel], list[dict[str, Any]]] = {}
    for row in (
        *rows,
        *(row for one in sorted(leases, key=lambda each: each.parent_id or "") for row in one.rows),
    ):
        by_table.setdefault(type(row), []).append(row.model_dump())
    for table in (
        Plan,
        Customer,
        Subscription,
        SubscriptionPause,
        SubscriptionSuspension,
        SubscriptionChange,
    ):
        if by_table.get(table):
            await connection.execute(insert(table), by_table[table])


async def signed(engine: AsyncEngine, leases: list[Lease]) -> None:
    """The same in a transaction of its own."""
    async with engine.begin() as connection:
        await sign(connection, leases)
