"""The other ways a journey goes: back again, under warranty, refused, without JavaScript, offline."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.house import House, Tongue
from tests.browser.people import Agent, Customer, Technician
from tests.browser.test_walk import LOGINS, PHONE

KO = Tongue("ko")
STEPS = ("look", "safe", "test")


@pytest.fixture
def customer(house: House, sit_down: Callable[..., Page]) -> Customer:
    """Somebody with a phone and no account."""
    return Customer(sit_down("ko", **PHONE), house, KO)


@pytest.fixture
def agent(house: House, sit_down: Callable[..., Page]) -> Agent:
    """The agent of household appliances, signed in."""
    found = Agent(sit_down("ko"), house, KO)
    found.sign_in("agent@ieum.example")
    return found


def test_solved_from_afar_then_not_then_really(customer: Customer, agent: Agent) -> None:
    """Who gives no e-mail address gets everything by text message."""
    number = customer.reports(
        name="남궁솔", phone="010-7000-0001", email="", subject="리모컨 음성 검색이 안 됩니다",
        story="버튼을 눌러도 반응이 없습니다.",
    )  # fmt: skip
    agent.takes(number)
    agent.resolves("리모컨을 다시 등록해 주십시오. 설정에서 초기화했습니다.")

    customer.opens_letter("sms", f"ticket:{number}/", "confirm")
    customer.menu("No, it does not work")
    customer.field("What is still wrong?").fill("여전히 반응이 없습니다.")
    customer.button("Please look at it again").click()
    expect(customer.page.locator("#timeline")).to_contain_text("여전히 반응이 없습니다.")
    expect(agent.page.locator("#ticket_head")).to_contain_text(KO("Waiting for an answer"))
    expect(agent.page.locator("#timeline")).to_contain_text(KO("The customer says that it does not work"))

    agent.resolves("펌웨어를 올렸습니다. 이제 동작합니다.")
    customer.opens_letter("sms", f"ticket:{number}/", "confirm")
    customer.confirms()
    expect(agent.page.locator("#ticket_head")).to_contain_text(KO("Closed"))
    expect(agent.page.locator("#timeline")).to_contain_text(KO("No invoice: no paid work was done"))


@pytest.mark.parametrize("late", [r"/events\b", r"/live\.\w+\.js"], ids=["stream", "script beside a tab"])
def test_what_changes_while_a_page_is_being_opened_reaches_it(
    house: House, customer: Customer, agent: Agent, sit_down: Callable[..., Page], late: str
) -> None:
    number = customer.reports(
        name="표가람", phone="010-7000-0009", email="", subject=f"전원이 저절로 꺼집니다 {len(late)}",
        story="하루에 두 번쯤 그렇습니다.",
    )  # fmt: skip
    opened = agent
    if "live" in late:  # another tab listens for both
        agent.watches()
        opened = Agent(agent.page.context.new_page(), house, KO)
    held: list[Route] = []
    opened.page.route(re.compile(late), lambda route: held.append(route))
    opened.page.goto(f"{house.app}/tickets/{number}?lang=ko", wait_until="commit")
    expect(opened.button("Take")).to_be_visible()
    elsewhere = Agent(sit_down("ko"), house, KO)
    elsewhere.sign_in("agent@ieum.example")

    elsewhere.takes(number)
    assert held  # the page is drawn, and hears nothing yet
    for one in held:
        one.continue_()

    expect(opened.button("Take")).to_be_hidden()


def visited(house: House, agent: Agent, number: str) -> str:
    """A visit is asked for; whoever is asked."""
    agent.takes(number)
    agent.sends_visit()
    return house.offered_to(f"V{number[1:]}-1")


@pytest.mark.allow_console  # no connection is an error in the console
def test_under_warranty_nobody_pays(
    house: House, customer: Customer, agent: Agent, sit_down: Callable[..., Page]
) -> None:
    """The connection goes while the technician works: everything arrives once and in order."""
    number = customer.reports(
        name="최민아", phone="010-4123-0001", email="mina@customer.example", product="트윈 세탁기 21kg",
        serial="TURBO-21-0002", subject="세탁 중에 물이 샙니다", story="바닥이 젖습니다.",
    )  # fmt: skip
    who, visit = visited(house, agent, number), f"V{number[1:]}-1"
    page = sit_down("ko", **PHONE, service_workers="allow")
    technician = Technician(page, house, KO)
    technician.sign_in(LOGINS[who])
    technician.go("/field-service")
    technician.accepts(visit)
    customer.opens_letter("mail", f"visit:{visit}", "choose_slot")
    customer.chooses_time(1)
    technician.opens(visit)
    technician.presses("Set off", "On the way")
    technician.presses("I have arrived", "Arrived")
    technician.presses("Start work", "Working")
    technician.photographs("Photo before", (120, 80, 60))
    technician.photographs("Photo after", (60, 120, 80))
    expect(page.locator("#shots img")).to_have_count(2)
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()
    technician.is_sent()

    page.context.set_offline(True)
    technician.ticks()
    technician.gets_signature()
    technician.finishes("호스를 조였습니다.")
    expect(technician.sync).to_have_attribute("data-waiting-count", "6")
    expect(technician.sync).to_contain_text(KO("Offline"))
    page.reload()
    expect(page.locator("html[data-field]")).to_be_attached()
    expect(technician.sync).to_have_attribute("data-waiting-count", "6")
    expect(page.locator("#checklist input[type=checkbox]").nth(1)).to_be_checked()
    page.context.set_offline(False)

    expect(page.locator("#visit")).to_contain_text(KO("Repair done"))
    technician.is_sent()
    told = house.lines_of(visit)
    assert [kind for kind, _ in told[-6:]] == ["tick", "tick", "tick", "tick", "sign", "finish"]
    assert {outcome for _, outcome in told} == {"done"}

    customer.opens_letter("mail", f"ticket:{number}/", "confirm")
    customer.confirms()
    expect(agent.page.locator("#ticket_head")).to_contain_text(KO("Closed"))
    expect(agent.page.locator("#timeline")).to_contain_text(KO("No invoice: the product is under warranty"))


@pytest.mark.allow_console
def test_a_refused_card_then_another_without_javascript(
    house: House, agent: Agent, sit_down: Callable[..., Page]
) -> None:
    """Report, time, confirmation and payment are plain forms."""
    customer = Customer(sit_down("ko", **PHONE, java_script_enabled=False), house, KO)
    number = customer.reports(
        name="정우성민", phone="010-4123-0004", email="jung@customer.example", product="듀얼 냉장고 870",
        serial="DUAL-870-0005", subject="문이 꽉 닫히지 않습니다", story="고무가 찢어졌습니다.",
    )  # fmt: skip
    who, visit = visited(house, agent, number), f"V{number[1:]}-1"
    house.walks(lambda walker: walker.line(who, visit, "accept"))
    customer.opens_letter("mail", f"visit:{visit}", "choose_slot")
    customer.chooses_time(2)
    house.walks(lambda walker: walker.repair(who, visit, STEPS, ("prt_fan",)))
    customer.opens_letter("mail", f"ticket:{number}/", "confirm")
    customer.confirms()

    customer.opens_letter("mail", f"I{number[1:]}-", "invoice")
    customer.pays("refuse")
    customer.button("Complete the payment").click()
    customer.looks_again_until(
        "The payment was not made. No money was taken; please try again or use another card."
    )
    customer.reads("The payment was not made. No money was taken; please try again or use another card.")
    customer.pays("approve")
    customer.button("Complete the payment").click()
    house.letter("mail", f"I{number[1:]}-", "receipt")
    customer.opens_letter("mail", f"I{number[1:]}-", "receipt")
    expect(agent.page.locator("#ticket_head")).to_contain_text(KO("Closed"))
    expect(agent.page.locator("#timeline")).to_contain_text(KO("The invoice is paid"))
    customer.page.goto(f"{house.sandbox}/mail?locale=ko")
    expect(customer.page.get_by_role("main")).to_contain_text(re.compile("영수증|결제"))
