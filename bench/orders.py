"""CPU of one whole order (invoice, payment, reservation, parcel, delivery, done), N of them (40).

`cpu_ms` is what our worker and the Temporal server use for one order: every workflow, activity (with its
SQL and its calls to warehouse, carrier, mail and gateway), letter and outbox item. `bare_cpu_ms` is what the
same server and a worker with the same settings use for one workflow of as many activities that do nothing, as
in bench/journey.py. What both use while nothing happens is measured and taken off; sandbox, app, database and
driver are not counted."""

import asyncio

from bench import beside, kit
from tests.faults.shoppers import Shoppers
from tests.faults.site import Site
from tests.faults.test_orders import prepare


async def measure(site: Site, count: int) -> dict[str, object]:
    """So many orders to their end; the last invoices and letters, too."""
    await prepare(site, 0.5)
    shoppers = Shoppers(site)
    shoppers.fickle = 0

    async def buy(_: str, many: int) -> None:
        await shoppers.place(many)
        if stuck := await shoppers.shop(180):
            raise SystemExit(f"orders did not come to their end: {stuck}")
        await beside.ended(site)

    try:
        found = await beside.measure(site, count, "Order", buy)
    finally:
        await shoppers.close()
    return {"orders_per_s": found.pop("per_s"), **found}


if __name__ == "__main__":
    asked = kit.asked(40)
    kit.report(**asyncio.run(beside.on_a_site(lambda site: measure(site, asked))))
