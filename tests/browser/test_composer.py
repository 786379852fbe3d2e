"""Writing on a ticket as agents do it: drafts, taking back, two at once, templates with an IME, fields."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
from playwright.sync_api import Page, expect

from tests.browser.house import House, Tongue
from tests.browser.made import sends, until
from tests.browser.people import Agent
from tests.browser.sight import by_day_and_night

KO, EN = Tongue("ko"), Tongue("en")
LATER = 60_000  # what waits ten seconds, on a machine that is slow
SAMPLE = {"customer_id": "cus_mina", "owned_product_id": "own_2", "subject": "탈수가 되지 않습니다"}


class Writer(Agent):
    """Somebody who writes on one ticket."""

    @property
    def text(self) -> Any:
        """The composer."""
        return self.page.locator("#reply")

    def opens(self, ticket: str) -> None:
        """The ticket's page, once it is alive."""
        self.go(f"/tickets/{ticket}")
        expect(self.page.locator("body[data-live=on]")).to_be_attached(timeout=LATER)

    def kept(self) -> None:
        """The server has what was typed."""
        expect(self.page.locator("[data-draft-state]")).to_have_text(self.say("Draft saved"), timeout=LATER)


def a_ticket(house: House, **facts: str) -> str:
    """A fresh ticket, open."""
    given = {**SAMPLE, "description": "물이 남습니다", **facts}
    made = sends(house, "agent", "/tickets", submission_key=uuid4().hex, **given)
    ticket = str(made["ticket_id"])
    until(lambda: house.asked("agent", f"/tickets/{ticket}")["head"]["status"] != "received", "not opened")
    return ticket


def status(house: House, ticket: str) -> str:
    head: Any = house.asked("agent", f"/tickets/{ticket}")["head"]
    return str(head["status"])


def a_writer(house: House, sit_down: Callable[..., Page], login: str = "agent", say: Tongue = KO) -> Writer:
    me = Writer(sit_down(say.language, viewport={"width": 1440, "height": 900}), house, say)
    me.sign_in(f"{login}@ieum.example")
    return me


def test_a_draft_survives_a_reload_an_owner_and_another_device(
    house: House, sit_down: Callable[..., Page]
) -> None:
    ticket = a_ticket(house)
    me = a_writer(house, sit_down)
    me.opens(ticket)
    me.text.press_sequentially("전원을 끄고", delay=20)
    me.kept()
    sends(
        house, "dispatcher", f"/tickets/{ticket}/assignment", command_id=uuid4().hex, agent_id="acc_agent_en"
    )
    me.page.reload()
    expect(me.text).to_have_value("전원을 끄고")

    phone = a_writer(house, sit_down)
    phone.go("/tickets/drafts")
    phone.page.get_by_role("link", name=SAMPLE["subject"]).first.click()
    expect(phone.text).to_have_value("전원을 끄고")


def test_what_was_sent_is_taken_back_and_a_resolution_too(
    house: House, sit_down: Callable[..., Page]
) -> None:
    ticket = a_ticket(house)
    me = a_writer(house, sit_down)
    me.opens(ticket)
    before = status(house, ticket)
    me.text.fill("전원을 꺼 주십시오.")
    me.text.press("Control+Enter")
    expect(me.page.locator("#held .banner")).to_contain_text(KO("Your answer"))
    expect(me.text).to_have_value("")
    assert not by_day_and_night(me.page)
    me.button("Undo").click()
    expect(me.text).to_have_value("전원을 꺼 주십시오.")
    assert status(house, ticket) == before

    me.menu("Resolve")
    me.field("What was done?").fill("초기화했습니다.")
    me.button("Resolve and ask the customer").click()
    me.button("Undo").click()
    expect(me.field("What was done?")).to_have_value("초기화했습니다.")
    assert status(house, ticket) == before
    me.button("Resolve and ask the customer").click()
    until(lambda: status(house, ticket) == "resolved", "never resolved")
    expect(me.page.locator("#held .banner")).to_have_count(0, timeout=LATER)


def test_two_agents_who_answer_at_once_lose_no_word(house: House, sit_down: Callable[..., Page]) -> None:
    ticket = a_ticket(house)
    one, two = a_writer(house, sit_down), a_writer(house, sit_down, "agent.en", EN)
    one.opens(ticket)
    two.opens(ticket)
    two.text.fill("I am on it.")
    one.text.fill("먼저 답합니다.")
    one.text.press("Control+Enter")
    expect(one.page.locator("#held .banner")).to_be_visible()

    two.text.press("Control+Enter")
    expect(two.page.locator("#conflict .banner")).to_be_visible()
    expect(two.text).to_have_value("I am on it.")
    two.text.press("Control+Enter")
    expect(two.text).to_have_value("")
    expect(two.page.locator("#timeline")).to_contain_text("I am on it.", timeout=LATER)
    expect(two.page.locator("#timeline")).to_contain_text("먼저 답합니다.", timeout=LATER)


def test_a_template_is_found_by_keys_alone_while_a_syllable_is_composed(
    house: House, sit_down: Callable[..., Page]
) -> None:
    ticket = a_ticket(house)
    me = a_writer(house, sit_down)
    me.opens(ticket)
    me.page.keyboard.press("r")
    expect(me.text).to_be_focused()
    me.page.keyboard.type("::방문")
    options = me.page.locator("#snippets").get_by_role("option", name=re.compile("방문 시간"))
    expect(options).to_be_visible()
    # Enter ends the syllable; it does not choose.
    me.text.dispatch_event("keydown", {"key": "Enter", "code": "Enter", "isComposing": True, "bubbles": True})
    expect(options).to_be_visible()
    me.page.keyboard.press("Enter")
    expect(me.text).to_have_value(re.compile(r"\{\{technician\}\}"))
    me.page.keyboard.press("Control+Enter")
    expect(me.page.locator("#e_body")).to_contain_text(KO("the technician's name"))
    expect(me.text).to_have_value(re.compile(r"\{\{technician\}\}"))
    assert not by_day_and_night(me.page)

    me.text.fill("@@")
    me.page.keyboard.type("Jo")
    me.page.locator("#snippets").get_by_role("option", name="Jo Bennett").wait_for()
    me.page.keyboard.press("Enter")
    expect(me.text).to_have_value("@Jo Bennett ")


def test_fields_are_asked_in_one_sheet_when_a_terminal_is_solved(
    house: House, sit_down: Callable[..., Page]
) -> None:
    ticket = a_ticket(house, owned_product_id="own_4", customer_id=owner_of(house, "own_4"), subject="단말기")
    me = a_writer(house, sit_down)
    me.opens(ticket)
    me.menu("Resolve")
    me.field("What was done?").fill("공유기를 다시 켰습니다.")
    me.button("Resolve and ask the customer").click()
    expect(me.page.locator("[name='answers.terminal_cause'][aria-invalid]")).to_be_visible()
    expect(me.field("What was done?")).to_have_value("공유기를 다시 켰습니다.")
    assert not by_day_and_night(me.page)
    me.page.locator("[name='answers.terminal_cause']").select_option(label="통신")
    me.button("Resolve and ask the customer").click()
    until(lambda: status(house, ticket) == "resolved", "never resolved")


def owner_of(house: House, owned: str) -> str:
    """The customer to whom a device belongs."""
    with psycopg.connect(house.worker_url) as database:
        found = database.execute("select customer_id from owned_products where id = %s", (owned,)).fetchone()
    assert found is not None
    return str(found[0])


def test_pages_of_templates_fields_and_drafts_keep_nobody_out(
    house: House, sit_down: Callable[..., Page]
) -> None:
    me = a_writer(house, sit_down, "admin")
    for path in ("/tickets/templates", "/tickets/templates/restart", "/tickets/fields",
                 "/tickets/fields/terminal_cause", "/tickets/drafts"):  # fmt: skip
        me.go(path)
        wrong = by_day_and_night(me.page)
        assert not wrong, (path, wrong)
