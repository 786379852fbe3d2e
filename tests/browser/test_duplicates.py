"""Two records of one customer: found, compared, made one with what runs, and two again."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import House, Tongue
from tests.browser.people import Person
from tests.browser.sight import barriers

STAYS, GOES, PAIR = "cus_jung", "cus_jung_2", "pair_jung"


def tickets_of(house: House, customer: str) -> list[str]:
    """The numbers of a customer's tickets, as the agent reads them."""
    page: Any = house.asked("agent", f"/customers/{customer}")
    return [one["id"] for one in page["card"]["tickets"]]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_found_compared_merged_and_undone(house: House, sit_down: Callable[..., Page], language: str) -> None:
    agent = Person(sit_down(language), house, Tongue(language))
    agent.sign_in("agent@ieum.example")
    agent.go(f"/tickets/new?customer={GOES}")
    page = agent.page
    page.locator('[name="subject"]').fill("No picture")
    page.locator('[name="description"]').fill("The screen stays black.")
    page.locator("#new_form button.primary").click()
    page.wait_for_url("**/tickets/T*")
    ticket = page.url.rsplit("/", 1)[1].split("?")[0]

    agent.go(f"/customers/{STAYS}")
    page.locator(f'a[href="/customers/duplicates/{PAIR}"]').click()
    expect(page.locator("#merge_form")).to_contain_text(STAYS)
    assert barriers(page) == []
    page.locator('#merge_form [name="reason"]').fill("one person, two mailboxes")
    page.locator("#merge_form button.primary").click()
    page.wait_for_url("**/customers/merges/*")
    merge = page.url
    expect(page.locator('form[action$="/undoing"]')).to_be_visible(timeout=60_000)
    assert barriers(page) == []

    assert ticket in tickets_of(house, STAYS)
    agent.go(f"/customers/{GOES}")
    assert page.url.endswith(f"/customers/{STAYS}")

    page.goto(merge)
    page.locator('form[action$="/undoing"] [name="reason"]').fill("two brothers")
    page.locator('form[action$="/undoing"] button').click()
    expect(page.locator('form[action$="/undoing"]')).to_have_count(0, timeout=60_000)
    assert ticket not in tickets_of(house, STAYS)
    assert ticket in tickets_of(house, GOES)
