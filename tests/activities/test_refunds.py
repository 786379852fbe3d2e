"""Refunds and payment methods on a real database; every activity twice gives once."""

from dataclasses import replace

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.billing import BillingActivities
from activities.connectors.billing_keys import ConsoleBillingKeys
from activities.connectors.payments import ConsolePaymentGateway
from activities.kit.invariants import violations
from activities.kit.sealing import Seals
from activities.kit.transactions import transaction
from activities.payments import MethodActivities, PaymentActivities, RefundActivities
from models.billing import CreditNote, LedgerTransaction
from models.messages.billing.invoices import (
    InvoiceOrder,
    IssueInvoice,
    LineKind,
    PaymentReceived,
    SettleInvoice,
)
from models.messages.payments import (
    AttemptStatus,
    BeginRefund,
    Begun,
    ChargeAnswer,
    ChargeOrder,
    MethodAuthorised,
    MethodChange,
    MethodStatus,
    OpenAttempt,
    RefundChange,
    RefundOrder,
    RefundStatus,
    Verdict,
)
from models.payments import PaymentAttempt, PaymentMethod, Refund
from tests.builders.billing import NOON, a_line, a_pending_method, an_attempt, an_order_to_bill

RUN = ActivityEnvironment().run


@pytest.fixture
def gateway() -> ConsolePaymentGateway:
    return ConsolePaymentGateway()


@pytest.fixture
def refunds(worker_engine: AsyncEngine, gateway: ConsolePaymentGateway) -> RefundActivities:
    return RefundActivities(worker_engine, gateway)


@pytest.fixture
def methods(worker_engine: AsyncEngine) -> MethodActivities:
    return MethodActivities(worker_engine, ConsoleBillingKeys(), Seals([("k1", bytes(32))]))


async def a_paid_order(engine: AsyncEngine, *gross: int) -> InvoiceOrder:
    """An order's invoice whose money is there, without any workflow."""
    billing, order = BillingActivities(engine), await an_order_to_bill(engine, *gross)
    issued = await RUN(billing.issue, IssueInvoice(order, NOON))
    attempt = await an_attempt(engine, order.invoice_id)
    async with transaction(engine) as session:
        (await session.get_one(PaymentAttempt, attempt.attempt_id)).status = AttemptStatus.SUCCEEDED
    payment = PaymentReceived(attempt.attempt_id, issued.total_minor, NOON)
    await RUN(billing.settle, SettleInvoice(order.invoice_id, "", payment, 2, NOON))
    return order


def asked(order: InvoiceOrder, amount: int, name: str = "refund") -> BeginRefund:
    wish = RefundOrder(
        f"{order.case_id}.{name}", order.invoice_id, order.customer_id, order.case_id, amount, "returned"
    )
    return BeginRefund(wish, NOON)


def became(begun: BeginRefund, status: RefundStatus, seq: int = 1) -> RefundChange:
    sentence = "payments.refund_succeeded"
    return RefundChange(begun.order.refund_id, seq, status, NOON, sentence, "t1", "DONE")


async def count(engine: AsyncEngine, table: type) -> int:
    async with transaction(engine) as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def nothing_is_broken(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await violations(connection) == {}


async def balances(engine: AsyncEngine) -> dict[str, int]:
    async with transaction(engine) as session:
        query = "select account, sum(debit_minor - credit_minor) from ledger_entries group by account"
        rows = (await session.execute(text(query))).all()
    return {account: int(balance) for account, balance in rows if balance}


async def test_beginning_twice_gives_one_refund_with_one_credit_note(refunds: RefundActivities) -> None:
    begin = asked(await a_paid_order(refunds.engine), 330_000)

    said = [await RUN(refunds.begin_refund, begin), await RUN(refunds.begin_refund, begin)]

    assert said == [Begun(), Begun()]
    assert [await count(refunds.engine, table) for table in (Refund, CreditNote)] == [1, 1]
    async with transaction(refunds.engine) as session:
        note = (await session.scalars(select(CreditNote))).one()
    assert (note.number, note.total_minor, note.tax_minor) == ("C2026-000001", 330_000, 30_000)
    assert await balances(refunds.engine) == {"receivable": -330_000, "gateway": 330_000}
    await nothing_is_broken(refunds.engine)


async def test_success_recorded_twice_is_booked_once(refunds: RefundActivities) -> None:
    begin = asked(await a_paid_order(refunds.engine), 330_000)
    await RUN(refunds.begin_refund, begin)
    change = became(begin, RefundStatus.SUCCEEDED)

    assert [await RUN(refunds.record_refund, change) for _ in range(2)] == [RefundStatus.SUCCEEDED] * 2

    assert await balances(refunds.engine) == {}
    assert await count(refunds.engine, LedgerTransaction) == 4
    await nothing_is_broken(refunds.engine)


async def test_money_that_went_back_stays_gone_whatever_is_said_later(refunds: RefundActivities) -> None:
    begin = asked(await a_paid_order(refunds.engine), 330_000)
    await RUN(refunds.begin_refund, begin)
    await RUN(refunds.record_refund, became(begin, RefundStatus.SUCCEEDED))

    late = became(begin, RefundStatus.UNKNOWN, seq=5)
    assert await RUN(refunds.record_refund, late) is RefundStatus.SUCCEEDED
    await nothing_is_broken(refunds.engine)


async def test_the_gateway_is_asked_under_the_refunds_own_key_and_not_after_success(
    refunds: RefundActivities, gateway: ConsolePaymentGateway
) -> None:
    begin = asked(await a_paid_order(refunds.engine), 10_000)
    await RUN(refunds.begin_refund, begin)
    for _ in range(2):
        assert (await RUN(refunds.give_back, begin.order.refund_id)).verdict is Verdict.SUCCEEDED
    await RUN(refunds.record_refund, became(begin, RefundStatus.SUCCEEDED))

    assert (await RUN(refunds.give_back, begin.order.refund_id)).verdict is Verdict.SUCCEEDED
    assert (await RUN(refunds.look_up_refund, begin.order.refund_id)).verdict is Verdict.SUCCEEDED

    assert gateway.asked == [
        ("cancel", begin.order.refund_id), ("cancel", begin.order.refund_id),
        ("look_up", begin.order.refund_id),
    ]  # fmt: skip


async def test_parts_that_make_the_whole_leave_not_one_won_behind(refunds: RefundActivities) -> None:
    order = await a_paid_order(refunds.engine, 10_007, 20_003)
    for number, part in enumerate((7, 9_999, 13, 19_991)):
        begin = asked(order, part, f"part{number}")
        assert await RUN(refunds.begin_refund, begin) == Begun()
        await RUN(refunds.record_refund, became(begin, RefundStatus.SUCCEEDED))
        await nothing_is_broken(refunds.engine)

    assert await balances(refunds.engine) == {}
    assert (await RUN(refunds.begin_refund, asked(order, 1, "more"))).refusal == "nothing_to_give_back"


async def test_nothing_goes_back_of_what_was_not_paid(refunds: RefundActivities) -> None:
    order = await an_order_to_bill(refunds.engine)
    await RUN(BillingActivities(refunds.engine).issue, IssueInvoice(order, NOON))

    assert (await RUN(refunds.begin_refund, asked(order, 1))).refusal == "invoice_not_paid"
    assert await count(refunds.engine, Refund) == 0
    assert await count(refunds.engine, CreditNote) == 0


async def test_a_credit_note_never_changes(refunds: RefundActivities) -> None:
    await RUN(refunds.begin_refund, asked(await a_paid_order(refunds.engine), 1_000))

    with pytest.raises(Exception, match="permission denied"):
        async with transaction(refunds.engine) as session:
            await session.execute(text("update credit_notes set total_minor = 1"))


async def test_the_database_refuses_more_than_came_in(refunds: RefundActivities) -> None:
    begin = asked(await a_paid_order(refunds.engine), 330_000)
    await RUN(refunds.begin_refund, begin)

    more = text("update refunds set amount_minor = 330001")
    async with refunds.engine.connect() as connection:
        with pytest.raises(IntegrityError, match="more than came in"):
            await connection.execute(more)


async def test_an_agreed_line_whose_quantity_does_not_divide_it_is_one_piece(
    worker_engine: AsyncEngine,
) -> None:
    order = await an_order_to_bill(worker_engine)
    order = replace(order, lines=(a_line(10_000, 3, LineKind.PRODUCT), a_line(30_000, 3, LineKind.FEE)))

    issued = [await RUN(BillingActivities(worker_engine).issue, IssueInvoice(order, NOON)) for _ in range(2)]

    assert issued[0] == issued[1]
    async with transaction(worker_engine) as session:
        query = "select name_en, quantity, unit_minor, gross_minor from invoice_lines order by position"
        rows = [tuple(row) for row in (await session.execute(text(query))).all()]
    assert rows == [("Water purifier × 3", 1, 10_000, 10_000), ("Water purifier", 3, 10_000, 30_000)]
    await nothing_is_broken(worker_engine)


async def test_opening_an_attempt_twice_stores_one_and_never_beside_another(
    worker_engine: AsyncEngine, gateway: ConsolePaymentGateway
) -> None:
    order = await an_order_to_bill(worker_engine)
    await RUN(BillingActivities(worker_engine).issue, IssueInvoice(order, NOON))
    method = await a_pending_method(worker_engine, order.customer_id)
    payments = PaymentActivities(worker_engine, gateway)
    first = ChargeOrder(f"{order.invoice_id}.1", order.invoice_id, "", 330_000, method_id=method)
    second = replace(first, attempt_id=f"{order.invoice_id}.2")

    opened = [await RUN(payments.open, OpenAttempt(one, NOON)) for one in (first, first, second)]

    assert opened == [True, True, False]
    assert await count(worker_engine, PaymentAttempt) == 1


async def test_keeping_a_card_twice_asks_once_and_seals_the_key_to_its_row(methods: MethodActivities) -> None:
    order = await an_order_to_bill(methods.engine)
    name = await a_pending_method(methods.engine, order.customer_id)
    fact = MethodAuthorised(name, "auth_1")

    assert [await RUN(methods.keep_method, fact) for _ in range(2)] == ["", ""]

    assert isinstance(methods.keys, ConsoleBillingKeys)
    assert methods.keys.asked == [("issue", name)]
    async with transaction(methods.engine) as session:
        row = await session.get_one(PaymentMethod, name)
    assert methods.seals.open(row.billing_key, name) == f"bk_ck_{name}"
    with pytest.raises(InvalidTag):  # another row's seal opens nothing
        methods.seals.open(row.billing_key, "pm_other")


async def test_an_unclear_answer_about_a_card_is_a_failure_that_is_tried_again(
    methods: MethodActivities,
) -> None:
    order = await an_order_to_bill(methods.engine)
    name = await a_pending_method(methods.engine, order.customer_id)
    assert isinstance(methods.keys, ConsoleBillingKeys)
    methods.keys.answers = [ChargeAnswer(Verdict.UNKNOWN), ChargeAnswer(Verdict.REFUSED)]

    with pytest.raises(ApplicationError) as unclear:
        await RUN(methods.keep_method, MethodAuthorised(name, "auth_1"))

    assert unclear.value.type == "key_unclear"


async def test_dropping_and_recording_twice_leaves_a_revoked_method_revoked(
    methods: MethodActivities,
) -> None:
    order = await an_order_to_bill(methods.engine)
    name = await a_pending_method(methods.engine, order.customer_id)
    await RUN(methods.keep_method, MethodAuthorised(name, "auth_1"))
    steps = (MethodStatus.ACTIVE, MethodStatus.REVOKED, MethodStatus.ACTIVE)
    changes = [
        MethodChange(name, seq, status, NOON, "payments.method_added") for seq, status in enumerate(steps, 1)
    ]

    held = [await RUN(methods.record_method, one) for one in changes for _ in range(2)]
    for _ in range(2):
        await RUN(methods.drop_method, name)

    assert held[-1] is MethodStatus.REVOKED
    assert isinstance(methods.keys, ConsoleBillingKeys)
    assert methods.keys.asked == [("issue", name), ("revoke", f"{name}:revoke")]


def test_seals_open_with_the_key_that_they_name() -> None:
    old, new = Seals([("k1", bytes(32))]), Seals([("k2", bytes([1]) * 32), ("k1", bytes(32))])

    sealed = old.seal("bk_1", "pm_1")

    assert new.open(sealed, "pm_1") == "bk_1"
    assert new.seal("bk_1", "pm_1").startswith("k2:")
    assert old.seal("bk_1", "pm_1") != sealed
