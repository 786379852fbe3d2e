"""The demo's cases that lie with other departments: what the agent sees of them, what finance has to do."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.house import House, Tongue
from tests.browser.people import Person

KO = Tongue("ko")


def cards(house: House) -> dict[str, dict[str, Any]]:
    """What the agent's open tickets have handed over, by ticket."""
    rows: Any = house.asked("agent", "/tickets?view=open")["rows"]
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        page: Any = house.asked("agent", f"/tickets/{row['id']}")
        for one in page["handovers"]:
            found[row["id"]] = one
    return found


def test_the_demo_shows_cases_at_other_departments(lived: House, sit_down: Callable[..., Page]) -> None:
    handed = cards(lived)
    assert sorted(one["status"] for one in handed.values()) == ["done", "open", "open"]
    done = next(ticket for ticket, one in handed.items() if one["status"] == "done")

    agent = Person(sit_down("ko"), lived, KO)
    agent.sign_in("agent@ieum.example")
    agent.go(f"/tickets/{done}")
    shown = agent.page.locator("#handovers")
    expect(shown).to_contain_text("이번 달 안에 돌려드립니다.")
    expect(shown).to_contain_text("50,000")

    finance = Person(sit_down("ko", viewport={"width": 390, "height": 800}), lived, KO)
    finance.sign_in("ledger@ieum.example")
    finance.go("/employee-requests/tasks")
    expect(finance.page.locator('a[href*="/forms/"]')).to_have_count(1)
    finance.page.locator('a[href*="/forms/"]').click()
    expect(finance.page.locator("#later_form")).to_be_visible()
