"""Collecting N invoices (5,000) from agreed cards, beside the floor: the same rows by one statement a table.

`collected_per_s` counts what a collection does in the tables and in its process: attempts with their keys,
claims, a provider that answers at once, the merge into ledger, allocations, invoices and stories. Temporal is
not in it (a handful of activities a slice), and a real provider's own pace is not ours. The floor knows
every id and answer beforehand; half of it runs before, half after, on customers of its own."""

import asyncio
import time
from datetime import UTC, date, datetime
from pathlib import Path

import psutil
import psycopg
from temporalio.testing import ActivityEnvironment

from activities.connectors.billing_keys import ConsoleBillingKeys
from activities.connectors.payments import ConsolePaymentGateway
from activities.kit.pace import Pace
from activities.kit.sealing import Seals
from activities.payments import AskingActivities, CollectionActivities
from activities.payments.providers import GATEWAY, Provider
from bench import kit
from models.kit.engine import engine_for
from models.messages.payments.collection import BeginCollection, CollectionOrder, WorkSlice, WriteAttempts

DAY = date(2026, 12, 1)
SEALS = Seals([("bench", bytes(32))])
OWED = (
    """insert into customers (id, kind, name, phone, email, locale, tier, postcode, address, region,
      is_verified, created_at, version)
    select %(word)s || lpad(n::text, 9, '0'), 'person', '고객 ' || n, null, null, 'ko', 'standard', '', '',
      'seoul', true, now(), 1 from generate_series(%(from)s::int, %(to)s::int) n""",
    """insert into invoices (id, number, run_id, customer_id, status, currency, net_minor, tax_minor,
      total_minor, issued_on, due_at, created_at, seq)
    select 'I' || id, 'X-' || id, 'B1', id, 'issued', 'KRW', 10000, 1000, 11000, %(day)s,
      %(day)s::date::timestamp at time zone 'Asia/Seoul', now(), 1
    from customers where id like %(word)s || '%%'""",
    """insert into ledger_transactions (source, purpose, customer_id, posted_on, posted_at)
    select 'invoice:' || id, 'issue', customer_id, current_date, now() from invoices
    where id like 'I' || %(word)s || '%%'""",
)
FLOOR = (
    """insert into payment_attempts (id, invoice_id, ordinal, customer_id, provider, payment_key,
      amount_minor, currency, status, provider_id, code, created_at, asked_at, settled_at,
      lookups, seq, absences)
    select id || '.1', id, 1, customer_id, 'gateway', '', total_minor, currency, 'succeeded', 'p' || id,
      'DONE', now(), now(), now(), 0, 1, 0
    from invoices where customer_id between %(from)s and %(to)s""",
    """insert into ledger_transactions (source, purpose, customer_id, posted_on, posted_at)
    select 'attempt:' || id || '.1', 'payment', customer_id, current_date, now() from invoices
    where customer_id between %(from)s and %(to)s""",
    """insert into ledger_entries (transaction_id, position, account, debit_minor, credit_minor, currency)
    select t.id, e.position, e.account, e.debit, e.credit, 'KRW' from ledger_transactions t
    cross join (values (1, 'gateway', 11000, 0), (2, 'receivable', 0, 11000))
      e (position, account, debit, credit)
    where t.purpose = 'payment' and t.customer_id between %(from)s and %(to)s""",
    """insert into payment_allocations (attempt_id, invoice_id, amount_minor, at)
    select id || '.1', id, total_minor, now() from invoices where customer_id between %(from)s and %(to)s""",
    """update invoices set status = 'paid', paid_at = now(), seq = seq + 1
    where customer_id between %(from)s and %(to)s""",
    """insert into timeline_entries (key, subject, at, sentence, kind, actor_kind, details, is_public,
      customer_id)
    select 'invoice:' || id || ':paid', 'invoice:' || id, now(), 'billing.paid', 'money', 'system',
      jsonb_build_object('number', number), true, customer_id
    from invoices where customer_id between %(from)s and %(to)s""",
)


def owe(url: str, word: str, count: int) -> None:
    """So many customers with an invoice each."""
    facts = {"word": word, "from": 1, "to": count, "day": DAY}
    with psycopg.connect(url) as connection:
        for statement in OWED:
            connection.execute(statement, facts)


def agree(url: str, word: str, count: int) -> None:
    """A card of each, its key sealed."""
    names = [f"{word}{number:09}" for number in range(1, count + 1)]
    cards = """insert into payment_methods (id, customer_id, kind, status, provider, customer_key,
        billing_key, label, is_default, created_at, seq)
      select 'pm_' || name, name, 'card', 'active', 'gateway', 'ck_' || name, sealed, 'Bench', true, now(), 0
      from unnest(%s::text[], %s::text[]) made (name, sealed)"""
    with psycopg.connect(url) as connection:
        connection.execute(cards, (names, [SEALS.seal(f"bk_{name}", f"pm_{name}") for name in names]))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("analyze")


def floor(url: str, first: int, last: int) -> float:
    """The seconds that the same rows need when everything is known."""
    facts = {"from": f"f{first:09}", "to": f"f{last:09}"}
    began = time.monotonic()
    with psycopg.connect(url) as connection:
        for statement in FLOOR:
            connection.execute(statement, facts)
    return time.monotonic() - began


async def collect(url: str) -> tuple[float, float]:
    """One collection from its first attempt to its last receipt in the books; seconds and memory in MB."""
    engine = engine_for(url.replace("postgresql:", "postgresql+psycopg:"), pool_size=4)
    gateway = ConsolePaymentGateway()
    providers = {GATEWAY: Provider(gateway, ConsoleBillingKeys(), Pace(1_000_000.0))}
    rows, asking = CollectionActivities(engine), AskingActivities(engine, providers, SEALS)
    at, run = datetime.now(UTC), ActivityEnvironment().run
    began, after = time.monotonic(), ""
    policy = await rows.begin_collection(BeginCollection(CollectionOrder(DAY), at))
    while (page := await rows.write_attempts(WriteAttempts(DAY.isoformat(), DAY, policy, after, at))).last:
        after = page.last
    slices = WorkSlice(DAY.isoformat(), policy, at)
    is_more = True
    while is_more:
        done = await asyncio.gather(*(run(asking.ask_slice, slices) for _ in "12"))
        is_more = any(one.is_more for one in done)
    seconds, memory = time.monotonic() - began, psutil.Process().memory_info().rss / 2**20
    await engine.dispose()
    return seconds, memory


def measure(place: Path, count: int) -> dict[str, object]:
    """The collection between two halves of the floor."""
    with kit.migrated(place) as (_, urls, _):
        for word in ("c", "f"):
            owe(urls.worker, word, count)
        agree(urls.worker, "c", count)
        half = count // 2
        base = floor(urls.worker, 1, half)
        seconds, memory = asyncio.run(collect(urls.worker))
        base += floor(urls.worker, half + 1, count)
        with psycopg.connect(urls.worker) as connection:
            asked = "select count(*) from invoices where status = 'paid' and id like 'Ic%'"
            paid = (connection.execute(asked).fetchone() or [0])[0]
    if paid != count:
        raise SystemExit(f"{paid} of {count} invoices are paid")
    return {
        "n": count, "collected_per_s": round(count / seconds), "floor_per_s": round(count / base),
        "floor_ratio": round(base / seconds, 2), "rss_mb": round(memory), "seconds": round(seconds, 2),
    }  # fmt: skip


if __name__ == "__main__":
    with kit.folder() as place:
        kit.report(**measure(place, kit.asked(5_000)))
