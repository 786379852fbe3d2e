"""A ticket handed to another department over HTTP: nothing is asked again, nobody sees more than they may."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col

from api.kit.formats import in_seoul
from models.employee_requests import RequestHandover
from models.messages.employee_requests.items import FieldKind, Form, Hands, Step, StepKind
from models.messages.employee_requests.requests import RequestStatus, StepStatus
from models.systems import OutboxItem
from tests.api.test_employee_requests import JSON, requests_of, said
from tests.api.web import Web
from tests.builders.company import NOW
from tests.builders.employee_requests import a_field, a_request, a_step, an_item, stored, texts
from tests.builders.field_service import store

LAPTOP = {"answers.model": "light", "answers.price": "1", "answers.is_urgent": "no"}
T1 = "/employee-requests/handover/T1"
GOODWILL = f"{T1}/goodwill"
FORM = {"submission_key": "over-1", "answers.case": "T1 x 1", "answers.amount": "30,000"}


def goodwill() -> Step:
    """Finance says what is given, and what only they know."""
    fields = (
        a_field("granted", FieldKind.MONEY, readers=("ticket", "owners")),
        a_field("internal", readers=("owners",)),
    )
    form = Form(Hands.TEAM, fields, team="team_two", due_hours=8)
    return Step("look", StepKind.FORM, texts("Finance looks", "재무 검토"), form=form)


async def on_the_shelf(engine: AsyncEngine) -> None:
    form = (a_field("case"), a_field("when", FieldKind.DATE), a_field("amount", FieldKind.MONEY))
    prefill = {"case": 'ticket.id + " " + ticket.subject', "when": "ticket.reported_on"}
    item = an_item("goodwill", form=form, steps=(goodwill(),), from_ticket=prefill, owner_team="team_two",
                   names=texts("Goodwill", "보상"))  # fmt: skip
    await store(engine, *stored(item, NOW))


async def test_the_form_begins_with_what_the_ticket_knows(own_web: Web, worker_engine: AsyncEngine) -> None:
    await on_the_shelf(worker_engine)
    await store(worker_engine, *stored(an_item("other"), NOW))
    offered = (await own_web.get(T1, who="agent", headers=JSON)).json()
    assert {one["key"] for one in offered["tiles"]} == {"goodwill", "laptop"}  # of "other" no ticket knows

    page = await own_web.get(GOODWILL, who="agent")

    assert page.status_code == 200, page.text
    assert 'value="T1 x 1"' in page.text
    assert f'value="{in_seoul(NOW).date().isoformat()}"' in page.text
    assert (await own_web.get(f"{T1}/other", who="agent")).status_code == 404


async def test_a_ticket_is_handed_over_once(own_web: Web, worker_engine: AsyncEngine) -> None:
    await on_the_shelf(worker_engine)
    missing = await own_web.post(GOODWILL, who="agent", data=FORM)
    assert missing.status_code == 422

    form = {**FORM, "answers.when": "2026-01-05"}
    for _ in range(2):
        answer = await own_web.post(GOODWILL, who="agent", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/tickets/T1"), answer.text

    [row] = await requests_of(worker_engine, "over-1")
    assert (row.ticket_id, row.asked_by, row.for_employee_id) == ("T1", "a_agent", "e_other")
    assert row.answers == {"case": "T1 x 1", "when": "2026-01-05", "amount": 30_000}
    [start] = await said(worker_engine, row.id)
    assert start.payload["asked_by_workflow"] == "ticket:T1"
    async with AsyncSession(worker_engine) as session:
        told = select(OutboxItem).where(col(OutboxItem.name) == "child_asked")
        [signal] = (await session.scalars(told)).all()
        shown = await session.get_one(RequestHandover, row.id)
    assert (signal.workflow_id, signal.payload["request_id"]) == ("ticket:T1", row.id)
    assert (shown.ticket_id, shown.status, shown.answers) == ("T1", RequestStatus.OPEN, {})


async def test_the_tickets_page_shows_how_far_they_are_and_no_more(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await on_the_shelf(worker_engine)
    facts = {"asked_by": "a_agent", "for_employee_id": "e_other", "owner_team_id": "team_two"}
    request = a_request("E9", NOW, item_key="goodwill", ticket_id="T1", answers={"case": "T1"}, **facts)
    names, due = texts("Finance looks", "재무 검토"), (NOW - timedelta(hours=1)).isoformat()
    late = {"names": names, "state": "now", "since": NOW.isoformat(), "due_at": due, "team_id": "team_two"}
    shown = RequestHandover(
        request_id="E9", ticket_id="T1", item_key="goodwill", item_version=1, asked_by="a_agent",
        team_id="team_two", status=RequestStatus.OPEN, stages=[late], answers={"granted": 54_321},
        created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    step = a_step("E9", "0", "look", StepKind.FORM, NOW, status=StepStatus.DONE,
                  result={"granted": 54_321, "internal": "Uwinternal"})  # fmt: skip
    await store(worker_engine, request, shown, step)

    mine = await own_web.get("/tickets/T1", who="agent")
    theirs = await own_web.get("/tickets/T1", who="dispatcher")
    asker = await own_web.get("/employee-requests/E9", who="agent")
    owners = await own_web.get("/employee-requests/E9", who="agent_other_team")

    assert '<a class="strong" href="/employee-requests/E9">' in mine.text
    for page in (mine, theirs):
        assert "54,321" in page.text
        assert "재무 검토" in page.text or "Finance looks" in page.text
        assert "Uwinternal" not in page.text
    assert "/employee-requests/E9" not in theirs.text
    assert (await own_web.get("/employee-requests/E9", who="dispatcher")).status_code == 404
    assert "54,321" in asker.text
    assert "Uwinternal" not in asker.text
    assert "Uwinternal" in owners.text
    assert "54,321" not in (await own_web.get("/tickets/T1", who="customer_own")).text


async def test_of_a_confidential_request_only_its_readers_see_anything(web: Web) -> None:
    assert "EH2" in (await web.get("/tickets/T1", who="agent")).text
    for who in ("dispatcher", "admin", "agent_other_team", "finance"):
        page = await web.get("/tickets/T1", who=who)
        assert "EH2" not in page.text, who


async def test_whoever_does_not_see_the_ticket_cannot_hand_it_over(own_web: Web) -> None:
    form = {**LAPTOP, "submission_key": "over-2"}
    foreign = await own_web.post("/employee-requests/handover/T2/laptop", who="agent", data=form)
    absent = await own_web.post("/employee-requests/handover/T99/laptop", who="agent", data=form)
    nobody = await own_web.post(f"{T1}/laptop", who="dispatcher", data=form)
    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert nobody.status_code in (403, 404, 409)  # no employee of ours
    for who in ("customer_own", "technician_assigned", "employee", "finance"):
        assert (await own_web.post(f"{T1}/laptop", who=who, data=form)).status_code in (403, 404), who
