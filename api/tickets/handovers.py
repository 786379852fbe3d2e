"""Requests to other departments that a ticket was handed over by, as far as its readers may know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlmodel import col

from api.employee_requests.fields import Told, told
from api.employee_requests.shelf import said, versions
from api.employee_requests.teams import team_names
from api.kit.desk import DeskAt
from models.employee_requests import RequestHandover
from models.kit.records import from_record
from models.messages.employee_requests.items import Item
from models.messages.employee_requests.requests import HandoverStage, RequestStatus
from models.rules.employee_requests.rights import told_to_ticket
from models.staff import Account


@dataclass(frozen=True)
class StageLine:
    """One stage: what it is called, how it stands, since and until when, which team."""

    name: str
    state: str
    team: str
    since: datetime
    due_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class HandoverCard:
    """One request of the ticket to another department."""

    request_id: str
    name: str
    icon: str
    team: str
    status: RequestStatus
    is_mine: bool  # I asked, so I may open it
    asked_by: str
    created_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    stages: tuple[StageLine, ...]
    outcome: tuple[Told, ...]

    @property
    def waits(self) -> tuple[StageLine, ...]:
        """What it waits for now."""
        return tuple(one for one in self.stages if one.state in ("now", "late"))


@dataclass(frozen=True)
class Known:
    """What things and people are called."""

    items: Mapping[tuple[str, int], Item]
    teams: Mapping[str, str]
    people: Mapping[str, str]  # names by account
    me: str  # my account
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


async def handovers_of(desk: DeskAt, ticket_id: str) -> tuple[HandoverCard, ...]:
    """The ticket's requests to other departments, the newest first."""
    query = desk.visible(RequestHandover).where(col(RequestHandover.ticket_id) == ticket_id)
    rows = list(await desk.session.scalars(query.order_by(col(RequestHandover.created_at).desc()).limit(50)))
    if not rows:
        return ()
    items = await versions(desk, [(one.item_key, one.item_version) for one in rows])
    accounts = desk.visible(Account).with_only_columns(col(Account.id), col(Account.name))
    who = await desk.session.execute(accounts.where(col(Account.id).in_({one.asked_by for one in rows})))
    known = Known(
        items, await team_names(desk), {row[0]: row[1] for row in who}, desk.person.account_id or ""
    )
    return tuple(_card(one, known) for one in rows)


def _card(row: RequestHandover, known: Known) -> HandoverCard:
    item = known.items.get((row.item_key, row.item_version))
    stages = tuple(_line(from_record(HandoverStage, one), known) for one in row.stages)
    found = (told(one, row.answers.get(one.id), {}) for one in (told_to_ticket(item) if item else ()))
    return HandoverCard(
        row.request_id, said(item.names) if item else row.request_id, item.icon if item else "clipboard-list",
        known.teams.get(row.team_id or "", ""), row.status, row.asked_by == known.me,
        known.people.get(row.asked_by, ""), row.created_at, row.due_at, row.closed_at, stages,
        tuple(one for one in found if one is not None),
    )  # fmt: skip


def _line(stage: HandoverStage, known: Known) -> StageLine:
    is_late = stage.state == "now" and stage.due_at is not None and stage.due_at < known.now
    return StageLine(
        said(stage.names), "late" if is_late else stage.state, known.teams.get(stage.team_id, ""),
        stage.since, stage.due_at, stage.ended_at,
    )  # fmt: skip
