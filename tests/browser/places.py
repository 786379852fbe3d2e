"""Every page there is, as somebody reaches it in a house that has lived: who looks, and where."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from app import ROUTERS
from models.messages.systems import System
from ops.trade import Trader
from ops.walk import Walker
from tests.browser.house import LINK, House

PHONE, TABLET, DESK = 390, 820, 1280
NOT_PAGES = re.compile(
    r"/|/health/.*|/metrics|/events|/links/{token}/events|/codec/.*|/tickets/rows"
    r"|.*/(attachments|photos)/{attachment_id}"
    r"|/billing/invoices/{invoice_id}/document|/links/{token}/document|/links/{token}/approval"
    r"|/payment-methods/{method_id}/authorisation|/billing/invoices/{invoice_id}/payment"
    r"|/dunning/{case_id}/handover|/my/privacy/{privacy_request_id}/file|/signup/resume/{token}"
    r"|/tickets/mails/{mail_id}/(original|page)"
    r"|/employee-requests/items/{item_key}|/employee-requests/items/{item_key}/versions/{version}/file"
    r"|/report/received/{token}|/links/{token}/payment|.*/histories/{run_id}|/links/{token}/photos/.*"
)
"""Moves on to a page, answers programs, or shows a file; those with tokens are looked at on the walks."""
LETTERS = (
    "received", "reply", "choose_slot", "scheduled", "on_the_way", "confirm", "closed", "cancelled",
    "invoice", "receipt",
)  # fmt: skip


SHOP = (
    "/shop", "/shop/cart", "/shop/plans/pln_water", "/shop/plans/pln_litres", "/shop/products/prd_tv",
    "/shop/bundles/bun_home",
)  # fmt: skip
CATALOGUE = (
    "/catalogue", "/catalogue/plans/pln_stream", "/catalogue/plans/pln_water/versions/2?against=1",
    "/catalogue/plans/pln_stream/versions/3/edit", "/catalogue/bundles/bun_home",
    "/catalogue/bundles/bun_home/versions/2", "/catalogue/bundles/bun_home/versions/2/edit",
    "/catalogue/products/prd_tv", "/catalogue/new?thing=plan", "/catalogue/new?thing=rule",
)  # fmt: skip


@dataclass(frozen=True)
class Tour:
    """Who goes round, how wide their screen is, and where they go."""

    who: str
    width: int
    addresses: tuple[str, ...]


def tickets_of(house: House) -> list[str]:
    """Every ticket that a letter was ever written about."""
    sent = house.http.get(f"{house.sandbox}/mail/messages").json()
    return sorted({found[1] for one in sent if (found := re.search(r"ticket:(T\d+)/", one["key"]))})


def letters(house: House) -> tuple[str, ...]:
    """One address of each kind of letter that holds a link, without the house's own part."""
    sent = house.http.get(f"{house.sandbox}/mail/messages").json()
    first: dict[str, str] = {}
    for one in sent:
        kind = re.split(r"[/:]", one["key"])[-1]
        if kind in LETTERS and (found := LINK.search(one["text"])):
            first.setdefault(kind, found[0])
    assert len(first) >= len(LETTERS) - 1, first
    opened = [house.http.get(address, follow_redirects=True).url for address in first.values()]
    return tuple(str(url).removeprefix(house.app) for url in opened)


def technician_with_work(house: House) -> tuple[str, tuple[str, ...]]:
    """Whoever has the most on their phone, and the addresses of it."""

    def pages(who: str) -> tuple[str, ...]:
        day: Any = house.asked(who, "/field-service")
        jobs = [f"/field-service/visits/{row['id']}" for row in day["today"] + day["later"]]
        offers = [f"/field-service/visits/{card['visit_id']}/offer" for card in day["offers"]]
        return tuple(jobs[:3] + offers[:1])

    found = {who: pages(who) for who in house.keys.tokens if who.startswith("tec_")}
    with_offer = {who: all_ for who, all_ in found.items() if any("/offer" in one for one in all_)}
    best = max(with_offer or found, key=lambda who: len(found[who]))
    return best, found[best]


def runs(house: House) -> tuple[str, ...]:
    """The preview and the run of the sample company."""
    found: Any = house.asked("finance", "/billing/runs")["rows"]
    return tuple(f"/billing/runs/{row['run']['id']}" for row in found[:2])


def tours(house: House) -> dict[str, Tour]:
    """Everybody's round."""
    numbers = tickets_of(house)
    invoices: Any = house.asked("finance", "/billing/invoices")["rows"]
    bills = tuple(f"/billing/invoices/{row['id']}" for row in invoices[:3])
    visits: Any = house.asked("agent", "/field-service")
    jobs = tuple(f"/field-service/visits/{row['id']}" for row in (visits["today"] + visits["later"])[:2])
    own: Any = house.asked("customer", "/home")["tickets"]
    worker, phone = technician_with_work(house)
    returned, back = a_return(house)
    change, order = a_change(house), an_order(house)
    return {
        tour.who: tour
        for tour in (
            Tour("agent", DESK, (
                "/home", "/tickets", "/tickets?view=open", "/tickets?view=open&q=nothing-at-all",
                "/tickets/new",
                "/tickets/new?customer=cus_mina", "/customers", "/customers?q=zzz", "/customers/cus_mina",
                "/customers/privacy-requests", "/orders", f"/orders/{order}", "/field-service", "/me",
                "/orders/returns", f"/orders/returns/{back}", f"/orders/{order}/return",
                *(f"/tickets/{number}" for number in numbers[:4]), *jobs, bills[0],
                *contracts(house, "agent"), *mails(house),
            )),
            Tour("finance", DESK, (
                "/billing/invoices", "/billing/invoices?status=overdue", *bills,
                "/billing/tax-documents", "/me", "/billing/runs",
                *collected(house), *overdue(house), *books(house),
                *runs(house), "/billing/accounts/cus_b01", "/billing/accounts/cus_b17",
            )),
            Tour("admin", DESK, (
                "/staff", "/staff/acc_agent", "/staff/acc_admin", "/staff/accesses", *overview(house),
                *CATALOGUE, *kept(house),
            )),
            Tour(worker, PHONE, ("/field-service", *phone, "/me")),
            Tour("partner", TABLET, ("/field-service", "/me")),
            Tour("customer", PHONE, (
                "/home", "/orders", "/orders/new", f"/orders/{order}", "/tickets/new", "/me",
                "/orders/returns", f"/orders/returns/{back}", f"/orders/{returned}/return",
                *(f"/tickets/{row['id']}" for row in own[:2]),
                "/payment-methods", *card_form(house),
                bill_of(house, order),
                "/dunning/mine", "/my/products", "/my/profile", "/my/consents", "/my/privacy",
                *contracts(house, "customer"),
            )),
            Tour("employee", PHONE, ("/home", "/me", "/people", "/people/delegations", *asked_for(house))),
            Tour("manager", PHONE, to_approve(house)),
            Tour("workplace", DESK, to_work_on(house)),
            Tour("", PHONE, (
                "/report", "/sign-in", "/signup", "/signup/code", *SHOP, *letters(house), welcome(house),
                letter_link(house, f"order:{order}/placed"), letter_link(house, f"change:{change}:requested"),
                letter_link(house, f"return:{back}/return_agreed"),
                letter_link(house, f"order:{returned}/done") + "/return",
            )),
        )
    }  # fmt: skip


def mails(house: House) -> tuple[str, ...]:
    """What is held back, what is in tickets, and one original of each."""
    listed = [f"/tickets/mails?status={status}" for status in ("quarantined", "threaded")]
    rows: list[Any] = [house.asked("agent", address)["rows"] for address in listed]
    return ("/tickets/mails", listed[1], *(f"/tickets/mails/{one[0]['id']}" for one in rows))


def books(house: House) -> tuple[str, ...]:
    """The months, the ledger, the closed month of the sample company and a line that the ERP holds."""
    rows: Any = house.asked("finance", "/billing/periods")["rows"]
    month = next(row["id"] for row in rows if row["status"] == "closed")
    line = house.asked("finance", f"/billing/periods/{month}")["batches"][0]["lines"][0]["id"]
    return "/billing/periods", "/billing/ledger", f"/billing/periods/{month}", f"/billing/postings/{line}"


def overdue(house: House) -> tuple[str, ...]:
    """The board, one case, the policies and a draft."""
    rows: Any = house.asked("finance", "/dunning")["rows"]
    cases = tuple(f"/dunning/{row['id']}" for row in rows[:1])
    draft = sends(house, "finance", "/dunning/policies")
    stages = ("/dunning", "/dunning?stage=promise", "/dunning/policies", "/dunning/policies/1")
    return (*stages, *cases, f"/dunning/policies/{draft['version']}")


def card_form(house: House) -> tuple[str, ...]:
    """A payment method that waits for the gateway's form."""
    begun = sends(house, "customer", "/payment-methods", request_key=uuid4().hex)
    return (f"/payment-methods/{begun['method_id']}",)


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


def contracts(house: House, who: str) -> tuple[str, ...]:
    """Somebody's contracts, what changes of the first one cost, and its last change."""
    listed: Any = house.asked(who, "/subscriptions")["rows"]
    pages = ["/subscriptions"]
    for row in listed[:1]:
        one = f"/subscriptions/{row['id']}"
        held: Any = house.asked(who, one)
        kinds = held["kinds"] or ["termination"]  # while one is open no other is offered
        pages += [one, *(f"{one}/changes?kind={kind}" for kind in kinds)]
        pages += [f"/subscriptions/changes/{change['id']}" for change in held["changes"][:1]]
    return tuple(pages)


def a_fault(house: House) -> str:
    """The number of a request of the employee on which a department works."""
    about = {"answers.where": "3층 회의실", "answers.what": "light", "answers.is_danger": "no"}
    item = "/employee-requests/catalogue/facility_fault"
    return str(sends(house, "employee", item, submission_key=uuid4().hex, whom="me", **about)["id"])


def asked_for(house: House) -> tuple[str, ...]:
    """An employee's pages: what can be asked for, a draft, what runs, and a form that waits for its asker."""
    item = "/employee-requests/catalogue/laptop"
    draft = sends(house, "employee", f"{item}/draft", submission_key=uuid4().hex, whom="other")["id"]
    number = a_fault(house)
    task = until(lambda: tasks_of(house, number), "no task")[0]
    for point in range(2):
        sends(house, "workplace", f"{task}/points", command_id=uuid4().hex, point=point, is_done="true")
    until(lambda: sends(house, "workplace", f"{task}/end", command_id=uuid4().hex), "not finished")
    form = until(lambda: house.asked("employee", f"/employee-requests/{number}")["forms"], "no form")[0][1]
    return (
        "/employee-requests", "/employee-requests/catalogue", item, f"/employee-requests/{draft}/draft",
        "/employee-requests/mine", "/employee-requests/mine?show=draft", f"/employee-requests/{number}",
        "/employee-requests/search?q=노트북", "/employee-requests/search?q=nothing-at-all", form,
        "/employee-requests/somewhere", "/employee-requests/colleagues?q=서",
    )  # fmt: skip


def tasks_of(house: House, number: str) -> list[str]:
    """The addresses of the tasks that a department has for a request."""
    rows: Any = house.asked("workplace", "/employee-requests/tasks")["rows"]
    return [f"/employee-requests/tasks/{row['id']}" for row in rows if row["request_id"] == number]


def to_approve(house: House) -> tuple[str, ...]:
    """What a manager decides, and how far the journeys of the team are."""
    asked = {"answers.model": "standard", "answers.price": "1500000", "answers.returns_old": "no"}
    item = "/employee-requests/catalogue/laptop"
    number = sends(house, "employee", item, submission_key=uuid4().hex, whom="me", **asked)["id"]

    def look() -> list[str]:
        rows: Any = house.asked("manager", "/employee-requests/approvals")["waiting"]
        return [row["id"] for row in rows if row["request_id"] == number]

    first = until(look, "nobody was asked to approve")[0]
    return (
        "/employee-requests/approvals", f"/employee-requests/approvals/{first}",
        "/employee-requests/journeys",
    )  # fmt: skip


def to_work_on(house: House) -> tuple[str, ...]:
    """The tasks of a department, and one of them."""
    number = a_fault(house)
    return "/employee-requests/tasks", until(lambda: tasks_of(house, number), "no task")[0]


def kept(house: House) -> tuple[str, ...]:
    """What employees can ask for, as administrators keep it: a published version, a draft and its changes."""
    items = "/employee-requests/items"
    version = sends(house, "admin", f"{items}/laptop/versions", version=1)["version"]
    draft = f"{items}/laptop/versions/{version}"
    return items, f"{items}?q=zzz", f"{items}/new", f"{items}/joiner/versions/1", draft, f"{draft}/changes"


def overview(house: House) -> tuple[str, ...]:
    """The command centre, one journey and the outside systems."""
    journeys = tuple(f"/journeys/ticket:{number}" for number in tickets_of(house)[:1])
    return ("/journeys", *journeys, "/systems", *(f"/systems/{system}" for system in list(System)[:1]))


def rules_of(router: Any) -> list[Any]:
    """What a word's routes declare."""
    return [route.rule for route in router.routes]


def unseen(rounds: dict[str, Tour]) -> list[str]:
    """Pages that nobody's round comes by."""
    seen = [address.split("?")[0] for tour in rounds.values() for address in tour.addresses]
    missing = []
    for rule in (rule for router in ROUTERS for rule in rules_of(router)):
        if rule.method != "GET" or NOT_PAGES.fullmatch(rule.path):
            continue
        shape = re.compile(re.sub(r"\{[^}]*\}", "[^/]+", rule.path))
        if not any(shape.fullmatch(address) for address in seen):
            missing.append(rule.path)
    return missing


def collected(house: House) -> tuple[str, ...]:
    """Collections, files for the bank and deposits, and the first of each."""
    days: Any = house.asked("finance", "/payments/collections")["rows"]
    files: Any = house.asked("finance", "/payments/transfers")["batches"]
    return (
        "/payments/collections", "/payments/transfers", "/payments/deposits",
        *(f"/payments/collections/{one['id']}" for one in days[:1]),
        *(f"/payments/transfers/{one['id']}" for one in files[:1]),
    )  # fmt: skip
