"""The report of a visit as a PDF: for whoever may see the visit, once somebody was there."""

import io
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.kit.documents import Paper, strokes_of
from tests.api.web import Web

SIGNED = "M10 20L30 40L50 10M60 60"
READERS = ("agent", "technician_assigned", "customer_own", "link_follow")


@pytest.fixture
async def visit(own_web: Web, worker_engine: AsyncEngine) -> str:
    """The sample customer's visit, repaired and signed."""
    async with worker_engine.begin() as connection:
        await connection.execute(
            text(
                "update visits set status = 'completed', is_over = true, outcome = 'repaired',"
                " signature = :s, signer = '김민아', arrived_at = now(), started_at = now(),"
                " finished_at = now(), labour_minutes = 40 where id = 'V1-1'"
            ),
            {"s": SIGNED},
        )
    return "V1-1"


def address(web: Web, who: str, visit: str) -> str:
    """Where somebody finds the report."""
    if who.startswith("link_"):
        return f"/links/{web.company.tokens[who]}/visits/{visit}/report"
    return f"/field-service/visits/{visit}/report"


@pytest.mark.parametrize("who", READERS)
async def test_whoever_sees_a_visit_takes_its_report_along(own_web: Web, visit: str, who: str) -> None:
    paper = await own_web.get(address(own_web, who, visit), who=who)

    assert paper.status_code == 200, paper.text
    assert paper.headers["content-type"] == "application/pdf"
    assert paper.headers["cache-control"] == "private, no-store"
    assert paper.content.startswith(b"%PDF-")


@pytest.mark.parametrize(
    "who", ["technician_other", "technician_house", "customer_other", "link_follow_other", "anonymous"]
)
async def test_nobody_elses_report_is_there(own_web: Web, visit: str, who: str) -> None:
    refused = await own_web.get(address(own_web, who, visit), who=who)

    assert refused.status_code == (303 if who == "anonymous" else 404)


async def test_there_is_none_before_somebody_was_there(own_web: Web, worker_engine: AsyncEngine) -> None:
    early = await own_web.get(address(own_web, "agent", "V1-1"), who="agent")
    async with worker_engine.begin() as connection:
        await connection.execute(
            text("update visits set is_over = true, outcome = 'cancelled', status = 'cancelled'")
        )
    called_off = await own_web.get(address(own_web, "agent", "V1-1"), who="agent")

    assert (early.status_code, called_off.status_code) == (409, 409)
    assert "기사가 방문을 마치면" in early.text


async def test_the_customers_page_leads_to_it(own_web: Web, visit: str) -> None:
    page = await own_web.get("/tickets/T1?lang=ko", who="customer_own")

    assert "/field-service/visits/V1-1/report" in page.text
    assert "작업 확인서" in page.text


def test_strokes_stay_on_the_pad_whatever_was_sent() -> None:
    assert strokes_of(SIGNED) == [[(10, 20), (30, 40), (50, 10)], [(60, 60)]]
    assert strokes_of("L5 5") == [[(5, 5)]]
    assert strokes_of("M-9 99999Q1 1 2000 7") == [[(0, 320), (1000, 7)]]
    assert strokes_of("zMl..,-- M4") == []


def test_a_photo_whose_file_is_gone_is_left_out(tmp_path: Path) -> None:
    there = tmp_path / "there"
    Image.new("RGB", (3000, 1500), "navy").save(there, "PNG")

    def sized(*shots: tuple[str, Path]) -> int:
        paper = Paper("x", "ko")
        paper.pictures(shots)
        return len(paper.written())

    assert sized(("before", tmp_path / "gone")) < sized(("before", there), ("after", there))
    Image.open(io.BytesIO(there.read_bytes())).verify()
