"""One request as its pages read it: the row, its item, its steps, approvals and tasks, and who is who."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import col

from api.employee_requests.people import Colleague, by_accounts, named
from api.employee_requests.shelf import in_order, versions
from api.employee_requests.stages import Rows
from api.employee_requests.teams import team_names
from api.kit.desk import DeskAt
from models.employee_requests import EmployeeRequest, RequestApproval, RequestStep, RequestTask
from models.messages.employee_requests.items import FieldKind, Item
from models.rules.employee_requests.rights import fields_of


@dataclass(frozen=True)
class Life:
    """A request with everything that its page needs."""

    request: EmployeeRequest
    item: Item
    rows: Rows
    asker: Colleague | None
    beneficiary: Colleague | None


async def life_of(desk: DeskAt, request: EmployeeRequest) -> Life | None:
    """Read one request; nothing when its item is not there any more."""
    key = request.item_key, request.item_version
    item = (await versions(desk, [key])).get(key)
    if item is None:
        return None
    lives = await lives_of(desk, [request], {key: item})
    return lives[0]


async def lives_of(
    desk: DeskAt, requests: Iterable[EmployeeRequest], items: Mapping[tuple[str, int], Item]
) -> list[Life]:
    """Read many requests at once, in their order."""
    wanted = [one for one in requests if (one.item_key, one.item_version) in items]
    ids = [one.id for one in wanted]
    steps = await rows_of(desk, RequestStep, ids)
    approvals = await rows_of(desk, RequestApproval, ids)
    tasks = await rows_of(desk, RequestTask, ids)
    askers = await by_accounts(desk, [one.asked_by for one in wanted])
    people = {one.for_employee_id for one in wanted}
    people |= {one.approver_employee_id for one in approvals} | {one.was_for_employee_id for one in approvals}
    people |= {found for one in wanted for found in people_in(items[one.item_key, one.item_version], one)}
    who = await named(desk, people)
    names, teams = {one.id: one.name for one in who.values()}, await team_names(desk)
    return [
        Life(
            one, items[one.item_key, one.item_version],
            Rows(
                {step.path: step for step in steps if step.request_id == one.id},
                by_path(step for step in approvals if step.request_id == one.id),
                by_path(step for step in tasks if step.request_id == one.id), names, teams,
            ),
            askers.get(one.asked_by or ""), who.get(one.for_employee_id),
        )
        for one in wanted
    ]  # fmt: skip


async def rows_of(desk: DeskAt, model: type[Any], ids: list[str]) -> list[Any]:
    """The rows of these requests in the order of their paths."""
    found = await desk.session.scalars(desk.visible(model).where(col(model.request_id).in_(ids)))
    return sorted(found, key=lambda one: (in_order(one.path), getattr(one, "position", 0)))


def by_path(rows: Iterable[Any]) -> dict[str, list[Any]]:
    """Several rows of one path, in their order."""
    found: dict[str, list[Any]] = {}
    for one in rows:
        found.setdefault(one.path, []).append(one)
    return found


def people_in(item: Item, request: EmployeeRequest) -> set[str]:
    """The colleagues whom the answers name."""
    return {
        str(request.answers[field.id]) for field in fields_of(item)
        if field.kind is FieldKind.PERSON and request.answers.get(field.id)
    }  # fmt: skip
