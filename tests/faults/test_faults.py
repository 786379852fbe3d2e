"""300 journeys while every part is killed again and again and the outside world lies: nothing is lost,
nothing happens twice, nothing is stuck. SEED repeats a run's stories, faults and order of kills."""

import asyncio
import os
import secrets
import time

import httpx

from tests.faults.judge import Judge
from tests.faults.nemesis import Nemesis
from tests.faults.run import walk_all
from tests.faults.site import Site
from tests.faults.stories import stories
from tests.faults.watch import Promises

SEED = int(os.environ.get("SEED") or secrets.randbelow(2**32))
JOURNEYS = int(os.environ.get("JOURNEYS") or 300)
QUIET_SECONDS = 180  # everything has to be over so long after the last fault


def lies(seed: int) -> dict[str, list[dict[str, object]]]:
    """How the outside world misbehaves; each rule has dice of its own."""
    gateway: list[dict[str, object]] = [
        {"kind": "timeout_after", "operation": "confirm", "probability": 0.08, "seconds": 6},
        {"kind": "500_after", "operation": "confirm", "probability": 0.09},
        {"kind": "500_before", "operation": "confirm", "probability": 0.07},
        {"kind": "429", "operation": "confirm", "probability": 0.05, "retry_after": "1"},
        {"kind": "429", "operation": "confirm", "probability": 0.04, "retry_after": "soon; or never"},
        {"kind": "garbage", "operation": "confirm", "probability": 0.07},
        {"kind": "truncated_json", "operation": "confirm", "probability": 0.07},
        {"kind": "wrong_amount", "operation": "confirm", "probability": 1.0, "times": 1},
        {"kind": "duplicate", "operation": "confirm", "probability": 0.1},
        {"kind": "reset", "operation": "confirm", "probability": 0.07},
        {"kind": "500_before", "operation": "look_up", "probability": 0.1},
        {"kind": "garbage", "operation": "look_up", "probability": 0.05},
    ]
    post: list[dict[str, object]] = [
        {"kind": "500_after", "probability": 0.05}, {"kind": "500_before", "probability": 0.04},
        {"kind": "timeout_after", "probability": 0.01, "seconds": 8}, {"kind": "429", "probability": 0.02},
        {"kind": "reset", "probability": 0.03},
    ]  # fmt: skip
    return {
        "payments": [{**rule, "seed": seed + n} for n, rule in enumerate(gateway)],
        "mail": [{**rule, "seed": seed + 100 + n} for n, rule in enumerate(post)],
        "sms": [{**rule, "seed": seed + 200 + n} for n, rule in enumerate(post)],
    }


async def test_nothing_is_lost_and_nothing_happens_twice() -> None:
    print(f"\nSEED={SEED} JOURNEYS={JOURNEYS}", flush=True)
    told = stories(JOURNEYS, SEED)
    site = Site()
    try:
        await site.start()
        for system, rules in lies(SEED).items():
            await site.fail(system, rules)
        await tell_twice(site)
        promises = Promises(site.folder / "promises")
        nemesis, judge = Nemesis(site, SEED), Judge(site, promises, told)
        nemesis.start()
        run = await walk_all(site, told, promises)
        fired = await site.fired()
        await nemesis.stop()
        for system in ("payments", "mail", "sms"):
            await site.fail(system, [])
        stopped = time.monotonic()
        stuck = await judge.quiet(QUIET_SECONDS)
        quiet = time.monotonic() - stopped
        findings = await judge.findings()
        took = max(run.finished, default=0.0)
        print(f"{len(run.finished)} of {len(told)} in {took:.0f} s "
              f"({len(run.finished) / max(took, 1):.2f}/s), "
              f"longest pause {run.longest_pause:.0f} s, quiet after {quiet:.0f} s", flush=True)  # fmt: skip
        print(f"kills {nemesis.kills}, back after {nemesis.back}", flush=True)
        print(f"fired { {' '.join(place): count for place, count in sorted(fired.items())} }", flush=True)
        assert not run.failures, run.failures
        assert not stuck, stuck
        assert not findings, sorted(findings)
        assert run.longest_pause <= 60
        for name, least in {"worker": 5, "app": 5, "postgres": 3, "temporal": 3}.items():
            assert nemesis.kills[name] >= least, nemesis.kills
        for system, rules in lies(SEED).items():
            for kind in {str(rule["kind"]) for rule in rules}:
                assert fired.get((system, kind), 0) >= 1, (system, kind, fired)
    finally:
        await asyncio.to_thread(site.stop)


async def tell_twice(site: Site) -> None:
    """Every event of the gateway comes up to twice again, late and in any order."""
    secret = site.plan.secrets["GATEWAY_WEBHOOK_SECRET"]
    hook = {
        "url": f"{site.app}/systems/gateway/webhook", "secret": secret, "duplicates": 2, "shuffle_seconds": 6,
        "seed": SEED,
    }  # fmt: skip
    async with httpx.AsyncClient() as http:
        (await http.put(f"{site.sandbox}/gateway/control/webhook", json=hook)).raise_for_status()
