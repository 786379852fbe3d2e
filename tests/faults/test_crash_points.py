"""Ended between any two steps, relay and charge leave the world as before or as after, and act once."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment

from activities.billing import BillingActivities
from activities.connectors.payments import HttpPaymentGateway
from activities.kit.calls import CallLog
from activities.kit.invariants import violations
from activities.kit.outbox import Relay
from activities.kit.transactions import transaction
from activities.payments import PaymentActivities
from models.kit.outbox import announce_start
from models.messages.billing.invoices import IssueInvoice, PaymentReceived, SettleInvoice
from models.messages.payments import AttemptChange, AttemptStatus, ChargeOrder, Verdict
from tests.builders.billing import NOON, TOTAL, a_finished_repair, an_attempt
from tests.faults.crash import Crash, CrashPoints
from tests.sandbox import Sandbox

RUN = ActivityEnvironment().run
MOST = 100  # more points than any of these pieces of work has


async def test_the_relay_starts_a_workflow_once_wherever_it_ends(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    reached = 0
    for at in range(1, MOST):
        name = f"crash:{id(worker_engine)}:{at}"
        async with transaction(worker_engine) as session:
            await announce_start(session, "Nobody", name, ChargeOrder("a", "i", "t", at), summary="")
        points, relay = CrashPoints(worker_engine, at), Relay(worker_engine, temporal.client)
        relay._tell = points.around(relay._tell)  # type: ignore[method-assign]
        try:
            with points.armed():
                await relay.deliver_next()
        except Crash:
            reached += 1
            assert await outbox(worker_engine, name) == ("waiting", 0)
        else:
            assert await outbox(worker_engine, name) == ("sent", 1)
        await Relay(worker_engine, temporal.client).deliver_next()
        assert (await outbox(worker_engine, name))[0] == "sent"
        first = await temporal.client.get_workflow_handle(name).describe()
        assert first.status is not None
        assert first.history_length == 2  # started, and one task that waits for a worker
        if points.passed < at:
            break
    assert reached >= 4  # select, tell twice, update, commit


async def outbox(engine: AsyncEngine, key: str) -> tuple[str, int]:
    """What the outbox says about an item."""
    async with engine.connect() as connection:
        query = text("select status, tries from outbox where key = :key")
        row = (await connection.execute(query, {"key": key})).one()
        return str(row[0]), int(row[1])


async def test_a_charge_moves_money_once_wherever_it_ends(
    worker_engine: AsyncEngine, sandbox: Sandbox
) -> None:
    reached = 0
    for at in range(1, MOST):
        order, ticket = await a_due_invoice(worker_engine, sandbox)
        gateway = HttpPaymentGateway(sandbox.gateway_url, sandbox.secret, CallLog(worker_engine))
        points = CrashPoints(worker_engine, at)
        careful = gateway.confirm
        gateway.confirm = points.around(careful)  # type: ignore[method-assign]
        payments, billing = PaymentActivities(worker_engine, gateway), BillingActivities(worker_engine)
        try:
            with points.armed():
                await pay(payments, billing, order)
        except Crash:
            reached += 1
            assert await attempt_status(worker_engine, order) in ("created", "succeeded")
        gateway.confirm = careful  # type: ignore[method-assign]
        looked_up = await RUN(payments.look_up, order.attempt_id)  # as the workflow does after a broken call
        assert looked_up.verdict in (Verdict.SUCCEEDED, Verdict.NOT_FOUND)
        for _ in range(2):  # whatever had succeeded is repeated, too
            await pay(payments, billing, order)
        await gateway.close()
        assert [move["amount"] for move in sandbox.moves(order.attempt_id)] == [TOTAL]
        assert await attempt_status(worker_engine, order) == "succeeded"
        assert await lines(worker_engine, ticket) == {
            "payments.started": 1, "payments.succeeded": 1, "billing.issued": 1, "billing.paid": 1,
        }  # fmt: skip
        async with worker_engine.connect() as connection:
            assert await violations(connection) == {}
        if points.passed < at:
            break
    assert reached >= 20


async def a_due_invoice(engine: AsyncEngine, sandbox: Sandbox) -> tuple[ChargeOrder, str]:
    """An issued invoice and a stored attempt that its customer has agreed to."""
    order = await a_finished_repair(engine)
    await RUN(BillingActivities(engine).issue, IssueInvoice(order, NOON))
    payment_key = sandbox.authorise(f"{order.invoice_id}.1", TOTAL)
    return await an_attempt(engine, order.invoice_id, payment_key), order.ticket_id


async def pay(payments: PaymentActivities, billing: BillingActivities, order: ChargeOrder) -> None:
    """What charge and invoice do one after the other when all goes well."""
    await RUN(payments.begin, step(order, 1, AttemptStatus.CREATED, "payments.started"))
    answer = await RUN(payments.charge, order.attempt_id)
    assert answer.verdict is Verdict.SUCCEEDED
    await RUN(payments.record, step(order, 2, AttemptStatus.SUCCEEDED, "payments.succeeded"))
    payment = PaymentReceived(order.attempt_id, order.amount_minor, NOON)
    await RUN(billing.settle, SettleInvoice(order.invoice_id, order.ticket_id, payment, 2, NOON))


def step(order: ChargeOrder, seq: int, status: AttemptStatus, sentence: str) -> AttemptChange:
    """One step as the charge's workflow records it."""
    return AttemptChange(order.attempt_id, order.invoice_id, order.ticket_id, seq, status, NOON, sentence)


async def attempt_status(engine: AsyncEngine, order: ChargeOrder) -> str:
    """How the attempt stands."""
    async with engine.connect() as connection:
        query = text("select status from payment_attempts where id = :id")
        return str((await connection.execute(query, {"id": order.attempt_id})).scalar_one())


async def lines(engine: AsyncEngine, ticket: str) -> dict[str, int]:
    """How often each sentence stands in the ticket's timeline."""
    async with engine.connect() as connection:
        query = text("select sentence, count(*) from timeline_entries where ticket_id = :ticket group by 1")
        return {row[0]: int(row[1]) for row in await connection.execute(query, {"ticket": ticket})}
