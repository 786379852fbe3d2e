"""A stranger buys a bundle on the phone: signed up on the way, paid, delivered, installed, under contract;
and somebody who changes their mind has everything back."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from ops.seed import STEPS
from ops.walk import Walker
from tests.browser.house import House, Tongue
from tests.browser.people import Customer
from tests.browser.places import PHONE as WIDTH
from tests.browser.sight import barriers
from tests.browser.test_look import WIDER
from tests.browser.test_walk import PHONE

LEDGER = """
select e.account, sum(e.debit_minor - e.credit_minor) from ledger_entries e
join ledger_transactions t on t.id = e.transaction_id join orders o on o.customer_id = t.customer_id
where o.id = %s group by e.account"""
WAY = ("collected", "in_transit", "out_for_delivery", "delivered")


@dataclass(frozen=True)
class Stranger:
    """Somebody whom nobody knows yet."""

    language: str
    name: str
    phone: str
    postcode: str
    address: str

    @property
    def number(self) -> str:
        """The telephone number as the world writes it."""
        return "+82" + self.phone.replace("-", "")[1:]


STRANGERS = (
    Stranger("ko", "한지우", "010-4321-0001", "06236", "서울 강남구 테헤란로 152, 1203호"),
    Stranger("en", "Grace Miller", "010-4321-0002", "04168", "Mapo-daero 45, Mapo-gu, Seoul"),
)
FICKLE = Stranger("ko", "오하늘", "010-4321-0003", "", "경기도 수원시 팔달구 정조로 1")


class Shopper(Customer):
    """Somebody who buys with a phone in their hand, and looks at every page on the way."""

    def sees(self, address: str) -> None:
        """A page that keeps nobody out, by day and by night, and fits the screen."""
        expect(self.page).to_have_url(re.compile(address))
        self.page.evaluate("document.fonts.ready")
        assert self.page.evaluate("document.documentElement.scrollWidth") <= WIDTH, address
        assert self.page.evaluate(WIDER, WIDTH) == [], address
        for scheme in ("dark", "light"):
            self.page.emulate_media(color_scheme=scheme)
            found = self.keeps_out() and self.keeps_out()  # a live update may fade in while axe looks
            assert not found, [
                (address, scheme, one["id"], [node["target"] for node in one["nodes"]]) for one in found
            ]

    def keeps_out(self) -> list[dict[str, Any]]:
        """What axe finds once nothing on the page moves."""
        return barriers(self.page)

    def fills_cart(self) -> None:
        """The bundle with something to watch."""
        self.go("/shop")
        self.sees("/shop")
        self.page.locator('main a[href^="/shop/bundles/bun_home"]').first.click()
        self.sees("/shop/bundles/bun_home")
        before = self.page.locator("#price").inner_text()
        self.page.locator("#part_play-plus").check()
        expect(self.page.locator("#price")).not_to_have_text(before, use_inner_text=True)
        self.page.locator("#part_play").check()
        expect(self.page.locator("#price")).to_have_text(before, use_inner_text=True)
        self.button("Into the cart").click()
        self.sees("/shop/cart")

    def signs_up(self, me: Stranger) -> None:
        """On the way to the till: a code by message, a name, the two consents that are needed."""
        self.page.locator('#cart a[href="/orders/new"]').click()
        self.sees("/signup")
        self.field("Telephone or e-mail").fill(me.phone)
        self.button("Send me a code").click()
        expect(self.heading("Enter the code")).to_be_visible()
        self.sees("/signup")
        self.field("One-time code").fill(code_of(self.house, me))
        self.button("Go on").click()
        expect(self.heading("Who are you?")).to_be_visible()
        self.sees("/signup")
        self.field("Your name").fill(me.name)
        self.field("Terms of use (needed)").check()
        self.field("Collection and use of personal data (needed)").check()
        self.button("Sign up").click()
        soon = self.heading("One moment, please")
        for _ in range(20):
            expect(soon.or_(self.page.locator("[name=ship_name]"))).to_be_visible()
            if not soon.is_visible():
                break
            self.button("Go on").click()
        self.sees("/orders/new")

    def orders(self, me: Stranger) -> str:
        """At the till; the number of the order."""
        for name, value in (("ship_name", me.name), ("ship_phone", me.phone),
                            ("ship_postcode", me.postcode), ("ship_address", me.address)):  # fmt: skip
            self.page.locator(f"[name={name}]").fill(value)
        self.button("Order with obligation to pay").click()
        expect(self.page).to_have_url(re.compile("/orders/O[0-9]+"))
        number: str = re.findall("O[0-9]+", self.page.url)[0]
        expect(self.page.locator("h1")).to_have_text(self.say("Order %(id)s", id=number))
        self.reads("To be paid")
        self.sees("/orders/O")
        return number

    def pays_by_message(self, number: str) -> None:
        """By the link that came to the phone."""
        self.opens_letter("sms", f"I{number}-", "invoice")
        self.sees("/links/.*/pay")
        self.pays()
        self.reads("Paid. Thank you.")
        self.sees("/links/.*/pay")

    def buys(self, me: Stranger) -> str:
        """From the shop's window to the receipt; the number of the order, whose goods are packed."""
        self.fills_cart()
        self.signs_up(me)
        number = self.orders(me)
        self.pays_by_message(number)
        self.house.letter("sms", f"I{number}-", "receipt")
        until(lambda: self.house.asked("agent", f"/orders/{number}")["parcels"], "no parcel")
        self.go(f"/orders/{number}")
        self.reads("On the way")
        self.sees("/orders/O")
        return number


def until(look: Callable[[], object], otherwise: str, seconds: float = 60) -> object:
    """Look again and again until there is something."""
    limit = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < limit, otherwise
        time.sleep(0.3)
    return found


def stands(house: House, number: str) -> str:
    """How an order stands, as the desk sees it."""
    order = house.asked("agent", f"/orders/{number}")["order"]
    assert isinstance(order, dict)
    return str(order["status"])


def code_of(house: House, me: Stranger) -> str:
    """The code that arrived on this telephone."""

    def look() -> str | None:
        sent = house.http.get(f"{house.sandbox}/sms/messages").json()
        texts = [one["text"] for one in sent if one["receiver"] == me.number]
        return next((found[0] for text in texts if (found := re.search(r"\b\d{6}\b", text))), None)

    return str(until(look, "no code arrived"))


def deliver(house: House, number: str) -> None:
    """The carrier collects the parcels of an order and brings them."""
    book = house.http.get(f"{house.sandbox}/carrier/control/book").json()
    parcels = [one["reference"] for one in book["parcels"] if one["reference"].startswith(f"{number}-")]
    assert parcels
    for status in WAY:
        for parcel in parcels:
            at = f"{house.sandbox}/carrier/control/parcels/{parcel}/{status}"
            house.http.post(at).raise_for_status()


@pytest.mark.parametrize("me", STRANGERS, ids=[one.language for one in STRANGERS])
def test_a_stranger_becomes_a_customer_with_contracts(
    house: House, sit_down: Callable[..., Page], me: Stranger
) -> None:
    say = Tongue(me.language)
    shopper = Shopper(sit_down(me.language, **PHONE), house, say)
    number = shopper.buys(me)

    # delivered: the page says so by itself
    deliver(house, number)
    expect(shopper.page.locator("#order_state")).to_contain_text(say("Delivered"))
    ticket = str(until(lambda: house.asked("agent", f"/orders/{number}")["ticket_id"], "no ticket"))
    visit = f"V{ticket[1:]}-1"
    who = ""

    async def accept(walker: Walker) -> None:
        nonlocal who
        who = await walker.offered(visit)
        await walker.line(who, visit, "accept")

    # installed at the time that the customer chose, where the order went
    house.walks(accept)
    shopper.opens_letter("sms", f"visit:{visit}", "choose_slot")
    shopper.sees("/links/")
    shopper.chooses_time()
    assert me.address in str(house.asked(who, f"/field-service/visits/{visit}")["address"])
    house.walks(lambda walker: walker.repair(who, visit, STEPS))

    # done: everything on the way is behind us, and the contracts run
    until(lambda: stands(house, number) == "done", "the order is not done")
    shopper.go(f"/orders/{number}")
    expect(shopper.page.locator("#order_state")).to_contain_text(say("Order completed"))
    shopper.sees("/orders/O")
    shopper.go("/subscriptions")
    contracts = shopper.page.locator("#contracts li")
    expect(contracts).to_have_count(2)
    for nth in range(2):
        expect(contracts.nth(nth)).to_contain_text(say("In use"))
    shopper.sees("/subscriptions")
    contracts.nth(0).get_by_role("link").click()
    shopper.sees("/subscriptions/S")


def test_who_changes_their_mind_has_everything_back(house: House, sit_down: Callable[..., Page]) -> None:
    say = Tongue(FICKLE.language)
    shopper = Shopper(sit_down(FICKLE.language, **PHONE), house, say)
    number = shopper.buys(FICKLE)
    assert held(house, number) > 0

    shopper.menu("See what is undone, and cancel")
    undo = shopper.page.locator("#undo")
    for line in ("The parcel is stopped, or fetched where it is", "The goods are released",
                 "The invoice is taken back; what was paid is given back"):  # fmt: skip
        expect(undo).to_contain_text(say(line))
    shopper.sees("/orders/O")
    undo.get_by_role("button", name=say("Cancel the order")).click()

    until(lambda: stands(house, number) == "cancelled", "the order is not cancelled")
    shopper.go(f"/orders/{number}")
    expect(undo).to_contain_text(say("What is undone"))
    expect(undo).to_contain_text(say("Undone"))
    shopper.sees("/orders/O")
    assert held(house, number) == 0
    assert owed(house, number) == {}


def held(house: House, number: str) -> int:
    """What the gateway holds of an order's money, by its own book."""
    moves = house.http.get(f"{house.sandbox}/gateway/control/book").json()
    mine = [one for one in moves if one["order_id"].startswith(f"I{number}-")]
    assert mine
    return sum(one["amount"] if one["kind"] == "charge" else -one["amount"] for one in mine)


def owed(house: House, number: str) -> dict[str, int]:
    """The ledger's accounts that an order has moved and that are not level again."""
    with psycopg.connect(house.worker_url) as database:
        moved = database.execute(LEDGER, (number,)).fetchall()
    assert moved, "the ledger never heard of the order"
    return {str(account): int(balance) for account, balance in moved if balance}
