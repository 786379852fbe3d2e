"""An HR system full of people, and a judge that compares what it says with what the house knows."""

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import select

from models.rules.billing.invoices import on_day
from models.staff import CostCentre, Employee, EmployeeAbsence
from tests.sandbox import Sandbox

TODAY = on_day(datetime.now(UTC))
FIELDS = ("name", "email", "department", "title", "cost_centre", "starts_on", "ends_on")


def a_person(n: int, manager: str = "", **facts: Any) -> dict[str, Any]:
    """One record as the HR system keeps it."""
    usual = {
        "name": f"직원 {n}", "email": f"person{n}@ieum.example", "department": "sales", "title": "staff",
        "site": "seoul", "cost_centre": "CC-1", "manager_id": manager, "starts_on": "2020-01-02",
        "ends_on": None,
    }  # fmt: skip
    return usual | facts


def hire(sandbox: Sandbox, number: int, **facts: Any) -> None:
    """Tell of one person; everybody but the first reports to the first."""
    manager = "HR-1" if number > 1 else ""
    put(sandbox, "employees", f"HR-{number}", {**a_person(number, manager), **facts})


def put(sandbox: Sandbox, kind: str, id: str, record: dict[str, Any]) -> int:
    """Write one record in the HR system."""
    answer = sandbox.client.put(f"/hr/control/{kind}/{id}", json=record)
    return int(answer.raise_for_status().json()["seq"])


def away(sandbox: Sandbox, number: int, first: date, last: date, **facts: Any) -> None:
    """Tell that somebody is away."""
    record = {"employee_id": f"HR-{number}", "from_on": str(first), "until_on": str(last), **facts}
    put(sandbox, "absences", f"AB-{number}", record)


def much_happens(sandbox: Sandbox, seed: int, acts: int, people: int = 12) -> None:
    """People come before their managers, move, go, are away and are back, in any order."""
    chance = random.Random(seed)
    for _ in range(acts):
        n, boss = chance.randint(1, people), chance.randint(1, people)
        if chance.random() < 0.25:
            first = TODAY + timedelta(days=chance.randint(-3, 3))
            away(sandbox, n, first, first + timedelta(days=2), is_cancelled=chance.random() < 0.3)
            continue
        ends = chance.choice([None, None, None, str(TODAY + timedelta(days=chance.randint(-2, 9)))])
        hire(
            sandbox, n, manager_id=f"HR-{boss}", ends_on=ends, title=chance.choice(["staff", "lead"]),
            department=chance.choice(["sales", "finance", "it"]),
        )  # fmt: skip
    put(sandbox, "cost-centres", "CC-1", {"name": "Sales", "owner_id": f"HR-{people}"})


async def differences(engine: AsyncEngine, sandbox: Sandbox) -> list[str]:
    """What the house says otherwise than the HR system, person by person and field by field."""
    told = sandbox.client.get("/hr/control/book").json()
    async with AsyncSession(engine) as session:
        people = {one.hr_id: one for one in await session.scalars(select(Employee))}
        absences = {one.hr_id: one for one in await session.scalars(select(EmployeeAbsence))}
        centres = {one.id: one for one in await session.scalars(select(CostCentre))}
    by_id = {one.id: one.hr_id for one in people.values()}
    by_id_or_none: dict[Any, str] = {**by_id, None: ""}
    found = list[str]()
    for one in told:
        if one["kind"] == "employee":
            found += _of_person(one, people.get(one["id"]), by_id_or_none, people.keys())
        elif one["kind"] == "absence":
            row = absences.get(one["id"])
            said = (one["employee_id"], one["from_on"], one["until_on"], one["is_cancelled"])
            if row is None or said != _absence(row) or row.employee_id not in by_id:
                found.append(f"{one['id']}: {said}")
        elif (centre := centres.get(one["id"])) is None or by_id.get(centre.owner_id or "") != one[
            "owner_id"
        ]:
            found.append(f"{one['id']}: {one['owner_id']}")
    return found


def _of_person(
    told: dict[str, Any], row: Employee | None, by_id: dict[Any, str], known: Iterable[str]
) -> list[str]:
    if row is None:
        return [f"{told['id']} is unknown"]
    found = [
        f"{told['id']}.{name}: {told[name]!r} and not {getattr(row, name)!r}"
        for name in FIELDS
        if (told[name] or "") != str(getattr(row, name) or "")
    ]
    manager = told["manager_id"] if told["manager_id"] in known and told["manager_id"] != told["id"] else ""
    return found + ([f"{told['id']} reports to {manager}"] if by_id[row.manager_id] != manager else [])


def _absence(row: EmployeeAbsence) -> tuple[Any, ...]:
    return row.employee_hr_id, str(row.from_on), str(row.until_on), row.is_cancelled
