"""What colleagues of the sample company have asked for: undecided, under way, turned down, a draft."""

import asyncio
from typing import Any

from ops.walk import Stuck, Walker

CATALOGUE = "/employee-requests/catalogue"
LAPTOP = {"answers.model": "developer", "answers.reason": "개발 서버를 함께 돌려야 합니다.",
          "answers.returns_old": "yes"}  # fmt: skip
LETTER = ("요구서.pdf", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n", "application/pdf")
FAULT = {"answers.where": "3층 회의실", "answers.what": "light", "answers.is_danger": "no"}


async def ask_for(walker: Walker, who: str, item: str, word: str, **answers: str) -> str:
    """One request; its number."""
    form = {"submission_key": f"sample-{item}-{word}", "whom": "me", **answers}
    return str((await walker.ask(who, "POST", f"{CATALOGUE}/{item}", data=form))["id"])


async def decide(walker: Walker, who: str, request: str, verdict: str, comment: str = "") -> None:
    """Whoever is asked says their word, once they are asked."""
    approval = await asked(walker, who, request)
    word = {"command_id": f"sample-{approval}", "verdict": verdict, "comment": comment}
    path = f"/employee-requests/approvals/{approval}/decision"
    await walker.settled(word["command_id"], lambda: walker.ask(who, "POST", path, data=word))


async def asked(walker: Walker, who: str, request: str) -> str:
    """The approval that somebody is asked for."""
    for _ in range(120):
        rows: list[Any] = (await walker.ask(who, "GET", "/employee-requests/approvals"))["waiting"]
        for row in rows:
            if row["request_id"] == request:
                return str(row["id"])
        await asyncio.sleep(0.5)
    raise Stuck(f"{who} was not asked to decide {request}")


async def hand_over(walker: Walker, ticket: str, item: str, **sent: Any) -> str:
    """A customer's case goes to another department by one of their items; the number of the request."""
    path = f"/employee-requests/handover/{ticket}/{item}"
    form = {"submission_key": f"sample-{item}-{ticket}", **sent.pop("answers")}
    return str((await walker.ask("agent", "POST", path, data=form, **sent))["id"])


async def fill_in(walker: Walker, who: str, request: str, **answers: str) -> None:
    """Somebody of the department answers what it was asked."""
    word = {"command_id": f"sample-{request}-form", **answers}
    path = await waiting_form(walker, who, request)
    await walker.settled(word["command_id"], lambda: walker.ask(who, "POST", path, data=word))


async def waiting_form(walker: Walker, who: str, request: str) -> str:
    """The form of a request that waits for somebody."""
    for _ in range(120):
        forms = (await walker.ask(who, "GET", "/employee-requests/tasks"))["forms"]
        for one in forms:
            if one["request_id"] == request:
                return str(one["href"])
        await asyncio.sleep(0.5)
    raise Stuck(f"{who} was not asked to fill in {request}")


async def hand_cases_over(walker: Walker) -> None:
    """Of the agent's open tickets one waits for finance, one has its answer, one lies with legal."""
    rows: list[Any] = (await walker.ask("agent", "GET", "/tickets?view=open"))["rows"]
    waits, answered, legal = (row["id"] for row in rows[-3:])
    for ticket, amount in ((waits, "80000"), (answered, "50000")):
        given = {"answers.case": ticket, "answers.customer": "고객", "answers.amount": amount,
                 "answers.what_happened": "같은 고장이 두 번 났습니다."}  # fmt: skip
        number = await hand_over(walker, ticket, "goodwill", answers=given)
    await fill_in(
        walker, "ledger", number, **{"answers.granted": "50000", "answers.say": "이번 달 안에 돌려드립니다."}
    )
    given = {"answers.partner": "고객", "answers.amount": "3000000", "answers.sign_by": "2026-12-31",
             "answers.risks": "손해배상을 요구하십니다."}  # fmt: skip
    await hand_over(walker, legal, "contract_review", answers=given, files={"answers.draft": LETTER})


async def ask_around(walker: Walker) -> None:
    """Requests at every stage, on the pages of those who wait for them."""
    await ask_for(walker, "employee", "laptop", "waits", **LAPTOP, **{"answers.price": "2400000"})
    agreed = await ask_for(walker, "employee", "laptop", "agreed", **LAPTOP, **{"answers.price": "1600000"})
    refused = await ask_for(walker, "employee", "laptop", "refused", **LAPTOP, **{"answers.price": "1900000"})
    await ask_for(walker, "employee", "facility_fault", "light", **FAULT)
    await ask_for(walker, "manager", "facility_fault", "door", **{**FAULT, "answers.what": "door"})
    draft = {"submission_key": "sample-draft", "whom": "me", "answers.model": "design"}
    await walker.ask("employee", "POST", f"{CATALOGUE}/laptop/draft", data=draft)
    await decide(walker, "manager", agreed, "approve")
    await hand_cases_over(walker)
    await decide(walker, "manager", refused, "reject", "올해 예산이 끝났습니다. 1월에 다시 신청해 주십시오.")
