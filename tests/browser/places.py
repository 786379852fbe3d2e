"""Every page there is, as somebody reaches it in a house that has lived: who looks, and where."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from app import ROUTERS
from models.messages.systems import System
from tests.browser.house import LINK, House
from tests.browser.made import (
    a_change,
    a_fault,
    a_return,
    an_order,
    bill_of,
    letter_link,
    sends,
    until,
    welcome,
)

PHONE, TABLET, DESK = 390, 820, 1280
NOT_PAGES = re.compile(
    r"/|/health/.*|/metrics|/events|/links/{token}/events|/codec/.*|/tickets/rows"
    r"|.*/(attachments|photos)/{attachment_id}"
    r"|/billing/invoices/{invoice_id}/document|/links/{token}/document|/links/{token}/approval"
    r"|/field-service/visits/{visit_id}/report|/links/{token}/visits/{visit_id}/report"
    r"|/payment-methods/{method_id}/authorisation|/billing/invoices/{invoice_id}/payment"
    r"|/dunning/{case_id}/handover|/my/privacy/{privacy_request_id}/file|/signup/resume/{token}"
    r"|/tickets/mails/{mail_id}/(original|page)"
    r"|/employee-requests/{employee_request_id}/files/{request_file_id}"
    r"|/employee-requests/items/{item_key}|/employee-requests/items/{item_key}/versions/{version}/file"
    r"|/help/pictures/{file_id}|/knowledge/{article_key}|/knowledge/files/all"
    r"|/knowledge/{article_key}/versions/{version}/file"
    r"|/api/.*|/channels/(pop|chats/{ticket_id}|calls/{phone_call_id}/recording)|/links/{token}/chat"
    r"|/tickets/{ticket_id}/(presence|chat)|/partners/{partner_id}/papers/{paper_id}/file"
    r"|/customers/merges/{customer_merge_id}"
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


PROMISED = (
    "/tickets/promises", "/tickets/promises/1", "/tickets/calendar", "/tickets/rules",
    "/tickets/rules/danger/versions/1",
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
                "/home", "/tickets", "/tickets?view=open", "/tickets/new",
                narrowed(house, "agent", "/tickets", "nothing at all"),
                narrowed(house, "agent", "/customers", "zz zz"),
                "/tickets/new?customer=cus_mina", "/customers", "/customers/cus_mina",
                "/customers/cus_mina/around", "/customers/tiers", "/home/search",
                "/customers/privacy-requests", "/orders", f"/orders/{order}", "/field-service", "/me",
                "/orders/returns", f"/orders/returns/{back}", f"/orders/{order}/return",
                *(f"/tickets/{number}" for number in numbers[:4]), *jobs, bills[0],
                *contracts(house, "agent"), *mails(house), *to_hand_over(house),
                f"/knowledge/tickets/{numbers[0]}", f"/tickets/{numbers[0]}/promises",
                *desk_of(house, numbers[0]), "/channels/calls", "/customers/duplicates",
                "/customers/duplicates/pair_jung", "/partners", "/partners/par_hanbit",
            )),
            Tour("finance", DESK, (
                "/billing/invoices", "/billing/invoices?status=overdue", *bills,
                "/billing/tax-documents", "/me", "/billing/runs",
                *collected(house), *overdue(house), *books(house),
                *runs(house), "/billing/accounts/cus_b01", "/billing/accounts/cus_b17",
            )),
            Tour("admin", DESK, (
                "/staff", "/staff/acc_agent", "/staff/acc_admin", "/staff/accesses", "/people/leavers",
                *overview(house), *CATALOGUE, *kept(house), *written(house), *PROMISED,
                *came_in(house), "/channels/keys",
            )),
            Tour(worker, PHONE, ("/field-service", *phone, "/me")),
            Tour("partner", TABLET, ("/field-service", "/partners/desk", "/me")),
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
                "/report", "/chat", "/help", "/help?q=탈수", "/help?q=zzzz", "/help/fridge_not_cold",
                "/sign-in", "/signup", "/signup/code", *SHOP, *letters(house), welcome(house),
                letter_link(house, f"order:{order}/placed"), letter_link(house, f"change:{change}:requested"),
                letter_link(house, f"return:{back}/return_agreed"),
                letter_link(house, f"order:{returned}/done") + "/return",
            )),
        )
    }  # fmt: skip


def desk_of(house: House, number: str) -> tuple[str, ...]:
    """What an agent has around the queue and around one ticket; one act for two tickets."""
    asked = {"act": "note", "ticket": number, "note": "읽었습니다.", "command_id": uuid4().hex}
    batch = sends(house, "agent", "/tickets/batches", **asked)["batch"]
    return (
        f"/tickets/{number}/kin", f"/tickets/{number}/templates", f"/tickets/{number}/deliveries",
        "/tickets/drafts", "/tickets/fields", "/tickets/fields/terminal_cause",
        "/tickets/filters", "/tickets/views",
        "/tickets/templates", "/tickets/templates/restart",
        f"/tickets/batches/new?ticket={number}", f"/tickets/batches/{batch}",
    )  # fmt: skip


def came_in(house: House) -> tuple[str, ...]:
    """What came by the channels, and one original."""
    rows: Any = house.asked("admin", "/channels")["rows"]
    return ("/channels", *(f"/channels/events/{one['id']}" for one in rows[:1]))


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


def to_hand_over(house: House) -> tuple[str, ...]:
    """By what a case can be handed to another department, and the form of one of them."""
    rows: Any = house.asked("agent", "/tickets?view=open")["rows"]
    place = f"/employee-requests/handover/{rows[0]['id']}"
    return place, f"{place}/goodwill"


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
        narrowed(house, "employee", "/employee-requests/search", "노트북"), "/help/items/laptop",
        narrowed(house, "employee", "/employee-requests/search", "nothing at all"), "/help/a_new_laptop",
        form, f"/employee-requests/{a_purchase(house)}/answers",
        "/employee-requests/somewhere",
    )  # fmt: skip


def narrowed(house: House, who: str, path: str, words: str) -> str:
    """The address of a list that these words narrow; it does not hold them."""
    return str(sends(house, who, "/home/words", q=words, to=path)["location"])


def a_purchase(house: House) -> str:
    """A running request of which its asker may change an answer."""
    asked = {"what": "의자", "amount": "300000", "needed_on": "2026-12-24", "is_contract": "no"}
    answers = {f"answers.{name}": value for name, value in asked.items()}
    item = "/employee-requests/catalogue/purchase"
    return str(sends(house, "employee", item, submission_key=uuid4().hex, whom="me", **answers)["id"])


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
    return (
        items,
        narrowed(house, "admin", items, "zz zz"),
        f"{items}/laptop/requests",
        f"{items}/joiner/requests",
        f"{items}/new",
        f"{items}/joiner/versions/1",
        draft,
        f"{draft}/changes",
    )


def written(house: House) -> tuple[str, ...]:
    """The articles as their authors see them: the list, a version in review, a draft with faults, files."""
    begun = sends(house, "admin", "/knowledge", key="faulty", title_ko="결함", body_ko="# 제목")
    return (
        "/knowledge", "/knowledge?show=due", "/knowledge?q=zzzz", "/knowledge/new", "/knowledge/gaps",
        "/knowledge/files", "/knowledge/tv_no_picture/versions/2",
        "/knowledge/tv_no_picture/versions/2/changes",
        f"/knowledge/{begun['key']}/versions/1", "/knowledge/goodwill_and_refunds/versions/1",
    )  # fmt: skip


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
