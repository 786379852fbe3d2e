"""What the lives of a simulated year do, and its customers: dunning, changes, corrections, the close."""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import ActivityEnvironment

from activities.billing import (
    BillAgainActivities,
    BillingActivities,
    BillRunActivities,
    CloseActivities,
    WriteOffActivities,
)
from activities.connectors.accounting import ConsoleAccounting
from activities.connectors.billing_keys import ConsoleBillingKeys
from activities.connectors.payments import ConsolePaymentGateway, paid
from activities.connectors.provisioning import ConsoleService
from activities.dunning import DunningActivities
from activities.kit.pace import Pace
from activities.kit.transactions import transaction
from activities.payments import AskingActivities, CollectionActivities, DepositActivities, RefundActivities
from activities.payments.providers import GATEWAY, Provider
from activities.subscriptions import SubscriptionActivities, SuspensionActivities
from models.messages.billing.close import Acknowledged, CloseAt, CloseOrder, CloseStep, PeriodStatus
from models.messages.billing.invoices import InvoiceOrder, IssueInvoice
from models.messages.billing.runs import AgainAt, BillAgain
from models.messages.billing.write_offs import WriteOffOrder
from models.messages.dunning import (
    CaseStatus,
    CaseStep,
    DunningOrder,
    LookAgain,
    PolicyStep,
    PolicyTerms,
    StepKind,
)
from models.messages.payments import (
    BeginRefund,
    Charge,
    ChargeAnswer,
    RefundChange,
    RefundOrder,
    RefundStatus,
    Verdict,
)
from models.messages.payments.deposits import AllocateDeposit
from models.messages.subscriptions import (
    ChangeKind,
    ChangeRequested,
    ChangeStatus,
    ChangeStep,
    DismissalOrder,
    ReactivationOrder,
    SuspensionOrder,
)
from models.rules.calendars import KST
from tests.builders.collection import SEALS, an_agreed_card
from tests.builders.dunning import a_policy, pay
from tests.builders.leases import BASIC, BETTER, a_change, asked_of
from tests.builders.runs import EACH, FIRST, LATE, QUARTER, WATER, Lease, signed

STEPS = (
    PolicyStep(2, StepKind.NOTIFY, letter="reminder"), PolicyStep(14, StepKind.SUSPEND),
    PolicyStep(50, StepKind.TERMINATE), PolicyStep(90, StepKind.WRITE_OFF),
)  # fmt: skip
TERMS = PolicyTerms(STEPS)
PLANS = (BASIC, BASIC, LATE, FIRST, QUARTER, EACH, WATER)
HABITS = ("card", "card", "card", "card", "card", "dead card", "deposit", "deposit", "late", "never")
SOFT = ChargeAnswer(Verdict.REFUSED, code="REJECT_CARD_PAYMENT")
HARD = ChargeAnswer(Verdict.REFUSED, code="INVALID_STOPPED_CARD")
UNCLEAR = ChargeAnswer(Verdict.UNKNOWN, code="ReadTimeout")
AWAY = ChargeAnswer(Verdict.NOT_SENT, code="ConnectError")
DAY = timedelta(days=1)
MOVING = """
select * from dunning_cases c where status = 'open' and (next_at is null or next_at <= :at or not exists (
  select 1 from invoices i where i.customer_id = c.customer_id and i.status in ('issued', 'overdue')
    and i.due_at < :at)) order by id
"""
RUN = ActivityEnvironment().run


@dataclass
class Fickle(ConsoleBillingKeys):
    """A gateway that refuses, loses answers and is away, for ever the same for the same attempt."""

    gateway: ConsolePaymentGateway = field(default_factory=ConsolePaymentGateway)
    dead: set[str] = field(default_factory=set)  # customer keys
    times: dict[str, int] = field(default_factory=dict)

    async def charge(self, charge: Charge, billing_key: str, customer_key: str) -> ChargeAnswer:
        """Most say yes; money that moved is found by a look-up, whatever was answered."""
        self.times[charge.attempt_id] = self.times.get(charge.attempt_id, 0) + 1
        luck = random.Random(f"{charge.attempt_id}/{self.times[charge.attempt_id]}").random()
        if any(one in customer_key for one in self.dead):
            return HARD
        if luck < 0.08:
            return SOFT
        if luck < 0.11:
            return AWAY
        yes = paid(replace(charge, payment_key=f"pay_{charge.attempt_id}"))
        if luck < 0.14:
            return UNCLEAR  # it never arrived
        self.gateway.moved[charge.attempt_id] = yes
        return UNCLEAR if luck < 0.18 else yes


class Lives:
    """The house and its customers."""

    def __init__(self, engine: AsyncEngine, customers: int, begins_on: date) -> None:
        self.engine, self.size, self.today = engine, customers, begins_on
        self.rng = random.Random(7)
        self.keys, self.books = Fickle(), ConsoleAccounting()
        provider = Provider(self.keys.gateway, self.keys, Pace(10_000.0))
        self.runs, self.again = BillRunActivities(engine), BillAgainActivities(engine)
        self.collecting = CollectionActivities(engine)
        self.asking = AskingActivities(engine, {GATEWAY: provider}, SEALS)
        self.deposits, self.refunds = DepositActivities(engine), RefundActivities(engine, self.keys.gateway)
        self.dunning, self.gone = DunningActivities(engine), WriteOffActivities(engine)
        self.off = SuspensionActivities(engine, ConsoleService())
        self.contracts, self.bills = SubscriptionActivities(engine), BillingActivities(engine)
        self.close = CloseActivities(engine, self.books)
        self.happened: dict[str, int] = {}

    async def begin(self) -> None:
        """Everybody signs, on month ends more often than by chance."""
        leases = [
            Lease(f"S{n:05}", f"cus_{n:05}", PLANS[n % len(PLANS)], self.first_day(n), quantity=1 + n % 2)
            for n in range(self.size)
        ]
        await signed(self.engine, leases)
        await self.sql(
            "update subscriptions set obligation_until = starts_on + interval '12 months'"
            " where plan_id in ('basic', 'better')"
        )
        async with transaction(self.engine) as session:
            session.add(a_policy(terms=TERMS))
        for number in range(self.size):
            if self.habit(number) in ("card", "dead card"):
                await an_agreed_card(self.engine, f"cus_{number:05}")

    def first_day(self, number: int) -> date:
        near = self.today + timedelta(days=number * 5 % 150)
        ends = near.replace(day=1) - DAY
        return ends if number % 3 == 0 and ends >= self.today else near

    def habit(self, number: int) -> str:
        return HABITS[number % len(HABITS)]

    async def sql(self, query: str, **values: Any) -> list[Any]:
        async with self.engine.begin() as connection:
            found = await connection.execute(text(query), values)
            return list(found.all()) if found.returns_rows else []

    def at(self, hour: int, minute: int = 0) -> datetime:
        """This hour of the day in Seoul."""
        return datetime(
            self.today.year, self.today.month, self.today.day, hour, minute, tzinfo=KST
        ).astimezone(UTC)

    def note(self, what: str, count: int = 1) -> None:
        if count:
            self.happened[what] = self.happened.get(what, 0) + count

    # What lives do

    async def dun(self) -> None:
        self.note("cases", await self.dunning.open_cases(self.at(9, 30)))
        for case in await self.sql(MOVING, at=self.at(10)):
            order = DunningOrder(case.id, case.customer_id, 1, TERMS, case.overdue_since)
            await self.dun_one(order, case)

    async def dun_one(self, order: DunningOrder, case: Any) -> None:
        at = self.at(10)
        found = await self.dunning.look(LookAgain(order, case.seq, at))
        if found.overdue_minor == 0:
            return await self.end(order, found.seq, "dunning.paid", CaseStatus.PAID)
        if found.act_at is None or found.act_at > at or found.rest is not None:
            return None
        taken = await self.dunning.take(LookAgain(order, found.seq + 1, at, found.position))
        if not taken.is_done:
            return None
        kind = TERMS.steps[found.position].kind
        self.note(kind.value)
        if kind is StepKind.SUSPEND:
            for one in await self.off.suspend(SuspensionOrder(order.case_id, order.customer_id, at)):
                await self.off.switch(one)
        elif kind is StepKind.TERMINATE:
            asked = DismissalOrder(order.case_id, order.customer_id, at)
            for change in (await self.off.draft_dismissals(asked)).changes:
                await self.carry_out(change, at)
        elif kind is StepKind.WRITE_OFF:
            await self.gone.write_off(WriteOffOrder(order.case_id, order.customer_id, at, "policy"))
            await self.end(order, found.seq + 2, "dunning.written_off", CaseStatus.WRITTEN_OFF)
        return None

    async def end(self, order: DunningOrder, seq: int, sentence: str, status: CaseStatus) -> None:
        at = self.at(10)
        await self.dunning.record(CaseStep(order.case_id, seq + 1, at, sentence, status))
        if status is CaseStatus.PAID:
            back = ReactivationOrder(order.case_id, order.customer_id, at)
            for one in await self.off.to_switch_on(back):
                await self.off.switch(one)
            self.note("services on again", await self.off.resume(back))
            await self.dunning.record(
                CaseStep(order.case_id, seq + 2, at, "dunning.resumed", status, resumed_at=at)
            )

    async def change(self) -> None:
        """On some days somebody changes a contract, a card dies, or a new one is added."""
        if self.rng.random() > min(0.5, self.size / 100):
            return
        at = self.at(13)
        running = await self.sql(
            "select id, plan_id, customer_id from subscriptions s where status = 'active' and starts_on < :on"
            " and ends_on is null and billed_until > starts_on and not exists (select 1"
            " from subscription_changes x where x.subscription_id = s.id"
            " and x.status in ('requested', 'awaiting')) and not exists (select 1"
            " from subscription_pauses p where p.subscription_id = s.id) order by id",
            on=self.today,
        )  # fmt: skip
        if not running:
            return
        chosen = self.rng.choice(running)
        kind, facts = self.wish(chosen)
        change = await a_change(self.engine, chosen.id, kind, at=at, is_announced=False, **facts)
        await self.carry_out(asked_of(change), at)
        self.kill_a_card()

    def kill_a_card(self) -> None:
        number = self.rng.randrange(self.size)
        if self.habit(number) == "dead card":
            customer = f"cus_{number:05}"
            self.keys.dead.add(customer)
            self.note("cards died")

    def wish(self, contract: Any) -> tuple[ChangeKind, dict[str, Any]]:
        kinds = [ChangeKind.PAUSE, ChangeKind.TERMINATION]
        if contract.plan_id == "basic":
            kinds += [ChangeKind.UPGRADE] * 3
        if contract.plan_id == "better":
            kinds += [ChangeKind.DOWNGRADE] * 3
        kind = self.rng.choice(kinds)
        if kind is ChangeKind.UPGRADE:
            return kind, {"plan": BETTER}
        if kind is ChangeKind.DOWNGRADE:
            return kind, {"plan": BASIC}
        return kind, {"pause_until": self.today + timedelta(days=29)} if kind is ChangeKind.PAUSE else {}

    async def carry_out(self, asked: ChangeRequested, at: datetime) -> None:
        """A change as its life goes: opened, paid when it costs something, in force."""
        opened = await self.contracts.open(asked, at)
        if opened.refusal:
            step = ChangeStep(
                asked.change_id, 1, ChangeStatus.CANCELLED, at, "subscriptions.cancelled", reason="x"
            )
            return await self.contracts.call_off(step)
        self.note(asked.kind.value)
        if opened.total_minor > 0:
            step = ChangeStep(asked.change_id, 1, ChangeStatus.AWAITING, at, "subscriptions.payment_asked")
            await self.contracts.charge(step)
            order = InvoiceOrder(
                opened.invoice_id, "", asked.customer_id, (), case_id=asked.change_id,
                lines=opened.invoice_lines, charge_ids=opened.charge_ids,
            )  # fmt: skip
            await self.bills.issue(IssueInvoice(order, at))
            if self.habit(int(asked.customer_id[-5:])) != "never":
                await pay(self.engine, opened.invoice_id, at)
        done = ChangeStep(asked.change_id, 2, ChangeStatus.DONE, at, "subscriptions.changed")
        await self.contracts.apply(done)

    async def wake(self) -> None:
        """Pauses that end today."""
        over = await self.sql(
            "select x.id from subscription_changes x join subscriptions s on s.id = x.subscription_id"
            " join subscription_pauses p on p.subscription_id = s.id where x.kind = 'pause'"
            " and x.status = 'done' and s.status = 'paused' and p.until_on <= :on",
            on=self.today,
        )  # fmt: skip
        for row in over:
            done = ChangeStep(row.id, 9, ChangeStatus.DONE, self.at(0, 10), "subscriptions.resumed")
            await self.contracts.wake(done)

    async def correct(self) -> None:
        """One invoice of the month was wrong: its money goes back, or stays on the account."""
        found = await self.sql(
            "select i.id, i.run_id, i.customer_id from invoices i where i.run_id is not null"
            " and i.status = 'paid' and i.issued_on > cast(:on as date) - 40"
            " and not exists (select 1 from credit_notes c where c.invoice_id = i.id) order by i.id",
            on=self.today,
        )  # fmt: skip
        if not found:
            return
        row, at = self.rng.choice(found), self.at(4)
        order = BillAgain(f"fix{self.today:%m%d}", row.run_id, row.customer_id, "acc_fin", row.id, "wrong",
                          self.rng.random() < 0.5)  # fmt: skip
        taken = await self.again.take_back(AgainAt(order, at))
        for number, amount in enumerate(taken.parts, 1):
            refund = RefundOrder(
                f"{row.id}.correction-{number}", row.id, row.customer_id, "", amount, "wrong"
            )
            await self.refunds.begin_refund(BeginRefund(refund, at))
            back = RefundChange(refund.refund_id, 1, RefundStatus.SUCCEEDED, at, "payments.refund_succeeded",
                                f"back_{refund.refund_id}", "DONE")  # fmt: skip
            await self.refunds.record_refund(back)
            self.note("refunds")
        await self.again.bill_account(AgainAt(order, at))
        if taken.kept:
            self.note("kept on the account")
            await self.deposits.allocate_deposit(AllocateDeposit(taken.kept, 1, at))

    async def close_month(self, month: str) -> None:
        """The month before is closed; what carries on (credits, open charges) finance would accept."""
        at = CloseAt(month, 1, self.at(6))
        await self.close.begin_close(CloseOrder(month), at.at)
        await RUN(self.close.check_before_close, at)
        for step in (self.close.lock_period, self.close.defer, self.close.tie_out):
            await RUN(step, at)
        entry = await RUN(self.close.sum_up, at)
        if entry.lines:
            number = await RUN(self.close.draft_posting, entry)
            document = await RUN(self.close.post_draft, number, entry.key)
            await self.close.acknowledge(Acknowledged(month, entry.key, document, at.at))
        done = CloseStep(month, 9, at.at, "billing.closed", PeriodStatus.CLOSED)
        await self.close.record_close(done)
        self.note("months closed")
