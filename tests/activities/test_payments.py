"""Recording attempts on a real database: success wins, refusals stay, nothing is written twice."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.billing import BillingActivities
from activities.connectors.payments import ConsolePaymentGateway
from activities.kit.transactions import transaction
from activities.payments import PaymentActivities
from activities.payments.look_ups import ASKED_SOON
from models.kit.timeline import TimelineEntry
from models.messages.billing.invoices import FinanceAct, IssueInvoice
from models.messages.payments import AttemptChange, AttemptStatus, ChargeAnswer, ChargeOrder, Verdict
from models.payments import PaymentAttempt
from tests.activities.test_billing import count
from tests.builders.billing import NOON, a_finished_repair, an_attempt

RUN = ActivityEnvironment().run


@pytest.fixture
def payments(worker_engine: AsyncEngine) -> PaymentActivities:
    return PaymentActivities(worker_engine, ConsolePaymentGateway())


async def a_stored_attempt(engine: AsyncEngine) -> ChargeOrder:
    order = await a_finished_repair(engine)
    await RUN(BillingActivities(engine).issue, IssueInvoice(order, NOON))
    return await an_attempt(engine, order.invoice_id)


def step(order: ChargeOrder, seq: int, status: AttemptStatus, **facts: str) -> AttemptChange:
    return AttemptChange(
        order.attempt_id, order.invoice_id, order.ticket_id, seq, status, NOON,
        f"payments.{status.value}", **facts,
    )  # fmt: skip


async def status(engine: AsyncEngine, order: ChargeOrder) -> AttemptStatus:
    async with transaction(engine) as session:
        return (await session.get_one(PaymentAttempt, order.attempt_id)).status


async def test_charging_twice_asks_with_one_key(payments: PaymentActivities) -> None:
    order = await a_stored_attempt(payments.engine)

    answers = [await RUN(payments.charge, order.attempt_id) for _ in range(2)]

    assert [answer.verdict for answer in answers] == [Verdict.SUCCEEDED] * 2
    assert isinstance(payments.gateway, ConsolePaymentGateway)
    assert set(payments.gateway.asked) == {("confirm", order.attempt_id)}


async def test_money_known_to_have_moved_is_not_asked_for_again(payments: PaymentActivities) -> None:
    order = await a_stored_attempt(payments.engine)
    await RUN(payments.record, step(order, 2, AttemptStatus.SUCCEEDED))

    answer = await RUN(payments.charge, order.attempt_id)

    assert answer.verdict is Verdict.SUCCEEDED
    assert isinstance(payments.gateway, ConsolePaymentGateway)
    assert payments.gateway.asked == []


async def test_looking_up_changes_nothing(payments: PaymentActivities) -> None:
    order = await a_stored_attempt(payments.engine)

    answers = [await RUN(payments.look_up, order.attempt_id) for _ in range(2)]

    assert [answer.verdict for answer in answers] == [Verdict.NOT_FOUND] * 2
    assert await status(payments.engine, order) is AttemptStatus.CREATED


async def test_a_look_up_that_nobody_answered_is_asked_again_and_then_found_nothing_out(
    payments: PaymentActivities,
) -> None:
    order = await a_stored_attempt(payments.engine)
    silence = ChargeAnswer(Verdict.UNKNOWN, code="http_500", retry_after_seconds=7, is_unanswered=True)
    assert isinstance(payments.gateway, ConsolePaymentGateway)
    payments.gateway.answers = [silence, silence, ChargeAnswer(Verdict.UNKNOWN, code="wrong_amount")]
    environment = ActivityEnvironment()

    with pytest.raises(ApplicationError) as failure:
        await environment.run(payments.look_up, order.attempt_id)
    environment.info = replace(environment.info, attempt=ASKED_SOON)
    last = await environment.run(payments.look_up, order.attempt_id)
    environment.info = replace(environment.info, attempt=1)
    alarm = await environment.run(payments.look_up, order.attempt_id)

    assert (failure.value.type, failure.value.next_retry_delay) == (
        "look_up_unanswered",
        timedelta(seconds=7),
    )
    assert last == silence
    assert alarm.code == "wrong_amount"  # an answer, however strange, is one


async def test_recording_twice_writes_one_line(payments: PaymentActivities) -> None:
    order = await a_stored_attempt(payments.engine)
    change = step(order, 2, AttemptStatus.UNKNOWN)

    for _ in range(2):
        assert await RUN(payments.record, change) is AttemptStatus.UNKNOWN

    assert await count(payments.engine, TimelineEntry) == 2  # issued, unknown


async def test_beginning_twice_is_beginning_once(payments: PaymentActivities) -> None:
    order = await a_stored_attempt(payments.engine)
    change = step(order, 1, AttemptStatus.CREATED)

    assert [await RUN(payments.begin, change) for _ in range(2)] == ["", ""]
    assert await count(payments.engine, TimelineEntry) == 2


S, R, U, N = (
    AttemptStatus.SUCCEEDED,
    AttemptStatus.REFUSED,
    AttemptStatus.UNKNOWN,
    AttemptStatus.NOT_SENT,
)


@pytest.mark.parametrize(
    ("told", "holds"),
    [
        ([(2, U), (3, S)], S),
        ([(3, S), (2, U)], S),
        ([(3, S), (4, R)], S),
        ([(3, R), (2, S)], S),  # success wins, however late its news are
        ([(3, R), (4, U)], R),  # a refusal is not opened again
        ([(3, R), (4, N)], R),
        ([(3, U), (2, R)], U),  # an older word changes nothing
        ([(2, N), (3, U), (4, R)], R),
    ],
)
async def test_success_wins_in_whatever_order_the_news_arrive(
    payments: PaymentActivities, told: list[tuple[int, AttemptStatus]], holds: AttemptStatus
) -> None:
    order = await a_stored_attempt(payments.engine)

    for seq, said in told:
        await RUN(payments.record, step(order, seq, said))

    assert await status(payments.engine, order) is holds


async def test_a_cancelled_invoice_is_not_charged(payments: PaymentActivities) -> None:
    order = await a_finished_repair(payments.engine)
    billing = BillingActivities(payments.engine)
    await RUN(billing.issue, IssueInvoice(order, NOON))
    await RUN(billing.cancel, FinanceAct(order.invoice_id, order.ticket_id, 2, NOON, "acc_fin"))
    attempt = await an_attempt(payments.engine, order.invoice_id)

    assert await RUN(payments.begin, step(attempt, 1, AttemptStatus.CREATED)) == "invoice_cancelled"


async def test_an_id_that_the_gateway_gives_twice_is_stored_once(payments: PaymentActivities) -> None:
    first, second = await a_stored_attempt(payments.engine), await a_stored_attempt(payments.engine)

    for order in (first, second):
        change = replace(step(order, 2, AttemptStatus.SUCCEEDED), provider_id="pk_same")
        assert await RUN(payments.record, change) is AttemptStatus.SUCCEEDED

    async with transaction(payments.engine) as session:
        ids = [(await session.get_one(PaymentAttempt, o.attempt_id)).provider_id for o in (first, second)]
    assert ids == ["pk_same", ""]
