"""Orders, returns and contracts on a phone whose browser runs no scripts: everything is a link or a form."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from ops.trade import Trader
from ops.walk import Walker
from tests.browser.house import House, Tongue
from tests.browser.people import Customer
from tests.browser.test_walk import PHONE

KO = Tongue("ko")


def bought(house: House) -> tuple[str, str]:
    """A delivered order and a running contract of the same customer."""
    orders: list[str] = []

    async def buy(walker: Walker) -> None:
        trader = Trader(walker)
        for thing, goal in (({"product_id": "prd_air"}, "delivered"), ({"plan_id": "pln_stream"}, "done")):
            orders.append(await trader.order("customer_en", thing))
            await trader.live("customer_en", orders[-1], goal)

    house.walks(buy)
    return orders[0], orders[1]


def looks_again_until(person: Customer, address: str, text: str) -> None:
    """Without scripts a page is loaded again by its reader."""
    for _ in range(40):
        person.go(address)
        if text in person.page.locator("main").inner_text():
            return
        person.page.wait_for_timeout(500)
    raise AssertionError(f"{address} never said {text}")


def test_goods_go_back_and_a_contract_is_left_without_scripts(
    house: House, sit_down: Callable[..., Page]
) -> None:
    order, _ = bought(house)
    me = Customer(sit_down("ko", **PHONE, java_script_enabled=False), house, KO)
    me.sign_in("ava@customer.example")

    # the order, its way to a return, and the return until it is called off
    me.go(f"/orders/{order}")
    me.page.get_by_role("link", name=KO("Return or exchange")).click()
    expect(me.page.locator("[name=wanted]")).to_have_value("1:1")
    me.page.get_by_role("button", name=KO("Ask for the return")).click()
    expect(me.page).to_have_url(re.compile("/orders/returns/R[0-9]+"))
    back = re.sub(".*(/orders/returns/R[0-9]+).*", r"\1", me.page.url)
    looks_again_until(me, back, KO("To be handed over"))
    me.page.get_by_role("button", name=KO("Keep the goods")).click()
    looks_again_until(me, back, KO("Return called off"))
    me.go(f"/orders/{order}")
    expect(me.page.get_by_role("link", name=KO("Return or exchange"))).to_be_visible()

    # the contract, what leaving costs, and that it is left
    me.go("/subscriptions")
    me.page.locator("#contracts li a").first.click()
    expect(me.page).to_have_url(re.compile("/subscriptions/S"))
    me.page.locator('a[href*="kind=termination"]').click()
    expect(me.page.locator("main")).to_contain_text(KO("What it costs"))
