"""Colleagues on their phones: an employee's whole request, and an approver who decides by a link alone."""

import re
from collections.abc import Callable
from uuid import uuid4

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.house import LINK, House, Tongue
from tests.browser.made import sends, until
from tests.browser.people import Person
from tests.browser.places import PHONE as WIDTH
from tests.browser.test_look import RULES, WIDER
from tests.browser.test_walk import PHONE

KO = Tongue("ko")
DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Colleague(Person):
    """Somebody who works here, with a phone in their hand."""

    def sees(self, address: str) -> None:
        """A page that keeps nobody out and fits the screen."""
        expect(self.page).to_have_url(re.compile(address))
        self.page.evaluate("document.fonts.ready")
        assert self.page.evaluate("document.documentElement.scrollWidth") <= WIDTH, address
        assert self.page.evaluate(WIDER, WIDTH) == [], address
        found = Axe().run(self.page, options=RULES).response["violations"]
        assert not found, [(address, one["id"], [node["target"] for node in one["nodes"]]) for one in found]


def stands(house: House, number: str) -> str:
    """How a request stands, as its asker sees it."""
    request = house.asked("employee", f"/employee-requests/{number}")["request"]
    assert isinstance(request, dict)
    return str(request["status"])


def test_an_employee_asks_for_something_and_gets_it(house: House, sit_down: Callable[..., Page]) -> None:
    me = Colleague(sit_down("ko", **PHONE), house, KO)
    me.sign_in("employee@ieum.example")
    me.sees("/home")

    # found with one box, without loading a page
    me.page.locator("#q").fill("고장")
    me.page.locator("#found a.tile").first.click()
    me.sees("/employee-requests/catalogue/facility_fault")
    me.page.locator('[name="answers.where"]').fill("3층 회의실")
    me.page.locator('[name="answers.what"]').select_option(label="전등")
    me.page.locator('input[name="answers.is_danger"][value="no"]').check()
    expect(me.page.get_by_text(KO("Draft saved"))).to_be_visible()
    me.button("Send request").click()
    expect(me.page).to_have_url(re.compile("/employee-requests/E[a-z0-9]+"))
    number: str = re.findall("E[a-z0-9]+", me.page.url)[0]
    me.reads("Who can see this")
    expect(me.page.locator("#request_state")).to_contain_text("총무팀")
    me.sees("/employee-requests/E")

    # the department works on it: taken, ticked off, done
    at_work = Colleague(sit_down("en", **PHONE), house, Tongue("en"))
    at_work.sign_in("workplace@ieum.example")
    at_work.go("/employee-requests/tasks")
    at_work.page.locator(f'a[href*="/tasks/{number}."]').click()
    expect(at_work.page).to_have_url(re.compile(f"/tasks/{number}"))
    at_work.button("I take it").click()
    expect(at_work.button("Give it back")).to_be_visible()
    for text in ("Made safe", "Repair checked"):
        at_work.page.get_by_role("button", name=f"Done: {text}", exact=True).click()
        expect(at_work.page.get_by_role("button", name=f"Not done after all: {text}")).to_be_visible()
    at_work.sees("/employee-requests/tasks/E")
    at_work.button("The task is done").click()
    expect(at_work.page.locator("#task_state")).to_contain_text("Done")

    # the page hears of it by itself, and the asker says that it works
    me.link("Fill it in").click()
    me.sees("/forms/")
    me.page.locator('input[name="answers.is_fixed"][value="yes"]').check()
    me.button("Send").click()
    expect(me.page).to_have_url(re.compile(f"/employee-requests/{number}"))
    until(lambda: stands(house, number) == "done", "the request is not done")
    me.go(f"/employee-requests/{number}")
    expect(me.page.locator("#request_state")).to_contain_text(KO("Request completed"))
    me.sees("/employee-requests/E")


def test_an_approver_decides_by_the_link_in_the_letter(house: House, sit_down: Callable[..., Page]) -> None:
    asked = {"answers.model": "standard", "answers.price": "1500000", "answers.returns_old": "no"}
    item = "/employee-requests/catalogue/laptop"
    sent = sends(house, "employee", item, submission_key=uuid4().hex, whom="me", **asked)
    approver = Colleague(sit_down("ko", **PHONE), house, KO)

    approver.page.goto(approval_link(house, str(sent["id"])))
    approver.sees("/links/[0-9a-f]+/approval")
    expect(approver.page.locator("main")).to_contain_text("1,500,000")
    expect(approver.page.locator("main")).to_contain_text("서다온")
    approver.page.keyboard.press("y")
    expect(approver.page.locator('input[value="approve"]')).to_be_checked()
    approver.button("Send my decision").click()

    expect(approver.page.locator("#approval_state")).to_contain_text(KO("Approved"))
    approver.sees("/links/[0-9a-f]+/approval")
    told = until(
        lambda: [
            stage for stage in house.asked("employee", f"/employee-requests/{sent['id']}")["stages"]
            if stage["path"] == "0" and stage["state"] == "done"
        ], "nobody approved",
    )  # fmt: skip
    assert "노하람" in told[0]["sub"]
    approver.page.reload()
    expect(approver.button("Send my decision")).to_have_count(0)


def approval_link(house: House, number: str) -> str:
    """The address in the letter that asks for an approval."""

    def look() -> str:
        sent = house.http.get(f"{house.sandbox}/mail/messages").json()
        mine = re.compile(f"employee-request:{number}/.*/approval/")
        links = [LINK.search(one["text"]) for one in sent if mine.search(one["key"])]
        return next((found[0] for found in links if found), "")

    return str(until(look, "no letter asked for an approval"))


def test_keys_lead_through_the_pages(house: House, sit_down: Callable[..., Page]) -> None:
    me = Colleague(sit_down("ko"), house, KO)
    me.sign_in("employee@ieum.example")
    for keys, address in (("gr", "/mine"), ("gt", "/tasks"), ("ga", "/approvals"), ("n", "/catalogue")):
        for key in keys:
            me.page.keyboard.press(key)
        expect(me.page).to_have_url(re.compile(f"/employee-requests{address}"))
        me.page.wait_for_load_state("load")
        me.page.evaluate(DRAWN)  # nobody types before the page is there
    me.page.keyboard.press("/")
    expect(me.page.locator("#q")).to_be_focused()
    me.page.keyboard.type("gr")
    expect(me.page).to_have_url(re.compile("/employee-requests/catalogue"))
