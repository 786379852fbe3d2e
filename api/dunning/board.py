"""The board: how many accounts stand where with how much money, and the cases behind it, page by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Query, Request
from sqlalchemy import func, or_, tuple_
from sqlmodel import col
from starlette.responses import Response

from api.dunning.routing import router
from api.kit import charts
from api.kit.desk import Desk, DeskAt
from api.kit.formats import money
from api.kit.kept import Kept, Words
from api.kit.labels import label
from api.kit.language import gettext as _
from api.kit.rendering import answer
from api.kit.routes import AGENTS, FINANCE
from api.orders.index import cursor_of, escaped
from models.customers import Customer
from models.dunning import DunningCase, DunningPolicy
from models.messages.catalogue import VersionStatus
from models.messages.dunning import CaseStatus, Rest, StepKind

PAGE = 50
STAGES = ("opened", *(kind.value for kind in StepKind), *(rest.value for rest in Rest))
OVER = tuple(status.value for status in CaseStatus if status is not CaseStatus.OPEN)


@dataclass(frozen=True)
class Column:
    """One column of the board."""

    stage: str
    count: int
    minor: int


@dataclass(frozen=True)
class Row:
    """One case in the list."""

    id: str
    customer: str
    status: CaseStatus
    stage: str
    overdue_minor: int
    currency: str
    overdue_since: date
    next_kind: StepKind | None
    next_at: datetime | None
    opened_at: datetime


@dataclass(frozen=True)
class BoardPage:
    """Everything on the board."""

    columns: tuple[Column, ...]
    count: int
    minor: int
    rows: tuple[Row, ...]
    stage: str
    stages: tuple[str, ...]
    q: Words
    next: str
    has_policy: bool

    @property
    def chart(self) -> Any:
        """The amounts by stage as bars."""
        named = [(one, label(one.stage, "dunning_stage")) for one in self.columns]
        rows = [charts.Bar(name.text, one.minor, name.tone, money(one.minor)) for one, name in named]
        return charts.bars(_("Overdue amounts by stage"), rows, width=760, row=30)


@router.get("/dunning", may=AGENTS | FINANCE)
async def index(
    request: Request,
    desk: Desk,
    words: Kept,
    stage: Annotated[str, Query(max_length=32)] = "",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Show the board and the cases of one stage, or all that are open."""
    chosen = stage if stage in (*STAGES, *OVER) else ""
    return answer(request, "dunning/index.html", await board(desk, chosen, words, after))


async def board(desk: DeskAt, stage: str, q: Words, after: str) -> BoardPage:
    """The columns, counted in the tables, and one page of cases by keyset."""
    columns = await columns_of(desk)
    rows, address = await listed(desk, stage, q, after)
    published = desk.visible(DunningPolicy).where(col(DunningPolicy.status) == VersionStatus.PUBLISHED)
    return BoardPage(
        columns, sum(one.count for one in columns), sum(one.minor for one in columns), rows, stage,
        (*STAGES, *OVER), q, address, (await desk.session.scalar(published.limit(1))) is not None,
    )  # fmt: skip


async def columns_of(desk: DeskAt) -> tuple[Column, ...]:
    """Open cases by stage, in the order in which accounts pass them."""
    query = (
        desk.visible(DunningCase)
        .with_only_columns(col(DunningCase.stage), func.count(), func.sum(col(DunningCase.overdue_minor)))
        .where(col(DunningCase.status) == CaseStatus.OPEN)
        .group_by(col(DunningCase.stage))
    )
    found: Mapping[str, tuple[int, int]] = {
        stage: (int(count), int(minor)) for stage, count, minor in await desk.session.execute(query)
    }
    return tuple(Column(stage, *found[stage]) for stage in STAGES if stage in found)


async def listed(desk: DeskAt, stage: str, q: Words, after: str) -> tuple[tuple[Row, ...], str]:
    """One page of cases, the newest first, and the address of the next one."""
    place = col(DunningCase.opened_at), col(DunningCase.id)
    query: Any = (
        desk.visible(DunningCase)
        .with_only_columns(
            col(DunningCase.id), col(Customer.name), col(DunningCase.status), col(DunningCase.stage),
            col(DunningCase.overdue_minor), col(DunningCase.currency), col(DunningCase.overdue_since),
            col(DunningCase.next_kind), col(DunningCase.next_at), col(DunningCase.opened_at),
        )
        .join(Customer, col(Customer.id) == col(DunningCase.customer_id))
    )  # fmt: skip
    if stage in OVER:
        query = query.where(col(DunningCase.status) == CaseStatus(stage))
    else:
        query = query.where(col(DunningCase.status) == CaseStatus.OPEN)
        query = query.where(col(DunningCase.stage) == stage) if stage else query
    if q and q.isprintable():
        name = col(Customer.name).ilike(f"%{escaped(q)}%")
        query = query.where(or_(col(DunningCase.id) == q.upper(), col(DunningCase.customer_id) == q, name))
    if cursor := cursor_of(after):
        query = query.where(tuple_(*place) < cursor)
    query = query.order_by(*(one.desc() for one in place)).limit(PAGE + 1)
    found = [Row(*row) for row in await desk.session.execute(query)]
    last = found[PAGE - 1] if len(found) > PAGE else None
    address = q.address(
        "/dunning", stage=stage, after=f"{last.opened_at.isoformat()}~{last.id}" if last else ""
    )
    return tuple(found[:PAGE]), address if last else ""
