"""How each message of a ticket left the house: by which way, how often it was tried, and what is unclear."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.channels.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.rendering import answer
from api.kit.routes import AGENTS
from api.kit.texts import Key
from api.tickets.page import head_of
from models.messages.systems import CallResult, System
from models.systems import SentMessage, SystemCall

MOST = 500
WAYS = (System.MAIL, System.SMS, System.ALIMTALK)


class DeliveryState(StrEnum):
    """How a message stands."""

    DELIVERED = "delivered"
    TRIED = "tried"  # it is asked again by itself
    UNCLEAR = "unclear"  # the system may have it: asked again under the same key
    REFUSED = "refused"  # the system says that this receiver gets nothing


@dataclass(frozen=True)
class Try:
    """One call to a system."""

    system: System
    at: datetime
    result: CallResult
    error: str


@dataclass(frozen=True)
class DeliveryRow:
    """One message with everything that was tried for it."""

    key: str
    letter: str
    state: DeliveryState
    system: System
    at: datetime
    tries: tuple[Try, ...]


@dataclass(frozen=True)
class DeliveriesPage:
    """The messages of a ticket, the newest first."""

    id: str
    subject: str
    rows: tuple[DeliveryRow, ...]


@router.get("/tickets/{ticket_id}/deliveries", may=AGENTS, row="ticket")
async def deliveries(request: Request, desk: Desk, ticket_id: Key) -> Response:
    """Show how the messages of a ticket were delivered."""
    head = await head_of(desk.session, desk.person, ticket_id)
    page = DeliveriesPage(head.id, head.subject, await rows_of(desk, ticket_id))
    return answer(request, "channels/deliveries.html", page)


async def rows_of(desk: DeskAt, ticket_id: str) -> tuple[DeliveryRow, ...]:
    """What was sent and what was tried, joined by the key that makes both one message."""
    sent = {
        one.key: one
        for one in await desk.session.scalars(
            desk.visible(SentMessage)
            .where(col(SentMessage.ticket_id) == ticket_id)
            .order_by(col(SentMessage.sent_at).desc())
            .limit(MOST)
        )
    }
    asked = (
        desk.visible(SystemCall)
        .where(col(SystemCall.ticket_id) == ticket_id, col(SystemCall.system).in_(WAYS))
        .order_by(col(SystemCall.at).desc(), col(SystemCall.id).desc())
        .limit(MOST)
    )
    tried: dict[str, list[Try]] = {key: [] for key in sent}
    for call in await desk.session.scalars(asked):
        tried.setdefault(call.key, []).append(Try(call.system, call.at, call.result, call.error))
    found = [row_of(key, sent.get(key), tries) for key, tries in tried.items()]
    return tuple(sorted(found, key=lambda row: row.at, reverse=True))


def row_of(key: str, sent: SentMessage | None, tries: Iterable[Try]) -> DeliveryRow:
    """One message; what was sent is delivered, else its newest try says how it stands."""
    made = tuple(tries)
    if sent is not None:
        return DeliveryRow(key, sent.letter, DeliveryState.DELIVERED, sent.system, sent.sent_at, made)
    states = {
        CallResult.REFUSED: DeliveryState.REFUSED, CallResult.UNKNOWN: DeliveryState.UNCLEAR,
        CallResult.FAILED: DeliveryState.TRIED, CallResult.OK: DeliveryState.DELIVERED,
    }  # fmt: skip
    return DeliveryRow(key, "", states[made[0].result], made[0].system, made[0].at, made)
