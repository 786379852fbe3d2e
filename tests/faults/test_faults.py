"""Many journeys while every part is killed again and again and the outside world lies: nothing is lost,
nothing happens twice, nothing is stuck. SEED repeats a run's stories, faults and order of kills."""

import asyncio
import os
import secrets
import time
from collections.abc import Mapping

import httpx

from tests.faults.judge import Judge
from tests.faults.nemesis import Nemesis
from tests.faults.run import walk_all
from tests.faults.site import Site
from tests.faults.stories import stories
from tests.faults.watch import Promises

SEED = int(os.environ.get("SEED") or secrets.randbelow(2**32))
JOURNEYS = int(os.environ.get("JOURNEYS") or 100)  # 300 take about 20 minutes on two busy cores
QUIET_SECONDS = 180  # everything has to be over so long after the last fault


FALLS = {"worker": 4, "app": 4, "postgres": 3, "temporal": 3}  # how often each part has to be killed
LEAST = 2  # how often each lie has to be told

CONFIRM: dict[str, dict[str, object]] = {
    "timeout_after": {"seconds": 6, "probability": 0.06}, "500_after": {"probability": 0.08},
    "500_before": {"probability": 0.06}, "429": {"probability": 0.05, "retry_after": "soon; or never"},
    "garbage": {"probability": 0.06}, "truncated_json": {"probability": 0.06},
    "duplicate": {"probability": 0.06}, "reset": {"probability": 0.06},
}  # fmt: skip
POST: dict[str, dict[str, object]] = {
    "500_after": {"probability": 0.05}, "500_before": {"probability": 0.03}, "429": {"probability": 0.02},
    "timeout_after": {"probability": 0.01, "seconds": 8}, "reset": {"probability": 0.03},
}  # fmt: skip


def lies(seed: int) -> dict[str, list[dict[str, object]]]:
    """How the outside world misbehaves: each lie is told a few times for certain, then by its own dice."""
    pay = [
        *certain(CONFIRM, "confirm"), *certain({"wrong_amount": {}, "429": {"retry_after": "1"}}, "confirm"),
        *certain({"500_before": {}, "garbage": {}}, "look_up"),
        *(dict(rule, kind=kind, operation="confirm") for kind, rule in CONFIRM.items()),
    ]  # fmt: skip
    post = [*certain(POST, "send"), *(dict(rule, kind=kind) for kind, rule in POST.items())]
    return {
        "payments": [dict(rule, seed=seed + number) for number, rule in enumerate(pay)],
        "mail": [dict(rule, seed=seed + 100 + number) for number, rule in enumerate(post)],
        "sms": [dict(rule, seed=seed + 200 + number) for number, rule in enumerate(post)],
    }


def certain(kinds: Mapping[str, Mapping[str, object]], operation: str) -> list[dict[str, object]]:
    """The same lies, told to the first callers, so often that none is missing in the end."""
    return [
        {**rule, "kind": kind, "operation": operation, "probability": 1.0, "times": LEAST}
        for kind, rule in kinds.items()
    ]


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
        more = 0
        while any(nemesis.kills[name] < least for name, least in FALLS.items()):
            more += 1  # a fast machine has finished before everything was killed: some more journeys
            further = stories(10, SEED + more, run=f"more{more}")
            told += further
            run.add(await walk_all(site, further, promises))
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
        for system, rules in lies(SEED).items():
            for kind in {str(rule["kind"]) for rule in rules}:
                assert fired.get((system, kind), 0) >= LEAST, (system, kind, fired)
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
