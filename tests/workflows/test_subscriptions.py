"""The lives of contracts: begun and undone with orders, changed with the money that was shown."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.service import RPCError

from activities.kit.invariants import violations
from models.messages.billing.invoices import InvoiceStatus
from models.messages.subscriptions import ChangeKind, ChangeStatus, Deactivations
from models.messages.tickets import TicketSettled
from models.rules.subscriptions.periods import begins_at, business_day
from models.rules.subscriptions.previews import period_end
from models.subscriptions import SubscriptionChange
from tests.builders.desk import a_customer
from tests.builders.leases import BASIC, BETTER, FILTER, a_lease, an_order, ordered, plan_row, read
from tests.builders.tickets import a_ticket
from tests.desk import DESK_QUEUE, RunningDesk, StandIns
from tests.workflows.leases import InvoiceThatHears, Leases, RefundDone, VisitTicket
from tests.workflows.neighbours import Post
from workflows.kit.options import MAIL_QUEUE

S = ChangeStatus
POST = Post()


@pytest.fixture
def stand_ins() -> StandIns:
    POST.sent.clear()
    return StandIns([InvoiceThatHears, VisitTicket, RefundDone], {MAIL_QUEUE: [POST.send]})


@pytest.fixture
async def leases(desk: RunningDesk) -> AsyncIterator[Leases]:
    await desk.store(a_customer("cus_jun"))
    lease = Leases(desk)
    await lease.begin()
    yield lease
    async with desk.engine.connect() as connection:
        assert await violations(connection) == {}


def letters(change: SubscriptionChange) -> list[str]:
    return [one.key.split(":")[-1] for one in POST.sent if one.case_id == change.id]


async def end_of_period(leases: Leases) -> datetime:
    lease = await read(leases.desk.engine, leases.id)
    return begins_at(period_end(lease, business_day(datetime.now(UTC))))


async def test_contracts_begin_and_end_with_their_order(desk: RunningDesk) -> None:
    now = datetime.now(UTC)
    order = an_order(desk.company.customer_id, now)
    for plan in (BASIC, FILTER):
        await desk.store(plan_row(plan, now))
    await desk.store(order)
    asked = ordered(order, BASIC, FILTER, starts_on=business_day(now))
    undo = Deactivations(order.id, "order_cancelled", now)

    begun = await desk.client.execute_workflow(
        "Activation", asked, id=f"activation:{order.id}", task_queue=DESK_QUEUE
    )
    ended = await desk.client.execute_workflow(
        "Deactivation", undo, id=f"deactivation:{order.id}", task_queue=DESK_QUEUE
    )

    assert begun == [one.subscription_id for one in asked.contracts]
    assert ended == 2
    assert {row.status for row in await desk.rows("select status from subscriptions")} == {"ended"}


async def test_an_upgrade_is_paid_and_in_force_at_once(leases: Leases) -> None:
    change = await leases.change(ChangeKind.UPGRADE, plan=BETTER)
    await leases.until_story(change, "payment_asked")
    await leases.until_waits(change, ("change_payment", "cancel_change"))
    assert await leases.plan() == "basic"

    await leases.pay(change)

    assert await leases.result(change) is S.DONE
    assert await leases.story(change) == ["payment_asked", "paid", "changed"]
    assert await leases.plan() == "better"
    assert await leases.owed(change) == change.total_minor > 0
    assert await leases.waits(change) == []
    assert letters(change) == ["requested", "done"]


async def test_an_upgrade_that_is_not_paid_in_time_changes_nothing(leases: Leases) -> None:
    change = await leases.change(ChangeKind.UPGRADE, plan=BETTER)
    await leases.until_story(change, "payment_asked")
    await leases.end_invoice(change)

    await leases.pass_time(change, days=3, seconds=1)

    assert await leases.result(change) is S.CANCELLED
    assert (await leases.plan(), await leases.owed(change)) == ("basic", 0)
    assert (await leases.story(change))[-1] == "unpaid"


async def test_an_upgrade_taken_back_is_owed_no_more(leases: Leases) -> None:
    change = await leases.change(ChangeKind.UPGRADE, plan=BETTER)
    await leases.until_story(change, "payment_asked")

    assert await leases.say(change, "cancel") is S.CANCELLED

    assert await leases.invoice_of(change).result() == "taken_back"
    assert await leases.result(change) is S.CANCELLED
    assert (await leases.plan(), await leases.owed(change)) == ("basic", 0)


async def test_an_invoice_that_is_taken_back_ends_the_change(leases: Leases) -> None:
    change = await leases.change(ChangeKind.UPGRADE, plan=BETTER)
    await leases.until_story(change, "payment_asked")

    await leases.pay(change, InvoiceStatus.CANCELLED)

    assert await leases.result(change) is S.CANCELLED
    assert await leases.plan() == "basic"


async def test_a_downgrade_waits_for_the_end_of_the_period_and_may_be_taken_back(leases: Leases) -> None:
    await leases.begin(BETTER)
    day = await end_of_period(leases)
    kept = await leases.change(ChangeKind.DOWNGRADE, plan=BASIC, effective_on=business_day(day))
    await leases.until_story(kept, "waiting_for_its_day")
    await leases.until_waits(kept, ("change_day", "apply_change"))

    assert await leases.say(kept, "cancel") is S.CANCELLED

    assert await leases.result(kept) is S.CANCELLED
    change = await leases.change(ChangeKind.DOWNGRADE, plan=BASIC, effective_on=business_day(day))
    await leases.until_story(change, "waiting_for_its_day")
    assert await leases.plan() == "better"
    await leases.pass_time(change, day)
    assert await leases.result(change) is S.DONE
    assert await leases.plan() == "basic"
    with pytest.raises(RPCError, match="already completed"):
        await leases.say(change, "cancel")


async def test_a_transfer_needs_the_new_holder(leases: Leases) -> None:
    change = await leases.change(ChangeKind.TRANSFER, receiver_id="cus_jun")
    await leases.until_story(change, "receiver_asked")
    await leases.until_waits(change, ("new_holder", "remind_holder"))

    assert await leases.say(change, "confirm", "cus_jun") is S.AWAITING

    assert await leases.result(change) is S.DONE
    rows = await leases.desk.rows("select customer_id, status from subscriptions order by created_at")
    assert [tuple(row) for row in rows] == [("cus_mina", "ended"), ("cus_jun", "active")]
    sent = letters(change)  # the last two go to two people at the same moment
    assert (sent[:2], sorted(sent[2:])) == (["requested", "holder"], ["done", "received"])
    assert [one.customer_id for one in POST.sent if one.key.endswith("received")] == ["cus_jun"]


async def test_a_silent_holder_is_reminded_once_and_then_nothing_changes(leases: Leases) -> None:
    change = await leases.change(ChangeKind.TRANSFER, receiver_id="cus_jun")
    await leases.until_story(change, "receiver_asked")

    await leases.pass_time(change, days=3.5, seconds=1)
    await leases.until_story(change, "receiver_reminded")
    await leases.until_waits(change, ("new_holder", "cancel_change"))
    await leases.pass_time(change, days=3.5, seconds=1)

    assert await leases.result(change) is S.CANCELLED
    assert await leases.story(change) == ["receiver_asked", "receiver_reminded", "receiver_silent"]
    assert (await leases.desk.rows("select count(*) as n from subscriptions"))[0].n == 1


async def test_a_holder_who_does_not_agree_ends_the_transfer(leases: Leases) -> None:
    change = await leases.change(ChangeKind.TRANSFER, receiver_id="cus_jun")
    await leases.until_story(change, "receiver_asked")

    assert await leases.say(change, "decline", "cus_jun") is S.CANCELLED

    assert await leases.result(change) is S.CANCELLED
    assert (await leases.story(change))[-1] == "receiver_declined"


async def test_what_cannot_be_said_now_is_refused(leases: Leases) -> None:
    change = await leases.change(ChangeKind.UPGRADE, plan=BETTER)
    await leases.until_story(change, "payment_asked")

    assert await leases.refusal(change, "confirm") == "change_needs_no_holder"
    assert await leases.refusal(change, "decline") == "change_needs_no_holder"

    pause = await paused(leases, change)
    assert await leases.refusal(pause, "cancel") == "change_done"
    assert await leases.refusal(pause, "confirm") == "change_done"


async def paused(leases: Leases, before: SubscriptionChange | None = None) -> SubscriptionChange:
    """A contract that rests for ten days from today."""
    if before is not None:
        await leases.say(before, "cancel")
    until = business_day(datetime.now(UTC)) + timedelta(days=10)
    pause = await leases.change(ChangeKind.PAUSE, pause_until=until)
    await leases.until_story(pause, "changed")
    return pause


async def test_a_pause_rests_until_its_day_and_the_contract_runs_again(leases: Leases) -> None:
    pause = await paused(leases)
    assert (await read(leases.desk.engine, leases.id)).status == "paused"
    await leases.until_waits(pause, ("pause_end", "resume_contract"))

    await leases.pass_time(pause, days=10)

    assert await leases.result(pause) is S.DONE
    assert (await read(leases.desk.engine, leases.id)).status == "active"
    assert await leases.story(pause) == ["changed", "resumed"]
    assert await leases.waits(pause) == []


async def test_a_pause_that_ended_early_is_not_woken_again(leases: Leases) -> None:
    pause = await paused(leases)
    resume = await leases.change(ChangeKind.RESUME)
    await leases.until_story(resume, "payment_asked")
    await leases.pay(resume)
    assert await leases.result(resume) is S.DONE
    assert await leases.waits(pause) == []

    await leases.pass_time(pause, days=10)

    assert await leases.result(pause) is S.DONE
    assert await leases.story(pause) == ["changed"]


async def test_leaving_early_is_in_force_at_once_and_its_fee_is_invoiced(leases: Leases) -> None:
    change = await leases.change(ChangeKind.TERMINATION)

    assert await leases.result(change) is S.DONE

    assert await leases.story(change) == ["changed", "payment_asked"]
    assert await leases.owed(change) == change.total_minor > 0
    assert (await read(leases.desk.engine, leases.id)).status == "ended"
    await leases.desk.client.get_workflow_handle(f"invoice:I{change.id}-1").describe()


async def moving(leases: Leases) -> SubscriptionChange:
    """A move that is paid and waits for the visit."""
    change = await leases.change(ChangeKind.MOVE)
    await leases.until_story(change, "payment_asked")
    await leases.pay(change)
    await leases.until_story(change, "visit_asked")
    return change


async def ticket_of(leases: Leases, change: SubscriptionChange) -> str:
    asked = "select details->>'ticket_id' as id from timeline_entries where sentence = :sentence"
    rows = await leases.desk.rows(asked, sentence="subscriptions.visit_asked")
    return str(rows[0].id)


@pytest.mark.parametrize(("is_done", "status"), [(True, S.DONE), (False, S.CANCELLED)])
async def test_a_move_is_in_force_with_its_visit(leases: Leases, is_done: bool, status: ChangeStatus) -> None:
    change = await moving(leases)
    await leases.until_waits(change, ("move_visit", ""))
    fact = TicketSettled(await ticket_of(leases, change), is_done, None, change.created_at)
    ticket = await leases.desk.store(a_ticket(leases.desk.company, id=fact.ticket_id))

    await leases.handle(change).signal("ticket_settled", fact)

    assert await leases.result(change) is status
    assert ticket == fact.ticket_id
    refund = leases.desk.client.get_workflow_handle(f"refund:{change.id}.refund", result_type=int)
    if is_done:
        with pytest.raises(RPCError):
            await refund.result()
    else:
        assert await refund.result() == change.total_minor


async def test_a_paid_move_that_is_taken_back_gives_the_money_back_and_calls_the_visit_off(
    leases: Leases,
) -> None:
    change = await moving(leases)

    assert await leases.say(change, "cancel") is S.CANCELLED

    assert await leases.result(change) is S.CANCELLED
    assert await leases.owed(change) == 0
    refund = leases.desk.client.get_workflow_handle(f"refund:{change.id}.refund", result_type=int)
    assert await refund.result() == change.total_minor == 33_000


async def test_a_preview_that_no_longer_holds_changes_nothing(leases: Leases) -> None:
    await leases.desk.change("update subscriptions set seq = seq + 1")
    await leases.desk.stop_work()
    change = await leases.change(ChangeKind.UPGRADE, plan=BETTER)
    await leases.desk.change("update subscriptions set seq = seq + 1")

    leases.desk.begin_work()

    assert await leases.result(change) is S.CANCELLED
    assert await leases.story(change) == ["preview_ended"]
    assert await leases.owed(change) == 0


async def test_a_contract_undone_meanwhile_ends_the_change(leases: Leases) -> None:
    day = await end_of_period(leases)
    change = await leases.change(ChangeKind.UPGRADE, plan=BETTER, effective_on=business_day(day))
    await leases.until_story(change, "waiting_for_its_day")
    await leases.desk.change("update subscriptions set status = 'ended', ends_on = starts_on")

    await leases.pass_time(change, day)

    assert await leases.result(change) is S.CANCELLED
    assert (await leases.story(change))[-1] == "cancelled"


async def test_a_killed_worker_forgets_nothing_and_charges_once(leases: Leases) -> None:
    change = await leases.change(ChangeKind.UPGRADE, plan=BETTER)
    await leases.until_story(change, "payment_asked")
    await leases.desk.stop_work()
    await leases.pay(change)

    leases.desk.begin_work()

    assert await leases.result(change) is S.DONE
    assert await leases.owed(change) == change.total_minor
    assert await leases.story(change) == ["payment_asked", "paid", "changed"]


async def test_a_letter_given_up_is_told_to_the_desk(leases: Leases) -> None:
    POST.is_broken = True
    try:
        change = await leases.change(ChangeKind.TERMINATION)
        assert await leases.result(change) is S.DONE
    finally:
        POST.is_broken = False

    assert "letter_failed" in await leases.story(change)


async def test_two_changes_of_one_contract_are_never_open_at_once(leases: Leases) -> None:
    other = await a_lease(leases.desk.engine, "cus_jun")
    await leases.change(ChangeKind.UPGRADE, plan=BETTER)

    with pytest.raises(Exception, match="one_open_change"):
        await leases.change(ChangeKind.MOVE)
    leases.id = other.contracts[0].subscription_id
    await leases.change(ChangeKind.MOVE)
