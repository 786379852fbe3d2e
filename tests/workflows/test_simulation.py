"""A simulation walks the past month through a version, stores what differs and does nothing else."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from models.kit.item_files import checksum, to_yaml
from models.kit.records import to_record
from models.messages.employee_requests.items import Item
from models.messages.employee_requests.simulation import SimulationOrder, simulation_workflow_id
from tests.builders.items import a_task, an_approval, an_item
from tests.desk import RunningDesk

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)  # ten in the morning in Seoul
VERSION = """insert into request_item_versions (item_key, version, status, text, definition, checksum, note,
  writers, reviewer_id, review_note, created_at, written_at, seq) values ('thing', :version, :status, :text,
  cast(:definition as jsonb), :checksum, '', array['acc_jo'], 'acc_kim', '', now(), now(), 0)"""
REQUEST = """insert into employee_requests (id, submission_key, item_key, item_version, asked_by,
  for_employee_id, status, is_confidential, answers, parent_path, created_at, updated_at, closed_at, reason,
  seq) values (:id, gen_random_uuid()::text, 'thing', 1, 'acc_jo', 'e_jo', 'done', :secret,
  '{"amount": 700}', '', :at, :at, :end, '', 9)"""
STEP = """insert into request_steps (request_id, path, step_id, kind, status, since, ended_at, result,
  details, seq, is_late) values (:id, :path, :step, :kind, 'done', :at, :end, cast(:result as jsonb), '{}',
  1, false)"""


async def a_version(desk: RunningDesk, item: Item, version: int, status: str) -> None:
    text = to_yaml(item)
    await desk.change(
        VERSION, version=version, status=status, text=text, checksum=checksum(text),
        definition=json.dumps({**to_record(item), "version": version}),
    )  # fmt: skip


async def a_request(desk: RunningDesk, id: str, at: datetime, *, secret: bool = False) -> None:
    hour = timedelta(hours=1)
    await desk.change(REQUEST, id=id, at=at, end=at + 3 * hour, secret=secret)
    steps: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("0", "approval", "approval", {"approved": True}), ("1", "work", "task", {"done": True}),
    )  # fmt: skip
    for number, (path, step, kind, result) in enumerate(steps):
        await desk.change(
            STEP, id=id, path=path, step=step, kind=kind, at=at + number * hour,
            end=at + (number + 1) * hour, result=json.dumps(result),
        )  # fmt: skip


async def test_a_month_is_walked_through_once_and_nothing_is_done(desk: RunningDesk) -> None:
    team = desk.company.team_id
    await desk.change("insert into request_items values ('thing', :team, 'acc_jo', now())", team=team)
    now = an_item(an_approval(), a_task(team=team), owner_team=team)
    stricter = an_item(an_approval(), an_approval("second"), a_task(team=team), owner_team=team, sla_hours=1)
    await a_version(desk, now, 1, "published")
    await a_version(desk, stricter, 2, "draft")
    await a_request(desk, "Eone", NOW - timedelta(days=1))
    await a_request(desk, "Etwo", NOW - timedelta(days=2))
    await a_request(desk, "Eold", NOW - timedelta(days=60))
    await a_request(desk, "Esecret", NOW - timedelta(days=1), secret=True)
    await desk.change(
        """insert into item_simulations (id, item_key, version, checksum, asked_by, asked_at, since, status,
        result) values ('sim_1', 'thing', 2, 'x', 'acc_jo', now(), now(), 'running', '{}')"""
    )
    before = await desk.rows("select (select count(*) from outbox), (select count(*) from system_calls)")
    order = SimulationOrder("sim_1", "thing", 2, NOW - timedelta(days=31))

    counts = [
        await desk.client.execute_workflow(
            "SimulateItem", order, id=f"{simulation_workflow_id(order.id)}-{n}", task_queue="desk",
            result_type=int,
        )
        for n in range(2)
    ]  # fmt: skip

    assert counts == [2, 2]
    [row] = await desk.rows("select status, result from item_simulations")
    assert row.status == "done"
    found = row.result
    assert (found["count"], found["differing"], found["stuck"]) == (2, 2, 0)
    assert (found["was_approvals"], found["would_approvals"]) == (0, 4)
    assert (found["was_breaches"], found["would_breaches"]) == (0, 2)
    assert {one["request_id"] for one in found["rows"]} == {"Eone", "Etwo"}
    after = await desk.rows("select (select count(*) from outbox), (select count(*) from system_calls)")
    assert after == before
