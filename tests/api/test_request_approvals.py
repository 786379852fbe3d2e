"""Approvals and tasks over HTTP: signed in, once by a link, and never by anybody else."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col

from api.kit.live import Change, Live
from models.employee_requests import RequestApproval, RequestReader, RequestTask
from models.messages.employee_requests.items import StepKind
from models.messages.employee_requests.requests import (
    ApprovalStatus,
    ReaderWhy,
    RequestStatus,
    StepStatus,
    TaskStatus,
)
from models.staff import SignedLink
from tests.api.test_employee_requests import JSON, said
from tests.api.web import Web
from tests.builders.company import NOW
from tests.builders.employee_requests import a_reader, a_request, a_step, an_approval, an_item, stored
from tests.builders.field_service import store

MINE = "/employee-requests/approvals/E3.0.0"
WORD = {"command_id": "word-1", "verdict": "approve"}


async def change(engine: AsyncEngine, model: Any, id: str, **facts: Any) -> None:
    async with AsyncSession(engine) as session, session.begin():
        await session.execute(update(model).where(col(model.id) == id).values(**facts))


def link_of(web: Web, who: str = "link_approve") -> str:
    return f"/links/{web.company.tokens[who]}/approval"


async def test_my_approvals_are_those_that_i_was_asked_for(web: Web) -> None:
    async def waiting(who: str) -> set[str]:
        page = await web.get("/employee-requests/approvals", who=who, headers=JSON)
        return {row["id"] for row in page.json()["waiting"]}

    assert await waiting("employee") == {"E3.0.0"}
    assert await waiting("admin") == {"E1.0.0", "E2.0.0"}
    assert await waiting("agent") == set()
    page = await web.get(MINE, who="employee")
    assert page.status_code == 200, page.text
    assert "1,500,000" in page.text
    for who in ("agent", "admin", "agent_other_team", "dispatcher"):
        assert (await web.get(MINE, who=who)).status_code == 404, who


@pytest.mark.parametrize("verdict", ["approve", "reject", "ask"])
async def test_a_decision_is_said_once_however_often_it_is_pressed(
    own_web: Web, worker_engine: AsyncEngine, verdict: str
) -> None:
    word = {**WORD, "verdict": verdict, "comment": "이유"}
    for _ in range(2):
        answer = await own_web.post(f"{MINE}/decision", who="employee", data=word)
        assert answer.status_code == 303, answer.text

    [kept] = await said(worker_engine, "E3")
    assert (kept.name, kept.actor_id) == ("decide", "a_employee")
    assert kept.payload["verdict"] == verdict
    assert kept.payload["approval_id"] == "E3.0.0"
    assert kept.payload["employee_id"] == "e_one"
    assert kept.payload["is_signed_in"] is True


async def test_a_word_without_a_reason_comes_back(web: Web, open_engine: AsyncEngine) -> None:
    wrong = (
        ({"verdict": "reject"}, "comment"), ({"verdict": "ask"}, "comment"),
        ({"verdict": "maybe"}, "verdict"),
        ({"verdict": "delegate", "colleague": "nobody@example.com"}, "colleague"),
        ({"verdict": "delegate"}, "colleague"),
    )  # fmt: skip
    for fields, name in wrong:
        sent = {**WORD, **fields}
        page = await web.post(f"{MINE}/decision", who="employee", data=sent)
        told = await web.post(f"{MINE}/decision", who="employee", headers=JSON, data=sent)

        assert page.status_code == told.status_code == 422, fields
        assert set(told.json()["errors"]) == {name}
        assert "nobody@example.com" in page.text or "colleague" not in fields
    assert await said(open_engine, "E3") == []


async def test_somebody_else_is_named_by_their_address(own_web: Web, worker_engine: AsyncEngine) -> None:
    word = {**WORD, "verdict": "delegate", "colleague": "e_chief@example.com"}

    answer = await own_web.post(f"{MINE}/decision", who="employee", data=word)

    assert answer.status_code == 303, answer.text
    [kept] = await said(worker_engine, "E3")
    assert (kept.payload["verdict"], kept.payload["delegate_to"]) == ("delegate", "e_chief")


@pytest.mark.parametrize("who", ["agent", "admin", "dispatcher", "agent_other_team"])
async def test_nobody_decides_what_is_anothers(web: Web, open_engine: AsyncEngine, who: str) -> None:
    answer = await web.post(f"{MINE}/decision", who=who, headers=JSON, data=WORD)

    assert answer.status_code == 404
    assert await said(open_engine, "E3") == []


async def test_the_approver_sees_how_the_same_was_decided_and_nothing_secret(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    for n, is_secret in ((1, False), (2, True)):
        id = f"E8{n}"
        await store(
            worker_engine,
            a_request(id, NOW, submission_key=id, status=RequestStatus.DONE, is_confidential=is_secret),
            a_step(id, "0", "agree", StepKind.APPROVAL, NOW, status=StepStatus.DONE),
            an_approval(id, "e_chief", NOW, status=ApprovalStatus.APPROVED, decided_at=NOW, amount_minor=n),
        )

    told = (await own_web.get(MINE, who="employee", headers=JSON)).json()
    by_link = (await own_web.get(link_of(own_web), who="link_approve", headers=JSON)).json()

    assert [one["amount_minor"] for one in told["similar"]] == [1]
    assert by_link["similar"] == told["similar"]


async def test_a_link_shows_its_approval_without_signing_in(web: Web) -> None:
    start = await web.get(link_of(web).removesuffix("/approval"), who="link_approve")
    page = await web.get(link_of(web), who="link_approve")
    told = (await web.get(link_of(web), who="link_approve", headers=JSON)).json()

    assert start.headers["location"] == link_of(web)
    assert page.status_code == 200, page.text
    assert "1,500,000" in page.text
    assert (told["row"]["id"], told["row"]["for_whom"], told["approver"]) == (
        "E3.0.0", "x e_other", "x e_one",
    )  # fmt: skip
    assert {one["label"] for one in told["answers"]} == {"model", "price", "desk", "cost_centre"}
    assert told["stages"] == []
    assert told["may_decide"] is True
    assert "/employee-requests/mine" not in page.text


async def test_a_link_decides_once(own_web: Web, worker_engine: AsyncEngine) -> None:
    path = f"{link_of(own_web)}/decision"
    first = await own_web.post(path, who="link_approve", data=WORD)
    again = await own_web.post(path, who="link_approve", data=WORD)
    other = {"command_id": "word-2", "verdict": "reject", "comment": "아니요"}
    second = await own_web.post(path, who="link_approve", headers=JSON, data=other)

    assert first.status_code == again.status_code == 303, first.text
    assert (second.status_code, second.json()["code"]) == (409, "link_used")
    [kept] = await said(worker_engine, "E3")
    assert (kept.payload["verdict"], kept.payload["is_signed_in"]) == ("approve", False)
    told = (await own_web.get(link_of(own_web), who="link_approve", headers=JSON)).json()
    assert told["may_decide"] is False


async def test_two_presses_at_the_same_moment_are_one_decision(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    path = f"{link_of(own_web)}/decision"
    other = {"command_id": "word-2", "verdict": "reject", "comment": "아니요"}
    answers = await asyncio.gather(
        *(own_web.post(path, who="link_approve", headers=JSON, data=one) for one in (WORD, other, WORD))
    )

    assert sorted({answer.status_code for answer in answers}) in ([200, 409], [409, 200])
    assert len(await said(worker_engine, "E3")) == 1


async def test_a_link_is_not_enough_above_the_amount(own_web: Web, worker_engine: AsyncEngine) -> None:
    await change(worker_engine, RequestApproval, "E3.0.0", needs_sign_in=True)

    page = await own_web.get(link_of(own_web), who="link_approve")
    answer = await own_web.post(f"{link_of(own_web)}/decision", who="link_approve", headers=JSON, data=WORD)
    signed_in = await own_web.post(f"{MINE}/decision", who="employee", data=WORD)

    assert 'href="/employee-requests/approvals/E3.0.0"' in page.text
    assert 'name="verdict"' not in page.text
    assert (answer.status_code, answer.json()["code"]) == (409, "link_needs_sign_in")
    assert signed_in.status_code == 303
    [kept] = await said(worker_engine, "E3")
    assert kept.payload["is_signed_in"] is True


async def test_a_link_that_ended_or_is_anothers_shows_nothing(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    other = await own_web.get(link_of(own_web, "link_follow"), who="link_follow")
    async with AsyncSession(worker_engine) as session, session.begin():
        over = update(SignedLink).where(col(SignedLink.key) == "link_approve")
        await session.execute(over.values(expires_at=NOW - timedelta(minutes=1)))
    ended = await own_web.get(link_of(own_web), who="link_approve")

    assert other.status_code == ended.status_code == 404
    assert "1,500,000" not in other.text + ended.text


async def test_a_team_decides_when_nobody_was_found(own_web: Web, worker_engine: AsyncEngine) -> None:
    facts = {"approver_employee_id": None, "team_id": "team_two", "why": "nobody"}
    await change(worker_engine, RequestApproval, "E3.0.0", **facts)

    assert (await own_web.get(MINE, who="employee")).status_code == 404
    assert (await own_web.get(MINE, who="agent_other_team")).status_code == 200
    answer = await own_web.post(f"{MINE}/decision", who="agent_other_team", data=WORD)
    assert answer.status_code == 303
    [kept] = await said(worker_engine, "E3")
    assert (kept.payload["team_id"], kept.payload["employee_id"]) == ("team_two", "")


TASK = "/employee-requests/tasks/E1.1.0.0"


async def test_a_team_sees_its_own_tasks_only(web: Web) -> None:
    async def listed(who: str) -> set[str]:
        page = await web.get("/employee-requests/tasks", who=who, headers=JSON)
        return {row["id"] for row in page.json()["rows"]}

    assert await listed("agent") == {"E1.1.0.0"}
    assert await listed("agent_no_team") == await listed("employee") == set()
    assert await listed("agent_other_team") == set()  # E2 is confidential and names nobody of the team
    page = await web.get(TASK, who="agent")
    assert page.status_code == 200, page.text
    for who in ("employee", "agent_other_team", "agent_no_team"):
        assert (await web.get(TASK, who=who)).status_code == 404, who


async def test_work_on_a_task_is_said_to_the_request(own_web: Web, worker_engine: AsyncEngine) -> None:
    steps = (
        ("assignment", {"command_id": "t1", "is_mine": "true"}, "take_task", {"assignee": "a_agent"}),
        ("points", {"command_id": "t2", "point": "1", "is_done": "true"}, "check_off", {"point": 1}),
        ("end", {"command_id": "t3", "note": "끝"}, "finish_task", {"note": "끝"}),
    )  # fmt: skip
    for noun, data, _update, _facts in steps:
        for _ in range(2):
            answer = await own_web.post(f"{TASK}/{noun}", who="agent", data=data)
            assert answer.status_code == 303, answer.text
        foreign = await own_web.post(f"{TASK}/{noun}", who="agent_other_team", headers=JSON, data=data)
        assert foreign.status_code == 404

    kept = await said(worker_engine, "E1")
    assert [one.name for one in kept] == [update for _n, _d, update, _f in steps]
    for one, (_noun, _data, _update, facts) in zip(kept, steps, strict=True):
        assert facts.items() <= one.payload.items()
        assert one.payload["task_id"] == "E1.1.0.0"


async def test_a_point_that_is_not_there_is_not_ticked(web: Web) -> None:
    for point, status in (("2", 404), ("-1", 422), ("x", 422), ("99999999999", 422)):
        data = {"command_id": "t9", "point": point, "is_done": "true"}
        answer = await web.post(f"{TASK}/points", who="agent", headers=JSON, data=data)
        assert answer.status_code == status, point


async def test_a_finished_task_takes_no_more_words_on_its_page(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await change(worker_engine, RequestTask, "E1.1.0.0", status=TaskStatus.DONE, done_at=NOW)

    page = await own_web.get(TASK, who="agent")

    assert "<form" not in re.sub(r"(?s)<header.*?</header>", "", page.text)


async def test_live_news_of_a_request_reach_whom_it_names_one_by_one(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    """Two colleagues of one team with the same roles do not see the same confidential request."""
    live = Live(own_web.app.state.engine)
    people = own_web.company.persons
    await store(
        worker_engine,
        RequestReader(request_id="E2", account_id="a_agent_other_team", why="named", since=NOW),
    )

    async def hears(who: str) -> bool:
        return bool(await live.sight.seen(people[who], [Change("employee_request", "E2")]))

    assert [await hears(who) for who in ("agent_other_team", "agent", "admin")] == [True, True, True]
    assert not any([await hears(who) for who in ("employee", "finance", "dispatcher", "agent_no_team")])
    beside = replace(people["agent_other_team"], id="a_agent_no_team", account_id="a_agent_no_team")
    assert not await live.sight.seen(beside, [Change("employee_request", "E2")])


async def test_requests_are_not_confused_by_the_form_of_an_id(web: Web) -> None:
    for path in ("mine", "catalogue", "tasks", "approvals", "journeys", "search", "somewhere"):
        answer = await web.get(f"/employee-requests/{path}", who="employee", headers=JSON)
        assert answer.status_code == 200, path
    assert (await web.get("/employee-requests/Enothing", who="employee")).status_code == 404


async def test_the_rule_and_the_budget_stand_beside_the_amount(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    agree = an_item().steps[0]
    assert agree.approval is not None
    policies = {"ko": "규정 7조", "en": "Rule 7"}
    ruled = replace(agree, approval=replace(agree.approval, policies=policies, budget="1000000"))
    await store(worker_engine, *stored(an_item("ruled", steps=(ruled,)), NOW))
    asked = {"asked_by": "a_agent", "for_employee_id": "e_other", "owner_team_id": "team_two"}
    await store(worker_engine, a_request("E6", NOW, submission_key="key-E6", item_key="ruled", **asked))
    details = {"budget_minor": 1_000_000}
    await store(
        worker_engine, a_step("E6", "0", "agree", StepKind.APPROVAL, NOW, details=details),
        an_approval("E6", "e_one", NOW), a_reader("E6", "a_employee", ReaderWhy.APPROVER, NOW),
    )  # fmt: skip

    page = await own_web.get("/employee-requests/approvals/E6.0.0?lang=ko", who="employee")

    assert page.status_code == 200
    assert "규정 7조" in page.text
    assert "500,000" in page.text  # so much more than there is


async def test_of_a_shared_budget_it_is_shown_what_is_spent(own_web: Web, worker_engine: AsyncEngine) -> None:
    await store(worker_engine, *stored(an_item("shared"), NOW))
    asked = {"asked_by": "a_agent", "for_employee_id": "e_other", "owner_team_id": "team_two"}
    await store(worker_engine, a_request("E6", NOW, submission_key="key-E6", item_key="shared", **asked))
    details = {
        "budget_minor": 5_000_000, "spent_minor": 3_900_000, "asked_minor": 700_000,
        "spent_since": "2026-10-01", "spent_at": NOW.isoformat(),
    }  # fmt: skip
    await store(
        worker_engine, a_step("E6", "0", "agree", StepKind.APPROVAL, NOW, details=details),
        an_approval("E6", "e_one", NOW), a_reader("E6", "a_employee", ReaderWhy.APPROVER, NOW),
    )  # fmt: skip

    path = "/employee-requests/approvals/E6.0.0"
    page = (await own_web.get(f"{path}?lang=en", who="employee")).text
    told = (await own_web.get(path, who="employee", headers=JSON)).json()

    for amount in ("3,900,000", "700,000", "400,000"):  # 5.0 - 3.9 - 1.5: so much more than there is
        assert amount in page, amount
    assert (told["budget"]["spent_minor"], told["budget"]["asked_minor"]) == (3_900_000, 700_000)


async def test_a_colleague_who_came_later_sees_a_confidential_request_only_when_let(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    secret, readers = "/employee-requests/E2", "/employee-requests/E2/readers"
    word = {"command_id": "let-1", "mate": "agent_and_finance@example.com"}
    assert (await own_web.get(secret, who="agent_other_team")).status_code == 404  # came after it began
    assert (await own_web.post(readers, who="agent_other_team", data=word)).status_code == 404
    async with AsyncSession(worker_engine) as session, session.begin():
        facts = {"request_id": "E2", "account_id": "a_agent_other_team", "why": ReaderWhy.TEAM, "since": NOW}
        session.add(RequestReader(**facts))
    assert (await own_web.post(readers, who="agent", data=word)).status_code == 403  # asked, works not on it

    stranger = {**word, "mate": "dispatcher@example.com"}
    assert (await own_web.post(readers, who="agent_other_team", data=stranger)).status_code == 422
    for _ in range(2):
        answer = await own_web.post(readers, who="agent_other_team", data=word)
        assert answer.status_code in (303, 202), answer.text

    [told] = await said(worker_engine, "E2")
    assert (told.name, told.payload["account_id"]) == ("name_reader", "a_agent_and_finance")
