"""Calls to the outside world, against the real sandbox over HTTP: every failure fires and is judged."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.connectors.delivery import ReceiverRefused
from activities.connectors.kit import Patience
from activities.connectors.mail import HttpMail
from activities.connectors.payments import ConsolePaymentGateway, HttpPaymentGateway, PaymentGateway
from activities.connectors.sms import HttpSms
from activities.kit.calls import CallLog
from activities.kit.transactions import transaction
from models.messages.payments import Charge, ChargeAnswer, GiveBack, Verdict
from models.messages.systems import CallResult, System
from models.systems import SystemCall
from ops.postgres import free_port
from tests.sandbox import Sandbox

QUICK = Patience(connect=1, read=0.6, write=1, pool=1, total=1.2)


@pytest.fixture
async def gateway(sandbox: Sandbox, worker_engine: AsyncEngine) -> AsyncIterator[HttpPaymentGateway]:
    line = HttpPaymentGateway(sandbox.gateway_url, sandbox.secret, CallLog(worker_engine), QUICK)
    yield line
    await line.close()


@pytest.fixture
async def mail(sandbox: Sandbox, worker_engine: AsyncEngine) -> AsyncIterator[HttpMail]:
    line = HttpMail(sandbox.mail_url, sandbox.token, CallLog(worker_engine), QUICK)
    yield line
    await line.close()


def a_charge(sandbox: Sandbox, order: str = "I100123-1.1", card: str = "approve") -> Charge:
    return Charge(order, sandbox.authorise(order, 55_000, card), 55_000, ticket_id="T100123")


async def calls(engine: AsyncEngine) -> list[SystemCall]:
    async with transaction(engine) as session:
        return list((await session.scalars(select(SystemCall).order_by(SystemCall.id))).all())  # type: ignore[arg-type]


# kind: (verdict of the call, how often money moved, verdict of the look-up, code)
LIES: dict[str, tuple[Verdict, int, Verdict]] = {
    "500_before": (Verdict.UNKNOWN, 0, Verdict.NOT_FOUND),
    "500_after": (Verdict.UNKNOWN, 1, Verdict.SUCCEEDED),
    "timeout_before": (Verdict.UNKNOWN, 0, Verdict.NOT_FOUND),
    "timeout_after": (Verdict.UNKNOWN, 1, Verdict.SUCCEEDED),
    "429": (Verdict.NOT_SENT, 0, Verdict.NOT_FOUND),
    "slow": (Verdict.SUCCEEDED, 1, Verdict.SUCCEEDED),
    "drip": (Verdict.UNKNOWN, 1, Verdict.SUCCEEDED),
    "garbage": (Verdict.UNKNOWN, 1, Verdict.SUCCEEDED),
    "truncated_json": (Verdict.UNKNOWN, 1, Verdict.SUCCEEDED),
    "wrong_amount": (Verdict.UNKNOWN, 1, Verdict.SUCCEEDED),
    "wrong_order": (Verdict.UNKNOWN, 1, Verdict.SUCCEEDED),
    "duplicate": (Verdict.SUCCEEDED, 1, Verdict.SUCCEEDED),
    "reset": (Verdict.UNKNOWN, 1, Verdict.SUCCEEDED),
    "reset_before": (Verdict.UNKNOWN, 0, Verdict.NOT_FOUND),
}
SECONDS = {"slow": 0.2, "drip": 20.0}


@pytest.mark.parametrize("kind", LIES)
async def test_no_lie_of_the_gateway_is_believed_and_the_look_up_knows(
    sandbox: Sandbox, gateway: HttpPaymentGateway, worker_engine: AsyncEngine, kind: str
) -> None:
    charge = a_charge(sandbox)
    sandbox.fail("payments", {"kind": kind, "operation": "confirm", "seconds": SECONDS.get(kind, 3.0)})

    said = await gateway.confirm(charge)
    found = await gateway.look_up(charge)

    verdict, moved, known = LIES[kind]
    assert sandbox.fired("payments") == {kind: 1}
    assert (said.verdict, len(sandbox.moves()), found.verdict) == (verdict, moved, known)
    results = [(call.operation, call.result) for call in await calls(worker_engine)]
    expected = {Verdict.UNKNOWN: CallResult.UNKNOWN, Verdict.NOT_SENT: CallResult.FAILED}
    assert results == [("confirm", expected.get(verdict, CallResult.OK)), ("look_up", CallResult.OK)]


@pytest.mark.parametrize("kind", LIES)
async def test_asking_again_under_the_same_key_charges_once(
    sandbox: Sandbox, gateway: HttpPaymentGateway, kind: str
) -> None:
    charge = a_charge(sandbox)
    sandbox.fail("payments", {"kind": kind, "times": 1, "seconds": SECONDS.get(kind, 3.0)})

    await gateway.confirm(charge)
    again = await gateway.confirm(charge)
    third = await gateway.confirm(charge)

    assert {again.verdict, third.verdict} == {Verdict.SUCCEEDED}
    assert [move["amount"] for move in sandbox.moves()] == [55_000]


async def test_a_charge_that_is_applied_after_we_hung_up_is_found_later(
    sandbox: Sandbox, gateway: HttpPaymentGateway
) -> None:
    charge = a_charge(sandbox)
    sandbox.fail("payments", {"kind": "late", "operation": "confirm", "seconds": 1.5})

    said = await gateway.confirm(charge)
    at_once = await gateway.look_up(charge)
    until = time.monotonic() + 10
    while (later := await gateway.look_up(charge)).verdict is not Verdict.SUCCEEDED:
        assert time.monotonic() < until
        await asyncio.sleep(0.1)

    assert (said.verdict, at_once.verdict) == (Verdict.UNKNOWN, Verdict.NOT_FOUND)
    assert (later.amount_minor, later.provider_id) == (55_000, charge.payment_key)


@pytest.mark.parametrize(("garbage", "seconds"), [("7", 7), ("soon", 0), ("-3", 0), (None, 0)])
async def test_a_busy_gateway_says_when_to_come_back(
    sandbox: Sandbox, gateway: HttpPaymentGateway, garbage: str | None, seconds: int
) -> None:
    sandbox.fail("payments", {"kind": "429", "retry_after": garbage})

    said = await gateway.confirm(a_charge(sandbox))

    assert (said.verdict, said.retry_after_seconds) == (Verdict.NOT_SENT, seconds)


async def test_a_gateway_that_is_not_there_was_never_asked(worker_engine: AsyncEngine) -> None:
    url = f"http://127.0.0.1:{free_port()}/gateway"
    line = HttpPaymentGateway(url, "x", CallLog(worker_engine), QUICK)

    said = await line.confirm(Charge("I1-1.1", "pay_1", 1))
    await line.close()

    assert said == ChargeAnswer(Verdict.NOT_SENT, code="ConnectError")
    assert [(call.result, call.error) for call in await calls(worker_engine)] == [
        (CallResult.FAILED, "ConnectError")
    ]


async def test_a_refused_card_is_a_refusal_and_stays_one(
    sandbox: Sandbox, gateway: HttpPaymentGateway
) -> None:
    charge = a_charge(sandbox, card="refuse")

    said, found = await gateway.confirm(charge), await gateway.look_up(charge)

    assert (said.verdict, said.code) == (Verdict.REFUSED, "REJECT_CARD_PAYMENT")
    assert (found.verdict, found.code) == (Verdict.REFUSED, "REJECT_CARD_PAYMENT")
    assert sandbox.moves() == []


async def test_a_refund_is_made_once(sandbox: Sandbox, gateway: HttpPaymentGateway) -> None:
    charge = a_charge(sandbox)
    await gateway.confirm(charge)
    sandbox.fail("payments", {"kind": "500_after", "operation": "cancel", "times": 1})

    asked = GiveBack("r1", charge.attempt_id, charge.payment_key, 1_000, charge.amount_minor, "returned")
    first, found, second = (
        await gateway.refund(asked), await gateway.look_up_refund(asked), await gateway.refund(asked),
    )  # fmt: skip

    assert (first.verdict, found.verdict, second.verdict) == (
        Verdict.UNKNOWN, Verdict.SUCCEEDED, Verdict.SUCCEEDED,
    )  # fmt: skip
    assert [(move["kind"], move["amount"]) for move in sandbox.moves()] == [
        ("charge", charge.amount_minor), ("refund", 1_000),
    ]  # fmt: skip
    too_much = replace(asked, refund_id="r2", amount_minor=charge.amount_minor)
    answers = await gateway.refund(too_much), await gateway.look_up_refund(too_much)
    assert [one.verdict for one in answers] == [Verdict.UNKNOWN, Verdict.REFUSED]
    assert len(sandbox.moves()) == 2


def confirm(sandbox: Sandbox, charge: Charge, key: str) -> dict[str, Any]:
    """Ask as a naive client would, with a key of its own choice."""
    body = {"payment_key": charge.payment_key, "order_id": charge.attempt_id, "amount": charge.amount_minor}
    answer = sandbox.client.post(
        "/gateway/v1/payments/confirm", json=body, auth=(sandbox.secret, ""), headers={"idempotency-key": key}
    )
    found: dict[str, Any] = answer.json()
    return found


async def test_a_naive_client_really_charges_twice(sandbox: Sandbox) -> None:
    first, second = a_charge(sandbox), a_charge(sandbox)
    for number, token in enumerate(("a", "b")):
        sandbox.client.post(
            "/gateway/v1/payments/key-in", json={"order_id": "K1", "amount": 100}, auth=(sandbox.secret, ""),
            headers={"idempotency-key": token + str(number)},
        ).raise_for_status()  # fmt: skip

    assert confirm(sandbox, first, "key-1")["status"] == "DONE"
    assert confirm(sandbox, first, "key-2")["code"] == "ALREADY_PROCESSED_PAYMENT"
    assert confirm(sandbox, second, "key-3")["status"] == "DONE"
    assert (len(sandbox.moves(first.attempt_id)), len(sandbox.moves("K1"))) == (2, 2)


async def test_a_key_is_forgotten_after_fifteen_days(sandbox: Sandbox) -> None:
    charge = a_charge(sandbox)
    confirm(sandbox, charge, "key-1")

    sandbox.client.put("/control/clock", params={"offset_seconds": 14 * 86400})
    before = confirm(sandbox, charge, "key-1")
    sandbox.client.put("/control/clock", params={"offset_seconds": 16 * 86400})
    after = confirm(sandbox, charge, "key-1")

    assert (before["status"], after["code"]) == ("DONE", "ALREADY_PROCESSED_PAYMENT")


async def test_failures_follow_the_seed(sandbox: Sandbox, gateway: HttpPaymentGateway) -> None:
    async def run(seed: int) -> list[Verdict]:
        sandbox.fail("payments", {"kind": "500_before", "probability": 0.5, "seed": seed})
        return [(await gateway.look_up(Charge("I1-1.1", "p", 1))).verdict for _ in range(24)]

    first, second, other = await run(1), await run(1), await run(2)

    assert first == second != other
    assert {Verdict.UNKNOWN, Verdict.NOT_FOUND} == set(first)


DELIVERIES = [
    "500_before",
    "500_after",
    "timeout_after",
    "429",
    "garbage",
    "truncated_json",
    "reset",
    "duplicate",
]


@pytest.mark.parametrize("kind", DELIVERIES)
async def test_a_mail_is_sent_once_however_often_it_is_asked(
    sandbox: Sandbox, mail: HttpMail, worker_engine: AsyncEngine, kind: str
) -> None:
    sandbox.fail("mail", {"kind": kind, "times": 2, "retry_after": "2", "seconds": 3})
    ids: list[str] = []
    waits: list[timedelta | None] = []

    for attempt in (1, 2, 3):
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt)
        try:
            ids.append(await environment.run(send_greeting, mail))
        except ApplicationError as error:
            waits.append(error.next_retry_delay)

    assert waits == ([] if kind == "duplicate" else [timedelta(seconds=2) if kind == "429" else None] * 2)
    assert len(ids) == (3 if kind == "duplicate" else 1)
    assert [mail["subject"] for mail in sandbox.mails("mina@example.test")] == ["안녕하세요"]
    assert [call.attempt for call in await calls(worker_engine)] == [1, 2, 3]
    assert sandbox.fired("mail") == {kind: 2}


async def send_greeting(mail: HttpMail) -> str:
    return await mail.send(
        "mina@example.test", "안녕하세요", "본문", "<p>본문</p>", key="ticket:T1:received", ticket_id="T1"
    )


async def test_a_receiver_that_does_not_exist_is_a_refusal(
    sandbox: Sandbox, worker_engine: AsyncEngine
) -> None:
    sms = HttpSms(sandbox.sms_url, sandbox.token, CallLog(worker_engine), QUICK)

    await sms.send("+821012345678", "안녕하세요", key="a")
    with pytest.raises(ReceiverRefused):
        await sms.send("010-1234", "안녕하세요", key="b")
    await sms.close()

    assert [text["text"] for text in sandbox.texts()] == ["안녕하세요"]
    assert [call.result for call in await calls(worker_engine)] == [CallResult.OK, CallResult.REFUSED]


async def test_the_log_and_the_metrics_know_a_call_but_nothing_personal(
    mail: HttpMail, worker_engine: AsyncEngine
) -> None:
    labels = {"system": "mail", "operation": "send", "result": "ok"}
    before = REGISTRY.get_sample_value("ieum_system_calls_total", labels) or 0

    await send_greeting(mail)

    (call,) = await calls(worker_engine)
    assert (call.system, call.key, call.ticket_id, call.http_status) == (
        System.MAIL, "ticket:T1:received", "T1", 202,
    )  # fmt: skip
    assert "mina" not in repr(call.model_dump())
    assert REGISTRY.get_sample_value("ieum_system_calls_total", labels) == before + 1


async def test_the_console_gateway_remembers_what_it_was_asked() -> None:
    console: PaymentGateway = ConsolePaymentGateway([ChargeAnswer(Verdict.UNKNOWN, code="x")])
    charge = Charge("I1-1.1", "pay_1", 5)

    said = [await console.confirm(charge), await console.look_up(charge), await console.confirm(charge)]

    assert [answer.verdict for answer in said] == [Verdict.UNKNOWN, Verdict.NOT_FOUND, Verdict.SUCCEEDED]
    assert (await console.look_up(charge)).verdict is Verdict.SUCCEEDED
