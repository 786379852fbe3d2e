"""Chat on a phone, both ways and in both languages; and a card on the screen of whoever is called."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.house import House, Tongue
from tests.browser.people import Person
from tests.browser.sight import barriers

PHONE = {"viewport": {"width": 390, "height": 800}}
MINA = "010-4123-0001"


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_visitor_chats_on_a_phone_and_the_desk_answers(
    house: House, sit_down: Callable[..., Page], language: str
) -> None:
    say = Tongue(language)
    visitor = Person(sit_down(language, **PHONE), house, say)
    visitor.go("/chat")
    assert barriers(visitor.page) == []
    visitor.field("Your name").fill("Jiwoo")
    words = f"The pump hums ({language})"
    visitor.field("How can we help?").fill(words)
    visitor.button("Begin the chat").click()
    expect(visitor.page).to_have_url(re.compile(r"/links/[0-9a-f]{64}/chat"))
    expect(visitor.page.locator("#chat_log")).to_contain_text(words)
    assert barriers(visitor.page) == []
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390

    agent = Person(sit_down(language), house, say)
    agent.sign_in("agent@ieum.example" if language == "ko" else "agent.en@ieum.example")
    ticket = house.number_of(words)
    agent.go(f"/tickets/{ticket}")
    expect(agent.page.locator("#chat_strip")).to_contain_text("Jiwoo")
    agent.page.locator("#reply").fill("Please switch it off for a minute.")
    expect(visitor.page.locator("#chat_typing")).to_be_visible()
    agent.page.locator("#reply").press("Control+Enter")
    expect(visitor.page.locator("#chat_log")).to_contain_text("Please switch it off for a minute.")

    visitor.field("Your message").fill("It is quiet now")
    visitor.page.keyboard.press("Enter")
    expect(agent.page.locator("#timeline")).to_contain_text("It is quiet now")
    expect(visitor.field("Your message")).to_have_value("")


def test_a_chat_works_without_scripts(house: House, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, locale="ko-KR", **PHONE)  # type: ignore[arg-type]
    page = context.new_page()
    say = Tongue("ko")
    page.goto(f"{house.app}/chat")
    page.get_by_label(say("Your name")).fill("Bora")
    page.get_by_label(say("How can we help?")).fill("Without scripts")
    page.get_by_role("button", name=say("Begin the chat")).click()
    page.get_by_label(say("Your message")).fill("And once more")
    page.get_by_role("button", name=say("Send"), exact=True).click()
    expect(page.locator("#chat_log")).to_contain_text("And once more")
    expect(page.locator("#chat_log")).to_contain_text("Without scripts")
    context.close()


def test_who_calls_is_shown_to_whoever_is_called(house: House, sit_down: Callable[..., Page]) -> None:
    agent = Person(sit_down("ko"), house, Tongue("ko"))
    agent.sign_in("agent@ieum.example")
    other = Person(sit_down("en"), house, Tongue("en"))
    other.sign_in("agent.en@ieum.example")
    for one in (agent, other):
        one.go("/tickets")
        expect(one.page.locator("body")).to_have_attribute("data-live", "on")
    call = {"caller": MINA, "extension": "101", "answered_after": 20, "ended_after": 40}
    house.http.post(f"{house.sandbox}/telephony/control/calls", json=call).raise_for_status()

    card = agent.page.locator("#call_pop .card")
    expect(card).to_contain_text("최민아", timeout=5_000)
    expect(card).not_to_contain_text("41230001")
    assert barriers(agent.page) == []
    expect(other.page.locator("#call_pop .card")).to_have_count(0)
    card.get_by_role("link", name="최민아").click()
    expect(agent.page).to_have_url(re.compile("/customers/cus_mina"))
