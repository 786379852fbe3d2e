"""Orders under faults: placed as the api places them, paid like a customer pays, judged by all the books."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from activities.kit.invariants import INVARIANTS
from models.kit import tables
from models.kit.engine import engine_for
from models.kit.outbox import announce_start, announce_update
from models.messages.orders import OrderCommand, order_workflow_id
from models.messages.payments import AttemptStatus, ChargeOrder, charge_workflow_id
from models.payments import PaymentAttempt
from tests.builders.desk import Company
from tests.builders.orders import a_line, a_placed_order
from tests.faults.site import Site

assert tables
PRODUCT = "prd_tv"
LOOK_UPS = (1, 3, 5, 5, 10, 10, 20, 20, 20, 30, 30)

MOVED = "select (select max(id) from timeline_entries), (select max(id) from system_calls)"


@dataclass(frozen=True)
class Bought:
    """One order and how it is meant to end."""

    id: str
    quantity: int
    is_cancelled: bool


@dataclass
class Shoppers:
    """Everybody who orders; every sixth of them changes their mind once the parcel is on its way."""

    site: Site
    fickle: int = 6  # every so many change their minds; 0: nobody
    engine: AsyncEngine = field(init=False)
    bought: list[Bought] = field(default_factory=list)
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=30))

    def __post_init__(self) -> None:
        self.engine = engine_for(self.site.plan.urls.worker, pool_size=5)

    async def place(self, count: int) -> None:
        """Place orders of one to three devices."""
        for number in range(count):
            company = Company(customer_id=f"cus_f{number % 40}")
            quantity = number % 3 + 1
            line = a_line(once=110_000 * quantity, quantity=quantity, product_id=PRODUCT)
            placed = await a_placed_order(self.engine, company, line)
            changes = bool(self.fickle) and number % self.fickle == self.fickle - 1
            self.bought.append(Bought(placed.id, quantity, changes))

    async def rows(self, query: str, **values: Any) -> list[Any]:
        """A question to the tables; a database that is just being killed is asked again."""
        async with self.engine.connect() as connection:
            return list((await connection.execute(text(query), values)).all())

    async def shop(self, patience: float, limit: float | None = None) -> list[str]:
        """Pay and change minds until every order is over; what then stands still so long is stuck.

        A call that failed again and again is asked once a minute, so `patience` is more than two of those."""
        end = time.monotonic() + (patience if limit is None else limit)
        until, paid, called_off = time.monotonic() + patience, set[str](), set[str]()
        seen = None
        ids = {one.id for one in self.bought}
        fickle = {one.id for one in self.bought if one.is_cancelled}
        while True:
            owed = "select id, case_id, total_minor, customer_id from invoices where status = 'issued'"
            for invoice in await self.rows(owed):
                if invoice.case_id in ids - paid:
                    await self.pay(invoice)
                    paid.add(invoice.case_id)
            gone = "select distinct order_id from shipments where status not in ('ready', 'cancelled')"
            for (order,) in await self.rows(gone):
                if order in fickle - called_off:
                    await self.call_off(order)
                    called_off.add(order)
            alive = [o for (o,) in await self.rows("select id from orders where not is_over") if o in ids]
            if not alive:
                return []
            if (now := await self.rows(MOVED)) != seen:
                seen, until = now, time.monotonic() + patience
            if time.monotonic() > min(until, end):
                return [await self.told(order) for order in alive]
            await asyncio.sleep(0.5)

    async def told(self, order: str) -> str:
        """How an order stands that is not over in time: its row, and what its workflow is busy with."""
        [(status,)] = await self.rows("select status from orders where id = :id", id=order)
        handle = (await self.site.client()).get_workflow_handle(order_workflow_id(order))
        now = (await handle.describe()).raw_description
        busy = [
            f"{one.activity_type.name} tried {one.attempt} times, next {one.scheduled_time.ToDatetime()}"
            for one in now.pending_activities
        ]
        children = [one.workflow_id for one in now.pending_children]
        asked = "select what, until from waits where workflow_id = :id and ended_at is null"
        waits = [f"{what} until {until}" for what, until in await self.rows(asked, id=f"order:{order}")]
        task = now.pending_workflow_task.attempt
        return (
            f"stuck: {order} {status.lower()}, busy {busy}, children {children}, waits {waits}, task {task}"
        )

    async def pay(self, invoice: Any) -> None:
        """Agree on the gateway's page, and store attempt and charge as the api does."""
        attempt = f"{invoice.id}.1"
        form = {
            "order_id": attempt, "amount": invoice.total_minor, "currency": "KRW", "card": "approve",
            "action": "pay", "success_url": "http://shop.test/", "fail_url": "http://shop.test/",
        }  # fmt: skip
        answer = await self.http.post(f"{self.site.sandbox}/gateway/checkout", data=form)
        key = httpx.URL(answer.headers["location"]).params["payment_key"]
        order = ChargeOrder(
            attempt, invoice.id, "", invoice.total_minor, maximum_latency_seconds=6,
            look_up_after_seconds=LOOK_UPS, hears_late_news_seconds=8,
        )  # fmt: skip
        async with AsyncSession(self.engine) as session, session.begin():
            session.add(
                PaymentAttempt(
                    id=attempt, invoice_id=invoice.id, ordinal=1, customer_id=invoice.customer_id,
                    payment_key=key, amount_minor=invoice.total_minor, status=AttemptStatus.CREATED,
                    created_at=datetime.now(UTC),
                )
            )  # fmt: skip
            await session.flush()
            await announce_start(session, "Charge", charge_workflow_id(attempt), order, summary=attempt)

    async def call_off(self, order: str) -> None:
        """Change one's mind, as the page says it."""
        command = OrderCommand(uuid4().hex, "cus", datetime.now(UTC), "customer", "")
        async with AsyncSession(self.engine) as session, session.begin():
            await announce_update(session, order_workflow_id(order), "cancel", command)

    async def findings(self) -> list[str]:
        """Everything that is wrong, by the house's rows and the outside's own books."""
        stock = (await self.http.get(f"{self.site.sandbox}/stock/control/book")).json()
        moves = (await self.http.get(f"{self.site.sandbox}/gateway/control/book")).json()
        status = dict(await self.rows("select id, status from orders"))  # type: ignore[arg-type]
        found = [*self._ends(status), *self._stock(stock, status), *self._money(moves, status)]
        found += [line async for line in self._owned(status)]
        for name, query in INVARIANTS.items():
            found += [f"invariant {name}: {row}" for row in await self.rows(query.replace(":", "\\:"))]
        return found

    def _ends(self, status: dict[str, str]) -> Iterator[str]:
        """Every order is there once; who changed their mind is cancelled unless they were too late."""
        for one in self.bought:
            wanted = {"done", "cancelled"} if one.is_cancelled else {"done"}
            if status.get(one.id) not in wanted:
                yield f"lost: {one.id} is {status.get(one.id, 'missing')}"

    def _stock(self, stock: dict[str, Any], status: dict[str, str]) -> Iterator[str]:
        """What left the shelf for good is what was ordered; nothing stays set aside."""
        gone: Counter[str] = Counter()
        for one in stock["stock_parcels"]:
            gone[one["reference"].split("-")[0]] += 0 if one["is_restocked"] else one["quantity"]
        for one in self.bought:
            wanted = one.quantity if status.get(one.id) == "done" else 0
            if gone[one.id] != wanted:
                yield f"stock: {gone[one.id]} units are gone for {one.id}, not {wanted}"
        for one in stock["reservations"]:
            if not one["is_released"] and one["reserved"] != one["packed"]:
                yield f"stock: {one['reference']} still holds {one['reserved'] - one['packed']}"

    def _money(self, moves: list[dict[str, Any]], status: dict[str, str]) -> Iterator[str]:
        """Everybody paid once; who is cancelled has everything back."""
        charged: Counter[str] = Counter()
        balance: Counter[str] = Counter()
        for move in moves:
            order = move["order_id"].removeprefix("I").split("-")[0]
            charged[order] += move["kind"] == "charge"
            balance[order] += move["amount"] * (1 if move["kind"] == "charge" else -1)
        for one in self.bought:
            wanted = 110_000 * one.quantity if status.get(one.id) == "done" else 0
            if charged[one.id] > 1:
                yield f"doubled: {one.id} was charged {charged[one.id]} times"
            if balance[one.id] != wanted:
                yield f"money: the gateway holds {balance[one.id]} for {one.id}, not {wanted}"

    async def _owned(self, status: dict[str, str]) -> Any:
        """Customers own what was delivered, once; the ledger of what was taken back is zero."""
        asked = (
            "select split_part(id, '_', 2), count(*) from owned_products where id like 'own_O%' group by 1"
        )
        owned = dict(await self.rows(asked))  # type: ignore[arg-type]
        for one in self.bought:
            if status.get(one.id) == "done" and owned.get(one.id, 0) != one.quantity:
                yield f"owned: {owned.get(one.id, 0)} devices of {one.id}, not {one.quantity}"
        scans = "select shipment_id, status, count(*) from shipment_events group by 1, 2 having count(*) > 1"
        for row in await self.rows(scans):
            yield f"doubled: scan {row}"

    async def close(self) -> None:
        """Go home."""
        await self.http.aclose()
        await self.engine.dispose()
