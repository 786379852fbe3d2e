"""A year of a house with many customers, day by day: what the schedules and lives do, in the tables alone.

Nobody waits for Temporal here: each step is the activity that its workflow calls, at the day's own hour."""

from datetime import date, timedelta

from activities.kit.transactions import transaction
from models.messages.billing.runs import BillRunOrder, BillSlice, PlanRun, run_id
from models.messages.payments.collection import BeginCollection, CollectionOrder, WorkSlice, WriteAttempts
from models.messages.payments.deposits import AllocateDeposit, ReturnDeposit
from models.payments import Deposit
from models.rules.billing.close import month_of
from tests.journeys.lives import DAY, RUN, Lives

DUE = """
select 1 from subscriptions where next_bill_on <= :on and status in ('active', 'paused', 'suspended')
union all select 1 from subscription_charges where document_id is null and not is_void limit 1
"""
CHARGEABLE = """
select 1 from invoices i where status in ('issued', 'overdue') and run_id is not null and exists (
  select 1 from payment_methods m where m.customer_id = i.customer_id and m.status = 'active') limit 1
"""


class Year(Lives):
    """What the schedules do, every day and at every month end."""

    async def live(self, until: date) -> None:
        """Day after day; at the beginning of a month the one before it is closed."""
        while self.today < until:
            await self.bill()
            await self.wake()
            await self.use_what_is_kept()
            await self.pay_in()
            await self.collect()
            await self.dun()
            await self.change()
            self.today += DAY
            if self.today.day == 2:
                await self.correct()
                await self.close_month(month_of(self.today - 2 * DAY).id)
                await self.judge()

    async def judge(self) -> None:
        """Every month end: what always holds, holds. Set by the test."""
        raise NotImplementedError

    async def bill(self) -> None:
        if self.today.day % 3 == 0:
            await self.meter()
        if not await self.sql(DUE, on=self.today):
            return
        order = BillRunOrder(run_id(self.today), self.today)
        planned = await self.runs.plan_run(PlanRun(order, self.at(2)))
        for number in planned.slices:
            await RUN(self.runs.bill_slice, BillSlice(order.run_id, number, self.today, self.at(2)))
        if planned.slices:
            made = await self.sql("select count(*) as n from invoices where run_id = :id", id=order.run_id)
            self.note("invoices", made[0].n)

    async def meter(self) -> None:
        """Water is counted; some of it is told days later."""
        late = self.rng.choice((0, 0, 3, 20))
        await self.sql(
            "insert into usage_records (source, source_id, subscription_id, meter, quantity, used_on,"
            " received_at) select 'meter', id || cast(:on as text), id, 'litres', 5 + length(id), :on, :at"
            " from subscriptions where plan_id = 'water' and status <> 'ended' and starts_on <= :on"
            " on conflict do nothing",
            on=self.today - timedelta(days=late), at=self.at(1),
        )  # fmt: skip

    async def collect(self) -> None:
        if not await self.sql(CHARGEABLE):
            return
        at, name = self.at(9), self.today.isoformat()
        policy = await self.collecting.begin_collection(BeginCollection(CollectionOrder(self.today), at))
        after, written = "", 0
        while True:
            page = await self.collecting.write_attempts(WriteAttempts(name, self.today, policy, after, at))
            written += page.attempts
            if not page.last:
                break
            after = page.last
        self.note("attempts", written)
        for number in range(12 if written else 0):
            asked = WorkSlice(name, policy, at + number * timedelta(minutes=10))
            await RUN(self.asking.ask_slice, asked)
            await RUN(self.asking.look_up_slice, asked)
            left = await self.collecting.collection_left(name)
            if not left.to_ask + left.unclear:
                break

    async def pay_in(self) -> None:
        """Customers who transfer the money themselves: in time or late, now and then too much or in parts."""
        found = await self.sql(
            "select i.id, i.customer_id, i.total_minor - coalesce((select sum(amount_minor)"
            "   from payment_allocations a where a.invoice_id = i.id), 0)"
            "   - coalesce((select sum(total_minor) from credit_notes c where c.invoice_id = i.id), 0)"
            "   as open,"
            " cast(:on as date) - (i.due_at at time zone 'Asia/Seoul')::date as late from invoices i"
            " where i.status in ('issued', 'overdue')"
            " and i.due_at < cast(:at as timestamptz) + interval '3 days' order by i.id",
            on=self.today, at=self.at(23),
        )  # fmt: skip
        for row in found:
            habit = self.habit(int(row.customer_id[-5:]))
            due = {"deposit": -1, "late": 20}.get(habit, 999)
            if habit == "never" and self.today < date(2028, 4, 1):
                due = 0
            if row.late == due and row.open > 0:
                amount = row.open + self.rng.choice((0, 0, 0, 500, -min(1_000, row.open - 1)))
                await self.deposit(row.customer_id, amount)
            elif row.late > due and habit in ("deposit", "late") and row.open > 0:
                await self.deposit(row.customer_id, row.open)

    async def deposit(self, customer: str, amount: int) -> None:
        self.note("deposits")
        name = f"dep_{self.happened['deposits']}"
        async with transaction(self.engine) as session:
            session.add(
                Deposit(
                    id=name, account="562", customer_id=customer, amount_minor=amount, received_at=self.at(8)
                )
            )
        done = await self.deposits.allocate_deposit(AllocateDeposit(name, 1, self.at(8)))
        if done.rest_minor:
            await self.deposits.return_deposit(ReturnDeposit(name, 2, self.at(8, 30), "acc_fin"))

    async def use_what_is_kept(self) -> None:
        kept = await self.sql(
            "select d.id, d.seq from deposits d where d.status = 'kept' and exists (select 1 from invoices i"
            " where i.customer_id = d.customer_id and i.run_id is not null"
            " and i.status in ('issued', 'overdue'))"
        )
        for row in kept:
            await self.deposits.allocate_deposit(AllocateDeposit(row.id, row.seq + 1, self.at(3)))
            self.note("kept money used")
