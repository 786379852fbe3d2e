"""A simulated year: month ends of 28 to 31 days, a leap day, holidays, and whatever goes wrong with money.

`CUSTOMERS=10000` makes it a year of a real house."""

import os
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.kit.invariants import violations
from tests.journeys.year import Year

CUSTOMERS = int(os.environ.get("CUSTOMERS", "20"))
BEGINS, ENDS = date(2027, 12, 27), date(2029, 1, 3)
LEDGER = """
select e.account, sum(e.debit_minor - e.credit_minor)::bigint from ledger_entries e
join ledger_transactions t on t.id = e.transaction_id where t.posted_on < :until group by e.account
"""
TOLD = """
select code, account from erp_postings group by code, account
"""


class Judged(Year):
    """At every month end all invariants hold, and the ERP holds the ledger to the won."""

    async def judge(self) -> None:
        async with self.engine.connect() as connection:
            assert await violations(connection) == {}, self.today
            until = self.today.replace(day=1)
            found = (await connection.execute(text(LEDGER), {"until": until})).all()
            ours = {row[0]: row[1] for row in found if row[1]}
            code_of = {account: code for code, account in (await connection.execute(text(TOLD))).all()}
        theirs: dict[str, int] = {}
        for _, document in self.books.documents.values():
            for code, (debit, credit) in document.sums.items():
                theirs[code] = theirs.get(code, 0) + debit - credit
        assert {code_of[account]: amount for account, amount in ours.items()} == {
            code: amount for code, amount in theirs.items() if amount
        }, self.today


async def test_a_year_of_many_customers_is_right_at_every_month_end(worker_engine: AsyncEngine) -> None:
    year = Judged(worker_engine, CUSTOMERS, BEGINS)
    await year.begin()

    await year.live(ENDS)

    assert year.happened["months closed"] == 13
    for what in ("invoices", "attempts", "deposits", "cases", "suspend", "terminate", "write_off", "upgrade",
                 "termination", "services on again", "refunds", "kept on the account"):  # fmt: skip
        assert year.happened.get(what), (what, year.happened)
    charged = [row.id for row in await year.sql("select invoice_id as id from payment_attempts"
                                                " where status = 'succeeded' and provider = 'gateway'"
                                                " group by 1 having count(*) > 1")]  # fmt: skip
    assert charged == []
