"""What is promised, the calendar and the rules on their pages; and the sums on a ticket's."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.tickets.promise_rows import terms_of, values_of
from api.tickets.rule_rows import faults
from models.messages.tickets.promises import PromiseTerms
from models.rules.tickets.clocks import policy_problems
from ops.promises import RULES, TERMS
from tests.api.web import Web

JSON = {"Accept": "application/json"}
PROMISES, RULES_AT = "/tickets/promises", "/tickets/rules"
HOURS = {
    "hours_name": ["office", "office"], "hours_days": ["weekdays", "weekdays"],
    "hours_from": ["09:00", "13:00"], "hours_to": ["12:00", "18:00"], "hours_holidays": ["closed", "closed"],
}  # fmt: skip
LINE: dict[str, Any] = {
    "line_name": ["All"], "line_tier": [""], "line_product": [""], "line_channel": [""], "line_kind": [""],
    "line_priority": [""], "line_first": ["60"], "line_next": [""], "line_resolve": ["600"],
    "line_hours": ["office"], "line_pauses": ["yes"],
}  # fmt: skip
RULE: dict[str, Any] = {
    "name_ko": "규칙", "name_en": "A rule", "trigger": "opened", "condition": ['customer.tier == "gold"'],
    "action_kind": ["tag"], "action_value": ["vip"], "action_ko": [""], "action_en": [""],
}  # fmt: skip


async def rows(engine: AsyncEngine, query: str) -> list[Any]:
    async with engine.connect() as connection:
        return list((await connection.execute(text(query))).all())


async def said(web: Web, who: str, path: str, **data: Any) -> tuple[int, Any]:
    answer = await web.post(path, who=who, headers=JSON, data=data)
    return answer.status_code, answer.json()


async def test_promises_are_published_by_somebody_else_and_retime_open_tickets_when_asked(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await rows_changed(worker_engine, "delete from promise_policies where version = 2")
    assert (await said(own_web, "agent", PROMISES, version="1"))[0] == 403
    assert await said(own_web, "admin", PROMISES, version="1") == (200, {"version": 2})
    status, wrong = await said(
        own_web, "admin", f"{PROMISES}/2", seq="0", **HOURS, **{**LINE, "line_hours": "x"}
    )
    assert (status, list(wrong["fields"] if "fields" in wrong else wrong["errors"])) == (422, ["lines.0"])
    assert (await said(own_web, "admin", f"{PROMISES}/2", seq="0", **HOURS, **LINE))[0] == 200
    assert (await said(own_web, "admin", f"{PROMISES}/2/status", status="review", seq="1"))[0] == 200

    assert (await said(own_web, "admin", f"{PROMISES}/2/status", status="published", seq="2"))[1][
        "code"
    ] == "own_review"
    await rows_changed(worker_engine, "update promise_policies set author_id = 'a_finance' where version = 2")
    assert (await said(own_web, "admin", f"{PROMISES}/2/status", status="published", seq="2"))[0] == 200
    assert (await said(own_web, "admin", f"{PROMISES}/2/retiming", command_id="once"))[0] == 200
    assert (await said(own_web, "admin", f"{PROMISES}/2/retiming", command_id="once"))[0] == 200

    found = await rows(worker_engine, "select version, status from promise_policies order by version")
    assert [tuple(row) for row in found] == [(1, "retired"), (2, "published")]
    started = await rows(worker_engine, "select payload from outbox where workflow = 'Retiming'")
    assert [row.payload["policy_version"] for row in started] == [2]


async def rows_changed(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement))


async def test_a_day_of_our_own_is_added_once_and_times_open_tickets_anew(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    day = {"command_id": "k1", "day": "2031-10-06", "kind": "closed", "name": "창립기념일"}
    assert (await said(own_web, "agent", "/tickets/calendar", **day))[0] == 403
    assert (await said(own_web, "admin", "/tickets/calendar", **day))[0] == 200
    assert (await said(own_web, "admin", "/tickets/calendar", **day))[0] == 200
    other = {**day, "command_id": "k2", "kind": "worked"}
    assert (await said(own_web, "admin", "/tickets/calendar", **other))[0] == 422

    page = await own_web.get("/tickets/calendar", who="agent")
    assert "창립기념일" in page.text
    gone = "/tickets/calendar/2031-10-06/removal"
    assert (await said(own_web, "admin", gone, command_id="k3"))[0] == 200
    assert await rows(worker_engine, "select 1 from calendar_days where day = '2031-10-06'") == []
    started = await rows(worker_engine, "select payload from outbox where workflow = 'Retiming'")
    assert len(started) == 2


async def test_a_rule_shows_each_fault_at_its_place_and_goes_the_way_of_two_people(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    first = f"{RULES_AT}/care/versions/1"
    assert (await said(own_web, "admin", RULES_AT, name="Not A Key"))[0] == 422
    assert await said(own_web, "admin", RULES_AT, name="care") == (200, {"key": "care", "version": 1})
    broken = {**RULE, "condition": ["true", "customer.shoe == 1"], "action_value": ["No Tag"]}
    _status, told = await said(own_web, "admin", first, seq="0", **broken)
    assert set(told["problems"]) == {"condition.1", "action.0"}
    assert (await said(own_web, "admin", f"{first}/status", status="review", seq="1"))[1][
        "code"
    ] == "item_has_problems"
    page = await own_web.get(first, who="admin")
    assert "customer.shoe" in page.text
    assert "e_condition_1" in page.text

    assert (await said(own_web, "admin", first, seq="1", **RULE))[1]["problems"] == {}
    assert (await said(own_web, "admin", f"{first}/trial", request_key="t1"))[0] == 200
    assert (await said(own_web, "admin", f"{first}/status", status="review", seq="2"))[0] == 200
    assert (await said(own_web, "admin", f"{first}/status", status="published", seq="3"))[1][
        "code"
    ] == "own_review"
    trials = await rows(
        worker_engine, "select rule_key, status from ticket_rule_trials where rule_key = 'care'"
    )
    assert [tuple(row) for row in trials] == [("care", "running")]


async def test_an_older_version_comes_back_as_a_new_draft(own_web: Web, worker_engine: AsyncEngine) -> None:
    answer = await said(own_web, "admin", f"{RULES_AT}/vip/versions", version="1")
    assert answer == (200, {"key": "vip", "version": 2})
    assert (await said(own_web, "admin", f"{RULES_AT}/vip/versions", version="1"))[1][
        "code"
    ] == "item_draft_open"

    found = await rows(
        worker_engine, "select made_from, definition from ticket_rule_versions where version = 2"
    )
    assert [(row.made_from, row.definition["version"]) for row in found] == [(1, 2)]


@pytest.mark.parametrize("locale", ["ko", "en"])
async def test_the_sum_of_a_clock_is_explained(own_web: Web, worker_engine: AsyncEngine, locale: str) -> None:
    began = datetime.now(UTC) - timedelta(hours=5)
    await rows_changed(
        worker_engine,
        f"update ticket_promises set started_at = '{began.isoformat()}' where ticket_id = 'T1'",
    )
    await rows_changed(
        worker_engine,
        f"update ticket_pauses set since = '{(began + timedelta(hours=1)).isoformat()}',"
        f" until = '{(began + timedelta(hours=2)).isoformat()}' where ticket_id = 'T1'",
    )

    told = (await own_web.get("/tickets/T1/promises", who="agent", headers=JSON)).json()

    [clock] = told["clocks"]
    assert clock["ran_minutes"] in (240, 241)
    blocks = [
        datetime.fromisoformat(one["ends"]) - datetime.fromisoformat(one["begins"]) for one in clock["blocks"]
    ]
    assert int(sum(blocks, timedelta()).total_seconds()) // 60 == clock["ran_minutes"]
    [step] = told["asked"]
    assert (step["said"][0]["condition"], step["said"][0]["fired"]) == (1, False)
    assert step["said"][0]["values"] == {"customer.tier": "x"}
    page = await own_web.get(f"/tickets/T1/promises?lang={locale}", who="agent")
    assert page.status_code == 200
    assert "customer.tier" in page.text
    assert (await own_web.get("/tickets/T2/promises", who="agent")).status_code == 404


def test_the_sample_policy_and_rules_have_no_faults() -> None:
    assert policy_problems(TERMS) == ()
    again, wrong = terms_of(values_of(TERMS))
    assert (again, wrong) == (PromiseTerms(TERMS.hours, TERMS.lines), {})
    assert [faults(rule, {}) for rule in RULES] == [{}] * len(RULES)
    assert len(RULES) >= 6


async def test_a_ticket_that_is_older_than_its_clocks_shows_what_it_was_promised(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await rows_changed(worker_engine, "delete from ticket_promises where ticket_id = 'T1'")
    await rows_changed(
        worker_engine,
        "update tickets set answered_at = now(), answer_due = now(), resolve_due = '2099-12-01 03:00+00',"
        " resolved_at = null, confirm_due = null where id = 'T1'",
    )

    page = await own_web.get("/tickets/T1/promises", who="agent", headers=JSON)
    drawn = await own_web.get("/tickets/T1/promises?lang=en", who="agent")

    assert page.json()["clocks"] == []
    assert [target for target, _due in page.json()["stands"]] == ["resolve"]
    assert "its deadlines hold" in drawn.text
    assert "No clock runs" not in drawn.text
