"""A day's collection: everybody is asked once, what is unclear is looked up, and card limits are kept."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from activities.connectors.billing_keys import ConsoleBillingKeys
from activities.connectors.payments import ConsolePaymentGateway, paid
from activities.kit.pace import Pace
from activities.kit.settlement import settle_attempts
from activities.kit.transactions import transaction
from activities.payments.providers import Provider
from models.billing import BillingAccount
from models.messages.payments import AttemptStatus, Charge, ChargeAnswer, MethodStatus, Verdict
from models.messages.payments.collection import CollectionCommand, CollectionStatus
from models.payments import PaymentAttempt
from models.rules.billing.invoices import on_day
from tests.builders.billing import an_attempt
from tests.builders.collection import DAY, a_customer, a_run_invoice, an_agreed_card, many_due
from tests.workflows.collecting import collecting
from workflows.kit.options import DESK_QUEUE
from workflows.payments import ChargeWorkflow

SOFT = ChargeAnswer(Verdict.REFUSED, code="REJECT_CARD_PAYMENT")
HARD = ChargeAnswer(Verdict.REFUSED, code="INVALID_STOPPED_CARD")
UNCLEAR = ChargeAnswer(Verdict.UNKNOWN, code="ReadTimeout")
SILENT = ChargeAnswer(Verdict.UNKNOWN, code="garbage")  # an answer, but none that says anything
AWAY = ChargeAnswer(Verdict.NOT_SENT, code="ConnectError")
ABSENT = ChargeAnswer(Verdict.NOT_FOUND, code="NOT_FOUND_PAYMENT")
TODAY = on_day(datetime.now(UTC))  # in Seoul, where days of retries are counted
SECOND_DAY = DAY + timedelta(days=1)


def console(*answers: ChargeAnswer, gateway: ConsolePaymentGateway | None = None) -> Provider:
    return Provider(gateway or ConsolePaymentGateway(), ConsoleBillingKeys(answers=list(answers)))


def asked(provider: Provider) -> list[str]:
    assert isinstance(provider.keys, ConsoleBillingKeys)
    return [key for what, key in provider.keys.asked if what == "charge"]


async def test_what_is_due_is_collected_and_receipted(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    invoices = await many_due(worker_engine, 3)
    async with collecting(worker_engine, temporal, gateway=console()) as house:
        assert await house.collect() is CollectionStatus.DONE

        assert await house.counted() == {"succeeded": 3}
        assert await house.counted("invoices") == {"paid": 3}
        assert sorted(house.post.sent) == [
            (f"charge:{one}.1:billing/receipt", "billing/receipt") for one in sorted(invoices)
        ]
        await house.all_is_well()


async def test_a_second_collection_asks_nobody_again(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    invoices = await many_due(worker_engine, 2)
    provider = console()
    async with collecting(worker_engine, temporal, gateway=provider) as house:
        await house.collect()
        await house.collect(day=SECOND_DAY)

        assert sorted(asked(provider)) == [f"{one}.1" for one in sorted(invoices)]
        await house.all_is_well()


async def test_an_unclear_payment_is_looked_up_and_never_simply_asked_again(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    (invoice,) = await many_due(worker_engine, 1)
    gateway = ConsolePaymentGateway()
    gateway.moved[f"{invoice}.1"] = paid(Charge(f"{invoice}.1", "pay_1", 33_000))
    provider = console(UNCLEAR, gateway=gateway)
    async with collecting(worker_engine, temporal, gateway=provider) as house:
        await house.collect()

        assert asked(provider) == [f"{invoice}.1"]
        assert gateway.asked == [("look_up", f"{invoice}.1")]
        assert await house.counted("invoices") == {"paid": 1}
        await house.all_is_well()


async def test_what_surely_never_arrived_is_sent_again_with_the_same_key(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    (invoice,) = await many_due(worker_engine, 1)
    gateway = ConsolePaymentGateway()
    provider = console(UNCLEAR, gateway=gateway)
    async with collecting(worker_engine, temporal, gateway=provider) as house:
        await house.collect()

        assert asked(provider) == [f"{invoice}.1"] * 2
        assert [what for what, _ in gateway.asked] == ["look_up"] * 4  # two of them too early to prove it
        assert await house.counted() == {"succeeded": 1}
        await house.all_is_well()


async def test_what_stays_unclear_gets_a_life_of_its_own(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    (invoice,) = await many_due(worker_engine, 1)
    gateway = ConsolePaymentGateway(answers=[UNCLEAR] * 100)
    async with collecting(worker_engine, temporal, gateway=console(UNCLEAR, gateway=gateway)) as house:
        await house.rules(look_up_after_seconds=[5, 30])
        assert await house.collect() is CollectionStatus.DONE

        assert await house.counted() == {"unknown": 1}
        life = temporal.client.get_workflow_handle(f"charge:{invoice}.1")
        open_waits = "select what from waits where ended_at is null and workflow_id = :id"
        await house.until_found(open_waits, id=life.id)
        assert await house.counted() == {"unknown": 1}


async def test_what_was_handed_over_is_looked_up_for_days_and_then_settled_by_finance(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    customer = await a_customer(worker_engine)
    invoice = await a_run_invoice(worker_engine, customer)
    attempt = await an_attempt(worker_engine, invoice)
    gateway = ConsolePaymentGateway(answers=[SILENT] * 100)
    async with collecting(worker_engine, temporal, gateway=console(gateway=gateway)) as house:
        await house.rows(
            "update payment_attempts set status = 'unknown', seq = 3, asked_at = now() returning id"
        )
        order = replace(attempt, status=AttemptStatus.UNKNOWN, seq=3, is_asked=True)
        life = await temporal.client.start_workflow(
            ChargeWorkflow.run, order, id=f"charge:{attempt.attempt_id}", task_queue=DESK_QUEUE
        )

        await house.finish(life, days=6)

        open_waits = "select what from waits where ended_at is null and workflow_id = :id"
        assert [row.what for row in await house.rows(open_waits, id=life.id)] == ["finance"]
        assert [template for _, template in house.post.sent] == ["payments/unsettled"]
        assert len(gateway.asked) == len(attempt.look_up_after_seconds)
        assert {what for what, _ in gateway.asked} == {"look_up"}


async def test_a_refusal_is_tried_again_on_the_days_of_the_rules_and_then_no_more(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    (invoice,) = await many_due(worker_engine, 1)
    provider = console(*[SOFT] * 20)
    async with collecting(worker_engine, temporal, gateway=provider) as house:
        await house.rules(retry_after_days=[1, 3])
        tried = []
        for ahead in range(9):
            before = len(asked(provider))
            await house.collect(day=TODAY)
            tried += [ahead] if len(asked(provider)) > before else []
            await house.days_pass(1)

        assert tried == [0, 1, 4]
        assert house.post.sent.count((f"charge:{invoice}.1:payments/refused", "payments/refused")) == 1
        await house.all_is_well()


async def test_nothing_is_collected_while_an_account_is_on_hold(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    customer = await a_customer(worker_engine)
    await an_agreed_card(worker_engine, customer)
    await a_run_invoice(worker_engine, customer)
    async with transaction(worker_engine) as session:
        session.add(BillingAccount(customer_id=customer, hold_until=SECOND_DAY, hold_reason="이의 제기"))
    provider = console()
    async with collecting(worker_engine, temporal, gateway=provider) as house:
        await house.collect(day=SECOND_DAY)
        assert asked(provider) == []

        await house.collect(day=SECOND_DAY + timedelta(days=1))
        assert await house.counted("invoices") == {"paid": 1}


async def test_a_dead_card_is_never_asked_again_until_there_is_another_one(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    customer = await a_customer(worker_engine)
    method = await an_agreed_card(worker_engine, customer)
    invoice = await a_run_invoice(worker_engine, customer)
    provider = console(HARD)
    async with collecting(worker_engine, temporal, gateway=provider) as house:
        await house.collect()
        await house.collect(day=DAY + timedelta(days=9))
        states = await house.rows("select status, is_default from payment_methods where id = :id", id=method)
        assert [tuple(one) for one in states] == [(MethodStatus.INVALID, False)]
        assert asked(provider) == [f"{invoice}.1"]

        await an_agreed_card(worker_engine, customer)
        await house.collect(day=date(2027, 6, 10))

        assert asked(provider) == [f"{invoice}.1", f"{invoice}.2"]
        assert await house.counted("invoices") == {"paid": 1}
        await house.all_is_well()


async def test_a_card_is_not_tried_more_often_than_its_scheme_allows(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    customer = await a_customer(worker_engine)
    await an_agreed_card(worker_engine, customer)
    for _ in range(14):
        await a_run_invoice(worker_engine, customer)
    provider = console(*[SOFT] * 40)
    async with collecting(worker_engine, temporal, gateway=provider) as house:
        await house.collect()
        assert len(asked(provider)) == 10  # within 24 hours

        await house.days_pass(2)
        await house.collect(day=date(2027, 6, 10))
        assert len(asked(provider)) == 15  # within 30 days
        await house.all_is_well()


async def test_while_the_gateway_is_away_nothing_is_lost_and_nobody_is_refused(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    invoices = await many_due(worker_engine, 2)
    provider = console(*[AWAY] * 12)
    async with collecting(worker_engine, temporal, gateway=provider) as house:
        await house.collect()

        assert await house.counted() == {"succeeded": 2}
        assert set(asked(provider)) == {f"{one}.1" for one in invoices}
        assert await house.counted("invoices") == {"paid": 2}
        await house.all_is_well()


async def test_a_gateway_that_is_away_all_day_leaves_the_rest_to_the_next_collection(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    await many_due(worker_engine, 1)
    provider = console(*[AWAY] * 2_000)
    async with collecting(worker_engine, temporal, gateway=provider) as house:
        await house.rules(gives_up_after_hours=1, away_seconds=[600])
        await house.collect()
        assert await house.counted() == {"refused": 1}
        assert house.post.sent == []  # nobody was refused by a bank: nobody is written to

        assert isinstance(provider.keys, ConsoleBillingKeys)
        provider.keys.answers.clear()
        await house.collect(day=SECOND_DAY)
        assert await house.counted() == {"refused": 1, "succeeded": 1}
        await house.all_is_well()


async def test_a_paused_collection_asks_nobody_until_it_may_go_on(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    await many_due(worker_engine, 1)
    provider = console(*[AWAY] * 2)
    async with collecting(worker_engine, temporal, gateway=provider) as house:
        handle = await house.begin()
        await house.until_counted({"not_sent": 1})
        await handle.execute_update("pause", CollectionCommand("c1", "acc_fin", datetime.now(UTC)))
        await house.finish(handle, hours=5)
        assert await house.counted("collections") == {"paused": 1}
        assert await house.counted() == {"not_sent": 1}
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update("pause", CollectionCommand("c2", "acc_fin", datetime.now(UTC)))

        await handle.execute_update("resume", CollectionCommand("c3", "acc_fin", datetime.now(UTC)))
        assert await house.finish(handle) is CollectionStatus.DONE
        assert await house.counted() == {"succeeded": 1}
        await house.all_is_well()


async def test_money_for_an_invoice_that_is_settled_meanwhile_is_looked_after_one_by_one(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    (invoice,) = await many_due(worker_engine, 1)
    gateway = ConsolePaymentGateway()
    gateway.moved[f"{invoice}.1"] = paid(Charge(f"{invoice}.1", "pay_1", 33_000))
    async with collecting(worker_engine, temporal, gateway=console(UNCLEAR, gateway=gateway)) as house:
        handle = await house.begin()
        await house.until_counted({"unknown": 1})
        await pay_otherwise(worker_engine, invoice)
        await house.finish(handle)
        life = temporal.client.get_workflow_handle(f"charge:{invoice}.1:told")
        sent = "select 1 from outbox where workflow_id = :id and status = 'sent'"
        await house.until_found(sent, id=life.id)
        await house.finish(life)

        kept = await house.until_found("select credit_minor from ledger_entries where account = 'suspense'")
        assert [one.credit_minor for one in kept] == [33_000]
        await house.all_is_well()


async def pay_otherwise(engine: AsyncEngine, invoice: str) -> None:
    """Money from elsewhere settles the invoice while the card's end is unclear."""
    now = datetime.now(UTC)
    async with transaction(engine) as session:
        customer = (await session.get_one(PaymentAttempt, f"{invoice}.1")).customer_id
        session.add(PaymentAttempt(id=f"{invoice}.2", invoice_id=invoice, ordinal=2, customer_id=customer,
                                   payment_key="pk_other", amount_minor=33_000, created_at=now,
                                   status=AttemptStatus.SUCCEEDED))  # fmt: skip
        await session.flush()
        assert (await settle_attempts(session, [f"{invoice}.2"], now)).booked == (f"{invoice}.2",)


@dataclass
class Slow(ConsoleBillingKeys):
    """Charges, and answers only long after: a worker can die in between."""

    seconds: float = 60.0
    all_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def charge(self, charge: Charge, billing_key: str, customer_key: str) -> ChargeAnswer:
        answer = await super().charge(charge, billing_key, customer_key)
        if len(self.asked) == 4:
            self.all_asked.set()
        await asyncio.sleep(self.seconds)
        return answer


async def test_a_worker_that_dies_in_mid_slice_has_charged_everybody_once(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    invoices = await many_due(worker_engine, 4)
    gateway, slow = ConsolePaymentGateway(), Slow()
    for one in invoices:
        gateway.moved[f"{one}.1"] = paid(Charge(f"{one}.1", f"pay_{one}", 33_000))
    dying = Provider(gateway, slow, Pace(50.0))
    async with collecting(worker_engine, temporal, gateway=dying) as house:
        handle = await house.begin()
        await house.until_found("select 1 from payment_attempts where asked_at is not null")
        await slow.all_asked.wait()
    assert [what for what, _ in slow.asked] == ["charge"] * 4

    async with collecting(worker_engine, temporal, gateway=Provider(gateway, slow, Pace(50.0))) as house:
        await house.finish(handle)

        assert [what for what, _ in slow.asked] == ["charge"] * 4  # nobody was asked a second time
        assert {what for what, _ in gateway.asked} == {"look_up"}
        assert await house.counted("invoices") == {"paid": 4}
        await house.all_is_well()
