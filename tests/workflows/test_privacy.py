"""Asking for one's data, and being forgotten: the word that stood in everything personal stands nowhere."""

import asyncio
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from models.catalogue import Plan
from models.channels import ChannelEvent, Chat, DeviceSignal, PhoneCall
from models.customers import KnownSerial, OwnedProduct
from models.field_service import Visit
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.catalogue import PlanKind
from models.messages.channels import CallStatus, Door, EventStatus
from models.messages.customers import PrivacyStatus
from models.messages.field_service import VisitStatus
from models.messages.payments import ChargeAnswer, MethodStatus, Verdict
from models.messages.staff import LinkPurpose
from models.messages.subscriptions import SubscriptionStatus
from models.messages.systems import OutboxKind, OutboxStatus
from models.messages.tickets import Channel, MessageKind, TicketStatus
from models.orders import Order
from models.payments import PaymentMethod
from models.staff import SignedLink
from models.subscriptions import Subscription
from models.systems import OutboxItem
from models.tickets import Attachment, Draft, Ticket, TicketMessage, TicketRating
from tests.builders.company import store
from tests.builders.customers import Browser, Doorway
from tests.desk import RunningDesk, StandIns
from tests.workflows.signing_up import SEALS, Outside, Story

MAIL, CANARY = "kanari@example.com", "카나리아7391"
NOW = datetime.now(UTC)


@pytest.fixture
def outside(worker_engine: AsyncEngine, tmp_path: Path) -> Outside:
    return Outside(worker_engine, tmp_path)


@pytest.fixture
def stand_ins(outside: Outside) -> StandIns:
    return outside.stand_ins()


@pytest.fixture
def doorway(desk: RunningDesk, outside: Outside, app_engine: AsyncEngine) -> Iterator[Doorway]:
    """Time passes only when a story says so: else an idle life is over before anybody could type a code."""
    with desk.environment.with_time_skipping_disabled():
        yield Doorway(desk, outside.post, app_engine, outside.folder)


@pytest.fixture
def story(doorway: Doorway) -> Story:
    return Story(doorway)


@pytest.fixture
async def mine(doorway: Doorway) -> Browser:
    """A customer who has signed in, whose name is the word."""
    browser = doorway.browser()
    await browser.sign_up(MAIL, MAIL, name=CANARY, marketing="yes")
    return browser


async def own_id(doorway: Doorway) -> str:
    return str((await doorway.rows("select id from customers where email = :m", m=MAIL))[0][0])


async def result(handle: Any) -> Any:
    return await asyncio.wait_for(handle.result(), 20)


async def everywhere(doorway: Doorway, word: str) -> dict[str, int]:
    """In which tables the word stands, and how often; the wall clock of PostgreSQL is no table."""
    tables = await doorway.rows(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    )
    found = {}
    for (name,) in tables:
        asked = f"select count(*) from {name} t where t::text like :w"
        ((number,),) = await doorway.rows(asked, w=f"%{word}%")
        if number:
            found[str(name)] = int(str(number))
    return found


async def live_a_little(doorway: Doorway, folder: Path, customer: str) -> None:
    """Everything that hangs on a customer, all of it over, with the word in everything that people typed."""
    old = NOW - timedelta(days=400)
    (folder / "picture").write_bytes(CANARY.encode())
    rows = [
        OwnedProduct(id="own_c", customer_id=customer, product_id="pro_phone", serial=CANARY, region=CANARY),
        Ticket(
            id="T77", submission_key="k77", customer_id=customer, owned_product_id="own_c", subject=CANARY,
            channel=Channel.FORM, description=CANARY, status=TicketStatus.CLOSED, is_over=True,
            created_at=old, updated_at=old,
        ),
        TicketMessage(
            id="m77", ticket_id="T77", kind=MessageKind.INBOUND, channel=Channel.FORM, body=CANARY,
            author_name=CANARY, created_at=old,
        ),
        TicketRating(ticket_id="T77", stars=4, comment=CANARY, created_at=old),
        Draft(ticket_id="T77", account_id="acc_jo", kind=MessageKind.NOTE, body=CANARY, updated_at=old),
        Attachment(
            id="at77", ticket_id="T77", name=CANARY, media_type="image/png", size=1, sha256="s",
            stored_as="picture", created_at=old,
        ),
        Visit(
            id="V77-1", ticket_id="T77", customer_id=customer, status=VisitStatus.COMPLETED, is_over=True,
            note=CANARY, signer=CANARY, signature=CANARY, created_at=old,
        ),
        TimelineEntry(
            key="tl77", subject="ticket:T77", ticket_id="T77", at=old, kind=EntryKind.NOTE,
            actor_kind=ActorKind.STAFF, sentence="tickets.noted", details={"reason": CANARY}, is_public=True,
        ),
        OutboxItem(
            key="ob77", kind=OutboxKind.UPDATE, workflow_id="ticket:T77", name="reply",
            payload={"reason": CANARY}, status=OutboxStatus.SENT, not_before=old, created_at=old,
        ),
        Order(
            id="O77", submission_key="o77", customer_id=customer, once_minor=110, net_minor=100, tax_minor=10,
            is_over=True, ship_name=CANARY, ship_phone=CANARY, ship_postcode=CANARY, ship_address=CANARY,
            ship_region="seoul", reason=CANARY, placed_at=old,
        ),
        PaymentMethod(
            id="pm77", customer_id=customer, customer_key="ck77", label=CANARY,
            billing_key=SEALS.seal("bk_77", "pm77"),
            status=MethodStatus.ACTIVE, is_default=True, created_at=old,
        ),
        ChannelEvent(
            id="chn77", door=Door.SMS, external_id="x77", received_at=old, last_at=old, sender=CANARY,
            original=CANARY, ticket_id="T77", status=EventStatus.PLACED,
        ),
        PhoneCall(
            id="call77", external_id="p77", caller=CANARY, customer_id=customer, status=CallStatus.ENDED,
            received_at=old, recording=CANARY,
        ),
        Chat(id="T77", visitor=CANARY, contact=CANARY, began_at=old, ended_at=old),
        DeviceSignal(
            owned_product_id="own_c", fault="leak", minute=old, first_at=old, last_at=old,
            reading={"reading": CANARY},
        ),
        SignedLink(
            token_hash="t77", key="l77", purpose=LinkPurpose.FOLLOW, customer_id=customer, ticket_id="T77",
            subject="T77", created_at=old, expires_at=NOW + timedelta(days=9),
        ),
    ]  # fmt: skip
    async with AsyncSession(doorway.desk.engine) as session, session.begin():
        await store(session, rows)


async def test_everything_about_me_is_in_one_file_for_a_week(
    doorway: Doorway, outside: Outside, story: Story, mine: Browser
) -> None:
    customer = await own_id(doorway)
    await live_a_little(doorway, outside.folder, customer)

    await mine.send("/my/privacy", kind="export")
    handle = await story.privacy()
    await doorway.desk.until(lambda: is_done(doorway))
    request = str((await doorway.rows("select id from privacy_requests"))[0][0])
    path = f"/my/privacy/{request}/file"
    fetched = await mine.get(path)
    stranger = doorway.browser()
    await stranger.sign_up("other@example.com", "other@example.com")
    refused = await stranger.get(path)
    await story.pass_time(handle, days=7, minutes=1)

    assert fetched.status_code == 200
    assert fetched.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(BytesIO(fetched.content)) as archive:
        parts = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    assert parts["customer.json"][0]["name"] == CANARY
    assert parts["messages.json"][0]["body"] == CANARY
    assert parts["orders.json"][0]["ship_address"] == CANARY
    assert "billing_key" not in fetched.text
    assert refused.status_code == 404
    assert (await result(handle)).status is PrivacyStatus.DONE
    assert (await mine.get(path)).status_code == 404
    assert sorted(one.name for one in outside.folder.iterdir()) == ["picture"]
    history = (await handle.fetch_history()).to_json()
    assert CANARY not in history
    assert MAIL not in history


async def is_done(doorway: Doorway) -> bool:
    return await doorway.rows("select status from privacy_requests") == [("done",)]


async def test_who_is_forgotten_stands_nowhere_any_more(
    doorway: Doorway, outside: Outside, story: Story, mine: Browser
) -> None:
    customer = await own_id(doorway)
    await live_a_little(doorway, outside.folder, customer)
    before = await everywhere(doorway, CANARY)

    answer = await mine.send("/my/privacy", kind="erase", is_sure="yes")
    state = await result(await story.privacy())

    assert answer.status_code == 303
    assert len(before) >= 13, before
    assert state.status is PrivacyStatus.DONE
    assert await everywhere(doorway, CANARY) == {}
    assert await everywhere(doorway, MAIL) == {}
    assert list(outside.folder.iterdir()) == []
    assert customer not in outside.crm.contacts
    assert outside.keys.asked == [("revoke", "pm77:revoke")]
    assert any("삭제" in one for one in outside.post.to(MAIL)), "the last letter went out before the address"
    ((account,),) = await doorway.rows("select id from accounts where customer_id = :c", c=customer)
    doorway.app.state.doors.forget(account_id=str(account))  # it remembers sessions for five seconds
    assert (await mine.get("/home")).status_code in (303, 401)
    kept = await doorway.rows("select once_minor, is_over from orders where id = 'O77'")
    assert kept == [(110, True)]
    assert await doorway.rows("select status from payment_methods") == [("revoked",)]
    audit = await doorway.rows("select count(*) from audit_entries")
    assert int(str(audit[0][0])) > 0


async def test_a_gateway_that_is_away_holds_up_the_erasing_and_not_the_closing(
    doorway: Doorway, outside: Outside, story: Story, mine: Browser
) -> None:
    customer = await own_id(doorway)
    await live_a_little(doorway, outside.folder, customer)
    outside.keys.answers += [ChargeAnswer(Verdict.UNKNOWN)] * 2

    await mine.send("/my/privacy", kind="erase", is_sure="yes")
    state = await result(await story.privacy())

    assert state.status is PrivacyStatus.DONE
    assert [what for what, _ in outside.keys.asked] == ["revoke"] * 3
    assert await doorway.rows("select billing_key from payment_methods") == [("",)]


async def test_the_address_is_free_again_after_somebody_was_forgotten(
    doorway: Doorway, story: Story, mine: Browser
) -> None:
    first = await own_id(doorway)
    await mine.send("/my/privacy", kind="erase", is_sure="yes")
    await result(await story.privacy())

    answer = await doorway.browser().sign_up(MAIL, MAIL, name="새 사람")

    assert answer.headers["location"] == "/home"
    assert await own_id(doorway) != first


async def an_obstacle(doorway: Doorway, customer: str, what: str) -> None:
    now, rows = NOW, []
    if what == "orders":
        rows = [
            Order(
                id="O1", submission_key="o1", customer_id=customer, once_minor=0, net_minor=0, tax_minor=0,
                placed_at=now,
            )
        ]  # fmt: skip
    elif what == "contracts":
        plan = Plan(id="pl", code="pl", kind=PlanKind.RENTAL, name_ko="p", name_en="p", created_at=now)
        rows = [
            plan,
            Subscription(
                id="S1-1", customer_id=customer, plan_id="pl", plan_version=1, terms={}, created_at=now,
                status=SubscriptionStatus.ACTIVE, starts_on=date(2026, 1, 1),
            ),
        ]  # fmt: skip
    else:
        rows = [
            Ticket(
                id="T1", submission_key="k1", customer_id=customer, subject="x", channel=Channel.FORM,
                created_at=now, updated_at=now,
            )
        ]  # fmt: skip
    async with AsyncSession(doorway.desk.engine) as session, session.begin():
        await store(session, rows)


@pytest.mark.parametrize("what", ["orders", "contracts", "tickets"])
async def test_what_is_still_under_way_is_finished_first(
    doorway: Doorway, story: Story, mine: Browser, what: str
) -> None:
    customer = await own_id(doorway)
    await an_obstacle(doorway, customer, what)

    await mine.send("/my/privacy", kind="erase", is_sure="yes")
    state = await result(await story.privacy())

    assert (state.status, state.reason) == (PrivacyStatus.REFUSED, what)
    assert (await mine.get("/home")).status_code == 200
    page = await mine.get("/my/privacy?lang=en")
    assert "Please" in page.text
    assert await doorway.rows("select name from customers where id = :c", c=customer) == [(CANARY,)]


async def test_to_be_forgotten_has_to_be_said_twice_and_only_once_at_a_time(
    doorway: Doorway, mine: Browser
) -> None:
    unsure = await mine.send("/my/privacy", kind="erase")
    await doorway.desk.stop_work()
    await mine.send("/my/privacy", kind="export")
    again = await mine.send("/my/privacy", kind="export")
    doorway.desk.begin_work()

    assert unsure.status_code == 422
    assert again.status_code == 409
    assert await doorway.rows("select count(*) from privacy_requests") == [(1,)]


async def test_only_a_device_that_we_made_and_nobody_has_can_be_registered(
    doorway: Doorway, mine: Browser
) -> None:
    customer = await own_id(doorway)
    async with AsyncSession(doorway.desk.engine) as session, session.begin():
        session.add(KnownSerial(product_id="pro_phone", serial="SN-1", sold_on=date(2026, 5, 1)))

    unknown = await mine.send("/my/products", product_id="pro_phone", serial="SN-9")
    right = await mine.send("/my/products", product_id="pro_phone", serial=" sn-1 ")
    twice = await mine.send("/my/products", product_id="pro_phone", serial="SN-1")
    stranger = doorway.browser()
    await stranger.sign_up("other@example.com", "other@example.com")
    taken = await stranger.send("/my/products", product_id="pro_phone", serial="SN-1")

    assert (unknown.status_code, right.status_code, twice.status_code) == (422, 303, 303)
    assert taken.status_code == 422
    owned = await doorway.rows("select customer_id, warranty_until from owned_products where serial = 'SN-1'")
    assert owned == [(customer, date(2028, 5, 1))]
    assert CANARY not in taken.text
