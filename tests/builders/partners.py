"""Partners with their papers and technicians, as rows."""

from datetime import UTC, date, datetime, timedelta
from itertools import count

from sqlmodel import SQLModel

from models.messages.partners import PaperKind, PartnerStatus
from models.partners import Partner, PartnerPaper
from tests.builders.field_service import a_technician

_numbers = count(1)
LONG_AGO, FAR = date(2020, 1, 1), date(2099, 12, 31)


def a_partner(name: str, status: PartnerStatus = PartnerStatus.ACTIVE, **changes: object) -> Partner:
    """A company whose papers are asked for."""
    facts = {"checks_papers": True, "status": status}
    return Partner(id=f"par_{name}", name=f"협력사 {name}", phone="+82215880000", **(facts | changes))  # type: ignore[arg-type]


def a_paper(partner: str, kind: PaperKind, **changes: object) -> PartnerPaper:
    """A paper that counts for as long as anybody could test."""
    number = next(_numbers)
    facts = {
        "category": "tv" if kind is PaperKind.CERTIFICATE else "", "number": f"P-{number}",
        "valid_from": LONG_AGO, "valid_until": FAR, "added_by": "acc_test",
        "added_at": datetime.now(UTC) - timedelta(days=1),
        "pay_minor": 45_000 if kind is PaperKind.CONTRACT else None,
    }  # fmt: skip
    return PartnerPaper(
        id=f"pap_{number}", partner_id=f"par_{partner}", submission_key=f"key-{number}", kind=kind,
        **(facts | changes),  # type: ignore[arg-type]
    )  # fmt: skip


def a_company(name: str, *technicians: str, without: tuple[PaperKind, ...] = ()) -> list[SQLModel]:
    """An active partner with every paper that television work needs, and its technicians."""
    papers = [a_paper(name, kind) for kind in PaperKind if kind not in without]
    people = [row for one in technicians for row in a_technician(one, partner_id=f"par_{name}")]
    return [a_partner(name), *papers, *people]
