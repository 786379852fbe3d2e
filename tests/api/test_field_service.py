"""Visits over HTTP: the technician's phone, the customer's link, the desk; and everybody who may not."""

import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col
from temporalio.testing import WorkflowEnvironment

from models.field_service import ChecklistTick, DeviceAction, PartUse
from models.messages.field_service import VisitStatus, visit_workflow_id
from models.staff import PersonalDataAccess
from models.systems import OutboxItem
from models.tickets import Attachment
from tests.api.scene import NOW, Scene, a_scene
from tests.builders.company import token_of
from tests.builders.field_service import (
    a_visit,
    another_ticket,
    next_monday,
    the_evidence,
)
from tests.workflows.field import Field


@pytest.fixture
async def scene(worker_engine: AsyncEngine, app_engine: AsyncEngine, tmp_path: Path) -> Scene:
    return await a_scene(worker_engine, app_engine, tmp_path)


@pytest.fixture
async def life(scene: Scene, temporal: WorkflowEnvironment) -> AsyncIterator[Field]:
    """The visit's real workflow, begun, and an app that speaks to it."""
    running = Field(scene.engine, temporal)
    scene.web.app.state.client = temporal.client
    async with AsyncExitStack() as stack:
        for worker in running.workers():
            await stack.enter_async_context(worker)
        yield running


def a_photo(width: int = 2400) -> bytes:
    """A picture that says where it was taken."""
    picture, packed = Image.new("RGB", (width, 1200), "navy"), io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Phone of Mina"
    picture.save(packed, "JPEG", exif=exif)
    return packed.getvalue()


async def test_a_technician_and_a_customer_walk_a_visit_by_phone_and_link(scene: Scene, life: Field) -> None:
    web, path = scene.web, scene.path
    handle = await life.begin(scene.order)
    if (await life.offers(scene.order))[0].technician_id != "tech_jo":
        await scene.act("refusal", who="ann", reason="busy")
        await life.settle(handle)

    await scene.act("acceptance")
    bare = await web.get(f"/links/{token_of('slot')}?lang=en", who="link_slot")
    assert bare.headers["location"] == f"/links/{token_of('slot')}/slot?lang=en"
    page = await web.get(f"/links/{token_of('slot')}/slot", who="link_slot")
    assert page.status_code == 200, page.text
    slots = page.text.split('name="starts_at" value="')[1:]
    assert slots
    picked = slots[0].split('"')[0]
    chosen = await web.post(
        f"/links/{token_of('slot')}/slot", who="link_slot", data={"command_id": "pick-1", "starts_at": picked}
    )
    assert chosen.status_code == 303, chosen.text
    for noun in ("departure", "arrival", "start"):
        await scene.act(noun)
    for code in ("power", "picture"):
        await scene.act("ticks", step=code, done="true")
    number = scene.order.ticket_id[1:]
    await scene.act("parts", part_id=f"part_{number}", quantity="2")
    for slot in ("before", "after"):
        sent = await web.post(
            f"{path}/photos", who="jo", headers={"Accept": "application/json"}, data={"slot": slot},
            files={"photo": ("도착.jpg", a_photo(), "image/jpeg")},
        )  # fmt: skip
        assert sent.status_code == 200, sent.text
    await scene.act("signature", signature="M1 1L2 2", signer="김민아")
    await scene.act("completion", outcome="repaired", labour_minutes="40", note="전원 보드 교체")
    await handle.result()

    visit = await scene.row()
    assert (visit.status, visit.labour_minutes, visit.signer) == (VisitStatus.COMPLETED, 40, "김민아")
    assert [use.quantity for use in await scene.all(select(PartUse))] == [2]
    kept = await scene.all(select(DeviceAction.kind).where(col(DeviceAction.technician_id) == "tech_jo"))
    assert sorted(kept) == sorted(
        ["accept", "depart", "arrive", "start", "tick", "tick", "part", "photo", "photo", "sign", "finish"]
    )
    assert (await web.get(f"/links/{token_of('track')}/track", who="link_track")).status_code == 200


async def test_an_offer_names_area_and_product_and_nobody(scene: Scene, life: Field) -> None:
    handle = await life.begin(scene.order)
    holder = (await life.offers(scene.order))[0].technician_id.removeprefix("tech_")
    other = "ann" if holder == "jo" else "jo"

    page = await scene.web.get(f"{scene.path}/offer", who=holder)

    assert page.status_code == 200
    assert "서울 강남구" in page.text
    assert "김민아" not in page.text
    assert "테헤란로" not in page.text
    assert (await scene.web.get(f"{scene.path}/offer", who=other)).status_code == 404
    assert (await scene.web.get(scene.path, who=other)).status_code == 404
    await scene.act("acceptance", who=other, status=404)
    await handle.cancel()
    await handle.result()


async def test_the_same_line_twice_is_one_tick(scene: Scene) -> None:
    await scene.hold()

    first = await scene.act("ticks", key="line-1", step="power", done="true")
    second = await scene.act("ticks", key="line-1", step="power", done="true")

    assert first == second == {"status": "done"}
    assert [tick.code for tick in await scene.all(select(ChecklistTick))] == ["power"]
    assert await scene.all(select(DeviceAction.id)) == ["line-1"]
    await scene.act("ticks", key="line-2", step="power", done="false")
    assert await scene.all(select(ChecklistTick)) == []


async def test_a_refused_line_is_kept_as_evidence_and_refused_again(scene: Scene, life: Field) -> None:
    handle = await _working(scene, life)

    for _ in range(2):
        refused = await scene.act("completion", key="end-1", status=409, outcome="repaired")
        assert refused["code"] == "checklist_open"

    [line] = await scene.all(select(DeviceAction).where(col(DeviceAction.id) == "end-1"))
    assert (line.outcome, line.refusal) == ("refused", "checklist_open")
    await the_evidence(scene.engine, scene.order)
    await scene.act("completion", key="end-2", outcome="repaired")
    assert (await handle.result()).outcome == "repaired"


async def _working(scene: Scene, life: Field):
    """The visit's life, at work by Jo."""
    handle = await life.begin(scene.order)
    holder = (await life.offers(scene.order))[0].technician_id
    if holder != "tech_jo":
        await scene.act("refusal", who="ann", reason="busy")
        await life.settle(handle)
    await scene.act("acceptance")
    await life.say(handle, "choose_slot", life.slot())
    for noun in ("departure", "arrival", "start"):
        await scene.act(noun)
    return handle


async def test_lines_kept_without_a_connection_are_taken_in_order(scene: Scene, life: Field) -> None:
    handle = await life.begin(scene.order)
    if (await life.offers(scene.order))[0].technician_id != "tech_jo":
        await scene.act("refusal", who="ann", reason="busy")
        await life.settle(handle)
    await scene.act("acceptance")
    await life.say(handle, "choose_slot", life.slot())
    at = datetime.now(UTC).isoformat()
    kinds = ["depart", "arrive", "start", "start", "tick"]
    lines = [{"id": f"off-{n}", "kind": kind, "device_at": at} for n, kind in enumerate(kinds)]
    lines[-1]["step"] = "power"

    answers = [
        await scene.web.post(f"{scene.path}/actions", who="jo", json={"lines": lines}) for _ in range(2)
    ]

    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert [one["answer"] for one in answer.json()["answers"]] == [
            "done",
            "done",
            "done",
            "refused",
            "done",
        ]
    assert answers[0].json()["answers"][3]["refusal"] == "visit_wrong_step"
    assert (await scene.row()).status is VisitStatus.WORKING
    await handle.cancel()
    await handle.result()


async def test_lines_wait_for_the_relay_while_temporal_is_away(scene: Scene) -> None:
    await scene.hold(status=VisitStatus.SCHEDULED)

    assert await scene.act("departure", key="away-1", status=202) == {"status": "accepted"}

    [item] = await scene.all(select(OutboxItem))
    assert (item.key, item.name, item.workflow_id) == (
        "away-1", "depart", visit_workflow_id(scene.order.visit_id),
    )  # fmt: skip


async def test_a_photo_is_drawn_anew_and_shown_only_to_who_may_see_the_visit(scene: Scene) -> None:
    await scene.hold()
    upload = {"photo": ("../../secret.jpg", a_photo(), "image/jpeg")}
    headers = {"Accept": "application/json", "Idempotency-Key": "shot-1"}

    for _ in range(2):
        sent = await scene.web.post(
            f"{scene.path}/photos", who="jo", headers=headers, data={"slot": "before"}, files=upload
        )
        assert sent.status_code == 200, sent.text

    [kept] = await scene.all(select(Attachment).where(col(Attachment.visit_id) == scene.order.visit_id))
    assert (kept.name, kept.slot, kept.action_id) == ("secret.jpg", "before", "shot-1")
    shown = await scene.web.get(f"{scene.path}/photos/{kept.id}", who="jo")
    picture = Image.open(io.BytesIO(shown.content))
    assert max(picture.size) == 1600
    assert not picture.getexif()
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert (await scene.web.get(f"{scene.path}/photos/{kept.id}", who="ann")).status_code == 404
    wrong = {"photo": ("x.jpg", b"<script>alert(1)</script>", "image/jpeg")}
    refused = await scene.web.post(
        f"{scene.path}/photos", who="jo", headers={"Accept": "application/json"},
        data={"slot": "after"}, files=wrong,
    )  # fmt: skip
    assert refused.status_code == 422


@pytest.mark.parametrize("noun", ["departure", "ticks", "parts", "signature", "completion", "acceptance"])
async def test_somebody_elses_visit_answers_like_none(scene: Scene, noun: str) -> None:
    await scene.hold()

    foreign = await scene.act(noun, who="ann", status=404, step="power")
    scene.order = type(scene.order)("V1-1", "T1", "c", scene.order.service_level)
    absent = await scene.act(noun, who="ann", status=404, step="power")

    assert foreign == absent
    assert await scene.all(select(func.count()).select_from(DeviceAction)) == [0]


async def test_an_ended_visit_takes_nothing_more_but_keeps_the_line(scene: Scene) -> None:
    await scene.hold(status=VisitStatus.COMPLETED, is_over=True, finished_at=NOW)

    refused = await scene.act("ticks", key="late-1", status=409, step="power")

    assert refused["code"] == "visit_over"
    [line] = await scene.all(select(DeviceAction))
    assert (line.id, line.outcome, line.refusal) == ("late-1", "refused", "visit_over")


async def test_looking_at_a_job_is_written_down_and_works_in_both_languages(scene: Scene) -> None:
    await scene.hold()

    korean = await scene.web.get(scene.path, who="jo", headers={"Accept-Language": "ko"})
    english = await scene.web.get(f"{scene.path}?lang=en", who="jo")

    assert korean.status_code == english.status_code == 200
    assert "김민아" in korean.text
    assert "전원 확인" in korean.text
    assert "Check the power" in english.text
    seen = await scene.all(select(PersonalDataAccess))
    assert [(line.actor_id, line.subject_id) for line in seen] == [("a_jo", scene.order.customer_id)] * 2


async def test_the_day_lists_visits_without_saying_whose_they_are(scene: Scene) -> None:
    await scene.hold(status=VisitStatus.SCHEDULED)

    mine = await scene.web.get("/field-service", who="jo")
    desk = await scene.web.get("/field-service", who="agent")
    other = await scene.web.get("/field-service", who="ann")

    assert scene.order.visit_id in mine.text
    assert scene.order.visit_id in desk.text
    assert "김민아" not in mine.text + desk.text
    assert scene.order.visit_id not in other.text


async def test_a_link_offers_only_times_that_are_free(scene: Scene) -> None:
    await scene.hold(status=VisitStatus.ACCEPTED, starts_at=None, ends_at=None)
    other = await another_ticket(scene.engine, scene.order)
    monday = next_monday(NOW)
    await a_visit(scene.engine, other, technician_id="tech_jo", status=VisitStatus.SCHEDULED,
                  starts_at=monday, ends_at=monday + timedelta(hours=2))  # fmt: skip

    page = await scene.web.get(
        f"/links/{token_of('slot')}/slot", who="link_slot", headers={"Accept": "application/json"}
    )

    starts = [
        datetime.fromisoformat(slot["starts_at"]) for _day, slots in page.json()["days"] for slot in slots
    ]
    assert starts
    assert not [
        start for start in starts if monday - timedelta(hours=2) < start < monday + timedelta(hours=2)
    ]
    taken = await scene.web.post(
        f"/links/{token_of('slot')}/slot", who="link_slot", headers={"Accept": "application/json"},
        data={"command_id": "pick-2", "starts_at": monday.isoformat()},
    )  # fmt: skip
    assert (taken.status_code, taken.json()["code"]) == (409, "slot_taken")
    assert (await scene.web.get(f"/links/{token_of('track')}/slot", who="link_track")).status_code == 404


async def test_the_desk_searches_again_and_calls_off(scene: Scene, life: Field) -> None:
    handle = await life.begin(scene.order)
    for _ in range(2):
        offers = await life.offers(scene.order)
        await scene.act("refusal", who=offers[-1].technician_id.removeprefix("tech_"), reason="busy")
        await life.settle(handle)
    assert (await scene.row()).status is VisitStatus.UNASSIGNED

    asked = await scene.web.get(scene.path, who="agent")
    assert '<option value="tech_ann">' in asked.text.split('id="redispatch"')[1].split("</form>")[0]
    await scene.act("dispatch", who="agent", command_id="again-1", technician_id="tech_jo")
    await life.settle(handle)
    assert (await life.offers(scene.order))[-1].technician_id == "tech_jo"
    await scene.act("acceptance")
    page = await scene.web.get(scene.path, who="agent")
    assert page.status_code == 200, page.text
    slot = page.text.split('<option value="20')[1].split('"')[0]
    await scene.act("slot", who="agent", command_id="slot-1", starts_at=f"20{slot}")
    await scene.act("cancellation", who="agent", command_id="off-1", reason="not needed")

    assert (await scene.row()).status is VisitStatus.CANCELLED
    assert (await handle.result()).outcome == "cancelled"


@pytest.mark.parametrize("who", ["anonymous", "agent"])
async def test_only_technicians_send_lines(scene: Scene, who: str) -> None:
    await scene.hold()

    await scene.act("ticks", who=who, status=401 if who == "anonymous" else 403, step="power")
