"""Partners over HTTP: what their people see and for how long, their desk, and how we lead them."""

from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col

from api.kit.desk import session_for
from api.kit.live import Change, Sight
from api.kit.routes import rules
from api.kit.visible import past_visits, visible
from models.field_service import Visit, VisitOffer
from models.journeys import OpenWait
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.field_service import OfferStatus, VisitStatus
from models.messages.journeys import WaitFor
from models.messages.partners import PartnerStatus
from models.partners import Partner, PartnerPaper
from models.systems import OutboxItem
from models.tickets import Attachment
from tests.api.walk import address_of
from tests.api.web import Web, web_on
from tests.builders.company import NOW, build
from tests.builders.field_service import store

JSON = {"Accept": "application/json"}
FIELD = ("technician_assigned", "partner_own", "partner_desk")
SECRETS = (
    "Canaryname",
    "+821077778888",
    "Canarystreet",
    "canarysubject",
    "canarystory",
    "canarynote",
    "M7 7L8 8",
)
MARK = """
update customers set name = 'Canaryname', phone = '+821077778888', address = 'Canarystreet 1'
  where id = 'c_one';
update tickets set subject = 'canarysubject', description = 'canarystory' where id = 'T1';
update visits set note = 'canarynote', signature = 'M7 7L8 8', signer = 'Canaryname' where id = 'V1-1'
"""
WEEK = timedelta(days=7)
STATES = {
    "offered": ("searching", False, None, False),
    "accepted": ("accepted", False, None, True),
    "on the way": ("travelling", False, None, True),
    "over for a week less a minute": ("completed", True, WEEK - timedelta(minutes=1), True),
    "over for a week and a minute": ("completed", True, WEEK + timedelta(minutes=1), False),
    "called off for a week and a minute": ("cancelled", True, WEEK + timedelta(minutes=1), False),
}


@pytest.fixture
async def web(worker_engine: AsyncEngine, app_engine: AsyncEngine, tmp_path: Path) -> Web:
    return web_on(app_engine, await build(worker_engine), files_dir=tmp_path)


async def run(engine: AsyncEngine, script: str, **values: object) -> None:
    async with engine.begin() as connection:
        for statement in script.split(";"):
            await connection.execute(text(statement), values)


async def put(engine: AsyncEngine, state: str) -> bool:
    """Move the one visit into a state; answers with whether its customer is to be seen."""
    status, is_over, ago, is_seen = STATES[state]
    async with AsyncSession(engine) as session, session.begin():
        visit = await session.get_one(Visit, "V1-1")
        visit.status, visit.is_over = VisitStatus(status), is_over
        visit.finished_at = datetime.now(UTC) - ago if ago else None
        if status == "searching":
            visit.technician_id = None
            offer = await session.get_one(VisitOffer, ("V1-1", 1))
            offer.status = OfferStatus.OPEN
    await run(engine, "update visits set outcome = 'repaired' where id = 'V1-1' and status = 'completed'")
    return is_seen


@pytest.mark.parametrize("state", STATES)
async def test_a_customer_is_seen_from_acceptance_until_a_week_after_the_end(
    web: Web, worker_engine: AsyncEngine, state: str
) -> None:
    await run(worker_engine, MARK)
    is_seen = await put(worker_engine, state)

    for who in FIELD:
        person, shown, pages = web.company.persons[who], set[str](), 0
        for rule in rules(web.app):
            if rule.method != "GET" or not rule.admits(person):
                continue
            for headers in ({}, JSON):
                answer = await web.get(address_of(rule, web.company), who=who, headers=headers)
                pages += 1
                shown |= {one for one in SECRETS if one in answer.text}
        assert pages > 10
        assert shown == (set(SECRETS) if is_seen else set()), (who, state)
        seen = await Sight(web.app.state.engine).seen(
            person, [Change("ticket", "T1"), Change("visit", "V1-1")]
        )
        assert bool(seen) == is_seen


async def test_before_it_an_offer_shows_product_area_work_pay_and_time_only(
    web: Web, worker_engine: AsyncEngine
) -> None:
    await put(worker_engine, "offered")

    page = (await web.get("/partners/desk", who="partner_desk", headers=JSON)).json()

    card = next(one for one in page["offers"] if one["visit_id"] == "V1-1")
    assert set(card) == {
        "visit_id", "ordinal", "region", "product", "category", "expires_at", "technician", "is_mine",
        "fault", "pay_minor", "offered_at",
    }  # fmt: skip
    assert (card["region"], card["fault"], card["pay_minor"]) == ("seoul", "fault", 45_000)


async def test_after_it_a_visit_is_a_number_a_product_and_a_result(
    web: Web, worker_engine: AsyncEngine
) -> None:
    await put(worker_engine, "over for a week and a minute")

    page = (await web.get("/partners/desk", who="partner_desk", headers=JSON)).json()
    for who in FIELD:
        assert (await web.get("/field-service/visits/V1-1", who=who)).status_code == 404

    line = next(one for one in page["past"] if one["id"] == "V1-1")
    assert set(line) == {"id", "product", "outcome", "ended_on"}
    assert (line["product"], line["outcome"]) == ("p", "repaired")
    async with session_for(web.app.state.engine, web.company.persons["partner_other"]) as session:
        assert "V1-1" not in {one["visit_id"] for one in await past_visits(session)}


async def test_another_company_on_the_same_ticket_is_not_seen(
    web: Web, worker_engine: AsyncEngine, app_engine: AsyncEngine
) -> None:
    """T1 was visited by company one and now by company two: each sees the ticket, and of visits its own."""
    await put(worker_engine, "over for a week less a minute")
    await store(
        worker_engine,
        Visit(id="V1-2", ticket_id="T1", customer_id="c_one", status=VisitStatus.ACCEPTED,
              technician_id="t_two", created_at=NOW),
        Attachment(id="theirs", ticket_id="T1", visit_id="V1-2", slot="before", name="x", size=1, sha256="s",
                   media_type="image/png", stored_as="theirs", created_at=NOW),
        TimelineEntry(key="theirs", subject="visit:V1-2", ticket_id="T1", at=NOW, kind=EntryKind.STEP,
                      actor_kind=ActorKind.SYSTEM, sentence="visits.departed", details={"technician": "x"},
                      is_public=True),
        OpenWait(workflow_id="visit:V1-2", key="w", subject="visit:V1-2", ticket_id="T1", since=NOW,
                 who=WaitFor.TECHNICIAN, what="work", details={"technician": "x"}),
    )  # fmt: skip
    mine: dict[str, set[object]] = {}
    for who in ("partner_own", "partner_other"):
        person = web.company.persons[who]
        for engine, is_walled in ((app_engine, True), (worker_engine, False)):
            found: set[object] = set()
            async with session_for(engine, person) as session:
                for model, key in (
                    (Visit, col(Visit.id)), (Attachment, col(Attachment.id)),
                    (TimelineEntry, col(TimelineEntry.key)), (OpenWait, col(OpenWait.workflow_id)),
                ):  # fmt: skip
                    by_rule = set(await session.scalars(visible(person, model).with_only_columns(key)))
                    if is_walled:
                        assert by_rule == set(await session.scalars(select(key))), (who, model)
                    found |= by_rule
            assert mine.setdefault(who, found) == found

    assert {"V1-2", "theirs", "visit:V1-2"} <= mine["partner_other"]
    assert not {"V1-2", "theirs", "visit:V1-2"} & mine["partner_own"]
    assert {"V1-1", "av1"} <= mine["partner_own"]
    assert not {"V1-1", "av1"} & mine["partner_other"]


@pytest.mark.parametrize("who", ["technician_other", "partner_other"])
async def test_nothing_of_another_partner_is_reached(web: Web, who: str) -> None:
    for path in (
        "/partners/p_one",
        "/partners/p_one/papers/pp_one_contract/file",
        "/field-service/visits/V1-1",
    ):
        assert (await web.get(path, who=who)).status_code in (403, 404), path
    own = await web.get("/partners/desk", who="partner_other", headers=JSON)
    assert "pp_one" not in own.text
    assert [one["id"] for one in own.json()["papers"]] == [
        f"pp_two_{k}" for k in ("certificate", "contract", "insurance")
    ]


async def commands(engine: AsyncEngine, workflow_id: str) -> list[OutboxItem]:
    async with AsyncSession(engine) as session:
        found = await session.scalars(select(OutboxItem).where(col(OutboxItem.workflow_id) == workflow_id))
        return list(found.all())


async def test_a_dispatcher_of_a_partner_takes_an_offer_for_one_of_their_own(
    web: Web, worker_engine: AsyncEngine
) -> None:
    path = "/partners/desk/visits/V5-1/acceptance"
    for technician, who, status in (
        ("t_two", "partner_desk", 404), ("t_house", "partner_desk", 404), ("t_one", "partner_own", 403),
        ("t_one", "technician_assigned", 403), ("t_one", "agent", 403),
    ):  # fmt: skip
        sent = await web.post(path, who=who, data={"command_id": "x", "technician_id": technician})
        assert sent.status_code == status, (technician, who)
    foreign = await web.post(
        "/partners/desk/visits/V2-1/acceptance",
        who="partner_desk",
        data={"command_id": "x", "technician_id": "t_one"},
    )
    assert foreign.status_code == 404
    assert await commands(worker_engine, "visit:V5-1") == []

    for _again in range(2):
        taken = await web.post(
            path, who="partner_desk", data={"command_id": "take-1", "technician_id": "t_one"}
        )
        assert taken.status_code == 303, taken.text

    [said] = await commands(worker_engine, "visit:V5-1")
    assert (said.name, said.payload["technician_id"], said.payload["assignee"]) == (
        "accept",
        "t_one",
        "t_one",
    )
    assert said.payload["actor_kind"] == "partner"


async def test_a_dispatcher_of_a_partner_sends_somebody_else(web: Web, worker_engine: AsyncEngine) -> None:
    own, strange = "/partners/desk/visits/V1-1/assignment", "/partners/desk/visits/V2-1/assignment"

    sent = await web.post(own, who="partner_desk", data={"command_id": "send-1", "technician_id": "t_one"})
    foreign = await web.post(strange, who="partner_desk", data={"command_id": "s", "technician_id": "t_one"})

    assert (sent.status_code, foreign.status_code) == (303, 404)
    [said] = await commands(worker_engine, "visit:V1-1")
    assert (said.name, said.payload["assignee"]) == ("reassign", "t_one")


async def test_a_partner_applies_hands_papers_in_and_is_moved_on(
    web: Web, worker_engine: AsyncEngine
) -> None:
    form = {"submission_key": "new-1", "name": "새벽서비스", "phone": "02-1234-5678"}
    first = await web.post("/partners", who="dispatcher", data=form)
    again = await web.post("/partners", who="dispatcher", data=form)
    path = first.headers["location"]
    assert (first.status_code, again.headers["location"]) == (303, path)
    picture = BytesIO()
    Image.new("RGB", (40, 40), "white").save(picture, "PNG")
    paper = {"submission_key": "p-1", "kind": "insurance", "number": "INS-1", "valid_from": "2026-01-01",
             "valid_until": "2031-12-31"}  # fmt: skip

    for _again in range(2):
        added = await web.post(
            f"{path}/papers",
            who="dispatcher",
            data=paper,
            files={"file": ("증권.png", picture.getvalue(), "image/png")},
        )
        assert added.status_code == 303, added.text
    moved = await web.post(f"{path}/status", who="dispatcher", data={"command_id": "m-1", "to": "review"})

    assert moved.status_code == 303
    partner_id = path.rpartition("/")[2]
    async with AsyncSession(worker_engine) as session:
        row = await session.get_one(Partner, partner_id)
        [kept] = await session.scalars(select(PartnerPaper).where(col(PartnerPaper.partner_id) == partner_id))
    assert (row.status, row.phone) == (PartnerStatus.APPLIED, "+8221234567 8".replace(" ", ""))
    assert (kept.number, kept.valid_until, kept.added_by) == ("INS-1", date(2031, 12, 31), "a_dispatcher")
    told = [one.name or one.workflow for one in await commands(worker_engine, f"partner:{partner_id}")]
    assert sorted(told) == ["Partner", "move", "paper_added"]
    file = await web.get(f"{path}/papers/{kept.id}/file", who="agent")
    assert (file.status_code, file.headers["content-type"]) == (200, kept.media_type)
    page = await web.get(path, who="agent")
    assert "INS-1" in page.text
    assert 'name="submission_key"' not in page.text  # an agent reads


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"valid_until": "2025-12-31"}, "valid_until"),
        ({"kind": "certificate", "category": "nothing"}, "category"),
        ({"number": ""}, "number"), ({"kind": "diploma"}, "kind"),
    ],
)  # fmt: skip
async def test_a_wrong_paper_is_refused_and_nothing_typed_is_lost(
    web: Web, wrong: dict[str, str], field: str
) -> None:
    paper = {"submission_key": "p-1", "kind": "insurance", "number": "KEEP-1", "valid_from": "2026-01-01",
             "valid_until": "2031-12-31", **wrong}  # fmt: skip

    answer = await web.post("/partners/p_one/papers", who="admin", data=paper)

    assert answer.status_code == 422
    assert f'id="e_{field}"' in answer.text
    assert paper["number"] in answer.text


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_a_suspended_partner_s_page_says_what_is_to_be_planned_again(
    web: Web, worker_engine: AsyncEngine, language: str
) -> None:
    await run(worker_engine, "update partners set status = 'suspended' where id = 'p_one'")

    page = await web.get(f"/partners/p_one?lang={language}", who="dispatcher")
    told = (await web.get("/partners/p_one", who="dispatcher", headers=JSON)).json()

    assert [one["visit_id"] for one in told["replan"]] == ["V1-1"]
    assert page.status_code == 200
    assert told["moves"] == ["active", "ended"]
    for path, who in (("/partners", "agent"), ("/partners/desk", "partner_own")):
        assert (await web.get(f"{path}?lang={language}", who=who)).status_code == 200


async def test_every_offer_and_each_one_not_made_has_its_reasons(web: Web) -> None:
    told = (await web.get("/partners/p_two?lang=en", who="agent_other_team", headers=JSON)).json()

    left_out = [one for one in told["offers"] if one["status"] is None]
    assert left_out
    assert {why for one in left_out for why in one["why"]} == {"No certificate for this product line today"}
