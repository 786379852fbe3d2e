"""Running contracts of many customers, and the bill run of the day over them, begun by finance."""

import asyncio
import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg

from models.kit.records import to_record
from ops.shelf import CARE, STREAM, WATER
from ops.walk import Said, Walker

FAMILY = "김이박최정강조윤장임"
GIVEN = ("서준", "하윤", "지호", "수아", "도윤", "예린")
SHARES = ((WATER, 0), (STREAM, 0), (CARE, 10))
COUNT, PARKED = 60, 17  # contracts; whose charge contradicts what is booked already


def today() -> date:
    """The business day in Seoul."""
    return datetime.now(ZoneInfo("Asia/Seoul")).date()


def sign(worker_url: str, day: date) -> None:
    """Contracts that began within the last six weeks and were not charged yet; safe to repeat."""
    with psycopg.connect(worker_url) as database, database.cursor() as cursor:
        for number in range(1, COUNT + 1):
            customer, contract = f"cus_b{number:02}", f"SB{number:02}"
            name = FAMILY[number % len(FAMILY)] + GIVEN[number % len(GIVEN)]
            cursor.execute(
                """insert into customers (id, kind, name, email, locale, tier, address, region, postcode,
                is_verified, created_at, version) values (%s, 'person', %s, %s, 'ko', 'standard', '',
                'seoul-mapo', '', true, now(), 1) on conflict do nothing""",
                (customer, name, f"b{number:02}@customer.example"),
            )
            terms, off = SHARES[number % len(SHARES)]
            terms, starts_on = replace(terms, version=1), day - timedelta(days=number * 7 % 42 + 1)
            due = starts_on if terms.in_advance else starts_on + timedelta(days=31)
            cursor.execute(
                """insert into subscriptions (id, customer_id, plan_id, plan_version, terms, quantity,
                percent_off, status, starts_on, bill_day, billed_until, next_bill_on, end_reason, created_at,
                seq) values (%s, %s, %s, 1, %s, 1, %s, 'active', %s, %s, %s, %s, '', %s, 0)
                on conflict do nothing""",
                (contract, customer, terms.plan_id, json.dumps(to_record(terms)), off, starts_on,
                 starts_on.day, starts_on, due, starts_on),
            )  # fmt: skip
            if number == PARKED:
                cursor.execute(CONTRADICTION, (f"{contract}:{starts_on}", contract, customer))


CONTRADICTION = """insert into subscription_charges (id, subscription_id, customer_id, kind, name_ko, name_en,
  gross_minor, net_minor, tax_minor, tax_rule, currency, from_on, until_on, basis, is_credit, is_void,
  created_at)
  values (%s, %s, %s, 'recurring', '이전 시스템에서 옮긴 요금', 'Charge brought from the old system', 0, 0, 0,
  'kr-vat-10-included', 'KRW', current_date, current_date, '', false, true, now()) on conflict do nothing"""


async def bill(walker: Walker, day: date) -> None:
    """Finance looks at a preview of tomorrow and bills today; back when the run is done."""
    for kind, on in (("preview", day + timedelta(days=1)), ("run", day)):
        sent = {"submission_key": f"sample-{kind}-{on}", "day": on.isoformat(), "kind": kind}
        try:
            run = (await walker.ask("finance", "POST", "/billing/runs", json=sent))["run_id"]
        except Said as no:  # the house has lived before: the day is billed
            if no.status != 409:
                raise
            continue
        for _ in range(300):
            page = await walker.ask("finance", "GET", f"/billing/runs/{run}")
            if page["run"]["status"] == "done":
                break
            await asyncio.sleep(0.2)
