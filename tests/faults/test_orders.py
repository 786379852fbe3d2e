"""Orders while the ERP is away, scans come shuffled and tripled, the gateway goes silent after charging and
the worker is killed: nothing lost, nothing doubled, stock and ledger tie out.

`ORDERS=500 AWAY_SECONDS=3600` for all of them and an hour."""

import asyncio
import os
import sys
import time
from typing import Any

import httpx

from ops.plan import ROOT
from tests.faults.nemesis import Nemesis
from tests.faults.shoppers import Shoppers
from tests.faults.site import Site

ORDERS = int(os.environ.get("ORDERS", "60"))
SEED = int(os.environ.get("SEED", "20261122"))
AWAY_SECONDS = float(os.environ.get("AWAY_SECONDS", "20"))
ASKED_WITHIN = 60.0 + ORDERS  # the more orders, the later the first of them is paid
FALLS = 2
STILL = 150.0  # seconds without any step or call: an order that is not over then is stuck
LIES: dict[str, list[dict[str, Any]]] = {
    "stock": [
        {"kind": "500_after", "probability": 0.15}, {"kind": "reset", "probability": 0.1},
        {"kind": "garbage", "probability": 0.1}, {"kind": "wrong_order", "probability": 0.1},
        {"kind": "duplicate", "probability": 0.1},
        {"kind": "timeout_after", "probability": 0.05, "seconds": 3},
    ],
    "carrier": [
        {"kind": "500_after", "probability": 0.2}, {"kind": "429", "probability": 0.1},
        {"kind": "truncated_json", "probability": 0.1}, {"kind": "500_before", "probability": 0.1},
    ],
    "payments": [
        {"kind": "timeout_after", "probability": 0.25, "seconds": 5},
        {"kind": "500_after", "probability": 0.15},
    ],
}  # fmt: skip
for _rules in LIES.values():  # each lie is told once for certain, then by its own dice
    _rules[:0] = [{**rule, "probability": 1.0, "times": 1} for rule in _rules]


async def prepare(site: Site, pace: float) -> None:
    """Parcels travel by themselves; each scan is told up to three times, late and in any order."""
    hook = {
        "url": f"{site.app}/webhooks/carrier", "secret": site.plan.secrets["CARRIER_WEBHOOK_SECRET"],
        "duplicates": 2, "shuffle_seconds": 4, "seed": SEED,
    }  # fmt: skip
    async with httpx.AsyncClient() as http:
        (await http.put(f"{site.sandbox}/carrier/control/webhook", json=hook)).raise_for_status()
        answer = await http.put(f"{site.sandbox}/carrier/control/pace", params={"seconds": pace})
        answer.raise_for_status()


async def come_back(site: Site) -> None:
    """The ERP is away for a while from the first time that somebody asks it, and lies after that."""
    await site.fail("stock", [{"kind": "500_before"}])
    until = time.monotonic() + ASKED_WITHIN
    while not (await site.fired()).get(("stock", "500_before")):
        assert time.monotonic() < until, "nobody asked while the ERP was away"
        await asyncio.sleep(1)
    await asyncio.sleep(AWAY_SECONDS)
    for system, rules in LIES.items():
        await site.fail(system, [{**rule, "seed": SEED + n} for n, rule in enumerate(rules)])


async def test_no_order_is_lost_or_doubled_and_the_books_tie_out() -> None:
    print(f"\nSEED={SEED} ORDERS={ORDERS}", flush=True)
    site = Site()
    try:
        await site.start()
        await prepare(site, 2.0)
        shoppers, nemesis = Shoppers(site), Nemesis(site, SEED, {"worker": 17.0})
        await shoppers.place(ORDERS)
        nemesis.start()
        away = asyncio.create_task(come_back(site))
        stuck = await shoppers.shop(STILL, limit=460 + 2 * ORDERS + AWAY_SECONDS)
        await away
        fired = await site.fired()
        await nemesis.stop()
        findings = await shoppers.findings()
        print(
            f"kills {nemesis.kills}, fired { {' '.join(k): n for k, n in sorted(fired.items())} }", flush=True
        )
        await shoppers.close()
        assert not stuck, stuck
        assert not findings, findings
        assert nemesis.kills["worker"] >= FALLS
        for system, rules in LIES.items():
            assert [r["kind"] for r in rules if not fired.get((system, str(r["kind"])))] == [], system
    finally:
        await asyncio.to_thread(site.stop)


async def test_a_new_parcel_for_every_try_ships_twice() -> None:
    """The judge is worth something: one usual mistake, and the books do not tie out."""
    site = Site()
    try:
        await site.start()
        await prepare(site, 1.0)
        worker = [sys.executable, str(ROOT / "tests" / "faults" / "naive_worker.py")]
        await site.replace_worker(worker, {"NAIVE": "parcel", "PYTHONPATH": str(ROOT)})
        await site.fail(
            "stock", [{"kind": "500_after", "probability": 0.5, "seed": SEED, "operation": "reserve"}]
        )
        shoppers = Shoppers(site)
        await shoppers.place(8)
        await shoppers.shop(STILL, limit=60)
        findings = await shoppers.findings()
        await shoppers.close()
        assert any(one.startswith("stock:") for one in findings), findings
    finally:
        await asyncio.to_thread(site.stop)
