"""An agent's hour without a mouse, on the real parts: the queue, many at once, keys, and who else is here."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import House, Tongue
from tests.browser.made import sends, until
from tests.browser.people import Agent
from tests.browser.sight import by_day_and_night

KO = Tongue("ko")
FOCUSED = "document.activeElement.closest('tr')?.id ?? ''"


def report(house: House, subject: str) -> str:
    """A ticket that is open; its number."""
    made = sends(
        house, "agent", "/tickets", submission_key=uuid4().hex, customer_id="cus_mina", subject=subject,
        description="It does nothing.", channel="phone",
    )  # fmt: skip
    number = str(made["ticket_id"])
    until(lambda: shown(house, number)["head"]["status"] != "received", "never opened")
    return number


def shown(house: House, number: str) -> dict[str, dict[str, str]]:
    return dict(house.asked("agent", f"/tickets/{number}"))  # type: ignore[arg-type]


def an_agent(house: House, sit_down: Callable[..., Page], login: str = "agent@ieum.example") -> Agent:
    me = Agent(sit_down("ko", permissions=["clipboard-read", "clipboard-write"]), house, KO)
    me.sign_in(login)
    return me


def watched(me: Agent, address: str) -> Page:
    """A page whose stream of news stands."""
    me.go(address)
    expect(me.page.locator("body[data-live=on]")).to_be_attached()
    return me.page


def focus_row(page: Page, number: str) -> None:
    """Down the rows by J until this one is reached."""
    for _ in range(60):
        page.keyboard.press("j")
        if page.evaluate(FOCUSED) == f"row_{number}":
            return
    raise AssertionError(f"{number} cannot be reached by J")


def test_an_hour_at_the_desk_without_a_mouse(house: House, sit_down: Callable[..., Page]) -> None:
    mark = uuid4().hex[:6]
    first, second = report(house, f"Hour one {mark}"), report(house, f"Hour two {mark}")
    me = an_agent(house, sit_down)
    page = watched(me, "/tickets?view=open")
    assert not by_day_and_night(page)

    focus_row(page, first)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/tickets/{first}\?queue=open"))
    page.keyboard.press("i")
    expect(page.locator("#ticket_head")).to_contain_text("조은별")
    page.keyboard.press("n")
    page.keyboard.type("Called back, nobody there.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#timeline")).to_contain_text("Called back, nobody there.")

    page.keyboard.press("Escape")
    page.keyboard.press("p")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    until(lambda: shown(house, first)["head"]["priority"] != "p3", "the priority stayed")
    page.keyboard.press("r")
    page.keyboard.type("Please restart it once.")
    page.keyboard.press("Control+Shift+Enter")
    expect(page).not_to_have_url(re.compile(f"/tickets/{first}"))
    until(lambda: shown(house, first)["head"]["status"] == "waiting_customer", "nothing was sent")

    watched(me, f"/tickets/{second}?queue=open")
    page.keyboard.press("Period")
    page.keyboard.press("Period")
    copied = f"{second} Hour two {mark}"
    expect(page.locator("#toasts")).to_contain_text(copied)
    assert page.evaluate("navigator.clipboard.readText()") == copied
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/tickets\?view=open"))
    page.keyboard.press("Control+k")
    page.keyboard.type(KO("New ticket"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/tickets/new"))


def test_many_tickets_are_given_away_and_taken_back_by_keys(
    house: House, sit_down: Callable[..., Page]
) -> None:
    mark = uuid4().hex[:6]
    numbers = [report(house, f"Many {mark} {n}") for n in range(3)]
    me = an_agent(house, sit_down)
    page = watched(me, "/tickets?view=open&agent=nobody")

    focus_row(page, numbers[0])
    page.keyboard.press("x")
    focus_row(page, numbers[-1]) if page.evaluate(FOCUSED) != f"row_{numbers[-1]}" else None
    page.keyboard.press("Shift+X")
    chosen = page.locator("[data-select]:checked")
    assert chosen.count() >= 3
    expect(page.locator("#bulk_assign")).to_be_visible()
    assert not by_day_and_night(page)
    page.keyboard.press("a")
    expect(page.locator("#bulk_assign select")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    done = page.locator("#batch_progress[data-status=done]")
    expect(done).to_be_visible()
    assert {str(shown(house, one)["head"]["agent_id"]) for one in numbers} == {"acc_agent"}
    expect(page.locator("[data-select]:checked")).to_have_count(0)
    page.keyboard.press("z")
    expect(page.locator("#batch_progress[data-status=done]")).to_contain_text(KO("Taking back"))
    assert {shown(house, one)["head"]["agent_id"] for one in numbers} == {None}


@pytest.mark.parametrize("composing", [True, False])
def test_a_korean_keyboard_left_on_hangul_moves_the_rows_and_composing_does_not(
    house: House, sit_down: Callable[..., Page], composing: bool
) -> None:
    report(house, f"IME {uuid4().hex[:6]}")
    me = an_agent(house, sit_down)
    page = watched(me, "/tickets?view=open")

    page.evaluate(
        "is => document.body.dispatchEvent(new KeyboardEvent('keydown',"
        " { key: 'ㅓ', code: 'KeyJ', isComposing: is, bubbles: true, cancelable: true }))",
        composing,
    )

    assert bool(page.evaluate(FOCUSED)) is not composing


def test_two_agents_see_each_other_and_who_types(house: House, sit_down: Callable[..., Page]) -> None:
    number = report(house, f"Here {uuid4().hex[:6]}")
    one = an_agent(house, sit_down)
    other = an_agent(house, sit_down, "dispatcher@ieum.example")
    watched(one, f"/tickets/{number}")
    watched(other, f"/tickets/{number}")

    expect(one.page.locator("#present")).to_contain_text("한지우")
    expect(other.page.locator("#present")).to_contain_text("조은별")
    other.page.keyboard.press("n")
    other.page.keyboard.type("Let me")
    expect(one.page.locator("#present")).to_contain_text(KO("%(name)s is typing…", name="한지우"))
    assert not by_day_and_night(one.page)
    other.go("/home")
    expect(one.page.locator("#present")).not_to_contain_text("한지우")


def test_a_new_ticket_is_announced_and_no_row_moves(house: House, sit_down: Callable[..., Page]) -> None:
    report(house, f"Before {uuid4().hex[:6]}")
    me = an_agent(house, sit_down)
    page = watched(me, "/tickets?view=open")
    rows = page.locator("#queue_rows tr")
    before = rows.evaluate_all("all => all.map(one => one.id)")
    page.keyboard.press("j")
    focused = page.evaluate(FOCUSED)

    number = report(house, f"New {uuid4().hex[:6]}")

    expect(page.locator("#queue_news")).to_contain_text("1")
    assert rows.evaluate_all("all => all.map(one => one.id)") == before
    assert page.evaluate(FOCUSED) == focused
    page.keyboard.press("u")
    expect(page.locator(f"#row_{number}")).to_be_visible()


def test_the_cheat_sheet_of_this_screen_is_searched_and_a_view_is_kept(
    house: House, sit_down: Callable[..., Page]
) -> None:
    me = an_agent(house, sit_down)
    page = watched(me, "/tickets?view=open&priority=p1&priority=p2")

    page.keyboard.press("Shift+Slash")
    sheet = page.locator("#shortcuts")
    sheet.locator("[data-search-shortcuts]").fill(KO("Select up to this row"))
    expect(sheet.locator("dd:visible")).to_have_count(1)
    page.keyboard.press("Escape")
    me.go("/tickets/views?view=open&priority=p1&priority=p2")
    assert not by_day_and_night(page)
    name = f"Urgent {uuid4().hex[:6]}"
    page.get_by_label(KO("Name of the view"), exact=True).fill(name)
    page.keyboard.press("Enter")
    expect(page.locator("#queue_views [aria-current=page]")).to_contain_text(name)
    page.locator("#filter_menu summary").click()
    expect(page.locator("#filter_form input[value=p1]")).to_be_checked()
    assert not by_day_and_night(page)
