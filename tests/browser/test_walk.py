"""The whole journey as people walk it: a fault becomes a ticket, a visit, a repair and a paid invoice."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import House, Tongue
from tests.browser.people import Agent, Customer, Technician

HERE = {"permissions": ["geolocation"], "geolocation": {"latitude": 37.49791, "longitude": 127.02762}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@dataclass(frozen=True)
class Story:
    """Who takes part, and what breaks."""

    language: str
    name: str
    phone: str
    email: str
    product: str
    serial: str
    subject: str
    story: str
    agent: str
    technician: str  # asked first; empty: whoever fits best
    part: str


STORIES = (
    Story("ko", "최민아", "010-4123-0001", "mina@customer.example", "올레드 TV 65", "OLED-65C-0001",
          "화면에 세로줄이 생깁니다", "어젯밤부터 왼쪽에 줄이 보입니다.", "agent@ieum.example",
          "", "전원 보드"),
    Story("en", "Ava Collins", "010-4123-0002", "ava@customer.example", "Twin washer 21 kg", "TURBO-21-0003",
          "The drum does not turn", "Since this morning it only hums.", "agent.en@ieum.example", "김도윤",
          "Drain pump"),
)  # fmt: skip
LOGINS = {"tec_kim": "technician@ieum.example", "tec_lee": "lee@ieum.example",
          "tec_park": "park@ieum.example", "tec_cole": "cole@ieum.example"}  # fmt: skip


@pytest.mark.parametrize("story", STORIES, ids=[one.language for one in STORIES])
def test_a_fault_becomes_a_paid_repair(house: House, sit_down: Callable[..., Page], story: Story) -> None:
    say = Tongue(story.language)
    customer = Customer(sit_down(story.language, **PHONE), house, say)
    agent = Agent(sit_down(story.language), house, say)
    agent.sign_in(story.agent)
    agent.watches("open")

    # 1–2: reported once, in the queue by itself
    number = customer.reports(
        name=story.name, phone=story.phone, email=story.email, product=story.product, serial=story.serial,
        subject=story.subject, story=story.story,
    )  # fmt: skip
    agent.sees_new(story.subject)

    # 3: taken, answered, a visit asked for
    agent.takes(number)
    expect(agent.page.locator("#timeline img").first).to_be_visible()  # the photo
    hello = (
        "사진 잘 받았습니다. 기사를 보내 드리겠습니다."
        if story.language == "ko"
        else "We will send somebody."
    )
    agent.answers(hello)
    customer.opens_letter("mail", f"ticket:{number}/", "reply")
    expect(customer.page.locator("#timeline")).to_contain_text(hello)
    visit = f"V{number[1:]}-1"
    agent.sends_visit(story.technician)
    expect(customer.page.locator("#own_ticket")).to_contain_text(say("Visit under way"))  # by itself

    # 4–5: offered, accepted, a time chosen
    who = house.offered_to(visit)
    allowed = HERE if story.language == "ko" else {}
    technician = Technician(sit_down(story.language, **PHONE, **allowed), house, say)
    technician.sign_in(LOGINS[who])
    technician.go("/field-service")
    technician.accepts(visit)
    customer.opens_letter("mail", f"visit:{visit}", "choose_slot")
    customer.chooses_time()
    expect(agent.page.locator("#ticket_state")).to_contain_text(say("Visit"))

    # the visit, on the phone
    technician.opens(visit)
    technician.presses("Set off", "On the way")
    customer.opens_letter("mail", f"visit:{visit}", "on_the_way")
    expect(customer.heading("Your visit")).to_be_visible()
    customer.reads("On the way")
    technician.presses("I have arrived", "Arrived")
    customer.reads("Arrived")  # by itself
    assert house.arrived_at(visit) == ("37.4979,127.0276" if allowed else "skipped")
    technician.presses("Start work", "Working")
    technician.photographs("Photo before", (120, 80, 60))
    technician.ticks()
    technician.photographs("Photo after", (60, 120, 80))
    technician.gets_signature(lambda: technician.uses(story.part))
    technician.is_sent()
    expect(technician.page.locator("#shots img")).to_have_count(2)
    expect(technician.page.locator("#parts")).to_contain_text(story.part)
    technician.finishes("부품을 교체했습니다." if story.language == "ko" else "Part replaced.")
    expect(technician.page.locator("#visit")).to_contain_text(say("Repair done"))

    # 6: confirmed
    customer.opens_letter("mail", f"ticket:{number}/", "confirm")
    customer.confirms()

    # 7: out of warranty: an invoice, paid on the gateway's own page
    customer.opens_letter("mail", f"I{number[1:]}-", "invoice")
    customer.pays()
    customer.reads("Paid. Thank you.")
    house.letter("mail", f"I{number[1:]}-", "receipt")
    customer.opens_letter("mail", f"ticket:{number}/", "closed")
    customer.rates(5, "친절하셨습니다." if story.language == "ko" else "Friendly and quick.")

    # the agent's page tells the whole story, and nobody had to reload it
    expect(agent.page.locator("#ticket_head")).to_contain_text(say("Closed"))
    told = agent.page.locator("#timeline")
    for line in ("The customer confirmed the repair", "The invoice is paid"):
        expect(told).to_contain_text(say(line))
    expect(agent.page.locator("#ticket_state")).to_contain_text("₩")
