"""One customer's account, in any order of events: after each the books, the documents and the money agree."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.billing import BillingActivities, CloseActivities
from activities.connectors.accounting import ConsoleAccounting
from activities.connectors.payments import ConsolePaymentGateway
from activities.kit.invariants import violations
from activities.kit.transactions import transaction
from activities.payments import RefundActivities
from models.kit.engine import engine_for
from models.messages.billing.close import (
    Acknowledged,
    CheckStatus,
    CloseAt,
    CloseOrder,
    CloseStep,
    PeriodStatus,
)
from models.messages.billing.invoices import FinanceAct, IssueInvoice, PaymentReceived, SettleInvoice
from models.messages.payments import (
    AttemptStatus,
    BeginRefund,
    RefundChange,
    RefundOrder,
    RefundStatus,
)
from models.payments import PaymentAttempt
from models.rules.billing.close import Month, in_the_way, month_of
from tests.builders.billing import an_attempt, an_order_to_bill
from tests.conftest import Database

RUN = ActivityEnvironment().run
WON = st.integers(1, 400_000)
WHICH = st.integers(0, 7)


class Account(RuleBasedStateMachine):
    """Invoices, payments that fit or do not, refunds, credit notes, cancellations, and months that close."""

    worker_url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.engine = engine_for(self.worker_url, pool_size=2)
        self.books = ConsoleAccounting()
        self.bills, self.close = BillingActivities(self.engine), CloseActivities(self.engine, self.books)
        self.refunds = RefundActivities(self.engine, ConsolePaymentGateway())
        self.today = date(2024, 2, 27)
        self.unclosed = date(2024, 2, 1)  # the first day of the oldest month that has not been closed
        self.invoices: list[str] = []
        self.open: dict[str, str] = {}  # invoice: the attempt under way
        self.succeeded: list[tuple[str, str, int]] = []  # attempt, invoice, amount
        self.seq = 10
        self.customer = ""

    def teardown(self) -> None:
        self.do(self.engine.dispose())
        self.runner.close()

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    @property
    def at(self) -> datetime:
        return datetime.combine(self.today, time(3), UTC)

    def chosen(self, which: int) -> str:
        return self.invoices[which % len(self.invoices)]

    @initialize()
    def begin(self) -> None:
        clear = """truncate erp_postings, erp_batches, close_checks, deferrals, accounting_periods, refunds,
            credit_notes, payment_allocations, payment_attempts, ledger_entries, ledger_transactions,
            invoice_lines, invoices, number_series, waits, timeline_entries cascade"""
        self.do(self.sql(clear, is_owner=True))

    async def sql(self, statement: str, *, is_owner: bool = False) -> None:
        url = self.worker_url.replace("ieum_worker", "ieum_owner") if is_owner else self.worker_url
        engine = engine_for(url, pool_size=1)
        async with engine.begin() as connection:
            await connection.execute(text(statement))
        await engine.dispose()

    @rule(gross=st.lists(WON, min_size=1, max_size=3))
    def issue(self, gross: list[int]) -> None:
        order = self.do(an_order_to_bill(self.engine, *gross))
        self.customer = self.customer or order.customer_id
        order = replace(order, customer_id=self.customer)
        for _ in "12":
            self.do(RUN(self.bills.issue, IssueInvoice(order, self.at)))
        self.invoices.append(order.invoice_id)

    @precondition(lambda self: self.invoices)
    @rule(which=WHICH, amount=st.none() | WON)
    def begin_to_pay(self, which: int, amount: int | None) -> None:
        """The whole invoice, or an amount that the gateway took instead."""
        invoice = self.chosen(which)
        if invoice not in self.open:
            order = self.do(an_attempt(self.engine, invoice, at=self.at))
            self.open[invoice] = order.attempt_id
            if amount is not None:
                self.do(self.set_attempt(order.attempt_id, amount_minor=amount))

    @precondition(lambda self: self.open)
    @rule(which=WHICH, end=st.sampled_from(["succeeded", "refused", "unknown"]))
    def hear_from_the_gateway(self, which: int, end: str) -> None:
        invoice = sorted(self.open)[which % len(self.open)]
        attempt = self.open[invoice]
        amount = self.do(self.set_attempt(attempt, status=AttemptStatus(end)))
        if end == "unknown":
            return
        del self.open[invoice]
        if end == "succeeded":
            self.succeeded.append((attempt, invoice, amount))
            self.settle(attempt, invoice, amount)
            self.settle(attempt, invoice, amount)  # told twice

    def settle(self, attempt: str, invoice: str, amount: int) -> None:
        self.seq += 1
        payment = PaymentReceived(attempt, amount, self.at)
        self.do(RUN(self.bills.settle, SettleInvoice(invoice, "", payment, self.seq, self.at)))

    async def set_attempt(self, attempt_id: str, **values: Any) -> int:
        async with transaction(self.engine) as session:
            attempt = await session.get_one(PaymentAttempt, attempt_id)
            for name, value in values.items():
                setattr(attempt, name, value)
            return attempt.amount_minor

    @precondition(lambda self: self.invoices)
    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        self.seq += 1
        act = FinanceAct(self.chosen(which), "", self.seq, self.at, "acc_fin", "wrong")
        for _ in "12":
            self.refusable(self.bills.cancel, act)

    @precondition(lambda self: self.succeeded)
    @rule(which=WHICH)
    def clear_suspense(self, which: int) -> None:
        attempt, invoice, _ = self.succeeded[which % len(self.succeeded)]
        self.seq += 1
        act = FinanceAct(invoice, "", self.seq, self.at, "acc_fin", "twice", attempt)
        for _ in "12":
            self.refusable(self.bills.clear_suspense, act)

    @precondition(lambda self: self.invoices)
    @rule(which=WHICH, amount=WON, end=st.sampled_from([*RefundStatus]))
    def give_back(self, which: int, amount: int, end: RefundStatus) -> None:
        """A credit note and its refund, which succeeds, fails for good or stays unclear."""
        self.seq += 1
        invoice = self.chosen(which)
        order = RefundOrder(f"R{self.seq}", invoice, self.customer, f"O{self.seq}", amount, "returned")
        begun = self.do(RUN(self.refunds.begin_refund, BeginRefund(order, self.at)))
        if begun.refusal:
            return
        change = RefundChange(
            order.refund_id, 1, end, self.at, "payments.refund_succeeded", f"T{self.seq}", "DONE"
        )
        for _ in "12":
            self.do(RUN(self.refunds.record_refund, change))

    @rule(days=st.integers(0, 20))
    def time_passes(self, days: int) -> None:
        self.today += timedelta(days)

    @rule()
    def close_the_months(self) -> None:
        """The month is over; it and those before it are closed, the oldest first, as they must be."""
        self.today = month_of(self.today).until_on
        while self.unclosed < self.today:
            month = month_of(self.unclosed)
            self.close_one(month)
            self.unclosed = month.until_on

    def close_one(self, month: Month) -> None:
        """What is unclear is accepted, as finance would."""
        at = CloseAt(month.id, 1, self.at)
        self.do(RUN(self.close.begin_close, CloseOrder(month.id), self.at))
        found = in_the_way(self.do(RUN(self.close.check_before_close, at)))
        assert {one.check for one in found} <= {"attempts", "unknown"}
        for step in (self.close.lock_period, self.close.defer, self.close.tie_out, self.close.sum_up):
            said = self.do(RUN(step, at))
            if isinstance(said, tuple):
                assert in_the_way(said) == ()
        if said.lines:
            document = self.do(
                RUN(self.close.post_draft, self.do(RUN(self.close.draft_posting, said)), said.key)
            )
            kept = self.do(RUN(self.close.acknowledge, Acknowledged(month.id, said.key, document, self.at)))
            assert kept.status is CheckStatus.DONE
        done = CloseStep(month.id, 9, self.at, "billing.closed", PeriodStatus.CLOSED)
        self.do(RUN(self.close.record_close, done))

    def refusable(self, act: Any, asked: Any) -> None:
        try:
            self.do(RUN(act, asked))
        except ApplicationError as refused:
            if not refused.non_retryable:
                raise

    @invariant()
    def everything_agrees(self) -> None:
        async def broken() -> dict[str, Any]:
            async with self.engine.connect() as connection:
                return await violations(connection)

        assert self.do(broken()) == {}

    @invariant()
    def the_erp_holds_every_closed_month(self) -> None:
        """Whatever the ledger says of closed months, the ERP's documents say too, account by account."""

        async def booked() -> dict[str, int]:
            ours = """select p.code, sum(p.debit_minor - p.credit_minor)::bigint from erp_postings p
                join erp_batches b on b.key = p.batch_key where b.status = 'acknowledged' group by p.code"""
            async with self.engine.connect() as connection:
                return {
                    code: amount for code, amount in (await connection.execute(text(ours))).all() if amount
                }

        theirs: dict[str, int] = {}
        for _, document in self.books.documents.values():
            for code, (debit, credit) in document.sums.items():
                theirs[code] = theirs.get(code, 0) + debit - credit
        assert self.do(booked()) == {code: amount for code, amount in theirs.items() if amount}


def test_any_order_of_events_keeps_an_account_in_order(database: Database) -> None:
    Account.worker_url = database.worker_url
    run_state_machine_as_test(
        Account,
        settings=settings(
            max_examples=5, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
