"""CPU of one whole journey (report, visit, repair, invoice, paid, closed), N of them (40), out of warranty.

`cpu_ms` is what our worker and the Temporal server use for one journey: every workflow, activity (with its
SQL and its calls to mail and gateway), letter and outbox item of it, and its histories kept. `bare_cpu_ms` is
what the same server and a worker with the same settings and encryption use for one workflow of as many
activities, one after the other, that do nothing at all: no SQL, no HTTP, no updates, timers, signals,
children or search attributes. So `cpu_ratio` also holds the price of the rows. What both use while nothing
happens is measured and taken off. `app_cpu_ms` and `postgres_cpu_ms` are the rest of the same journeys,
driven over HTTP; the sandbox and the driver are not counted."""

import asyncio

from bench import beside, kit
from tests.faults.run import walk_all
from tests.faults.site import Site
from tests.faults.stories import Story
from tests.faults.watch import Promises


async def measure(site: Site, count: int) -> dict[str, object]:
    """Journeys of the same kind to their end; the last letters are sent, too."""

    async def walk(run: str, many: int) -> None:
        told = [Story(number, "paid", number % 40, run) for number in range(many)]
        promises = Promises(site.folder / run)
        result = await walk_all(site, told, promises, patience=120, at_once=beside.AT_ONCE)
        if result.failures:
            raise SystemExit(f"journeys failed: {result.failures}")
        await beside.ended(site)

    found = await beside.measure(site, count, "Ticket", walk)
    return {"journeys_per_s": found.pop("per_s"), **found}


if __name__ == "__main__":
    asked = kit.asked(40)
    kit.report(**asyncio.run(beside.on_a_site(lambda site: measure(site, asked))))
