"""What the walks through the pages need: orders, returns, changes, faults, and letters about them."""

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from ops.trade import Trader
from ops.walk import Walker
from tests.browser.house import LINK, House


def sends(house: House, who: str, path: str, **form: object) -> Any:
    """What the house answers to a program's form."""
    headers = {"Authorization": f"Bearer {house.keys.tokens[who]}", "Accept": "application/json"}
    answer = house.http.post(
        f"{house.app}{path}", headers=headers, data={name: str(value) for name, value in form.items()}
    )
    answer.raise_for_status()
    return answer.json()


def an_order(house: House, **thing: str) -> str:
    """The number of an order that the customer has just made; something else stays in the cart."""
    sends(house, "customer", "/shop/cart", **(thing or {"product_id": "prd_stand"}), quantity=1)
    quote: Any = house.asked("customer", "/orders/new")["quote"]
    order = sends(
        house, "customer", "/orders", submission_key=uuid4().hex, once_minor=quote["once_minor"],
        monthly_minor=quote["monthly_minor"], ship_name="미나", ship_phone="010-1234-5678",
        ship_address="서울 강남구 테헤란로 1",
    )  # fmt: skip
    if not thing:
        sends(house, "customer", "/shop/cart", product_id="prd_stand", quantity=2)
    return str(order["id"])


def a_return(house: House) -> tuple[str, str]:
    """The number of an order that was delivered, and of its return, which waits to be inspected."""
    orders: list[str] = []

    async def send_back(walker: Walker) -> None:
        trader = Trader(walker)
        orders.append(await trader.order("customer", {"product_id": "prd_air"}))
        await trader.live("customer", orders[0], "returned")

    house.walks(send_back)
    rows: Any = house.asked("customer", "/orders/returns")["rows"]
    return orders[0], str(rows[0]["id"])


def shown_order(house: House, order: str) -> Any:
    """An order as its customer sees it."""
    return house.asked("customer", f"/orders/{order}")["order"]


def bill_of(house: House, order: str) -> str:
    """Where the customer pays an order, once it has its invoice."""
    invoice = until(lambda: shown_order(house, order)["invoice_id"], "no invoice")
    return f"/billing/invoices/{invoice}/pay"


def a_change(house: House) -> str:
    """The number of a change of a contract, which takes effect at the end of its period."""
    if not house.asked("customer", "/subscriptions")["rows"]:
        an_order(house, plan_id="pln_stream")
    contract = until(lambda: house.asked("customer", "/subscriptions")["rows"], "no contract began")[0]["id"]
    wish = {"kind": "termination", "at_end": "true"}
    shown: Any = house.asked("customer", f"/subscriptions/{contract}/changes?{urlencode(wish)}")["shown"]
    made = sends(
        house, "customer", f"/subscriptions/{contract}/changes", request_key=uuid4().hex,
        shown_minor=shown["total_minor"], shown_seq=shown["contract_seq"], **wish,
    )  # fmt: skip
    return str(made["change_id"])


def until(look: Callable[[], Any], otherwise: str) -> Any:
    """Look again and again until there is something."""
    limit = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < limit, otherwise
        time.sleep(0.5)
    return found


def letter_link(house: House, key: str) -> str:
    """The address in a letter, without the house's own part."""

    def look() -> str:
        sent = house.http.get(f"{house.sandbox}/mail/messages").json()
        return next((m[0] for one in sent if one["key"] == key and (m := LINK.search(one["text"]))), "")

    opened = house.http.get(until(look, f"no letter {key}"), follow_redirects=True)
    return str(opened.url).removeprefix(house.app)


def welcome(house: House) -> str:
    """Where somebody who was just invited chooses a password."""
    invited = {"login": "new.hand@ieum.example", "name": "새 동료", "roles": "agent"}
    sends(house, "admin", "/staff", command_id=uuid4().hex, **invited)

    def look() -> str:
        sent = house.http.get(f"{house.sandbox}/mail/messages", params={"to": invited["login"]}).json()
        return next((m[0] for one in sent if (m := re.search(r"/welcome/[0-9a-f]+", one["text"]))), "")

    return str(until(look, "the invitation did not arrive"))


def a_fault(house: House) -> str:
    """The number of a request of the employee on which a department works."""
    about = {"answers.where": "3층 회의실", "answers.what": "light", "answers.is_danger": "no"}
    item = "/employee-requests/catalogue/facility_fault"
    return str(sends(house, "employee", item, submission_key=uuid4().hex, whom="me", **about)["id"])
