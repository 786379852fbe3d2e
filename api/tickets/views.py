"""Kept views: the filters that are shown, under a name, for oneself or for one's team."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import Field
from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.kept import keep
from api.kit.language import gettext as _
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import AGENTS
from api.kit.texts import Key, MaybeLine, Name
from api.tickets.filters import Chosen, Filters, filters_of
from api.tickets.heading import MOST_VIEWS, Kept, own_first
from api.tickets.naming import Choices, choices
from api.tickets.routing import router
from models.kit.refusals import Refusal
from models.rules.staff.sharing import may_share_views
from models.tickets.desk import QueueView

Values = Annotated[list[MaybeLine], Field(max_length=40)]
"""The values of one filter; an unknown one filters nothing."""


class Narrowing(Input):
    """Filters out of the queue's form."""

    q: MaybeLine = ""
    view: MaybeLine = "mine"
    status: Values = []
    priority: Values = []
    team: Values = []
    agent: Values = []
    channel: Values = []
    kind: Values = []
    who: Values = []
    tag: Values = []
    breaks: MaybeLine = ""


class NewView(Narrowing):
    """The filters shown, under a name."""

    command_id: Key
    name: Name
    is_shared: Literal["", "yes"] = ""


class Renamed(Narrowing):
    """Another name, and other filters if `with_filters` says so."""

    name: Name
    with_filters: Literal["", "yes"] = ""


class Moved(Input):
    """One place further up or down among its neighbours."""

    to: Literal["up", "down"]


class Removed(Input):
    """A view goes; tickets stay."""

    command_id: Key


@dataclass(frozen=True)
class ViewsPage:
    """The views of somebody, and those of their team."""

    filters: Filters
    kept: tuple[Kept, ...]
    may_share: bool
    is_full: bool


@dataclass(frozen=True)
class FilterPage:
    """Everything by which the queue can be narrowed."""

    filters: Filters
    choices: tuple[Choices, ...]


@router.get("/tickets/filters", may=AGENTS)
async def show_filters(request: Request, desk: Desk, filters: Chosen) -> Response:
    """Show by what the queue can be narrowed; the queue takes the form in when it is opened."""
    page = FilterPage(filters, await choices(desk))
    return answer(request, "tickets/filters.html", page, block="filter_form")


@router.post("/tickets/filters", may=AGENTS)
async def narrow(request: Request, desk: Desk, sent: Typed[Narrowing] = typed(Narrowing)) -> Response:
    """Lead to the address of the queue with these filters; typed words stand in it by an id only."""
    if sent.value is None:
        page = FilterPage(filters_of({}), await choices(desk))
        return answer(request, "tickets/filters.html", page, block="filter_form", form=sent.form, status=422)
    return move_on(request, filters_of(sent.value.model_dump(), q=await keep(desk, sent.value.q)).href())


@router.get("/tickets/views", may=AGENTS)
async def show_views(request: Request, desk: Desk, filters: Chosen) -> Response:
    """Show the kept views; the filters shown can be kept as another one."""
    return answer(request, "tickets/views.html", await views_page(desk, filters))


@router.post("/tickets/views", may=AGENTS)
async def keep_view(request: Request, desk: Desk, sent: Typed[NewView] = typed(NewView)) -> Response:
    """Keep the filters shown under a name; the same form twice is one view."""
    if sent.value is None:
        page = await views_page(desk, filters_of(lists_of(sent.form)))
        return answer(request, "tickets/views.html", page, form=sent.form, status=422)
    wish = sent.value
    filters, id, now = filters_of(wish.model_dump()), view_id(desk, wish.command_id), datetime.now(UTC)
    if wish.is_shared and not may_share_views(desk.person.roles, desk.person.team_id):
        form = sent.wrong("is_shared", _("Only whoever leads a team may share a view with it."))
        return answer(request, "tickets/views.html", await views_page(desk, filters), form=form, status=422)
    if not await is_there(desk, id):
        if await how_many(desk) >= MOST_VIEWS:
            form = sent.wrong("name", _("There are very many views already; please remove one first."))
            page = await views_page(desk, filters)
            return answer(request, "tickets/views.html", page, form=form, status=422)
        row = {
            "id": id, "owner_id": desk.person.id, "name": wish.name, "filters": filters.record(),
            "team_id": desk.person.team_id if wish.is_shared else None, "place": await how_many(desk),
            "created_at": now, "updated_at": now,
        }  # fmt: skip
        await desk.session.execute(insert(QueueView).values(row).on_conflict_do_nothing().inline())
        await desk.commit()
    return move_on(request, filters.href(saved=id), data={"view": id})


@router.post("/tickets/views/{queue_view}", may=AGENTS, row="queue_view")
async def change_view(
    request: Request, desk: Desk, queue_view: Key, sent: Typed[Renamed] = typed(Renamed)
) -> Response:
    """Give a view another name, or the filters that are shown now."""
    view = await own_view(desk, queue_view)
    if sent.value is None:
        page = await views_page(desk, filters_of({}))
        return answer(request, "tickets/views.html", page, form=sent.form, status=422)
    changed: dict[str, Any] = {"name": sent.value.name, "updated_at": datetime.now(UTC)}
    filters = filters_of(view.filters)
    if sent.value.with_filters:
        filters = filters_of(sent.value.model_dump())
        changed["filters"] = filters.record()
    await desk.session.execute(
        update(QueueView).where(col(QueueView.id) == view.id).values(changed),
        execution_options={"synchronize_session": False},
    )
    await desk.commit()
    to = filters.href(saved=view.id) if sent.value.with_filters else "/tickets/views"
    return move_on(request, to, data={"view": view.id})


@router.post("/tickets/views/{queue_view}/place", may=AGENTS, row="queue_view")
async def place_view(
    request: Request, desk: Desk, queue_view: Key, sent: Typed[Moved] = typed(Moved)
) -> Response:
    """Put a view before or after its neighbour."""
    view = await own_view(desk, queue_view)
    if sent.value is None:
        raise Refusal("invalid_form")
    mine = select(col(QueueView.id)).where(col(QueueView.owner_id) == desk.person.id)
    order = list(await desk.session.scalars(mine.order_by(*own_first(desk.person))))
    here = order.index(view.id)
    there = max(0, min(len(order) - 1, here + (-1 if sent.value.to == "up" else 1)))
    order.insert(there, order.pop(here))
    for place, id in enumerate(order):
        await desk.session.execute(
            update(QueueView).where(col(QueueView.id) == id).values(place=place),
            execution_options={"synchronize_session": False},
        )
    await desk.commit()
    return move_on(request, "/tickets/views", data={"views": order})


@router.post("/tickets/views/{queue_view}/removal", may=AGENTS, row="queue_view")
async def remove_view(
    request: Request, desk: Desk, queue_view: Key, sent: Typed[Removed] = typed(Removed)
) -> Response:
    """Take a view away: one's own, or, for whoever leads the team, one that it shares."""
    view = await desk.one(QueueView, queue_view)
    if sent.value is None:
        raise Refusal("invalid_form")
    if view.owner_id != desk.person.id and not may_share_views(desk.person.roles, desk.person.team_id):
        raise Refusal("not_allowed")
    statement = delete(QueueView).where(col(QueueView.id) == view.id)
    await desk.session.execute(statement, execution_options={"synchronize_session": False})
    await desk.commit()
    return move_on(request, "/tickets/views", data={"view": view.id})


async def own_view(desk: DeskAt, id: str) -> QueueView:
    """A view of one's own; a colleague's is shown, and changed by its owner alone."""
    view = await desk.one(QueueView, id)
    is_mine = view.owner_id == desk.person.id
    if not is_mine or (view.team_id and not may_share_views(desk.person.roles, desk.person.team_id)):
        raise Refusal("not_allowed")
    return view


def view_id(desk: DeskAt, command_id: str) -> str:
    """The id that one person's form makes."""
    return f"qv_{hashlib.sha256(f'{desk.person.id}/{command_id}'.encode()).hexdigest()[:24]}"


async def is_there(desk: DeskAt, id: str) -> bool:
    """Whether this form was sent before."""
    known = desk.visible(QueueView).with_only_columns(col(QueueView.id)).where(col(QueueView.id) == id)
    return await desk.session.scalar(known) is not None


async def how_many(desk: DeskAt) -> int:
    """How many views somebody keeps."""
    mine = select(func.count()).where(col(QueueView.owner_id) == desk.person.id)
    return int(await desk.session.scalar(mine.select_from(QueueView)) or 0)


async def views_page(desk: DeskAt, filters: Filters) -> ViewsPage:
    """All views, one's own first."""
    query = desk.visible(QueueView).order_by(*own_first(desk.person)).limit(MOST_VIEWS * 2)
    kept = tuple(
        Kept(
            one.id, one.name, filters_of(one.filters, saved=one.id), one.owner_id == desk.person.id,
            one.team_id is not None,
        )
        for one in await desk.session.scalars(query)
    )  # fmt: skip
    own = sum(one.is_mine for one in kept)
    return ViewsPage(
        filters, kept, may_share_views(desk.person.roles, desk.person.team_id), own >= MOST_VIEWS
    )


def lists_of(form: Form) -> dict[str, Any]:
    """What was typed, with every filter as a list of values."""
    return {
        name: value if isinstance(value, list) or name in ("view", "breaks") else [value]
        for name, value in form.values.items()
    }


async def queue_of(desk: DeskAt, name: str) -> Filters:
    """Which queue stands beside a ticket: a view of the house, or one that somebody kept."""
    if name.startswith("qv_") and name.isprintable():
        held = (
            desk.visible(QueueView).with_only_columns(col(QueueView.filters)).where(col(QueueView.id) == name)
        )
        if (found := await desk.session.scalar(held)) is not None:
            return filters_of(found, saved=name)
    return filters_of({"view": name})
