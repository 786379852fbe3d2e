"""The life of an overdue account: every step, paid at every step, promised, disputed, held, given up."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from activities.connectors.provisioning import ConsoleService
from activities.dunning import DunningActivities
from activities.kit.invariants import violations
from activities.subscriptions import SuspensionActivities
from models.messages.dunning import (
    CaseStatus,
    Dispute,
    DunningCommand,
    Hold,
    PolicyStep,
    Promise,
    Resolution,
    Skip,
    StepKind,
)
from models.rules.dunning import today
from tests.builders.desk import a_customer
from tests.builders.dunning import STEPS, TERMS, an_unpaid_invoice
from tests.builders.leases import BASIC, a_lease
from tests.desk import DESK_QUEUE, RunningDesk, StandIns
from tests.workflows.arrears import Arrears, CallDone, ChargeAsked, DeviceBack, FeeInvoice
from tests.workflows.neighbours import Post
from workflows.kit.options import MAIL_QUEUE, SERVICE_QUEUE

POST = Post()


@dataclass
class Moody(ConsoleService):
    """A service that is away for so many calls."""

    away: int = 0

    async def switch(self, reference: str, *, is_on: bool, version: int, key: str, case: str) -> None:
        if self.away:
            self.away -= 1
            raise ApplicationError("the service is away", type="service_unclear")
        await super().switch(reference, is_on=is_on, version=version, key=key, case=case)


SERVICE = Moody()
KINDS = [step.kind.value for step in STEPS]
QUICK = replace(
    TERMS, steps=(PolicyStep(3, StepKind.NOTIFY, letter="reminder"), PolicyStep(9, StepKind.SUSPEND))
)


@pytest.fixture
def stand_ins(worker_engine: AsyncEngine) -> StandIns:
    POST.sent.clear()
    POST.is_broken = False
    for book in (SERVICE.states, SERVICE.versions):
        book.clear()
    SERVICE.asked.clear()
    off = SuspensionActivities(worker_engine, SERVICE)
    return StandIns(
        [ChargeAsked, CallDone, DeviceBack, FeeInvoice],
        {MAIL_QUEUE: [POST.send], SERVICE_QUEUE: [off.switch]},
    )


@pytest.fixture
async def arrears(desk: RunningDesk) -> AsyncIterator[Arrears]:
    yield Arrears(desk, desk.company.customer_id)
    async with desk.engine.connect() as connection:
        assert await violations(connection) == {}


@dataclass(frozen=True)
class Leased:
    """A rented device of the overdue customer."""

    id: str


async def rent(arrears: Arrears) -> Leased:
    """A running contract with its device."""
    asked = await a_lease(arrears.desk.engine, arrears.customer, BASIC)
    id = asked.contracts[0].subscription_id
    await arrears.desk.change(
        "update subscriptions set owned_product_id = :own where id = :id",
        own=arrears.desk.company.owned_product_id, id=id,
    )  # fmt: skip
    return Leased(id)


async def status_of(arrears: Arrears, leased: Leased) -> str:
    [row] = await arrears.desk.rows("select status from subscriptions where id = :id", id=leased.id)
    return str(row.status)


def letters() -> list[str]:
    return [one.template.removeprefix("dunning/") for one in POST.sent if one.template.startswith("dunning/")]


async def has_written() -> bool:
    return bool(letters())


def command(name: str = "c1", reason: str = "because") -> DunningCommand:
    return DunningCommand(name, "acc_jo", datetime.now(UTC), reason=reason)


async def test_an_account_is_dunned_for_half_a_year_step_by_step(arrears: Arrears) -> None:
    leased = await rent(arrears)
    await arrears.begin(40_000, 15_000)

    for _ in KINDS[:-1]:
        await arrears.step()
    assert await status_of(arrears, leased) == "ended"
    await arrears.step()

    assert await arrears.result() is CaseStatus.WRITTEN_OFF
    assert await arrears.steps() == ["(retry)", *KINDS[1:]]
    assert letters() == ["reminder", "warning", "suspended", "last_notice", "terminated", "handover"]
    assert SERVICE.states == {leased.id: False}
    assert await arrears.waits() == []
    row = await arrears.row()
    assert (row.status, row.stage, row.opening_minor) == ("written_off", "written_off", 55_000)
    lost = await arrears.desk.rows("select sum(amount_minor) as sum, count(*) as n from write_offs")
    assert (lost[0].sum, lost[0].n) == (55_000, 2)
    took = (await arrears.now() - row.opened_at).days
    assert 175 <= took <= 190


@pytest.mark.parametrize("paid_after", range(len(STEPS)))
async def test_money_at_any_step_ends_the_dunning_at_once(arrears: Arrears, paid_after: int) -> None:
    leased = await rent(arrears)
    await arrears.begin(40_000, 15_000)
    for _ in range(paid_after):
        await arrears.step()
    before = await arrears.steps()

    await arrears.pay(arrears.invoices[0])
    await arrears.desk.until(lambda: owes(arrears, 15_000))
    assert (await arrears.row()).status == "open"
    await arrears.pay(arrears.invoices[1])

    assert await arrears.result() is CaseStatus.PAID
    assert await arrears.steps() == before
    assert len(before) == paid_after
    has_ended, was_off = "terminate" in before, "suspend" in before
    assert await status_of(arrears, leased) == ("ended" if has_ended else "active")
    assert SERVICE.states.get(leased.id, True) is not has_ended
    row = await arrears.row()
    assert (row.resumed_at is not None) is (was_off and not has_ended)
    assert ("resumed" in letters()) is (was_off and not has_ended)
    assert await arrears.waits() == []


async def owes(arrears: Arrears, minor: int) -> bool:
    return bool((await arrears.row()).overdue_minor == minor)


async def test_the_services_run_again_within_the_promised_time_though_the_service_was_away(
    arrears: Arrears,
) -> None:
    leased = await rent(arrears)
    await arrears.begin(terms=QUICK)
    await arrears.step()
    await arrears.step()
    assert await status_of(arrears, leased) == "suspended"
    SERVICE.away = 2

    await arrears.pay()

    assert await arrears.result() is CaseStatus.PAID
    row = await arrears.row()
    assert SERVICE.away == 0
    assert row.resumed_at - row.paid_at <= timedelta(minutes=TERMS.resume_within_minutes)
    assert [(one[1], one[2].rsplit(":", 1)[1]) for one in SERVICE.asked] == [(False, "off"), (True, "on")]
    assert await status_of(arrears, leased) == "active"
    asked = "select sentence from timeline_entries where subject = :id order by id"
    told = [row.sentence for row in await arrears.desk.rows(asked, id=f"subscription:{leased.id}")]
    assert told[1:] == ["subscriptions.suspended", "subscriptions.unsuspended"]


async def test_a_promise_puts_everything_off_and_is_kept(arrears: Arrears) -> None:
    await arrears.begin()
    day = today(await arrears.now()) + timedelta(days=12)

    outlook = await arrears.say(
        "promise", Promise("p1", arrears.customer, await arrears.now(), "customer", pay_on=day)
    )
    assert outlook.has_promise
    await arrears.until_waits(("dunning_promise", "dunning_goes_on"))
    await arrears.pass_time(days=11)
    assert await arrears.steps() == []
    await arrears.pay()

    assert await arrears.result() is CaseStatus.PAID
    [row] = await arrears.desk.rows("select status, pay_on from promises_to_pay")
    assert (row.status, row.pay_on) == ("kept", day)


async def test_a_broken_promise_lets_the_dunning_go_on_and_is_not_repeated_for_ever(arrears: Arrears) -> None:
    await arrears.begin()
    for number in ("p1", "p2"):
        day = today(await arrears.now()) + timedelta(days=3)
        await arrears.say("promise", Promise(number, "acc_jo", await arrears.now(), pay_on=day))
        outlook = await arrears.outlook()
        assert outlook.rest_until is not None
        await arrears.pass_time(outlook.rest_until)
        broken = int(number[1])

        async def is_broken(times: int = broken) -> bool:
            is_told = (await arrears.story()).count("promise_broken") == times
            return is_told and not (await arrears.outlook()).has_promise

        await arrears.desk.until(is_broken)

    day = today(await arrears.now()) + timedelta(days=3)
    late = Promise("p3", "acc_jo", await arrears.now(), pay_on=day)
    assert await arrears.refusal("promise", late) == "promises_used"
    await arrears.step()
    assert await arrears.steps() == ["(retry)"]
    await arrears.say("give_up", command())


async def test_what_is_disputed_rests_until_it_is_decided(arrears: Arrears) -> None:
    await arrears.begin(terms=QUICK)
    assert (
        await arrears.refusal("resolve_dispute", Resolution("r0", "acc_jo", await arrears.now()))
        == "no_dispute"
    )

    await arrears.say(
        "dispute", Dispute("d1", arrears.customer, await arrears.now(), "customer", "never got it")
    )
    assert await arrears.refusal("dispute", Dispute("d2", "acc_jo", await arrears.now())) == "dispute_open"
    await arrears.pass_time(days=100)
    assert await arrears.steps() == []
    await arrears.until_waits(("dunning_dispute", ""))
    await arrears.say("resolve_dispute", Resolution("r1", "acc_jo", await arrears.now()))
    await arrears.step()

    assert await arrears.steps() == ["notify"]
    assert (await arrears.story())[:3] == ["opened", "disputed", "dispute_rejected"]
    await arrears.say("give_up", command())


async def test_a_hold_ends_on_its_day_or_by_hand(arrears: Arrears) -> None:
    await arrears.begin(terms=QUICK)
    assert await arrears.refusal("release", command("x1")) == "no_hold"
    day = today(await arrears.now())
    far = Hold("h0", "acc_jo", await arrears.now(), reason="r", until_on=day + timedelta(days=61))
    assert await arrears.refusal("hold", far) == "hold_day"

    await arrears.say("hold", Hold("h1", "acc_jo", await arrears.now(), reason="flood", until_on=day))
    await arrears.say("release", command("x2"))
    await arrears.say(
        "hold", Hold("h2", "acc_jo", await arrears.now(), reason="flood", until_on=day + timedelta(days=30))
    )
    outlook = await arrears.outlook()
    assert outlook.rest_until is not None
    await arrears.pass_time(outlook.rest_until)
    await arrears.until_story("hold_expired")
    await arrears.step()

    assert await arrears.steps() == ["notify"]
    rows = await arrears.desk.rows("select outcome from dunning_holds order by created_at, id")
    assert [row.outcome for row in rows] == ["released", "expired"]
    await arrears.say("give_up", command())
    assert await arrears.result() is CaseStatus.GIVEN_UP


async def test_a_step_can_be_left_out_by_hand(arrears: Arrears) -> None:
    await arrears.begin(terms=QUICK)

    assert (
        await arrears.refusal("skip", Skip("s0", "acc_jo", await arrears.now(), position=1)) == "step_differs"
    )
    await arrears.say("skip", Skip("s1", "acc_jo", await arrears.now(), position=0))
    assert (await arrears.outlook()).position == 1
    await arrears.step()

    assert await arrears.steps() == ["(notify)", "suspend"]
    await arrears.desk.until(has_written)
    assert letters() == ["suspended"]
    await arrears.until_waits(("dunning_end", ""))
    await arrears.say("write_off", command())
    assert await arrears.result() is CaseStatus.WRITTEN_OFF


async def test_finance_writes_off_or_gives_up_and_the_case_takes_no_word_any_more(arrears: Arrears) -> None:
    await arrears.begin(20_000, 35_000)

    outlook = await arrears.say("write_off", command())

    assert outlook.status is CaseStatus.WRITTEN_OFF
    assert await arrears.result() is CaseStatus.WRITTEN_OFF
    rows = await arrears.desk.rows("select status from invoices order by id")
    assert [row.status for row in rows] == ["written_off", "written_off"]
    entries = await arrears.desk.rows(
        "select account, sum(debit_minor) as d, sum(credit_minor) as c from ledger_entries e"
        " join ledger_transactions t on t.id = e.transaction_id where purpose = 'write_off'"
        " group by account order by account"
    )
    assert [tuple(row) for row in entries] == [("bad_debt", 55_000, 0), ("receivable", 0, 55_000)]


async def test_who_was_given_up_is_dunned_again_only_for_something_new(arrears: Arrears) -> None:
    await arrears.begin()
    await arrears.say("give_up", command(reason="too small"))
    assert await arrears.result() is CaseStatus.GIVEN_UP
    engine, customer = arrears.desk.engine, arrears.customer
    later = datetime.now(UTC) + timedelta(days=30)
    assert await DunningActivities(engine).open_cases(later) == 0
    await an_unpaid_invoice(engine, customer, 9_900, at=later)
    assert await DunningActivities(engine).open_cases(later) == 1


async def test_a_dead_worker_loses_no_step_and_takes_none_twice(arrears: Arrears) -> None:
    leased = await rent(arrears)
    await arrears.begin(terms=QUICK)
    await arrears.step()
    await arrears.desk.stop_work()
    arrears.desk.begin_work()
    await arrears.step()
    await arrears.desk.stop_work()
    arrears.desk.begin_work()
    await arrears.pay()

    assert await arrears.result() is CaseStatus.PAID
    assert await arrears.steps() == ["notify", "suspend"]
    assert letters() == ["reminder", "suspended", "resumed"]
    assert await status_of(arrears, leased) == "active"


async def test_a_letter_that_cannot_be_sent_stops_nothing_and_is_told(arrears: Arrears) -> None:
    POST.is_broken = True
    await arrears.begin(terms=QUICK)
    await arrears.step()
    await arrears.until_story("letter_failed")

    await arrears.pay()

    assert await arrears.result() is CaseStatus.PAID


async def test_the_morning_opens_one_case_for_everybody_who_is_late_and_a_second_call_none(
    arrears: Arrears,
) -> None:
    desk = arrears.desk
    await desk.store(a_customer("cus_jun"))
    await arrears.store_policy()
    await arrears.unused_numbers()
    for customer in (arrears.customer, arrears.customer, "cus_jun"):
        await an_unpaid_invoice(desk.engine, customer, 20_000)
    await an_unpaid_invoice(desk.engine, "cus_jun", 20_000, days=-3)  # not due yet

    with desk.environment.with_time_skipping_disabled():
        began = [
            await desk.client.execute_workflow("DunningDay", id=f"dunning-day-{n}", task_queue=DESK_QUEUE)
            for n in (1, 2)
        ]
        await desk.until(lambda: has_cases(desk, 2))

    assert began == [True, False]
    rows = await desk.rows("select customer_id, opening_minor, status from dunning_cases order by 1")
    assert [tuple(row) for row in rows] == [("cus_jun", 20_000, "open"), ("cus_mina", 40_000, "open")]
    for case in await desk.rows("select id from dunning_cases"):
        arrears.case = case.id
        await arrears.until_story("opened")
        await arrears.say("give_up", command(case.id))


async def has_cases(desk: RunningDesk, count: int) -> bool:
    return len(await desk.rows("select 1 from dunning_cases")) == count
