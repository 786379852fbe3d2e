"""What the sample company has sold: orders at several stages, running contracts, one return; all walked."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from ops.walk import Stuck, Walker

HOMES = {
    "customer": ("최민아", "010-4123-0001", "06236", "서울 강남구 테헤란로 152, 1203호"),
    "customer_en": ("Ava Collins", "010-4123-0002", "04168", "Mapo-daero 45, Mapo-gu, Seoul"),
}
WAY = ("collected", "in_transit", "out_for_delivery", "delivered")
# Who orders what, and how far it goes.
MINA = (
    ({"plan_id": "pln_stream"}, "done"),
    ({"product_id": "prd_air"}, "returned"),
    ({"product_id": "prd_stand"}, "unpaid"),
)
AVA = (({"plan_id": "pln_air"}, "delivered"), ({"product_id": "prd_stand"}, "packed"))


class Trader:
    """Customers who buy, and the carrier who brings it."""

    def __init__(self, walker: Walker) -> None:
        self.walker = walker

    async def walk_all(self) -> None:
        """Both customers shop at the same time, each thing after the other."""
        await asyncio.gather(self.shop("customer", MINA), self.shop("customer_en", AVA))

    async def shop(self, who: str, wishes: tuple[tuple[dict[str, str], str], ...]) -> None:
        """One customer's orders; what takes its time is waited for at the end."""
        ways = []
        for thing, goal in wishes:
            order = await self.order(who, thing)
            ways.append(asyncio.create_task(self.live(who, order, goal)))
        await asyncio.gather(*ways)

    async def order(self, who: str, thing: dict[str, str]) -> str:
        """From the shop through the till; the number of the order."""
        walker = self.walker
        await walker.ask(who, "POST", "/shop/cart", data={**thing, "quantity": "1"})
        quote = (await walker.ask(who, "GET", "/orders/new"))["quote"]
        name, phone, postcode, address = HOMES[who]
        sent = {
            "submission_key": uuid4().hex, "once_minor": str(quote["once_minor"]),
            "monthly_minor": str(quote["monthly_minor"]), "ship_name": name, "ship_phone": phone,
            "ship_postcode": postcode, "ship_address": address,
        }  # fmt: skip
        return str((await walker.ask(who, "POST", "/orders", data=sent))["id"])

    async def live(self, who: str, order: str, goal: str) -> None:
        """One order as far as its story goes."""
        if goal == "unpaid":
            return
        if (await self.shown(who, order))["order"]["once_minor"]:
            await self.walker.pay_by_letter(f"I{order}-")
        if goal == "done":
            return await self.until(lambda: self.has(who, order, "done"), f"{order} is not done")
        await self.until(lambda: self.is_packed(who, order), f"{order} was not packed")
        if goal == "packed":
            return None
        await self.move(f"{order}-1", *WAY)
        await self.until(lambda: self.has(who, order, "done"), f"{order} is not done")
        if goal == "returned":
            await self.send_back(who, order)
        return None

    async def send_back(self, who: str, order: str) -> None:
        """The goods come back and wait to be inspected."""
        sent = {
            "submission_key": uuid4().hex, "kind": "return", "ground": "change_of_mind", "wanted": "1:1",
            "note": "생각보다 소리가 큽니다.",
        }  # fmt: skip
        back = str((await self.walker.ask(who, "POST", f"/orders/{order}/return", data=sent))["id"])

        async def stands(status: str, tracking: bool = False) -> bool:
            row = (await self.walker.ask(who, "GET", f"/orders/returns/{back}"))["back"]
            return row["status"] == status and (bool(row["tracking"]) or not tracking)

        await self.until(lambda: stands("agreed", tracking=True), f"{back} has no label")
        await self.move(f"{back}-1", "collected", "in_transit", "delivered")
        await self.until(lambda: stands("arrived"), f"{back} has not arrived")

    async def move(self, parcel: str, *way: str) -> None:
        """The carrier scans a parcel on its way."""
        for status in way:
            at = f"{self.walker.sandbox}/carrier/control/parcels/{parcel}/{status}"
            (await self.walker.http.post(at)).raise_for_status()

    async def shown(self, who: str, order: str) -> Any:
        """An order as its customer sees it."""
        return await self.walker.ask(who, "GET", f"/orders/{order}")

    async def has(self, who: str, order: str, status: str) -> bool:
        """Whether an order stands like this."""
        return bool((await self.shown(who, order))["order"]["status"] == status)

    async def is_packed(self, who: str, order: str) -> bool:
        """Whether the carrier has been ordered."""
        parcels = (await self.shown(who, order))["parcels"]
        return bool(parcels and parcels[0]["tracking"])

    async def until(self, look: Callable[[], Awaitable[bool]], otherwise: str) -> None:
        """Look again until it is so."""
        limit = time.monotonic() + self.walker.patience
        while not await look():
            if time.monotonic() > limit:
                raise Stuck(otherwise)
            await asyncio.sleep(0.5)
