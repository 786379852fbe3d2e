"""What a version would do: to the requests of the past month, and to those that run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Request
from pydantic import Field
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests import item_reading as reading
from api.employee_requests.items import noted
from api.employee_requests.routing import router
from api.kit.commands import command
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import move_on
from api.kit.routes import STAFF
from api.kit.texts import Key
from models.employee_requests import EmployeeRequest, RequestStep
from models.employee_requests.items import ItemSimulation, RequestItemVersion
from models.kit.outbox import announce_start, announce_update
from models.kit.records import from_record
from models.kit.refusals import Refusal
from models.messages.catalogue import VersionStatus
from models.messages.employee_requests.items import Item, StepKind
from models.messages.employee_requests.lives import StepState
from models.messages.employee_requests.requests import Move, RequestStatus, request_workflow_id
from models.messages.employee_requests.simulation import (
    SimulationOrder,
    SimulationResult,
    SimulationStatus,
    simulation_workflow_id,
)
from models.rules.employee_requests.moving import hindrances

Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
PAGE = "/employee-requests/items/{item_key}/versions/{version}"
MONTH, MOST_RUNNING = timedelta(days=31), 1_000


class Simulated(Input):
    """A simulation is asked for; the key makes a double click one."""

    request_key: Key


class MovedOn(Input):
    """One running request shall go on by this version, or without one all that can."""

    command_id: Key
    request: Annotated[str, Field(max_length=64)] = ""


@dataclass(frozen=True)
class Trial:
    """The newest simulation of a version."""

    id: str
    status: SimulationStatus
    asked_at: datetime
    since: datetime
    result: SimulationResult
    is_stale: bool  # the draft was edited since


@dataclass(frozen=True)
class Running:
    """One running request that lives by another version."""

    id: str
    version: int
    may_move: bool
    paths: tuple[str, ...]  # what keeps it


@dataclass(frozen=True)
class Impact:
    """The running requests of other versions: which can go on by this one."""

    may_move: int
    stay: int
    rows: tuple[Running, ...]


@router.post(f"{PAGE}/simulation", may=STAFF, row="request_item")
async def simulate_version(
    request: Request, desk: Desk, item_key: str, version: Number, sent: Typed[Simulated] = typed(Simulated)
) -> Response:
    """Have the requests of the past month walked through with this version; nothing leaves the house."""
    await reading.kept(desk, item_key)
    row = await desk.one(RequestItemVersion, (item_key, version))
    if sent.value is None:
        raise Refusal("invalid_form")
    if row.definition is None:
        raise Refusal("item_has_problems")
    now = datetime.now(UTC)
    simulation = f"sim_{sent.value.request_key}"
    order = SimulationOrder(simulation, item_key, version, now - MONTH)
    new = {
        "id": simulation, "item_key": item_key, "version": version, "checksum": row.checksum,
        "asked_by": desk.person.id, "asked_at": now, "since": order.since,
        "status": SimulationStatus.RUNNING, "result": {},
    }  # fmt: skip
    statement = insert(ItemSimulation).values(new).on_conflict_do_nothing()
    if (await desk.session.execute(statement.returning(col(ItemSimulation.id)))).first() is not None:
        await announce_start(
            desk.session, "SimulateItem", simulation_workflow_id(simulation), order,
            summary=f"Simulate {item_key} {version}",
        )  # fmt: skip
        await noted(desk, item_key, version, "simulated")
    await desk.commit()
    return move_on(request, f"{path_of(item_key, version)}#simulation", data={"simulation": simulation})


@router.post(f"{PAGE}/running", may=STAFF, row="request_item")
async def move_running(
    request: Request, desk: Desk, item_key: str, version: Number, sent: Typed[MovedOn] = typed(MovedOn)
) -> Response:
    """Have running requests go on by this published version: one, or all that can."""
    await reading.kept(desk, item_key)
    row = await desk.one(RequestItemVersion, (item_key, version))
    if sent.value is None:
        raise Refusal("invalid_form")
    if row.status is not VersionStatus.PUBLISHED or row.definition is None:
        raise Refusal("version_wrong_step")
    wish, now = sent.value, datetime.now(UTC)
    impact = await impact_of(desk, row, from_record(Item, row.definition))
    chosen = [one for one in impact.rows if one.may_move and wish.request in ("", one.id)]
    if wish.request and not chosen:
        raise Refusal("request_cannot_move")
    await noted(desk, item_key, version, "moved", requests=[one.id for one in chosen])
    for one in chosen:
        move = Move(f"{wish.command_id}.{one.id}", desk.person.id, now, "staff", version)
        if wish.request:  # one is waited for, hundreds are said by the relay
            await command(desk.session, desk.client, request_workflow_id(one.id), "move", move)
        else:
            await announce_update(desk.session, request_workflow_id(one.id), "move", move)
    await desk.commit()
    data = {"moved": [one.id for one in chosen]}
    return move_on(request, f"{path_of(item_key, version)}#running", data=data)


def path_of(item_key: str, version: int) -> str:
    """The address of a version."""
    return PAGE.format(item_key=item_key, version=version)


async def newest_of(desk: DeskAt, row: RequestItemVersion) -> Trial | None:
    """The newest simulation of a version."""
    query = desk.visible(ItemSimulation).where(
        col(ItemSimulation.item_key) == row.item_key, col(ItemSimulation.version) == row.version
    )
    found = await desk.session.scalar(query.order_by(col(ItemSimulation.asked_at).desc()).limit(1))
    if found is None:
        return None
    result = await _shown(desk, from_record(SimulationResult, found.result))
    stale = found.checksum != row.checksum
    return Trial(found.id, found.status, found.asked_at, found.since, result, stale)


async def _shown(desk: DeskAt, result: SimulationResult) -> SimulationResult:
    """The sums, and of the single requests those that the reader may see."""
    ids = [one.request_id for one in result.rows]
    mine = desk.visible(EmployeeRequest).with_only_columns(col(EmployeeRequest.id))
    seen = set(await desk.session.scalars(mine.where(col(EmployeeRequest.id).in_(ids))))
    return replace(result, rows=tuple(one for one in result.rows if one.request_id in seen))


async def impact_of(desk: DeskAt, row: RequestItemVersion, item: Item) -> Impact:
    """Which running requests of other versions could go on by this one, of those that the reader may see."""
    query = desk.visible(EmployeeRequest).where(
        col(EmployeeRequest.item_key) == row.item_key,
        col(EmployeeRequest.item_version) != row.version,
        col(EmployeeRequest.status) == RequestStatus.OPEN,
    )
    requests = list(
        await desk.session.scalars(query.order_by(col(EmployeeRequest.created_at)).limit(MOST_RUNNING))
    )
    begun = await _begun(desk, [one.id for one in requests])
    old = await _items(desk, row.item_key, {one.item_version for one in requests})
    rows = []
    for one in requests:
        was = old.get(one.item_version)
        held = hindrances(was, item, begun.get(one.id, ())) if was else ()
        rows.append(Running(one.id, one.item_version, was is not None and not held, held))
    count = sum(one.may_move for one in rows)
    return Impact(count, len(rows) - count, tuple(rows))


async def _begun(desk: DeskAt, ids: Sequence[str]) -> dict[str, list[StepState]]:
    found: dict[str, list[StepState]] = {}
    query = desk.visible(RequestStep).where(col(RequestStep.request_id).in_(ids))
    for step in await desk.session.scalars(query.order_by(col(RequestStep.since))):
        state = StepState(
            step.path, step.step_id, StepKind(step.kind), step.status, 0, step.since,
            chosen=int(step.details.get("chosen", 0)),
        )  # fmt: skip
        found.setdefault(step.request_id, []).append(state)
    return found


async def _items(desk: DeskAt, item_key: str, versions: set[int]) -> dict[int, Item]:
    query = desk.visible(RequestItemVersion).where(
        col(RequestItemVersion.item_key) == item_key, col(RequestItemVersion.version).in_(versions)
    )
    rows = await desk.session.scalars(query)
    return {one.version: from_record(Item, one.definition) for one in rows if one.definition}
