"""Returns while ERP, carrier and gateway lie and the worker is killed: money and stock tie out, none is lost.
`RETURNS=60` for more."""

import asyncio
import os
import time
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from activities.kit.invariants import INVARIANTS
from models.kit.outbox import announce_update
from models.messages.orders.returns import Condition, Found, InspectReturn, return_workflow_id
from models.orders import Order
from tests.builders.returns import Asked, a_return
from tests.faults.nemesis import Nemesis
from tests.faults.shoppers import PRODUCT, Shoppers
from tests.faults.site import Site
from tests.faults.test_orders import LIES, SEED, prepare

RETURNS = int(os.environ.get("RETURNS", "8"))
FALLS = 1
FEE, USED = 6_000, 10


class Returners(Shoppers):
    """Everybody sends everything back; every second parcel shows traces of use."""

    async def send_back(self, patience: float) -> list[str]:
        """Ask for all returns, inspect what arrives; what is not over in time is stuck."""
        asked = [await self.ask(one.id, one.quantity) for one in self.bought]
        until, seen = time.monotonic() + patience, set[str]()
        while True:
            for (arrived,) in await self.rows("select id from returns where status = 'arrived'"):
                if arrived not in seen:
                    await self.inspect(arrived, is_used=int(arrived[1:]) % 2 == 0)
                    seen.add(arrived)
            alive = await self.rows("select id, status from returns where not is_over")
            if not alive:
                return []
            if time.monotonic() > until:
                return [f"stuck: {row}" for row in alive] + [f"of {len(asked)}"]
            await asyncio.sleep(0.5)

    async def ask(self, order: str, quantity: int) -> Asked:
        """Ask for one return as the page does."""
        async with AsyncSession(self.engine) as session:
            row = await session.get_one(Order, order)
        return await a_return(self.engine, row, quantities={1: quantity}, product_id=PRODUCT)

    async def inspect(self, back: str, *, is_used: bool) -> None:
        """An agent looks at it, as the form says it."""
        found = (Found(1, Condition.USED if is_used else Condition.WHOLE),)
        command = InspectReturn(uuid4().hex, "acc_agent", datetime.now(UTC), "staff", found)
        async with AsyncSession(self.engine) as session, session.begin():
            await announce_update(session, return_workflow_id(back), "inspect", command)

    async def returned_findings(self) -> list[str]:
        """What is wrong after everything came back, by the house's rows and the outside's own books."""
        stock = (await self.http.get(f"{self.site.sandbox}/stock/control/book")).json()["stock_returns"]
        moves = (await self.http.get(f"{self.site.sandbox}/gateway/control/book")).json()
        found = []
        for back in await self.rows("select id, order_id, status from returns"):
            [bought] = [one for one in self.bought if one.id == back.order_id]
            price, is_used = 110_000 * bought.quantity, int(back.id[1:]) % 2 == 0
            wanted = price - (price * USED // 100 if is_used else 0) - FEE
            gone = [m["amount"] for m in moves if m["kind"] == "refund" and m["key"] == f"{back.id}.refund"]
            taken = [one for one in stock if one["reference"] == back.id]
            if back.status != "settled":
                found.append(f"lost: {back.id} is {back.status}")
            if gone != [wanted]:
                found.append(f"money: {gone} went back for {back.id}, not {wanted}")
            if [(one["quantity"], bool(one["is_sound"])) for one in taken] != [
                (bought.quantity, not is_used)
            ]:
                found.append(f"stock: {taken} was taken for {back.id}")
        owned = "select id from owned_products where id like 'own_O%' and returned_on is null"
        for name, query in INVARIANTS.items():
            found += [f"invariant {name}: {row}" for row in await self.rows(query.replace(":", "\\:"))]
        return [*found, *(f"still owned: {one}" for (one,) in await self.rows(owned))]


async def test_no_return_is_lost_or_doubled_and_the_books_tie_out() -> None:
    print(f"\nSEED={SEED} RETURNS={RETURNS}", flush=True)
    site = Site()
    try:
        await site.start()
        await prepare(site, 1.0)
        returners = Returners(site, fickle=0)
        await returners.place(RETURNS)
        assert not await returners.shop(240)
        for system, rules in LIES.items():
            await site.fail(system, [{**rule, "seed": SEED + n} for n, rule in enumerate(rules)])
        nemesis = Nemesis(site, SEED, {"worker": 12.0})
        nemesis.start()
        stuck = await returners.send_back(240 + RETURNS * 2)
        fired = await site.fired()
        await nemesis.stop()
        findings = await returners.returned_findings()
        print(
            f"kills {nemesis.kills}, fired { {' '.join(k): n for k, n in sorted(fired.items())} }", flush=True
        )
        await returners.close()
        assert not stuck, stuck
        assert not findings, findings
        assert nemesis.kills["worker"] >= FALLS
    finally:
        await asyncio.to_thread(site.stop)
