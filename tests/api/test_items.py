"""The life of an item on its pages: a file with faults, mended, reviewed and published by somebody else."""

from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.kit.item_files import to_yaml
from models.messages.employee_requests.requests import RequestStatus, StepStatus
from tests.api.web import Web
from tests.builders.items import a_task, an_account, an_approval, an_item
from tests.conftest import Database

JSON = {"Accept": "application/json"}
ITEMS = "/employee-requests/items"
FIRST = f"{ITEMS}/thing/versions/1"


def a_file(**changes: Any) -> str:
    """A whole item with two approvals and a call of the directory, kept by team one."""
    steps = (an_approval("first"), an_approval("second"), an_account(), a_task(team="team_one"))
    return to_yaml(an_item(*steps, owner_team="team_one", **changes))


async def rows(engine: AsyncEngine, query: str) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(query))).all()]


async def begun(web: Web, file: str | None = None) -> None:
    answer = await web.post(ITEMS, who="admin", headers=JSON, data={"text": file or a_file()})
    assert answer.status_code == 200, answer.text


async def moved(web: Web, who: str, status: str, seq: int, path: str = FIRST) -> tuple[int, str]:
    answer = await web.post(f"{path}/status", who=who, headers=JSON, data={"status": status, "seq": str(seq)})
    return answer.status_code, answer.json().get("code", "")


async def published(web: Web) -> None:
    await begun(web)
    assert await moved(web, "admin", "review", 0) == (200, "")
    assert await moved(web, "agent", "published", 1) == (200, "")


async def test_an_item_is_published_by_somebody_who_did_not_write_it(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await begun(own_web)
    assert await moved(own_web, "agent", "published", 0) == (409, "version_wrong_step")
    assert await moved(own_web, "admin", "review", 0) == (200, "")
    assert await moved(own_web, "admin", "published", 1) == (409, "own_review")
    assert await moved(own_web, "agent_other_team", "published", 1) == (403, "not_allowed")
    assert await moved(own_web, "agent", "published", 1) == (200, "")

    stored = "select status, writers, reviewer_id, definition ->> 'version' from request_item_versions"
    found = await rows(worker_engine, f"{stored} where item_key = 'thing'")
    assert found == [("published", ["a_admin"], "a_agent", "1")]
    acts = "select actor_id, action from audit_entries where subject = 'request_item:thing:1' order by id"
    assert await rows(worker_engine, acts) == [
        ("a_admin", "employee_requests.item.created"),
        ("a_admin", "employee_requests.item.to_review"),
        ("a_agent", "employee_requests.item.to_published"),
    ]


async def test_whoever_once_wrote_on_a_draft_never_publishes_it(own_web: Web) -> None:
    await begun(own_web)
    edited = await own_web.post(FIRST, who="agent", headers=JSON, data={"seq": "0", "text": a_file()})
    assert edited.status_code == 200
    again = await own_web.post(
        FIRST, who="admin", headers=JSON, data={"seq": "1", "text": a_file(sla_hours=8)}
    )
    assert again.status_code == 200
    assert await moved(own_web, "admin", "review", 2) == (200, "")

    assert await moved(own_web, "agent", "published", 3) == (409, "own_review")
    assert await moved(own_web, "admin", "published", 3) == (409, "own_review")


@pytest.mark.parametrize(
    ("change", "by"),
    [
        ("reviewer_id = 'a_admin', status = 'published'", "reviewed_by_another"),
        ("status = 'published'", "published_was_reviewed"),
        ("writers = array['a_agent']", "a writer stays a writer"),
        ("text = 'changed'", "only a draft is written on"),
    ],
)
async def test_the_database_itself_keeps_the_four_eyes(
    own_web: Web, database: Database, change: str, by: str
) -> None:
    await begun(own_web)
    await moved(own_web, "admin", "review", 0)

    with psycopg.connect(database.owner_url) as owner, pytest.raises(psycopg.Error, match=by):
        owner.execute(f"update request_item_versions set {change} where item_key = 'thing'")


async def test_faults_are_stored_in_a_draft_and_told_at_their_lines_but_go_no_further(own_web: Web) -> None:
    await begun(own_web)
    faulty = a_file().replace("operation: create_account", "operation: explode")

    sent = await own_web.post(FIRST, who="admin", headers=JSON, data={"seq": "0", "text": faulty})
    assert sent.json()["problems"][0] == {"place": "steps[2]", "code": "unknown_operation"}
    page = await own_web.get(f"{FIRST}?lang=en", who="admin")
    line = faulty[: faulty.index("id: account")].count("\n") + 1
    assert f"Line {line}" in page.text
    assert "has no operation" in page.text
    assert await moved(own_web, "admin", "review", 1) == (409, "item_has_problems")


@pytest.mark.parametrize("file", ["{", "format: 1", "steps: &a [*a]", "\x00", "x" * 300_000])
async def test_a_file_that_says_no_item_begins_none(own_web: Web, file: str) -> None:
    answer = await own_web.post(ITEMS, who="admin", headers=JSON, data={"text": file})

    assert answer.status_code == 422
    assert "thing" not in str((await own_web.get(ITEMS, who="admin", headers=JSON)).json()["items"])


async def test_a_draft_that_a_colleague_changed_is_not_overwritten(own_web: Web) -> None:
    await begun(own_web)
    first, second = [
        await own_web.post(
            FIRST, who="admin", headers=JSON, data={"seq": "0", "text": a_file(sla_hours=hours)}
        )
        for hours in (8, 9)
    ]

    assert first.status_code == 200
    assert (second.status_code, second.json()["code"]) == (409, "changed_meanwhile")


async def test_a_published_version_is_not_written_on_and_a_newer_one_replaces_it(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await published(own_web)
    closed = await own_web.post(FIRST, who="admin", headers=JSON, data={"seq": "2", "text": a_file()})
    assert (closed.status_code, closed.json()["code"]) == (409, "version_final")

    draft = await own_web.post(f"{ITEMS}/thing/versions", who="agent", headers=JSON, data={"version": "1"})
    assert draft.json() == {"key": "thing", "version": 2}
    twice = await own_web.post(f"{ITEMS}/thing/versions", who="admin", headers=JSON, data={"version": "1"})
    assert twice.json()["code"] == "item_draft_open"
    second = f"{ITEMS}/thing/versions/2"
    changed = await own_web.post(
        second, who="agent", headers=JSON, data={"seq": "0", "text": a_file(sla_hours=8)}
    )
    assert changed.status_code == 200
    assert await moved(own_web, "agent", "review", 1, second) == (200, "")
    assert await moved(own_web, "admin", "published", 2, second) == (200, "")

    stored = (
        "select version, status, made_from from request_item_versions where item_key = 'thing' order by 1"
    )
    assert await rows(worker_engine, stored) == [(1, "retired", None), (2, "published", 1)]
    changes = (await own_web.get(f"{second}/changes", who="finance", headers=JSON)).json()["lines"]
    assert [one for one in changes if one["sign"] in ("+", "-")] == [{"sign": "+", "text": "sla_hours: 8"}]

    back = await own_web.post(f"{ITEMS}/thing/versions", who="admin", headers=JSON, data={"version": "1"})
    assert back.json()["version"] == 3
    same = (
        "select count(distinct checksum) from request_item_versions where item_key = 'thing' and version <> 2"
    )
    assert await rows(worker_engine, same) == [(1,)]


async def test_what_is_exported_comes_in_again_as_the_same_item(own_web: Web) -> None:
    await published(own_web)
    file = await own_web.get(f"{FIRST}/file", who="agent")
    assert file.headers["content-disposition"] == 'attachment; filename="thing.yaml"'
    assert file.text == a_file()

    other = file.text.replace("key: thing", "key: other_thing")
    sent = {"file": ("other.yaml", other.encode(), "text/yaml")}
    answer = await own_web.post(ITEMS, who="admin", headers=JSON, data={"text": ""}, files=sent)
    assert answer.json() == {"key": "other_thing"}


@pytest.mark.parametrize("who", ["employee", "customer_own", "technician_assigned", "partner_own"])
async def test_drafts_are_our_staffs_business(own_web: Web, who: str) -> None:
    await begun(own_web)

    for address in (ITEMS, FIRST, f"{FIRST}/file", f"{FIRST}/changes"):
        assert (await own_web.get(address, who=who, headers=JSON)).status_code in (403, 404)
    assert (await moved(own_web, who, "review", 0))[0] in (403, 404)


@pytest.mark.parametrize(("who", "status"), [("agent", 200), ("agent_other_team", 403), ("finance", 200)])
async def test_an_item_is_written_on_by_its_own_team(own_web: Web, who: str, status: int) -> None:
    await begun(own_web)

    answer = await own_web.post(FIRST, who=who, headers=JSON, data={"seq": "0", "text": a_file()})

    assert answer.status_code == status


async def test_a_simulation_is_asked_for_once(own_web: Web, worker_engine: AsyncEngine) -> None:
    await begun(own_web)
    sent = {"request_key": "press1"}

    answers = [
        await own_web.post(f"{FIRST}/simulation", who="admin", headers=JSON, data=sent) for _ in range(2)
    ]

    assert [one.json() for one in answers] == [{"simulation": "sim_press1"}] * 2
    asked = "select workflow, workflow_id from outbox where workflow = 'SimulateItem'"
    assert await rows(worker_engine, asked) == [("SimulateItem", "simulation:sim_press1")]
    page = (await own_web.get(FIRST, who="admin", headers=JSON)).json()
    assert page["trial"]["status"] == "running"


async def put_requests(engine: AsyncEngine) -> None:
    """Two running requests of version 1: one has begun its first step, one its second."""
    request = """insert into employee_requests (id, submission_key, item_key, item_version, asked_by,
      for_employee_id, status, is_confidential, answers, parent_path, created_at, updated_at, reason, seq,
      owner_team_id)
      values ('{id}', '{id}', 'thing', 1, 'a_employee', 'e_one', '{status}', {secret}, '{{}}', '', now(),
      now(), '', 1, 'team_one')"""
    step = """insert into request_steps (request_id, path, step_id, kind, status, since, result, details, seq,
      is_late) values ('{id}', '{path}', '{step}', 'approval', '{status}', now(), '{{}}', '{{}}', 1, false)"""
    async with engine.begin() as connection:
        for id, secret in (("Eone", "false"), ("Etwo", "false"), ("Esecret", "true")):
            await connection.execute(
                text(request.format(id=id, status=RequestStatus.OPEN.value, secret=secret))
            )
            await connection.execute(
                text(step.format(id=id, path="0", step="first", status=StepStatus.DONE.value))
            )
        await connection.execute(
            text(step.format(id="Etwo", path="1", step="second", status=StepStatus.ACTIVE.value))
        )


async def test_only_requests_whose_begun_steps_stand_unchanged_are_moved(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await published(own_web)
    await put_requests(worker_engine)
    await own_web.post(f"{ITEMS}/thing/versions", who="agent", headers=JSON, data={"version": "1"})
    second = f"{ITEMS}/thing/versions/2"
    steps = (an_approval("first"), an_approval("second", n=1), an_account(), a_task(team="team_one"))
    other = to_yaml(an_item(*steps, owner_team="team_one"))
    await own_web.post(second, who="agent", headers=JSON, data={"seq": "0", "text": other})

    early = await own_web.post(f"{second}/running", who="admin", headers=JSON, data={"command_id": "p0"})
    assert early.json()["code"] == "version_wrong_step"
    await moved(own_web, "agent", "review", 1, second)
    await moved(own_web, "admin", "published", 2, second)
    impact = (await own_web.get(second, who="admin", headers=JSON)).json()["impact"]
    assert {(one["id"], one["may_move"], tuple(one["paths"])) for one in impact["rows"]} == {
        ("Eone", True, ()), ("Etwo", False, ("1",)),
    }  # fmt: skip

    sent = {"command_id": "p1", "request": "Etwo"}
    held = await own_web.post(f"{second}/running", who="admin", headers=JSON, data=sent)
    assert held.json()["code"] == "request_cannot_move"
    done = await own_web.post(f"{second}/running", who="admin", headers=JSON, data={"command_id": "p2"})
    assert done.json() == {"moved": ["Eone"]}
    said = "select workflow_id, name, payload ->> 'version' from outbox where name = 'move'"
    assert await rows(worker_engine, said) == [("employee-request:Eone", "move", "2")]


async def test_both_languages_show_the_whole_page(own_web: Web) -> None:
    await begun(own_web)
    for lang, word in (("ko", "단계별 진행"), ("en", "What happens, step by step")):
        page = await own_web.get(f"{FIRST}?lang={lang}", who="admin")
        assert page.status_code == 200
        assert word in page.text
