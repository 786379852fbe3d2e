"""Tickets that belong together in a browser: by keyboard, with what stands in the way, and back again."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import House, Tongue
from tests.browser.people import Person
from tests.browser.sight import by_day_and_night

KO = Tongue("ko")
RESTS = timedelta(seconds=20)  # as short as a person can type; then the ticket's own timer brings it back


def reported(house: House, subject: str) -> str:
    """A ticket of a sample customer, open."""
    headers = {"Authorization": f"Bearer {house.keys.tokens['agent']}", "Accept": "application/json"}
    sent = {
        "submission_key": f"kin-{subject}", "customer_id": "cus_mina", "subject": subject,
        "description": f"{subject}: 어제부터입니다.", "priority": "p3",
    }  # fmt: skip
    answer = httpx.post(f"{house.app}/tickets", headers=headers, data=sent, timeout=20)
    ticket = str(answer.raise_for_status().json()["ticket_id"])
    house._until(lambda: ticket if head(house, ticket)["status"] == "open" else None, 30, "not opened")
    return ticket


def head(house: House, ticket: str) -> dict[str, Any]:
    found: Any = house.asked("agent", f"/tickets/{ticket}")["head"]
    return dict(found)


@pytest.fixture
def agent(house: House, sit_down: Callable[..., Page]) -> Person:
    me = Person(sit_down("ko"), house, KO)
    me.sign_in("agent@ieum.example")
    return me


def test_a_ticket_is_merged_by_keyboard_and_given_back(agent: Person, house: House) -> None:
    gone, keeper = reported(house, "소리가 끊깁니다"), reported(house, "소리가 또 끊깁니다")
    agent.go(f"/tickets/{gone}")
    agent.page.keyboard.press("l")
    expect(agent.page).to_have_url(re.compile(f"/tickets/{gone}/kin"))
    wrong = by_day_and_night(agent.page)
    assert not wrong, wrong

    agent.field("In which ticket does it go on?").fill(keeper)
    agent.page.keyboard.press("Enter")

    expect(agent.page).to_have_url(re.compile(f"/tickets/{keeper}$"))
    expect(agent.page.locator("#kin")).to_contain_text(gone)
    expect(agent.page.locator("#timeline")).to_contain_text("소리가 끊깁니다: 어제부터입니다.")
    wrong = by_day_and_night(agent.page)
    assert not wrong, wrong
    agent.go(f"/tickets/{gone}")
    expect(agent.page).to_have_url(re.compile(f"/tickets/{keeper}"))

    agent.button("Undo the merge").press("Enter")

    expect(agent.page).to_have_url(re.compile(f"/tickets/{gone}$"))
    assert head(house, gone)["status"] == "open"
    agent.go(f"/tickets/{keeper}")
    expect(agent.page.locator("#timeline")).not_to_contain_text("소리가 끊깁니다: 어제부터입니다.")


def test_a_sub_ticket_holds_its_main_ticket_up_and_then_not(agent: Person, house: House) -> None:
    whole = reported(house, "받침대가 기울었습니다")
    agent.go(f"/tickets/{whole}/kin")
    agent.field("What is to be done?").fill("받침대 나사 보내기")
    agent.button("Make the sub-ticket").press("Enter")
    expect(agent.page).to_have_url(re.compile(f"/tickets/{whole}$"))
    kin = agent.page.locator("#kin")
    expect(kin).to_contain_text("받침대 나사 보내기")
    part = str(kin.get_by_role("link", name="받침대 나사 보내기").get_attribute("href")).rpartition("/")[2]
    expect(kin.locator(".why")).to_be_visible()
    agent.page.locator("#do_resolve summary").press("Enter")
    expect(agent.page.locator("#do_resolve .why")).to_contain_text(part)

    house.walks(lambda walker: walker.command(part, "resolution", done="보냈습니다"))

    expect(kin.locator(".why")).to_have_count(0, timeout=30_000)
    agent.go(f"/tickets/{whole}")
    agent.page.keyboard.press("e")
    agent.field("What was done?").fill("나사를 보냈습니다.")
    agent.button("Resolve and ask the customer").press("Enter")
    house._until(lambda: head(house, whole)["status"] == "resolved" or None, 30, "not resolved")


def test_a_message_becomes_a_ticket_of_its_own(agent: Person, house: House) -> None:
    ticket = reported(house, "화면에 줄이 보입니다")
    agent.go(f"/tickets/{ticket}")
    house.walks(lambda walker: walker.command(ticket, "notes", body="청구서 금액도 물어보심"))
    agent.go(f"/tickets/{ticket}/kin")
    split = agent.page.locator("#split")
    split.get_by_role("checkbox").last.check()
    agent.field("What is the new ticket about?").fill("줄이 보이는 화면")
    agent.page.keyboard.press("Enter")

    expect(agent.page).not_to_have_url(re.compile("/kin"))
    new = agent.page.url.rpartition("/")[2]
    assert new != ticket
    expect(agent.page.locator("#timeline")).to_contain_text("화면에 줄이 보입니다: 어제부터입니다.")
    expect(agent.page.locator("#timeline")).to_contain_text(ticket)
    expect(agent.page.locator("#kin")).to_contain_text(ticket)


def test_a_snoozed_ticket_comes_back_by_itself(agent: Person, house: House) -> None:
    ticket = reported(house, "잠시 뒤에 다시 볼 일")
    agent.go(f"/tickets/{ticket}")
    agent.page.keyboard.press("z")
    menu = agent.page.locator("#do_snooze")
    menu.locator("select").select_option("time")
    until = datetime.now(UTC) + RESTS + timedelta(hours=9)
    menu.locator('input[name="at"]').fill(until.strftime("%Y-%m-%dT%H:%M:%S"))
    wrong = by_day_and_night(agent.page)
    assert not wrong, wrong
    menu.get_by_role("button").press("Enter")

    expect(agent.page.locator("#ticket_state")).to_contain_text(KO("Snoozed: out of the queue for a while"))
    assert ticket in listed(house, "snoozed")
    assert ticket not in listed(house, "unassigned") + listed(house, "team")

    expect(agent.page.locator("#timeline")).to_contain_text(
        KO("Back in the queue: the time has come"), timeout=60_000
    )
    assert ticket not in listed(house, "snoozed")
    assert datetime.now(UTC) + timedelta(hours=9) >= until.replace(microsecond=0)


def listed(house: House, view: str) -> list[str]:
    rows: Any = house.asked("agent", f"/tickets?view={view}")["rows"]
    return [row["id"] for row in rows]
