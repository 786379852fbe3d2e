"""Help on a phone without scripts, articles while somebody reports or replies, and as authors write them."""

import re
from collections.abc import Callable
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.browser.house import House, Tongue
from tests.browser.made import sends, until
from tests.browser.people import Person
from tests.browser.sight import by_day_and_night
from tests.browser.test_walk import PHONE

KO, EN = Tongue("ko"), Tongue("en")
WIDTH = "document.documentElement.scrollWidth"


class Reader(Person):
    """Somebody who looks for an answer."""

    def sees_well(self) -> None:
        """The page by day and by night."""
        wrong = by_day_and_night(self.page)
        assert not wrong, wrong


def test_a_stranger_finds_an_answer_on_a_phone_without_scripts(
    house: House, sit_down: Callable[..., Page]
) -> None:
    me = Reader(sit_down("ko", **PHONE, java_script_enabled=False), house, KO)

    me.go("/help")
    me.field("Search help").fill("탈수")
    me.page.get_by_role("button", name=KO("Search")).click()
    me.page.get_by_role("link", name="세탁기가 탈수하지 않거나 물이 남을 때").click()
    expect(me.page.locator(".prose h2").first).to_have_text("먼저 확인할 것")
    me.field("What was missing or wrong?").fill("그림이 있으면 좋겠습니다")
    me.button("Yes, it helped").click()

    expect(me.page.locator("#feedback [role=status]")).to_contain_text("감사합니다")
    me.go("/help?q=아무것도없음")
    me.reads("We have no answer to this yet.")
    voices = house.asked("agent", "/knowledge/washer_does_not_spin/versions/1")["voices"]
    assert "그림이 있으면 좋겠습니다" in {one["comment"] for one in voices}


def test_help_looks_well_on_a_phone(house: House, sit_down: Callable[..., Page]) -> None:
    for say in (KO, EN):
        me = Reader(sit_down(say.language, **PHONE), house, say)
        for path in ("/help", "/help/fridge_not_cold", "/help/terminal_connection"):
            me.go(path)
            me.sees_well()
            assert me.page.evaluate(WIDTH) <= 390, path


def test_a_report_is_spared_by_an_answer(house: House, sit_down: Callable[..., Page]) -> None:
    me = Reader(sit_down("en", **PHONE), house, EN)

    me.go("/report")
    me.field("In a few words").press_sequentially("The washer does not spin", delay=10)
    answer = me.page.locator("#fitting").get_by_role("link", name=re.compile("does not spin"))
    expect(answer).to_be_visible(timeout=10_000)
    me.sees_well()
    me.page.locator("#fitting").get_by_role("button", name="Yes, that solved it").first.click()

    expect(me.page).to_have_url(re.compile("/help/washer_does_not_spin"))
    expect(me.page.locator("#feedback [role=status]")).to_be_visible()


def test_an_article_goes_into_a_reply_with_one_press(house: House, sit_down: Callable[..., Page]) -> None:
    fault = {"customer_id": "cus_mina", "owned_product_id": "own_2", "subject": "탈수가 되지 않습니다"}
    made = sends(house, "agent", "/tickets", submission_key=uuid4().hex, description="물이 남습니다", **fault)
    ticket = f"/tickets/{made['ticket_id']}"
    until(lambda: house.asked("agent", ticket)["head"]["status"] != "received", "not opened")
    me = Reader(sit_down("ko", viewport={"width": 1440, "height": 900}), house, KO)
    me.sign_in("agent@ieum.example")

    me.go(ticket)
    me.menu("Articles for the reply")
    first = me.page.locator("#article_list li").first
    expect(first).to_contain_text("탈수")
    me.page.locator("#reply").fill("안녕하세요.")
    first.get_by_role("button", name=re.compile(KO("Link"))).click()

    expect(me.page.locator("#reply")).to_have_value(re.compile("안녕하세요[^|]*washer_does_not_spin"))
    kept = until(lambda: house.asked("agent", ticket)["draft"], "no draft was kept")
    assert "/help/washer_does_not_spin" in kept["body"]


def test_an_author_mends_what_is_marked_and_somebody_else_publishes(
    house: House, sit_down: Callable[..., Page]
) -> None:
    me = Reader(sit_down("en", viewport={"width": 1280, "height": 900}), house, EN)
    me.sign_in("agent.en@ieum.example")

    me.go("/knowledge/new")
    me.page.locator("#f_key").fill("tv_stand_is_loose")
    for nth, (title, body) in enumerate(
        (("티브이 스탠드", "## 조이기"), ("A loose TV stand", "# Tighten it"))
    ):
        me.page.locator("[name^=title_]").nth(nth).fill(title)
        me.page.locator("[name^=summary_]").nth(nth).fill(title)
        me.page.locator("[name^=body_]").nth(nth).fill(body)
    me.button("Begin the article").click()
    me.reads("The title is the first heading already. Please begin with ##.")
    expect(me.page.get_by_role("button", name="Send to review")).to_be_disabled()
    me.sees_well()
    me.page.locator("[name=body_en]").fill("## Tighten it\n\n- with **both** screws")
    me.button("Look without saving").click()
    expect(me.page.locator("#preview .prose strong")).to_have_text("both")
    me.button("Save and check").click()
    me.button("Send to review").click()
    expect(me.page.get_by_role("button", name="Publish")).to_be_disabled()

    other = Reader(sit_down("ko", viewport={"width": 1280, "height": 900}), house, KO)
    other.sign_in("admin@ieum.example")
    other.go("/knowledge?show=review")
    other.page.get_by_role("link", name="티브이 스탠드").click()
    other.button("Publish").click()
    expect(other.page.locator(".head")).to_contain_text(KO("As readers see it"))
    other.go("/help/tv_stand_is_loose")
    expect(other.page.get_by_role("heading", level=1)).to_have_text("티브이 스탠드")
