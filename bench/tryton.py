"""What the ERP itself needs for an invoice, made and posted, beside our sub-ledger and one summed-up posting.

N (200,000) is how many invoices our side posts: invoice, line and three ledger rows each, set-based, then
the month's whole close (checks, all invariants, lock, deferral, tie-out, sums, Tryton's draft and post over
JSON-RPC, comparison). `per_s` is Tryton tuned (100 invoices in one transaction, locks taken at once) and
`stock_per_s` Tryton as its client uses it; both are its own models in its own process on the same PostgreSQL,
without the network. `ratio` is ours by tuned."""

import asyncio
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from temporalio.testing import ActivityEnvironment

from activities.billing import CloseActivities
from activities.connectors.accounting import HttpTryton
from activities.kit.calls import CallLog
from bench import kit
from models.kit.engine import engine_for
from models.messages.billing.close import Acknowledged, CheckStatus, CloseAt, CloseOrder
from models.rules.billing.close import month_before
from ops import tryton
from ops.postgres import Cluster, free_port
from ops.processes import Process

PASSWORD = "only-for-this-run"
STOCK, TUNED, BATCH = 20, 200, 100
BILLED = """
insert into customers
  (id, kind, name, locale, tier, postcode, address, region, is_verified, created_at, version)
select 'c' || n, 'person', 'x', 'ko', 'standard', '', '', '', false, now(), 1 from generate_series(1, {n}) n;
insert into number_series values ('B', {n})"""
ISSUED = """
insert into invoices (id, number, customer_id, status, currency, net_minor, tax_minor, total_minor, issued_on,
  due_at, created_at, seq)
select 'I' || n, 'B-' || n, 'c' || n, 'issued', 'KRW', 29909, 2990, 32899, %(day)s, now(), now(), 1
from generate_series(1, {n}) n;
insert into invoice_lines (invoice_id, position, kind, name_ko, name_en, quantity, unit_minor, gross_minor,
  net_minor, tax_minor, tax_rule)
select 'I' || n, 1, 'recurring', '', '', 1, 32899, 32899, 29909, 2990, 'kr-vat-10-included'
from generate_series(1, {n}) n;
with made as (
  insert into ledger_transactions (source, purpose, customer_id, posted_on, posted_at)
  select 'invoice:I' || n, 'issue', 'c' || n, %(day)s, now() from generate_series(1, {n}) n returning id)
insert into ledger_entries (transaction_id, position, account, debit_minor, credit_minor, currency)
select id, position, account, debit, credit, 'KRW' from made cross join (values
  (1, 'receivable', 32899, 0), (2, 'revenue', 0, 29909), (3, 'vat_payable', 0, 2990))
  as sides (position, account, debit, credit)"""


def invoices_per_s(place: Path, config: Path, database: str, count: int, batch: int) -> tuple[float, float]:
    """Tryton's own speed with so many invoices in one transaction; per second, and CPU ms for each."""
    command = [sys.executable, "-m", "bench.erp_invoices", str(config), database, str(count), str(batch)]
    env = tryton.environment(place, PASSWORD)
    said = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    found = json.loads(said.stdout.splitlines()[-1])
    return found["done"] / found["seconds"], found["cpu"] * 1000 / found["done"]


def make_databases(place: Path, cluster: Cluster) -> Path:
    """One made Tryton, and copies of it for the two ways and for our posting."""
    config = tryton.write_config(
        place / "trytond.conf", tryton.make_database(cluster.url(), PASSWORD), free_port()
    )
    env = tryton.environment(place, PASSWORD)
    command = [
        sys.executable,
        "-m",
        "ops.erp",
        "make",
        str(config),
        tryton.DATABASE,
        "account",
        "account_invoice",
    ]
    subprocess.run(command, env=env, check=True, capture_output=True)
    with psycopg.connect(cluster.url(), autocommit=True) as admin:
        for name in ("stock", "tuned"):
            admin.execute(f"create database {name} template {tryton.DATABASE} owner {tryton.ROLE}")
    return config


def issue(owner_url: str, count: int, day: datetime) -> float:
    """The rows of so many invoices, set-based with every key and check; seconds without the customers."""
    with psycopg.connect(owner_url) as owner:
        owner.execute(BILLED.format(n=count))
        owner.commit()
        began = time.monotonic()
        for statement in ISSUED.format(n=count).split(";\n"):
            owner.execute(statement, {"day": day.date()})
        owner.commit()
        owner.autocommit = True
        owner.execute("analyze")
        return time.monotonic() - began


def served(place: Path, config: Path) -> tuple[Process, int]:
    """A Tryton that answers, and its port."""
    port = int(config.read_text().split("127.0.0.1:")[2].split()[0])
    serving = tryton.process(place, config, PASSWORD)
    serving.start()
    while not tryton.serves(port):
        time.sleep(0.2)
    return serving, port


async def close(worker_url: str, port: int) -> dict[str, float]:
    """Every step of the month's close against that Tryton; seconds by step."""
    engine = engine_for(worker_url, pool_size=3)
    line = HttpTryton(f"http://127.0.0.1:{port}", tryton.DATABASE, "ieum", PASSWORD, CallLog(engine))
    acts, run = CloseActivities(engine, line), ActivityEnvironment().run
    month, took = month_before(datetime.now(UTC).date()), {}
    at = CloseAt(month.id, 1, datetime.now(UTC))
    await run(acts.begin_close, CloseOrder(month.id), at.at)
    for step in (acts.check_before_close, acts.lock_period, acts.defer, acts.tie_out, acts.sum_up):
        began = time.monotonic()
        said = await run(step, at)
        took[step.__name__] = round(time.monotonic() - began, 2)
        if isinstance(said, tuple):
            assert all(one.status is not CheckStatus.DIFFERS for one in said), said
    began = time.monotonic()
    entry = await run(acts.sum_up, at)
    document = await run(acts.post_draft, await run(acts.draft_posting, entry), entry.key)
    found = await run(acts.acknowledge, Acknowledged(month.id, entry.key, document, at.at))
    assert found.status is CheckStatus.DONE, found
    took["erp"] = round(time.monotonic() - began, 2)
    await line.close()
    await engine.dispose()
    return took


def main(count: int) -> None:
    """Both sides on one PostgreSQL, one after the other."""
    with kit.folder() as place, kit.migrated(place) as (cluster, urls, _):
        config = make_databases(place, cluster)
        stock, stock_cpu = invoices_per_s(place, config, "stock", STOCK, 1)
        tuned, tuned_cpu = invoices_per_s(place, config, "tuned", TUNED, BATCH)
        last_day = datetime.combine(month_before(datetime.now(UTC).date()).last_on, datetime.min.time())
        issued = issue(urls.owner, count, last_day)
        serving, port = served(place, config)
        steps = asyncio.run(close(urls.worker, port))
        serving.stop(3)
        seconds = issued + sum(steps.values())
        ours = count / seconds
        kit.report(
            n=count, per_s=round(tuned, 2), stock_per_s=round(stock, 2), cpu_ms=round(tuned_cpu, 1),
            stock_cpu_ms=round(stock_cpu, 1), ours_per_s=round(ours, 1), issue_seconds=round(issued, 2),
            close_seconds=round(seconds - issued, 2), steps=steps, ratio=round(ours / tuned, 1),
        )  # fmt: skip


if __name__ == "__main__":
    main(kit.asked(200_000))
