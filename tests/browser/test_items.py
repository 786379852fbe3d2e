"""An administrator builds what employees can ask for: two approvals and an account in the directory, tried
out, published by somebody else, used by an employee. Nothing is programmed and nothing restarted."""

import re
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.browser.house import House, Tongue
from tests.browser.made import sends, until
from tests.browser.people import Person
from tests.browser.sight import by_day_and_night

FILE = """format: 1
key: guest_account
names: {ko: 협력사 계정, en: Guest account}
descriptions: {ko: 협력사 직원의 계정을 만듭니다., en: An account for a guest.}
category: it
icon: key-round
owner_team: tm_it
sla_hours: 16
form:
  - id: why
    kind: long_text
    labels: {ko: 필요한 이유, en: Why it is needed}
steps:
  - id: first_word
    kind: approval
    names: {ko: 팀장 승인, en: The manager's approval}
    approvers: [{kind: manager}]
  - id: second_word
    kind: approval
    names: {ko: 본부장 승인, en: The director's approval}
    approvers: [{kind: manager_of_manager}]
  - id: account
    kind: call
    names: {ko: 계정 만들기, en: Make the account}
    connector: directory
    operation: create_acount
    parameters: {person: me.id}
    undo: remove_account
"""


class Keeper(Person):
    """Somebody who keeps the catalogue of what employees can ask for."""

    def sees_well(self) -> None:
        """The page by day and by night."""
        wrong = by_day_and_night(self.page)
        assert not wrong, wrong

    def begins(self, file: str) -> None:
        """A new item out of a file."""
        self.go("/employee-requests/items")
        self.link("New item").click()
        self.field("What the item is").fill(file)
        self.button("Begin the item").click()
        expect(self.page).to_have_url(re.compile("/versions/1"))

    def mends(self, wrong: str, right: str) -> None:
        """One word in the file, at the line that the page names."""
        line = FILE[: FILE.index(wrong)].count("\n") - 3
        self.reads("Line %(n)d", n=line)
        area = self.field("What the item is")
        area.fill(area.input_value().replace(wrong, right))
        self.button("Save and check").click()
        self.reads("No faults were found.")

    def simulates(self) -> None:
        """On the past month, in which nobody asked for it."""
        self.button("Simulate").click()
        for _ in range(40):
            if self.page.get_by_text(self.say("Simulated"), exact=True).count():
                break
            time.sleep(0.5)
            self.page.reload()
        self.reads("Nobody asked for this item in the past month: there is nothing to compare with.")


def waiting(house: House, who: str, number: str) -> str:
    """The approval that waits for somebody."""

    def look() -> list[str]:
        rows: Any = house.asked(who, "/employee-requests/approvals")["waiting"]
        return [row["id"] for row in rows if row["request_id"] == number]

    return str(until(look, f"nobody asked {who}")[0])


def test_an_item_is_built_tried_out_published_and_used(house: House, sit_down: Callable[..., Page]) -> None:
    writer = Keeper(sit_down("ko"), house, Tongue("ko"))
    writer.sign_in("admin@ieum.example")
    writer.begins(FILE)
    expect(writer.button("Send to review")).to_be_disabled()
    writer.sees_well()
    writer.mends("create_acount", "create_account")
    writer.simulates()
    writer.button("Send to review").click()
    expect(writer.button("Publish")).to_be_disabled()

    reviewer = Keeper(sit_down("en"), house, Tongue("en"))
    reviewer.sign_in("admin.en@ieum.example")
    reviewer.go("/employee-requests/items/guest_account")
    reviewer.button("Publish").click()
    expect(reviewer.button("Offer no longer")).to_be_visible()
    reviewer.sees_well()

    asker = Person(sit_down("ko", viewport={"width": 390, "height": 800}), house, Tongue("ko"))
    asker.sign_in("employee@ieum.example")
    asker.go("/employee-requests/catalogue/guest_account")
    asker.page.locator("textarea").fill("협력사 검수 담당자가 한 달 동안 함께 일합니다.")
    asker.button("Send request").click()
    expect(asker.page).to_have_url(re.compile(r"/employee-requests/E\w+"))
    number = re.findall(r"/employee-requests/(E\w+)", asker.page.url)[0]

    for who in ("manager", "director"):
        path = f"/employee-requests/approvals/{waiting(house, who, number)}/decision"
        sends(house, who, path, command_id=uuid4().hex, verdict="approve")
    until(lambda: status_of(house, number) == "done", "the account was never made")
    asker.go(f"/employee-requests/{number}")
    asker.reads("Request completed")


def status_of(house: House, number: str) -> str:
    """How far a request is, as its asker sees it."""
    page: Any = house.asked("employee", f"/employee-requests/{number}")
    return str(page["request"]["status"])
