"""Employees' requests over HTTP: asking, drafts, following, calling off; and everybody who may not."""

import re
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col

from models.employee_requests import EmployeeRequest, RequestApproval
from models.messages.employee_requests.items import StepKind
from models.messages.employee_requests.requests import ApprovalStatus, RequestStatus, StepStatus
from models.systems import OutboxItem
from models.tickets import Ticket
from tests.api.web import Web
from tests.builders.company import NOW
from tests.builders.employee_requests import a_step, an_item, stored
from tests.builders.field_service import store

JSON = {"Accept": "application/json"}
HTMX = {"HX-Request": "true", "HX-Target": "ask_form"}
FORM = {
    "submission_key": "form-1", "whom": "me", "answers.model": "light", "answers.price": "1,200,000",
    "answers.is_urgent": "no",
}  # fmt: skip
LAPTOP = "/employee-requests/catalogue/laptop"


async def all_of(engine: AsyncEngine, statement: Any) -> list[Any]:
    async with AsyncSession(engine) as session:
        return list((await session.scalars(statement)).all())


async def requests_of(engine: AsyncEngine, key: str) -> list[EmployeeRequest]:
    return await all_of(engine, select(EmployeeRequest).where(col(EmployeeRequest.submission_key) == key))


async def said(engine: AsyncEngine, request: str) -> list[OutboxItem]:
    where = col(OutboxItem.workflow_id) == f"employee-request:{request}"
    return await all_of(engine, select(OutboxItem).where(where).order_by(col(OutboxItem.id)))


async def test_an_employee_asks_and_a_double_press_is_one_request(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    page = await own_web.get(LAPTOP, who="employee")
    assert page.status_code == 200, page.text

    first = await own_web.post(LAPTOP, who="employee", data=FORM)
    again = await own_web.post(LAPTOP, who="employee", data=FORM)

    assert (first.status_code, again.headers["location"]) == (303, first.headers["location"])
    [row] = await requests_of(worker_engine, "form-1")
    assert (row.status, row.asked_by, row.for_employee_id, row.owner_team_id) == (
        RequestStatus.OPEN, "a_employee", "e_one", "team_one",
    )  # fmt: skip
    given = {"model": "light", "price": 1_200_000, "is_urgent": False, "cost_centre": "CC1"}
    assert row.answers == {**given, "desk": None, "secret": None}
    [start] = await said(worker_engine, row.id)
    assert (start.workflow, start.payload["item_key"], start.payload["for_employee_id"]) == (
        "EmployeeRequest", "laptop", "e_one",
    )  # fmt: skip
    assert "light" not in str(start.payload)
    shown = await own_web.get(f"/employee-requests/{row.id}", who="employee")
    assert shown.status_code == 200, shown.text


async def test_the_three_answers_of_a_page_say_the_same(web: Web) -> None:
    whole = await web.get("/employee-requests/E1", who="employee")
    block = await web.get(
        "/employee-requests/E1", who="employee", headers={"HX-Request": "true", "HX-Target": "request_state"}
    )
    told = (await web.get("/employee-requests/E1", who="employee", headers=JSON)).json()

    assert "<html" in whole.text
    assert "<html" not in block.text
    assert 'id="request_state"' in block.text
    assert told["request"]["id"] == "E1"
    assert [stage["state"] for stage in told["stages"]][:2] == ["now", "now"]
    assert "x e_chief" in whole.text
    assert "x e_chief" in block.text
    assert told["may_cancel"] is True


async def test_a_draft_is_kept_and_sent_as_the_same_request(own_web: Web, worker_engine: AsyncEngine) -> None:
    half = {"submission_key": "form-2", "whom": "me", "answers.price": "많이", "answers.desk": "3층"}
    kept = await own_web.post(f"{LAPTOP}/draft", who="employee", headers=JSON, data=half)
    [draft] = await requests_of(worker_engine, "form-2")
    assert (kept.status_code, draft.status, kept.json()) == (201, RequestStatus.DRAFT, {"id": draft.id})
    assert await said(worker_engine, draft.id) == []

    page = await own_web.get(f"/employee-requests/{draft.id}/draft", who="employee")
    assert "많이" in page.text
    assert "3층" in page.text
    listed = (await own_web.get("/employee-requests/mine?show=draft", who="employee", headers=JSON)).json()
    assert draft.id in {card["id"] for card in listed["cards"]}

    sent = await own_web.post(LAPTOP, who="employee", data={**FORM, "submission_key": "form-2"})
    assert sent.headers["location"] == f"/employee-requests/{draft.id}"
    [row] = await requests_of(worker_engine, "form-2")
    assert (row.id, row.status) == (draft.id, RequestStatus.OPEN)
    late = await own_web.post(f"{LAPTOP}/draft", who="employee", headers=JSON, data=half)
    assert late.status_code == 201
    [row] = await requests_of(worker_engine, "form-2")
    assert (row.status, row.answers["price"]) == (RequestStatus.OPEN, 1_200_000)
    assert (await own_web.get(f"/employee-requests/{draft.id}/draft", who="employee")).status_code == 409


async def test_a_draft_is_nobody_elses_and_can_be_thrown_away(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    for who in ("agent", "admin", "agent_other_team"):
        assert (await own_web.get("/employee-requests/E4", who=who)).status_code == 404
        assert (await own_web.get("/employee-requests/E4/draft", who=who)).status_code == 404

    answer = await own_web.post("/employee-requests/E4/removal", who="employee", data={"command_id": "away"})

    assert answer.status_code == 303
    assert await requests_of(worker_engine, "key-E4") == []
    kept = await own_web.post("/employee-requests/E1/removal", who="employee", data={"command_id": "away"})
    assert kept.status_code == 409


async def test_one_asks_for_somebody_else_by_their_address(own_web: Web, worker_engine: AsyncEngine) -> None:
    other = {**FORM, "whom": "other", "colleague": "E_Two@example.com"}
    answer = await own_web.post(LAPTOP, who="employee", data=other)
    unknown = await own_web.post(
        LAPTOP, who="employee", data={**other, "submission_key": "form-3", "colleague": "who@example.com"}
    )

    assert answer.status_code == 303, answer.text
    [row] = await requests_of(worker_engine, "form-1")
    assert (row.asked_by, row.for_employee_id) == ("a_employee", "e_two")
    assert unknown.status_code == 422
    assert "who@example.com" in unknown.text


async def test_an_item_is_seen_by_its_audience_only(own_web: Web, worker_engine: AsyncEngine) -> None:
    await store(worker_engine, *stored(an_item("chiefs", audience='me.id == "e_chief"'), NOW))
    await store(worker_engine, *stored(an_item("broken", audience='me.nobody == "x"'), NOW))

    for who, sees in (("admin", True), ("employee", False)):
        shelves = (await own_web.get("/employee-requests/catalogue", who=who, headers=JSON)).json()["shelves"]
        keys = {tile["key"] for shelf in shelves for tile in shelf["tiles"]}
        assert ("chiefs" in keys, "broken" in keys, "laptop" in keys) == (sees, False, True)
        form = await own_web.get("/employee-requests/catalogue/chiefs", who=who)
        assert form.status_code == (200 if sees else 404)
    sent = await own_web.post("/employee-requests/catalogue/chiefs", who="employee", data=FORM)
    assert sent.status_code == 404


async def test_only_employees_ask(web: Web) -> None:
    for who in ("customer_own", "technician_assigned", "partner_own"):
        assert (await web.get("/employee-requests", who=who, headers=JSON)).status_code == 403
    stranger = await web.get(LAPTOP, who="dispatcher", headers=JSON)  # signs in, and is no employee
    assert (stranger.status_code, stranger.json()["code"]) == (409, "not_an_employee")


async def led(web: Web, who: str, words: str) -> str:
    """Where the search of an employee leads; to itself for whoever may not search."""
    answer = await web.post("/employee-requests/search", who=who, data={"q": words})
    return str(answer.headers.get("location", "/employee-requests/search"))


@pytest.mark.parametrize("who", ["employee", "agent_other_team", "finance", "dispatcher", "customer_own"])
async def test_a_confidential_request_is_nowhere_for_whom_it_does_not_name(web: Web, who: str) -> None:
    pages = (
        "/employee-requests", "/employee-requests/mine", "/employee-requests/mine?show=over",
        "/employee-requests/approvals", "/employee-requests/tasks", "/employee-requests/journeys",
        "/employee-requests/search?q=E2", await led(web, who, "laptop"), "/home",
    )  # fmt: skip
    for path in pages:
        for headers in (JSON, {}):
            answer = await web.get(path, who=who, headers=headers)
            asked = re.sub(r"q=E2|\"q\":\"E2\"|value=\"E2\"", "", answer.text)
            assert not re.search(r"\bE2\b", asked), (path, who)
    for path in ("E2", "E2/draft", "approvals/E2.0.0", "tasks/E2.1.0.0"):
        assert (await web.get(f"/employee-requests/{path}", who=who)).status_code in (403, 404), path


async def test_the_asker_and_the_approver_see_it_and_who_else_does(web: Web) -> None:
    for who in ("agent", "admin"):
        told = (await web.get("/employee-requests/E2", who=who, headers=JSON)).json()
        assert told["request"]["is_confidential"] is True
        assert {one["name"] for one in told["readers"]} == {"x e_other", "x e_chief"}


async def test_an_answer_is_read_only_by_whom_its_field_names(web: Web) -> None:
    """C6: `secret` is for the asker and the owning team; an approver sees the rest, on every page."""

    async def seen(who: str, path: str) -> set[str]:
        told = (await web.get(f"/employee-requests/{path}", who=who, headers=JSON)).json()
        return {one["label"] for one in told["answers"]}

    assert "secret" in await seen("employee", "E1")
    assert "secret" in await seen("agent", "E1")  # of the owning team
    assert "secret" in await seen("agent", "E3")  # who asked
    for path in ("E3", "approvals/E3.0.0"):
        assert await seen("employee", path) == {"model", "price", "desk", "cost_centre"}


async def test_calling_off_shows_what_is_undone_and_is_said_once(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    done = {"status": StepStatus.DONE, "ended_at": NOW}
    await store(worker_engine, a_step("E1", "1.1.0", "order", StepKind.CALL, NOW, **done))
    told = (await own_web.get("/employee-requests/E1", who="employee", headers=JSON)).json()
    assert [(one["name"], one["is_undone"]) for one in told["undo"]] == [("주문", False)]

    ending = {"command_id": "stop-1", "reason": "필요 없음"}
    for _ in range(2):
        answer = await own_web.post("/employee-requests/E1/cancellation", who="employee", data=ending)
        assert answer.status_code == 303, answer.text
    stranger = await own_web.post("/employee-requests/E1/cancellation", who="agent", data=ending)

    [kept] = await said(worker_engine, "E1")
    assert (kept.name, kept.payload["reason"]) == ("cancel", "필요 없음")
    assert stranger.status_code == 403


async def test_the_asker_answers_what_an_approver_asked(own_web: Web, worker_engine: AsyncEngine) -> None:
    async with AsyncSession(worker_engine) as session, session.begin():
        await session.execute(
            update(RequestApproval)
            .where(col(RequestApproval.id) == "E1.0.0")
            .values(status=ApprovalStatus.ASKED, question="왜 필요합니까?")
        )
    page = await own_web.get("/employee-requests/E1", who="employee")
    assert "왜 필요합니까?" in page.text

    empty = {"command_id": "a-1", "approval_id": "E1.0.0", "text": ""}
    assert (await own_web.post("/employee-requests/E1/answer", who="employee", data=empty)).status_code == 422
    answer = await own_web.post(
        "/employee-requests/E1/answer", who="employee", data={**empty, "text": "고장 났습니다."}
    )

    assert answer.status_code == 303, answer.text
    [kept] = await said(worker_engine, "E1")
    assert (kept.name, kept.payload["approval_id"], kept.payload["text"]) == (
        "answer", "E1.0.0", "고장 났습니다.",
    )  # fmt: skip


async def test_whoever_does_not_know_where_to_ask_gets_a_ticket(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    sent = {"submission_key": "lost-1", "body": "명함은 어디서 신청하나요?"}
    first = await own_web.post("/employee-requests/somewhere", who="employee", data=sent)
    again = await own_web.post("/employee-requests/somewhere", who="employee", data=sent)
    wrong = await own_web.post("/employee-requests/somewhere", who="employee", data={**sent, "body": " "})

    assert first.status_code == again.status_code == 303
    [ticket] = await all_of(worker_engine, select(Ticket).where(col(Ticket.submission_key) == "lost-1"))
    page = await own_web.get(first.headers["location"], who="employee")
    assert ticket.id in page.text
    assert ticket.subject == "명함은 어디서 신청하나요?"
    assert wrong.status_code == 422


async def test_one_search_finds_things_requests_and_people(web: Web) -> None:
    path, fragment = "/employee-requests/search", {"HX-Request": "true", "HX-Target": "found"}
    told = (await web.post(path, who="employee", headers=JSON, data={"q": "e_chief"})).json()
    things = (await web.post(path, who="employee", headers=JSON, data={"q": "노트북"})).json()
    block = await web.post(path, who="employee", headers=fragment, data={"q": "노트북"})
    address = await led(web, "employee", "e chief")
    page = await web.get(address, who="employee", headers=JSON)

    assert [one["id"] for one in told["people"]] == ["e_chief"]
    assert "ends_on" not in told["people"][0]
    assert [one["key"] for one in things["tiles"]] == ["laptop"]
    assert {"E1", "E4"} & {one["id"] for one in things["cards"]}
    assert block.text.strip().startswith('<div id="found"')
    assert address.startswith(f"{path}?kept=kw_")
    read = (await web.post(path, who="employee", headers=JSON, data={"q": "제목 KB_"})).json()
    assert {one["id"] for one in read["articles"]} == {"kb_one", "kb_work"}  # for everybody, and for us
    assert [one["id"] for one in page.json()["people"]] == ["e_chief"]


async def test_usual_times_come_from_enough_requests_of_everybody(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    rows = [
        EmployeeRequest(
            id=f"E9{n}", submission_key=f"u{n}", item_key="laptop", item_version=1, asked_by="a_agent",
            for_employee_id="e_other", status=RequestStatus.DONE, is_confidential=n == 0,
            created_at=NOW.replace(year=NOW.year), updated_at=NOW, closed_at=NOW, answers={},
        )
        for n in range(2)
    ]  # fmt: skip
    await store(worker_engine, *rows)
    few = (await own_web.get(LAPTOP, who="employee", headers=JSON)).json()["item"]["usual"]
    await store(worker_engine, EmployeeRequest(
        id="E93", submission_key="u3", item_key="laptop", item_version=1, asked_by="a_agent",
        for_employee_id="e_other", status=RequestStatus.DONE, created_at=NOW, updated_at=NOW, closed_at=NOW,
        answers={},
    ))  # fmt: skip
    enough = (await own_web.get(LAPTOP, who="employee", headers=JSON)).json()["item"]["usual"]

    assert few is None
    assert enough["count"] == 3


async def test_a_manager_sees_how_far_the_journeys_of_their_team_are_and_no_answers(web: Web) -> None:
    mine = await web.get("/employee-requests/journeys", who="employee", headers=JSON)
    others = (await web.get("/employee-requests/journeys", who="agent", headers=JSON)).json()

    [row] = mine.json()["rows"]
    assert (row["request_id"], row["who"], row["href"]) == ("E5", "x e_two", "")
    assert [cell["state"] for cell in row["cells"]] == ["done", "next"]
    assert "answers" not in mine.text
    assert others["rows"] == []
