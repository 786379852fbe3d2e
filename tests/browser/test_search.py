"""The palette finds what somebody remembers, for everybody who reads it, and no address holds their words."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.house import House, Tongue
from tests.browser.people import Person
from tests.browser.sight import by_day_and_night

KO = Tongue("ko")


def test_the_palette_finds_a_customer_by_initial_consonants(
    house: House, sit_down: Callable[..., Page]
) -> None:
    me = Person(sit_down("ko"), house, KO)
    me.sign_in("agent@ieum.example")
    me.go("/home")

    me.page.keyboard.press("Control+k")
    palette = me.page.locator("#palette")
    palette.get_by_role("combobox").fill("ㅊㅁㅇ")
    found = palette.locator("[data-found]", has_text="최민아").first
    expect(found).to_be_visible()
    wrong = by_day_and_night(me.page)
    assert not wrong, wrong
    found.click()

    expect(me.page).to_have_url(re.compile("/customers/cus_mina$"))


def test_a_list_of_colleagues_is_narrowed_while_typing_and_its_address_stays(
    house: House, sit_down: Callable[..., Page]
) -> None:
    me = Person(sit_down("ko"), house, KO)
    me.sign_in("employee@ieum.example")
    me.go("/people")
    rows = me.page.locator("#colleague_list tbody tr")
    every = rows.count()

    me.page.locator("#f_q").press_sequentially("manager@ieum.example", delay=5)

    expect(rows).to_have_count(1)
    assert every > 1
    assert "manager" not in me.page.url
    me.page.locator("#f_q").press("Enter")
    expect(me.page).to_have_url(re.compile(r"/people\?kept=kw_"))
    expect(rows).to_have_count(1)
