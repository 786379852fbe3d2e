"""What colleagues of the sample company have asked for: undecided, under way, turned down, a draft."""

import asyncio
from typing import Any

from ops.walk import Stuck, Walker

CATALOGUE = "/employee-requests/catalogue"
LAPTOP = {"answers.model": "developer", "answers.reason": "개발 서버를 함께 돌려야 합니다.",
          "answers.returns_old": "yes"}  # fmt: skip
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
    await decide(walker, "manager", refused, "reject", "올해 예산이 끝났습니다. 1월에 다시 신청해 주십시오.")
