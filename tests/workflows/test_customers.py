"""Signing up from the first screen to the welcome, through the app, the database and Temporal."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.messages.customers import SignupStatus
from tests.builders.customers import TICKED, Doorway
from tests.builders.desk import a_customer
from tests.desk import RunningDesk, StandIns
from tests.workflows.signing_up import Outside, Story

PHONE, MAIL = "+821055551234", "hana@example.com"


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


async def result(handle: Any) -> Any:
    return await asyncio.wait_for(handle.result(), 20)


async def test_a_stranger_signs_up_by_telephone_and_is_in(
    doorway: Doorway, outside: Outside, story: Story
) -> None:
    browser = doorway.browser()

    answer = await browser.sign_up("010-5555-1234", PHONE, marketing="yes", return_to="/orders/new")

    assert (answer.status_code, answer.headers["location"]) == (303, "/orders/new"), answer.text
    home = await browser.get("/home")
    assert "김하나" in home.text
    ((customer_id, verified),) = await doorway.rows(
        "select id, is_verified from customers where phone = :p", p=PHONE
    )
    assert verified is True
    given = await doorway.rows(
        "select kind, is_given, version from consents where customer_id = :c order by kind", c=customer_id
    )
    assert given == [
        ("marketing", True, "2026-11"), ("privacy", True, "2026-11"), ("terms", True, "2026-11"),
        ("third_party", False, "2026-11"),
    ]  # fmt: skip
    row = await story.row()
    assert (row.address, row.name, row.choices, row.status) == ("", "", {}, "done")
    handle = await story.newest()
    assert await result(handle) is SignupStatus.DONE
    await doorway.desk.until(lambda: knows(outside, str(customer_id)))
    assert len(outside.post.to(PHONE)) == 2  # the code and the welcome
    assert await story.sentences(str(customer_id)) == ["customers.signed_up"]
    assert await story.waits() == []
    history = (await handle.fetch_history()).to_json()
    assert not [word for word in (PHONE, "김하나", outside.post.codes(PHONE)[0]) if word in history]


async def knows(outside: Outside, customer_id: str) -> bool:
    contact = outside.crm.contacts.get(customer_id)
    return contact is not None and contact.is_subscribed and contact.name == "김하나"


async def test_without_consent_the_crm_hears_nothing(
    doorway: Doorway, outside: Outside, story: Story
) -> None:
    await doorway.browser().sign_up("hana@example.com", MAIL)

    assert await result(await story.newest()) is SignupStatus.DONE
    assert outside.crm.contacts == {}


async def test_who_signed_up_comes_in_by_code_later_and_tells_nothing_again(
    doorway: Doorway, outside: Outside, story: Story
) -> None:
    await doorway.browser().sign_up(MAIL, MAIL)
    again = doorway.browser()

    answer = await again.prove(MAIL, MAIL, return_to="/my/products")

    assert answer.headers["location"] == "/my/products"
    assert (await again.get("/my/products")).status_code == 200
    assert await result(await story.newest()) is SignupStatus.DONE
    assert await doorway.rows("select count(*) from customers where email = :m", m=MAIL) == [(1,)]
    assert await doorway.rows("select count(*) from consents") == [(4,)]


async def test_a_known_record_is_linked_after_proof_and_what_nobody_proved_is_dropped(
    doorway: Doorway, story: Story
) -> None:
    await doorway.desk.store(a_customer("cus_known", phone=PHONE, email=MAIL, name="누군가"))

    await doorway.browser().sign_up("010-5555-1234", PHONE)

    found = await doorway.rows("select name, phone, email, is_verified from customers where id = 'cus_known'")
    assert found == [("김하나", PHONE, None, True)]
    assert await doorway.rows("select count(*) from customers where phone = :p", p=PHONE) == [(1,)]
    assert await story.sentences("cus_known") == ["customers.address_dropped", "customers.linked"]


async def test_what_our_people_vouched_for_stays(doorway: Doorway) -> None:
    known = a_customer("cus_known", phone=PHONE, email=MAIL, name="이미아", is_verified=True)
    await doorway.desk.store(known)

    await doorway.browser().sign_up("010-5555-1234", PHONE)

    assert await doorway.rows("select name, email from customers where id = 'cus_known'") == [
        ("이미아", MAIL)
    ]


async def test_an_address_that_somebody_else_only_typed_goes_to_who_proved_it(
    doorway: Doorway, story: Story
) -> None:
    """Else one could wait in a record for the owner of an address and read along."""
    await doorway.browser().sign_up("010-5555-1234", PHONE)
    ((first,),) = await doorway.rows("select id from customers where phone = :p", p=PHONE)
    await doorway.change("update customers set email = :m where id = :c", m=MAIL, c=first)

    owner = doorway.browser()
    await owner.sign_up(MAIL, MAIL, name="주인")

    ((second,),) = await doorway.rows("select id from customers where email = :m", m=MAIL)
    assert second != first
    assert await doorway.rows("select email from customers where id = :c", c=first) == [(None,)]
    assert "customers.conflict" in await story.sentences(str(first))
    assert "customers.conflict" in await story.sentences(str(second))
    assert "주인" in (await owner.get("/home")).text


async def test_the_guests_cart_becomes_the_customers(doorway: Doorway) -> None:
    browser = doorway.browser()
    browser.client.cookies.set("ieum_cart", "guest")
    key = "84983c60f7daadc1cb8698621f802c0d9f9a3c3c295c810748fb048115c186ec"
    await doorway.change(
        "insert into cart_items (cart_key, position, line, updated_at)"
        " values (:k, 1, '{\"product_id\": \"pro_phone\"}', now())", k=key,
    )  # fmt: skip

    await browser.sign_up(MAIL, MAIL)

    rows = await doorway.rows("select cart_key, line from cart_items")
    ((customer_id,),) = await doorway.rows("select id from customers where email = :m", m=MAIL)
    assert rows == [(f"customer:{customer_id}", {"product_id": "pro_phone"})]


async def test_a_code_that_nobody_uses_ends_and_another_one_works(
    doorway: Doorway, outside: Outside, story: Story
) -> None:
    browser = doorway.browser()
    await browser.ask(MAIL)
    first = await browser.newest_code(MAIL)
    handle = await story.newest()
    await doorway.desk.until(lambda: waits_for(story, "end_code"))

    await story.pass_time(handle, minutes=11)
    await doorway.desk.until(lambda: waits_for(story, "remind_signup"))
    late = await browser.client.post("/signup/code", data={"code": first})
    await doorway.change("update signups set sent_at = now() - interval '31 seconds'")
    again = await browser.client.post("/signup/code/again")
    second = await browser.newest_code(MAIL, 2)
    old = await browser.client.post("/signup/code", data={"code": first})
    right = await browser.client.post("/signup/code", data={"code": second})

    assert late.status_code == 422
    assert again.status_code == 303
    assert old.status_code == 422
    assert right.status_code == 303
    assert "김" not in outside.post.to(MAIL)[0]
    assert (await story.row()).status == "proved"
    await browser.client.post("/signup/details", data={"name": "김하나", **TICKED})
    assert await result(handle) is SignupStatus.DONE


async def waits_for(story: Story, then: str) -> bool:
    return [row[1] for row in await story.waits()] == [then]


async def test_who_stops_half_way_is_reminded_once_and_forgotten_after_a_week(
    doorway: Doorway, outside: Outside, story: Story
) -> None:
    browser = doorway.browser()
    await browser.prove(MAIL, MAIL)
    handle = await story.newest()
    await doorway.desk.until(lambda: waits_for(story, "remind_signup"))

    await story.pass_time(handle, days=1, minutes=1)
    await doorway.desk.until(lambda: waits_for(story, "forget_signup"))
    reminded = outside.post.to(MAIL)
    await story.pass_time(handle, days=6)

    assert await result(handle) is SignupStatus.ABANDONED
    assert len(reminded) == 2
    assert "/signup/resume/" in reminded[1]
    row = await story.row()
    assert (row.address, row.name, row.is_over, row.resume_hash) == ("", "", True, None)
    assert outside.post.to(MAIL) == reminded
    assert await doorway.rows("select count(*) from customers where email = :m", m=MAIL) == [(0,)]
    assert "/signup" in (await browser.get("/signup/code")).text


async def test_the_reminder_leads_back_on_another_device_and_shuts_the_first(
    doorway: Doorway, outside: Outside, story: Story
) -> None:
    first = doorway.browser()
    await first.prove(MAIL, MAIL)
    handle = await story.newest()
    await doorway.desk.until(lambda: waits_for(story, "remind_signup"))
    await story.pass_time(handle, days=1, minutes=1)
    await doorway.desk.until(lambda: waits_for(story, "forget_signup"))
    link = re.search(r"/signup/resume/[0-9a-f]{64}", outside.post.to(MAIL)[1])
    assert link is not None

    phone = doorway.browser()
    looked = await phone.get(link[0])
    went_on = await phone.client.post(link[0])
    twice = await doorway.browser().client.post(link[0])
    done = await phone.client.post(
        "/signup/details", data={"name": "김하나", "terms": "yes", "privacy": "yes"}
    )

    assert looked.status_code == 200
    assert went_on.headers["location"] == "/signup/code"
    assert twice.status_code == 404
    assert done.headers["location"] == "/home"
    assert (await first.get("/signup/code")).headers["location"] == "/signup"
    assert await result(handle) is SignupStatus.DONE


async def test_a_worker_that_dies_half_way_loses_no_signup(doorway: Doorway, story: Story) -> None:
    browser = doorway.browser()
    await browser.prove(MAIL, MAIL)
    await doorway.desk.stop_work()
    doorway.desk.begin_work()

    answer = await browser.client.post(
        "/signup/details", data={"name": "김하나", "terms": "yes", "privacy": "yes"}
    )
    if answer.headers["location"] == "/signup/code":  # it took longer than a page waits
        handle = await story.newest()
        assert await result(handle) is SignupStatus.DONE
        answer = await browser.client.post("/signup/entry")

    assert answer.headers["location"] == "/home"
    assert await doorway.rows("select count(*) from customers where email = :m", m=MAIL) == [(1,)]


async def test_a_new_address_is_taken_over_only_with_its_code(doorway: Doorway, story: Story) -> None:
    browser = doorway.browser()
    await browser.sign_up("010-5555-1234", PHONE)
    await browser.send("/my/contact", contact=MAIL)
    code = await browser.newest_code(MAIL)
    before = await doorway.rows("select email from customers where phone = :p", p=PHONE)

    answer = await browser.send("/signup/code", code=code)

    assert before == [(None,)]
    assert answer.headers["location"] == "/signup/code"
    assert (await browser.get("/signup/code")).headers["location"] == "/my/profile"
    assert await doorway.rows("select email from customers where phone = :p", p=PHONE) == [(MAIL,)]
    assert MAIL in (await browser.get("/my/profile")).text


async def test_anothers_proved_address_stays_theirs_and_the_desk_is_told(
    doorway: Doorway, story: Story
) -> None:
    await doorway.browser().sign_up(MAIL, MAIL)
    ((other,),) = await doorway.rows("select id from customers where email = :m", m=MAIL)
    browser = doorway.browser()
    await browser.sign_up("010-5555-1234", PHONE)
    await browser.send("/my/contact", contact=MAIL)

    await browser.send("/signup/code", code=await browser.newest_code(MAIL, 2))

    assert (await browser.get("/signup/code")).headers["location"] == "/my/profile?told=taken"
    assert await doorway.rows("select id from customers where email = :m", m=MAIL) == [(other,)]
    assert "customers.taken" in await story.sentences(str(other))


async def test_a_withdrawn_consent_reaches_the_crm(doorway: Doorway, outside: Outside) -> None:
    browser = doorway.browser()
    await browser.sign_up(MAIL, MAIL, marketing="yes")
    ((customer_id,),) = await doorway.rows("select id from customers where email = :m", m=MAIL)
    await doorway.desk.until(lambda: knows(outside, str(customer_id)))

    await browser.send("/my/consents", kind="marketing", is_given="false")

    await doorway.desk.until(lambda: forgot(outside, str(customer_id)))
    page = await browser.get("/my/consents")
    assert page.status_code == 200


async def forgot(outside: Outside, customer_id: str) -> bool:
    contact = outside.crm.contacts[customer_id]
    return not contact.is_subscribed and contact.name == contact.email == contact.phone == ""
