"""A bill run while worker, Temporal and PostgreSQL are killed with -9 again and again: every account is
billed once, nothing is lost, and every invariant holds without a click. `ACCOUNTS=20000` for more."""

import asyncio
import json
import os
import time
from dataclasses import asdict
from datetime import date
from typing import Any

import psycopg
from sqlalchemy.ext.asyncio import create_async_engine

from activities.kit.invariants import violations
from bench import tariffs
from bench.billing import ASKED
from models.messages.billing.runs import BillRunOrder, run_id, run_workflow_id
from tests.faults.nemesis import Nemesis
from tests.faults.site import Site

ACCOUNTS = int(os.environ.get("ACCOUNTS", "2000"))
SEED = int(os.environ.get("SEED", "20261122"))
DAY = date(2026, 12, 1)
PEACE = {"worker": 11.0, "postgres": 17.0, "temporal": 29.0}  # a worker needs time to be of use
ORDER = BillRunOrder(run_id(DAY), DAY, slice_size=max(ACCOUNTS // 200, 2), parallel=1)
MADE = (
    """select count(*), count(distinct customer_id), count(distinct number) from invoices where run_id = %s"""
)


def ask(worker_url: str) -> None:
    """Contracts, the sums they had when a month ends, and the order of the run."""
    with psycopg.connect(worker_url) as connection:
        for seed in tariffs.SEEDS:
            facts = {"word": "cb", "from": 1, "to": ACCOUNTS, "day": DAY, "next": DAY}
            connection.execute(seed, facts)
        connection.execute("update subscriptions set starts_on = %s where id like 'Scb%%'", (DAY,))
        payload = json.dumps(asdict(ORDER), default=str)
        connection.execute(ASKED, {"id": run_workflow_id(ORDER.run_id), "order": payload})


async def asked(worker_url: str, statement: str, *values: object) -> tuple[Any, ...] | None:
    """One row; nothing while PostgreSQL is away."""
    try:
        async with await psycopg.AsyncConnection.connect(worker_url, connect_timeout=3) as connection:
            row: tuple[Any, ...] | None = await (await connection.execute(statement, values)).fetchone()
            return row
    except psycopg.OperationalError:
        return None


async def test_a_run_under_kills_bills_everybody_once() -> None:
    print(f"\nSEED={SEED} ACCOUNTS={ACCOUNTS}", flush=True)
    site = Site()
    try:
        await site.start()
        worker_url = site.plan.urls.worker
        ask(worker_url)
        nemesis = Nemesis(site, SEED, PEACE, first_within=4)  # a whole run takes half a minute
        nemesis.start()
        until = time.monotonic() + 600
        while (row := await asked(worker_url, "select status from bill_runs")) is None or row[0] != "done":
            assert time.monotonic() < until, f"the run is {row}"
            await asyncio.sleep(0.5)
        await nemesis.stop()
        kills = nemesis.kills
        made = await asked(worker_url, MADE, ORDER.run_id)
        engine = create_async_engine(worker_url.replace("postgresql:", "postgresql+psycopg:"))
        async with engine.connect() as connection:
            broken = await violations(connection)
        await engine.dispose()
    finally:
        site.stop()

    print(kills, flush=True)
    assert min(kills["worker"], kills["postgres"]) >= 1, "nothing was killed while it billed"
    assert made == (ACCOUNTS, ACCOUNTS, ACCOUNTS)
    assert broken == {}
