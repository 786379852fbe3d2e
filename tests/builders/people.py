"""Colleagues of the sample company: a chief, an employee, one who reports to them, one who does not."""

from datetime import date, datetime, timedelta

from sqlmodel import SQLModel

from models.messages.staff import ChangeKind, EmployeeStatus
from models.rules.billing.invoices import on_day
from models.staff import (
    CostCentre,
    Delegation,
    Employee,
    EmployeeAbsence,
    EmployeeChange,
    LeaverAcceptance,
    PeopleFeed,
)

LINE = (
    ("e_chief", "a_admin", None),
    ("e_one", "a_employee", "e_chief"),
    ("e_two", None, "e_one"),
    ("e_other", "a_agent", "e_chief"),
)


def colleagues(word: str, now: datetime) -> list[SQLModel]:
    """People in a line, with an absence, a delegation, news of each, and who answers for the money."""
    today = on_day(now)
    return [
        *(employee(name, account, manager, word) for name, account, manager in LINE),
        EmployeeAbsence(
            hr_id="ab1", employee_hr_id="HR-e_chief", employee_id="e_chief", from_on=today, until_on=today
        ),
        CostCentre(id="CC1", name=word, owner_hr_id="HR-e_chief", owner_id="e_chief"),
        *(
            EmployeeChange(
                employee_id=name, seq=1, kind=ChangeKind.JOINER, effective_on=today,
                details={"why": word}, noticed_at=now,
            )
            for name, _, _ in LINE
        ),
        *(
            Delegation(
                id=f"dg{n}", from_employee_id=giver, to_employee_id="e_one",
                from_on=today + timedelta(days=30), until_on=today + timedelta(days=40),
                created_by=account, created_at=now,
            )
            for n, (giver, account) in enumerate((("e_other", "a_agent"), ("e_chief", "a_admin")), 1)
        ),
        PeopleFeed(id="hr", cursor="1", read_at=now),
        LeaverAcceptance(id="la1", day=today, leavers=30, accepted_by="a_admin", accepted_at=now),
    ]  # fmt: skip


def employee(name: str, account: str | None, manager: str | None, word: str) -> Employee:
    """One colleague who began long ago."""
    return Employee(
        id=name, hr_id=f"HR-{name}", account_id=account, name=f"{word} {name}", email=f"{name}@example.com",
        department=word, title=word, site="seoul", cost_centre="CC1",
        manager_hr_id=f"HR-{manager}" if manager else "", manager_id=manager, starts_on=date(2020, 1, 2),
        ends_on=date(2099, 12, 31), status=EmployeeStatus.ACTIVE, seen_seq=1,
    )  # fmt: skip
