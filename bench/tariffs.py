"""Contracts for the billing benchmark, and the floor: the same rows by one INSERT … SELECT a table."""

import time
from datetime import date, timedelta

import psycopg

PLANS = 12
SEEDS = (
    """insert into customers (id, kind, name, phone, email, locale, tier, postcode, address, region, is_verified,
         created_at, version)
       select %(word)s || lpad(n::text, 9, '0'), 'person', '고객 ' || n, null, null, 'ko', 'standard', '', '', 'seoul',
         true, now(), 1
       from generate_series(%(from)s::int, %(to)s::int) n""",
    """insert into plans (id, code, kind, name_ko, name_en, about_ko, about_en, created_at)
       select 'pl_' || n, 'pl_' || n, 'rental', '렌탈 ' || n, 'Rental ' || n, '', '', now()
       from generate_series(1, 12) n on conflict do nothing""",
    # three years of beginnings, twelve plans, some with a discount for a year: about 400 shapes
    """insert into subscriptions (id, customer_id, plan_id, plan_version, terms, quantity, percent_off, status,
         starts_on, bill_day, billed_until, next_bill_on, end_reason, created_at, seq)
       select 'S' || %(word)s || lpad(n::text, 9, '0'), %(word)s || lpad(n::text, 9, '0'), 'pl_' || p, 1,
         jsonb_build_object('plan_id', 'pl_' || p, 'version', 1, 'kind', 'rental', 'name_ko', '렌탈 ' || p,
           'name_en', 'Rental ' || p, 'price', jsonb_build_object('kind', 'fixed', 'unit_minor', 9900 + p * 1000,
             'tiers', '[]'::jsonb, 'meter', ''),
           'phases', '[{"kind": "discount", "months": 12, "percent_off": 30},
                       {"kind": "evergreen", "months": null, "percent_off": 0}]'::jsonb,
           'period_months', 1, 'in_advance', true, 'obligation_months', 36, 'early_permille', 100,
           'setup_minor', 0, 'product_id', null, 'family', 'air', 'rank', p, 'is_add_on', false,
           'tax_rule', 'kr-vat-10-included', 'currency', 'KRW'),
         1, 0, 'active', (%(day)s::date - make_interval(months => m))::date, 1, %(day)s, %(next)s, '', now(), m
       from generate_series(%(from)s::int, %(to)s::int) n, lateral (select 1 + n %% 12 as p, 1 + n %% 35 as m) x""",
)
# Every price and id is known; each table is filled by one statement, in one transaction.
FLOOR = (
    """insert into subscription_charges (id, subscription_id, customer_id, change_id, kind, name_ko, name_en,
         gross_minor, net_minor, tax_minor, tax_rule, currency, from_on, until_on, basis, is_credit, is_void,
         document_id, created_at)
       select id || ':2026-12-01', id, customer_id, null, 'recurring', '렌탈 이용료', 'Rental', 11000, 10000, 1000,
         'kr-vat-10-included', 'KRW', '2026-12-01', '2027-01-01', '31/31 d × 11000', false, false,
         'IF20261201-' || customer_id, now()
       from subscriptions where customer_id between %(from)s and %(to)s""",
    """insert into ledger_transactions (source, purpose, customer_id, posted_on, posted_at)
       select 'invoice:IF20261201-' || customer_id, 'issue', customer_id, current_date, now()
       from subscriptions where customer_id between %(from)s and %(to)s""",
    """insert into ledger_entries (transaction_id, position, account, debit_minor, credit_minor, currency)
       select t.id, e.position, e.account, e.debit, e.credit, 'KRW'
       from ledger_transactions t cross join (values (1, 'receivable', 11000, 0), (2, 'revenue', 0, 10000),
         (3, 'vat_payable', 0, 1000)) e (position, account, debit, credit)
       where t.id > %(last)s""",
    """update subscriptions set billed_until = '2027-01-01', next_bill_on = '2027-01-01', seq = seq + 1
       where customer_id between %(from)s and %(to)s""",
    """insert into number_series (series, last) values (%(series)s, %(count)s)
       on conflict (series) do update set last = number_series.last + excluded.last""",
    """insert into invoices (id, number, run_id, customer_id, status, currency, net_minor, tax_minor, total_minor,
         issued_on, due_at, created_at, seq)
       select 'IF20261201-' || customer_id, %(series)s || '-' || substr(customer_id, 3), 'F2026-12-01', customer_id,
         'issued', 'KRW', 10000, 1000, 11000, current_date, now(), now(), 1
       from subscriptions where customer_id between %(from)s and %(to)s""",
    """insert into invoice_lines (invoice_id, position, kind, name_ko, name_en, quantity, unit_minor, gross_minor,
         net_minor, tax_minor, tax_rule)
       select 'IF20261201-' || customer_id, 1, 'recurring', '렌탈 이용료', 'Rental', 1, 11000, 11000, 10000, 1000,
         'kr-vat-10-included'
       from subscriptions where customer_id between %(from)s and %(to)s""",
)


def sign(worker_url: str, owner_url: str, count: int, day: date) -> None:
    """So many contracts for the run (`cb…`) and as many for the floor (`cf…`)."""
    with psycopg.connect(worker_url) as connection:
        for word, next_bill_on in (("cb", day), ("cf", day + timedelta(days=1))):
            facts = {"word": word, "from": 1, "to": count, "day": day, "next": next_bill_on}
            for seed in SEEDS:
                connection.execute(seed, facts)
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("vacuum analyze")


def floor(worker_url: str, first: int, last: int) -> float:
    """Fill every table for these accounts in one transaction; its seconds."""
    with psycopg.connect(worker_url) as connection:
        row = connection.execute("select coalesce(max(id), 0) from ledger_transactions").fetchone()
        connection.rollback()
        facts = {
            "from": f"cf{first:09d}", "to": f"cf{last:09d}", "last": row[0] if row else 0, "series": "F2026",
            "count": last - first + 1,
        }  # fmt: skip
        began = time.monotonic()
        for statement in FLOOR:
            connection.execute(statement, facts)
        connection.commit()
        return time.monotonic() - began
