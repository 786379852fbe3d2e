"""Fills a running house with a living sample company: every open and closed ticket got there by walking.

Reads the settings of the parts; leaves sign-ins and tokens in RUN_DIR/demo.json."""

import asyncio
import json
import os
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops import bills, books, past
from ops.asks import ask_around
from ops.channels import reach_us
from ops.company import CHECKS, CUSTOMERS, OWNED, PRODUCTS, TECHNICIANS, Keys, make_company
from ops.late import PROMISES
from ops.mails import write_in
from ops.money import let_money_come, prepare_bank_file
from ops.people import settle_in
from ops.together import belong
from ops.trade import Trader
from ops.walk import Walker

HELP = os.environ.get("MAIL_ADDRESSES", "help@ieum.example").partition(",")[0]
STEPS = tuple(code for code, (_, _, required) in CHECKS.items() if required)
OWNERS = {owned: (customer, product) for owned, customer, product, _, _ in OWNED}
CATEGORY = {product[0]: product[4] for product in PRODUCTS}

# What is broken, at what, how urgent, and how far its journey goes.
FAULTS = (
    ("own_1", "p2", "화면이 나오지 않고 소리만 나옵니다", "어제 저녁부터 켜면 소리만 납니다.", "paid"),
    ("own_2", "p3", "탈수할 때 소리가 큽니다", "바닥에 고정해도 흔들립니다.", "closed"),
    ("own_3", "p2", "The washer does not drain", "Water stays in the drum after every wash.", "invoiced"),
    ("own_4", "p1", "결제 단말기가 간헐적으로 끊깁니다", "통신 오류 E-41이 자꾸 나옵니다. 손님들이 기다립니다.", "working"),
    ("own_5", "p3", "냉장실이 시원하지 않습니다", "냉동실은 괜찮습니다.", "scheduled"),
    ("own_6", "p3", "Picture freezes after the update", "It helped to unplug it for a minute, once.", "remote"),
    ("own_7", "p2", "쇼케이스 온도가 올라갑니다", "7.8도까지 올라갔습니다.", "offered"),
    ("own_8", "p4", "Door alarm of the fridge beeps", "It beeps although the door is closed.", "taken"),
    ("own_1", "p3", "리모컨이 잘 듣지 않습니다", "전지를 바꾸어도 같습니다.", "received"),
    ("own_5", "p4", "제빙기 물통이 샙니다", "조금씩 샙니다.", "received"),
    ("own_3", "p3", "Smell from the washer", "After three weeks away.", "cancelled"),
    ("own_6", "p3", "Stand of the TV is loose", "It tilts to the left.", "accepted"),
)  # fmt: skip
PART = {"tv": "prt_panel", "washer": "prt_pump", "fridge": "prt_fan", "pos": "prt_nic", "cooler": "prt_comp"}
BY_PHONE = ("offered", "accepted", "scheduled", "working", "closed", "invoiced", "paid")


async def live(walker: Walker, fault: tuple[str, str, str, str, str]) -> None:
    """Walk one ticket as far as its story goes."""
    owned, priority, subject, description, goal = fault
    customer, product = OWNERS[owned]
    ticket = await walker.report(
        submission_key=f"sample-{owned}-{goal}-{priority}", customer_id=customer, owned_product_id=owned,
        subject=subject, description=description, priority=priority,
    )  # fmt: skip
    await walker.until(ticket, "open", "in_progress", "dispatched", "resolved", "closed", "cancelled")
    if goal == "received":
        return
    english = customer in ("cus_ava", "cus_noah")
    agent = "agent_en" if english else "agent"
    await walker.command(ticket, "assignment", agent, agent_id="acc_agent_en" if english else "acc_agent")
    if goal == "cancelled":
        await walker.command(ticket, "cancellation", agent, reason="The customer found the cause.")
        return
    hello = (
        "Thank you for telling us. We are looking into it."
        if english
        else "알려 주셔서 감사합니다. 바로 확인하겠습니다."
    )
    await walker.command(ticket, "replies", agent, body=hello, kind="reply")
    if goal == "taken":
        return
    if goal == "remote":
        await walker.command(
            ticket, "resolution", agent, done="Please reset the picture mode; it holds since then."
        )
        await walker.until(ticket, "resolved")
        await walker.confirm(ticket)
        await walker.until(ticket, "closed")
        await walker.rate(ticket, 5, "Quick and clear.")
        return
    await walker.command(ticket, "visit", agent)
    await visit(walker, ticket, product, goal)


async def visit(walker: Walker, ticket: str, product: str, goal: str) -> None:
    """The part of the story that plays at the customer's."""
    number = f"V{ticket[1:]}-1"
    who = await walker.offered(number)
    stage = BY_PHONE.index(goal)
    if stage == 0:
        return
    await walker.line(who, number, "accept")
    if stage == 1:
        return
    await walker.choose_time(ticket, number)
    if stage == 2:
        return
    if goal == "working":
        for kind in ("depart", "arrive", "start"):
            await walker.line(who, number, kind)
        await walker.photo(who, number, "before")
        return
    await walker.repair(who, number, STEPS, (PART[CATEGORY[product]],))
    await walker.until(ticket, "resolved")
    await walker.confirm(ticket)
    await walker.until(ticket, "payment_due", "closed")
    if goal == "paid":
        await walker.pay(ticket)
        await walker.until(ticket, "closed")
        await walker.rate(ticket, 4, "기사님이 친절하셨어요.")


async def promise(walker: Walker) -> None:
    """One of the late customers promises a day on the telephone."""
    name = next(one[2] for one in CUSTOMERS if one[0] == PROMISES)
    day = datetime.now(UTC).date() + timedelta(days=6)
    kept = await walker.ask("finance", "POST", "/home/words", data={"q": name, "to": "/dunning"})
    for case in (await walker.ask("finance", "GET", kept["location"]))["rows"]:
        given = {"command_id": f"sample-promise-{case['id']}", "pay_on": day.isoformat()}
        path = f"/dunning/{case['id']}/promise"
        await walker.ask("finance", "POST", path, data=given)


async def walk_all(keys: Keys, app: str, sandbox: str, listen: str) -> None:
    """Every story, a few at a time; all of them must come out."""
    phones = {phone: technician for technician, _, _, phone, *_ in TECHNICIANS}
    walker = Walker(app, sandbox, keys.tokens, phones)
    few = asyncio.Semaphore(4)

    async def one(fault: tuple[str, str, str, str, str]) -> None:
        async with few:
            await live(walker, fault)

    try:
        await asyncio.gather(*(one(fault) for fault in FAULTS), bills.bill(walker, bills.today()),
                             Trader(walker).walk_all(), write_in(walker, listen, HELP),
                             settle_in(walker, sandbox), reach_us(walker, sandbox))  # fmt: skip
        await promise(walker)
        await ask_around(walker)
        await belong(walker, OWNERS["own_1"][0])
    finally:
        await walker.close()


def main() -> None:
    """Make the company, walk its stories, leave the keys."""
    environment = os.environ
    keys = make_company(environment["DATABASE_WORKER_URL"])
    asyncio.run(past.live_on(environment["DATABASE_WORKER_URL"]))
    bills.sign(environment["DATABASE_WORKER_URL"], bills.today())
    sandbox = environment["GATEWAY_URL"].removesuffix("/gateway")
    asyncio.run(walk_all(keys, environment["PUBLIC_URL"], sandbox, environment["MAIL_LISTEN"]))
    if "ACCOUNTING_URL" in environment:
        app, erp = environment["PUBLIC_URL"], environment["ACCOUNTING_URL"]
        asyncio.run(books.close_month(app, keys.tokens["finance"], erp))
    asyncio.run(
        let_money_come(
            environment["PUBLIC_URL"], sandbox, keys.tokens["customer"], environment["TEMPORAL_ADDRESS"],
            environment.get("TEMPORAL_NAMESPACE", "default"),
        )
    )  # fmt: skip
    asyncio.run(prepare_bank_file(environment["DATABASE_WORKER_URL"]))
    place = Path(environment["RUN_DIR"]) / "demo.json"
    place.write_text(json.dumps({key: value for key, value in asdict(keys).items() if key != "password"}))
    print(f"The sample company lives: {len(FAULTS)} tickets.", file=sys.stderr)


if __name__ == "__main__":
    main()
