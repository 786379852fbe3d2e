"""Signing up from the first screen to the welcome, through the app, the database and Temporal."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.messages.customers import SignupStatus, signup_workflow_id
from tests.builders.customers import Doorway
from tests.desk import RunningDesk, StandIns
from tests.workflows.signing_up import Outside

PHONE, MAIL = "+821055551234", "hana@example.com"


@pytest.fixture
def outside(worker_engine: AsyncEngine) -> Outside:
    return Outside(worker_engine)


@pytest.fixture
def stand_ins(outside: Outside) -> StandIns:
    return outside.stand_ins()


@pytest.fixture
def doorway(desk: RunningDesk, outside: Outside, app_engine: AsyncEngine) -> Doorway:
    return Doorway(desk, outside.post, app_engine)


async def test_a_stranger_signs_up_by_telephone_and_is_in(doorway: Doorway, outside: Outside) -> None:
    browser = doorway.browser()

    answer = await browser.sign_up("010-5555-1234", PHONE, marketing="yes", return_to="/orders/new")

    assert (answer.status_code, answer.headers["location"]) == (303, "/orders/new"), answer.text
    home = await browser.get("/home")
    assert home.status_code == 200
    assert "김하나" in home.text
    rows = await doorway.rows("select id, phone, name, is_verified from customers where phone = :p", p=PHONE)
    assert len(rows) == 1
    customer_id = str(rows[0][0])
    given = await doorway.rows(
        "select kind, is_given, version from consents where customer_id = :c order by kind", c=customer_id
    )
    assert given == [
        ("marketing", True, "2026-11"), ("privacy", True, "2026-11"), ("terms", True, "2026-11"),
        ("third_party", False, "2026-11"),
    ]  # fmt: skip
    (signup,) = await doorway.rows("select id, address, name, status from signups")
    assert signup[1:] == ("", "", "done")
    handle = doorway.desk.client.get_workflow_handle(
        signup_workflow_id(str(signup[0])), result_type=SignupStatus
    )
    assert await handle.result() is SignupStatus.DONE
    await doorway.desk.until(lambda: knows(outside, customer_id))
    assert len(outside.post.to(PHONE)) == 2  # the code and the welcome
    history = (await handle.fetch_history()).to_json()
    assert not [word for word in (PHONE, "김하나", outside.post.codes(PHONE)[0]) if word in history]


async def knows(outside: Outside, customer_id: str) -> bool:
    contact = outside.crm.contacts.get(customer_id)
    return contact is not None and contact.is_subscribed and contact.name == "김하나"
