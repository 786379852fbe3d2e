"""The outbox as administrators see it: what still waits, what was refused and why.

Its content is never shown: it may be personal, and nobody needs it to see that something is stuck."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, text
from sqlmodel import col, select

from api.kit.desk import DeskAt
from api.kit.language import gettext as _
from api.kit.visible import outbox_items
from models.kit.refusals import REFUSALS
from models.messages.systems import OutboxKind, OutboxStatus
from models.systems import OutboxItem

MOST = 25


@dataclass(frozen=True)
class Item:
    """One message that Temporal does not have."""

    id: int
    kind: OutboxKind
    workflow_id: str
    name: str
    status: OutboxStatus
    tries: int
    created_at: datetime
    not_before: datetime
    refusal: str

    @property
    def reason(self) -> str:
        """Why it was refused, as a sentence."""
        return _(REFUSALS[self.refusal][1]) if self.refusal in REFUSALS else self.refusal


@dataclass(frozen=True)
class Outbox:
    """What waits to be told and what was refused."""

    waiting: int
    oldest: datetime | None
    refused: int
    told: int  # within a day
    items: tuple[Item, ...]


async def outbox_of(desk: DeskAt) -> Outbox:
    """Count the outbox and show its oldest waiting and newest refused items."""
    status = col(OutboxItem.status)
    counted = select(
        func.count().filter(status == OutboxStatus.WAITING),
        func.min(OutboxItem.created_at).filter(status == OutboxStatus.WAITING),
        func.count().filter(status == OutboxStatus.REFUSED),
        func.count().filter(col(OutboxItem.sent_at) > func.now() - text("interval '1 day'")),
    )
    waiting, oldest, refused, told = (await desk.session.execute(counted)).one()
    first = outbox_items().where(status == OutboxStatus.WAITING).order_by(col(OutboxItem.id)).limit(MOST)
    last = (
        outbox_items().where(status == OutboxStatus.REFUSED).order_by(col(OutboxItem.id).desc()).limit(MOST)
    )
    found = [*await desk.session.scalars(first), *await desk.session.scalars(last)]
    names = Item.__dataclass_fields__
    items = tuple(Item(**{name: getattr(row, name) for name in names}) for row in found)
    return Outbox(waiting, oldest, refused, told, items)
