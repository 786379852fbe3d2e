"""The people of the sample company, told to its HR system: forty with managers, absences, delegations."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from models.rules.billing.invoices import on_day
from ops.departments import CENTRES, COLLEAGUES, SITE, hr_id
from ops.walk import Walker

# department: who leads it (of those who sign in), and everybody else with their title
TEAMS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "서비스기획팀": (
        "manager",
        (("도하윤", "매니저"), ("진서율", "매니저"), ("Elliot Park", "매니저"), ("국해인", "매니저")),
    ),
    "고객지원팀": (
        "agent",
        (("탁예준", "상담사"), ("방지안", "상담사"), ("선우린", "상담사"), ("Maya Olsen", "상담사")),
    ),
    "인사팀": ("hr", (("길도현", "매니저"), ("표나은", "매니저"))),
    "정보기술팀": (
        "it",
        (("옥시우", "엔지니어"), ("변하율", "엔지니어"), ("위채원", "엔지니어"), ("Noor Haddad", "엔지니어")),
    ),
    "재무팀": ("finance", (("석민재", "매니저"), ("제갈윤", "매니저"))),
    "총무팀": ("workplace", (("봉서진", "매니저"), ("마이든", "매니저"))),
    "구매팀": ("director", (("인가람", "팀장"), ("편다솜", "매니저"))),
    "법무팀": ("director", (("추은호", "팀장"), ("Iris Weber", "변호사"))),
    "영업팀": (
        "director",
        (("염태오", "팀장"), ("함이서", "매니저"), ("경로아", "매니저"), ("두현서", "매니저"),
         ("감유찬", "매니저"), ("Theo Laurent", "매니저")),
    ),
}  # fmt: skip
SITES = (SITE, "판교", "부산")
JOINERS = (("맹서후", "영업팀", 21), ("Zoe Fischer", "정보기술팀", 35))  # their first day, days from now
LEAVER, LAST_DAY = "경로아", 12
AWAY = (("변하율", -1, 3), ("방지안", 5, 9), ("추은호", 2, 6))  # first and last day, days from now


def everybody(today: date) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each record by its id, managers before those who report to them."""
    for id, _, name, email, department, title, manager in COLLEAGUES:
        above = hr_id(manager) if manager else ""
        yield hr_id(id), a_record(name, email, department, title, above, 0)
    number = 100
    leads: dict[str, str] = {}
    for department, (lead, members) in TEAMS.items():
        above = hr_id(f"e_{lead}")
        for name, title in members:
            number += 1
            record = a_record(name, f"p{number}@ieum.example", department, title, above, number)
            if name == LEAVER:
                record["ends_on"] = (today + timedelta(days=LAST_DAY)).isoformat()
            yield f"HR-{number}", record
            if title == "팀장":  # whoever leads a department without a sign-in of its own
                above = f"HR-{number}"
        leads[department] = above
    for name, department, days in JOINERS:
        number += 1
        email = f"p{number}@ieum.example"
        record = a_record(name, email, department, "매니저", leads[department], number)
        yield f"HR-{number}", record | {"starts_on": (today + timedelta(days=days)).isoformat()}


def a_record(name: str, email: str, department: str, title: str, manager: str, number: int) -> dict[str, Any]:
    """One record as the HR system keeps it; somebody who has been here for a while."""
    return {
        "name": name, "email": email, "phone": f"02-555-{1000 + number:04}", "department": department,
        "title": title, "site": SITES[number % len(SITES)], "cost_centre": CENTRES[department],
        "manager_id": manager, "starts_on": date(2018 + number % 7, 1 + number % 12, 2).isoformat(),
    }  # fmt: skip


async def tell_hr(sandbox: str) -> int:
    """Write everybody into the HR system, with who is away and who answers for the money; how many people."""
    today = on_day(datetime.now(UTC))
    records = dict(everybody(today))
    by_name = {record["name"]: id for id, record in records.items()}
    async with httpx.AsyncClient(base_url=f"{sandbox}/hr/control", trust_env=False, timeout=20) as hr:

        async def put(path: str, record: dict[str, Any]) -> None:
            (await hr.put(path, json=record)).raise_for_status()

        for id, record in records.items():
            await put(f"/employees/{id}", record)
        for n, (name, first, last) in enumerate(AWAY, 1):
            days = (today + timedelta(days=first), today + timedelta(days=last))
            await put(
                f"/absences/AB-{n}",
                {"employee_id": by_name[name], "from_on": str(days[0]), "until_on": str(days[1])},
            )
        for department, (lead, _) in TEAMS.items():
            await put(
                f"/cost-centres/{CENTRES[department]}", {"name": department, "owner_id": hr_id(f"e_{lead}")}
            )
    return len(records)


async def hand_over(walker: Walker) -> None:
    """The director lets the manager decide from next week on, once both are known by the HR system's news."""
    first = on_day(datetime.now(UTC)) + timedelta(days=7)
    wish = {
        "command_id": "sample-delegation", "colleague": "manager@ieum.example", "from_on": str(first),
        "until_on": str(first + timedelta(days=4)),
    }  # fmt: skip
    await walker.ask("director", "POST", "/people/delegations", data=wish)


async def settle_in(walker: Walker, sandbox: str) -> None:
    """Forty people, and a wait until the house knows them all: its sync runs every minute."""
    expected = await tell_hr(sandbox) - len(JOINERS)
    for _ in range(100):
        found = (await walker.ask("hr", "GET", "/people"))["people"]
        if len(found) >= expected:
            break
        await asyncio.sleep(2)
    else:
        raise SystemExit("the HR system's news were not taken")
    await hand_over(walker)
