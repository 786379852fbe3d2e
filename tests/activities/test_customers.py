"""Every activity of a signup and of a privacy request, twice; and the CRM with its faults."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio.exceptions import ApplicationError

from activities.connectors.kit import Patience
from activities.connectors.mail import ConsoleMail
from activities.connectors.marketing import ConsoleMarketing, Contact, HttpMarketing
from activities.connectors.sms import ConsoleSms
from activities.customers.handed_over import forget_handed_over
from activities.customers.handover import HandoverActivities
from activities.customers.privacy import PrivacyActivities
from activities.customers.signup import SignupActivities
from activities.kit.calls import CallLog
from activities.kit.transactions import transaction
from models.billing import BillingAccount
from models.customers import Consent, Customer, PrivacyRequest, Signup
from models.employee_requests import EmployeeRequest, RequestFile, RequestHandover, RequestStep
from models.messages.customers import (
    ConsentKind,
    Handover,
    PrivacyKind,
    PrivacyStatus,
    PrivacyStep,
    SendCode,
    SignupStatus,
    SignupStep,
)
from models.messages.employee_requests.requests import RequestStatus, StepStatus
from models.messages.letters import Delivery
from models.messages.tickets import Channel
from models.payments import Deposit
from models.staff import Account
from models.tickets import Ticket
from tests.sandbox import Sandbox

AT, SECRET = datetime(2026, 11, 2, 9, tzinfo=UTC), b"a secret of the test"
STEP = SignupStep("sgn_a", 1, AT)


@pytest.fixture
def acts(worker_engine: AsyncEngine) -> SignupActivities:
    return SignupActivities(worker_engine, ConsoleMail(), ConsoleSms(), SECRET, "https://desk.example")


async def put(engine: AsyncEngine, *rows: Any) -> None:
    async with AsyncSession(engine) as session, session.begin():
        for row in rows:
            session.add(row)
            await session.flush()


async def look(engine: AsyncEngine, statement: str) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(statement))).all()]


async def change(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement))


def files_in(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


def a_signup(**facts: Any) -> Signup:
    given = {
        "id": "sgn_a", "token_hash": "t", "channel": "mail", "address": "a@example.com", "sends": 1,
        "created_at": AT, "sent_at": AT,
    }  # fmt: skip
    return Signup(**{**given, **facts})


PROVED = {
    "status": SignupStatus.PROVED, "proved_at": AT, "name": "김하나",
    "choices": {"terms": True, "privacy": True, "marketing": True},
}  # fmt: skip


async def test_a_code_is_sent_once_and_an_older_one_never_replaces_a_newer(
    acts: SignupActivities, worker_engine: AsyncEngine
) -> None:
    await put(worker_engine, a_signup())

    first = [await acts.send_code(SendCode("sgn_a", 1, AT)) for _ in range(2)]
    newer = await acts.send_code(SendCode("sgn_a", 2, AT + timedelta(minutes=1)))
    stored = await look(worker_engine, "select code_hash, code_number, code_expires_at from signups")
    await acts.send_code(SendCode("sgn_a", 1, AT))

    assert first[0] == first[1]
    assert list(acts.mail.sent) == ["signup:sgn_a:code:1", "signup:sgn_a:code:2"]  # type: ignore[attr-defined]
    assert stored[0][1:] == (2, newer.ends_at)
    assert await look(worker_engine, "select code_hash, code_number, code_expires_at from signups") == stored
    sent = [one.text for one in acts.mail.sent.values()]  # type: ignore[attr-defined]
    assert not [one for one in sent if stored[0][0] in one]


async def test_a_customer_is_made_once(acts: SignupActivities, worker_engine: AsyncEngine) -> None:
    await put(worker_engine, a_signup(**PROVED))

    states = [await acts.join(STEP) for _ in range(2)]

    assert states[0] == states[1]
    assert (states[0].status, states[0].is_new_account, states[0].is_marketing) == (
        SignupStatus.DONE, True, True,
    )  # fmt: skip
    assert await look(worker_engine, "select count(*) from customers") == [(1,)]
    assert await look(worker_engine, "select count(*) from consents") == [(4,)]
    assert await look(worker_engine, "select roles, login from accounts") == [(["customer"], "a@example.com")]


async def test_without_the_needed_consents_nothing_is_made(
    acts: SignupActivities, worker_engine: AsyncEngine
) -> None:
    await put(worker_engine, a_signup(**{**PROVED, "choices": {"terms": True}}))

    assert (await acts.join(STEP)).status is SignupStatus.PROVED
    assert await look(worker_engine, "select count(*) from customers") == [(0,)]


async def test_a_colleagues_login_is_never_taken_over(
    acts: SignupActivities, worker_engine: AsyncEngine
) -> None:
    await look(worker_engine, "select 1")
    async with worker_engine.begin() as connection:
        await connection.execute(
            text(
                "insert into accounts (id, login, name, locale, roles, is_active, created_at, version)"
                " values ('acc_jo', 'a@example.com', 'Jo', 'ko', '{admin}', true, now(), 1)"
            )
        )
    await put(worker_engine, a_signup(**PROVED))

    state = await acts.join(STEP)

    found = await look(worker_engine, "select id, roles, customer_id from accounts order by id")
    assert found[1] == ("acc_jo", ["admin"], None)
    assert found[0][1:] == (["customer"], state.customer_id)


async def test_recognising_needs_the_proof_and_decides_once(
    acts: SignupActivities, worker_engine: AsyncEngine
) -> None:
    await put(worker_engine, a_signup())
    early = await acts.recognise(STEP)
    async with worker_engine.begin() as connection:
        await connection.execute(text("update signups set proved_at = now()"))

    later = [await acts.recognise(STEP) for _ in range(2)]

    assert early.status is SignupStatus.STARTED
    assert [one.status for one in later] == [SignupStatus.PROVED, SignupStatus.PROVED]


async def test_a_signup_is_reminded_once_and_forgotten_for_good(
    acts: SignupActivities, worker_engine: AsyncEngine
) -> None:
    await put(worker_engine, a_signup(name="김하나"))

    sent = [await acts.remind(STEP) for _ in range(2)]
    forgotten = [await acts.forget(STEP) for _ in range(2)]
    after = await acts.remind(STEP)

    assert sent == [Delivery.MAIL, Delivery.MAIL]
    assert list(acts.mail.sent) == ["signup:sgn_a:resume"]  # type: ignore[attr-defined]
    assert [one.status for one in forgotten] == [SignupStatus.ABANDONED, SignupStatus.ABANDONED]
    assert after is Delivery.NOWHERE
    assert await look(worker_engine, "select address, name, resume_hash from signups") == [("", "", None)]


def a_customer(**facts: Any) -> Customer:
    return Customer(id="cus_a", name="김하나", email="a@example.com", created_at=AT, **facts)


async def test_a_privacy_request_twice_is_one_file_and_one_letter(
    worker_engine: AsyncEngine, tmp_path: Path
) -> None:
    mail = ConsoleMail()
    acts = PrivacyActivities(
        worker_engine, mail, ConsoleSms(), ConsoleMarketing(), tmp_path, "https://desk.example", SECRET
    )
    asked = PrivacyRequest(
        id="prv_a", customer_id="cus_a", kind=PrivacyKind.EXPORT, asked_by="x", asked_at=AT, due_at=AT
    )
    await put(worker_engine, a_customer(), asked)
    step = PrivacyStep("prv_a", 1, AT)

    states = [await acts.export(step) for _ in range(2)]
    letters = [await acts.tell(step) for _ in range(2)]
    made = files_in(tmp_path)
    for _ in range(2):
        await acts.delete_file(step)

    assert [one.status for one in states] == [PrivacyStatus.DONE, PrivacyStatus.DONE]
    assert letters == [Delivery.MAIL, Delivery.MAIL]
    assert len(mail.sent) == len(made) == 1
    assert files_in(tmp_path) == []


async def test_forgetting_twice_is_forgetting(worker_engine: AsyncEngine, tmp_path: Path) -> None:
    acts = PrivacyActivities(
        worker_engine,
        ConsoleMail(),
        ConsoleSms(),
        ConsoleMarketing(),
        tmp_path,
        "https://desk.example",
        SECRET,
    )
    asked = PrivacyRequest(
        id="prv_a", customer_id="cus_a", kind=PrivacyKind.ERASE, asked_by="x", asked_at=AT, due_at=AT
    )
    deposit = Deposit(
        id="dep_a", account="562", payer="김하나", customer_id="cus_a", amount_minor=1, received_at=AT
    )
    account = BillingAccount(customer_id="cus_a", tax_id="01012345678", hold_reason="김하나")
    await put(worker_engine, a_customer(), asked)
    await put(worker_engine, deposit, account)
    step = PrivacyStep("prv_a", 1, AT)
    kept = await acts.close(step)
    await change(worker_engine, "update deposits set status = 'returned', returned_minor = 1")
    await change(worker_engine, "update privacy_requests set status = 'received', reason = '', seq = 0")

    closed = [await acts.close(step) for _ in range(2)]
    erased = [await acts.erase(step) for _ in range(2)]

    assert (kept.status, kept.reason) == (PrivacyStatus.REFUSED, "money")
    assert [one.status for one in closed] == [PrivacyStatus.WORKING, PrivacyStatus.WORKING]
    assert await look(worker_engine, "select payer from deposits") == [("",)]
    assert await look(worker_engine, "select tax_id, hold_reason from billing_accounts") == [("", "")]
    assert [one.status for one in erased] == [PrivacyStatus.DONE, PrivacyStatus.DONE]
    assert await look(worker_engine, "select name, email from customers") == [("", None)]


async def test_what_another_department_wrote_down_of_a_case_is_forgotten(worker_engine: AsyncEngine) -> None:
    ticket = Ticket(
        id="T1", submission_key="k", customer_id="cus_a", channel=Channel.FORM, subject="s", created_at=AT,
        updated_at=AT,
    )  # fmt: skip
    common = {"item_key": "goodwill", "item_version": 1, "status": RequestStatus.DONE, "ticket_id": "T1",
              "created_at": AT, "updated_at": AT, "asked_by": "acc_a"}  # fmt: skip
    answers = {"customer": "김하나", "granted": 1}
    await put(worker_engine, a_customer(), Account(id="acc_a", login="a@x.test", name="A", created_at=AT))
    await put(worker_engine, ticket)
    request = EmployeeRequest(id="E1", submission_key="e", for_employee_id="emp", answers=answers, **common)
    await put(worker_engine, request)
    form = RequestStep(
        request_id="E1", path="0", step_id="look", kind="form", status=StepStatus.DONE, since=AT,
        result=answers,
    )  # fmt: skip
    paper = RequestFile(
        id="rf_a", request_id="E1", field_id="x", uploaded_by="acc_a", name="김하나.pdf", media_type="x",
        size=1, sha256="x", stored_as="stored", created_at=AT,
    )  # fmt: skip
    await put(worker_engine, RequestHandover(request_id="E1", answers=answers, **common), form, paper)

    for _ in range(2):
        async with transaction(worker_engine) as session:
            assert await forget_handed_over(session, "cus_a") == ["stored"]
            assert await forget_handed_over(session, "cus_b") == []

    for asked in (
        "select answers::text from employee_requests", "select answers::text from request_handovers",
        "select result::text from request_steps", "select name from request_files",
    ):  # fmt: skip
        assert "김하나" not in str(await look(worker_engine, asked)), asked


def said(is_given: bool) -> Consent:
    return Consent(
        customer_id="cus_a", kind=ConsentKind.MARKETING, version="1", is_given=is_given, at=AT, source="x"
    )


@pytest.mark.parametrize(
    "fault", ["500_before", "500_after", "429", "garbage", "truncated_json", "duplicate", "reset", "drip"]
)
async def test_the_crm_ends_up_knowing_how_it_stands_whatever_it_does(
    sandbox: Sandbox, worker_engine: AsyncEngine, fault: str
) -> None:
    patience = Patience(connect=1, read=1, write=1, pool=1, total=1.5)
    crm = HttpMarketing(sandbox.marketing_url, sandbox.token, CallLog(worker_engine), patience)
    acts = HandoverActivities(worker_engine, crm)
    await put(worker_engine, a_customer(), said(True))
    sandbox.fail("marketing", {"kind": fault, "times": 2, "seconds": 3.0})

    for _ in range(4):  # as Temporal would try
        with suppress(ApplicationError):
            await acts.hand_over(Handover("cus_a", 1))
    there = sandbox.contacts()["cus_a"]
    await put(worker_engine, said(False))
    await acts.hand_over(Handover("cus_a", 2))
    await crm.upsert(Contact("cus_a", there["version"], True, "김하나"))  # late news
    gone = sandbox.contacts()["cus_a"]
    await crm.forget("cus_a")
    await crm.close()

    assert sandbox.fired("marketing")[fault] >= 1
    assert (there["is_subscribed"], there["name"]) == (True, "김하나")
    assert (gone["is_subscribed"], gone["name"], gone["email"]) == (False, "", "")
    assert sandbox.contacts() == {}
