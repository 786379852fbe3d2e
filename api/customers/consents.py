"""What a customer agreed to: how it stands, how it came, and giving or taking it back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from fastapi import Request
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.customers.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import answer, move_on
from api.kit.routes import CUSTOMERS
from models.customers import Consent
from models.kit.outbox import announce_start
from models.kit.refusals import Refusal
from models.messages.customers import (
    CONSENT_VERSION,
    OPTIONAL,
    ConsentKind,
    Handover,
    handover_workflow_id,
)
from models.rules.customers import newest


@dataclass(frozen=True)
class Said:
    """One yes or no of the past."""

    kind: ConsentKind
    version: str
    is_given: bool
    at: datetime


@dataclass(frozen=True)
class ConsentsPage:
    """How it stands, and the history, newest first."""

    stands: tuple[tuple[ConsentKind, bool, bool], ...]  # kind, given, may be changed here
    history: tuple[Said, ...]


class Change(Input):
    """A yes or a no to one text that may be refused."""

    kind: Literal["marketing", "third_party"]
    is_given: bool


@router.get("/my/consents", may=CUSTOMERS)
async def consents(request: Request, desk: Desk) -> Response:
    """Show what the customer agreed to."""
    return answer(request, "customers/my_consents.html", await consents_page(desk))


async def consents_page(desk: DeskAt) -> ConsentsPage:
    """Read every yes and no of this customer."""
    query = desk.visible(Consent).where(col(Consent.customer_id) == desk.person.customer_id)
    rows = (await desk.session.scalars(query.order_by(col(Consent.id)))).all()
    stands = newest((row.kind, row.is_given) for row in rows)
    history = tuple(Said(row.kind, row.version, row.is_given, row.at) for row in reversed(rows))
    return ConsentsPage(tuple((kind, stands[kind], kind in OPTIONAL) for kind in ConsentKind), history[:50])


@router.post("/my/consents", may=CUSTOMERS)
async def change(request: Request, desk: Desk, sent: Typed[Change] = typed(Change)) -> Response:
    """Add a yes or a no; the CRM hears of it without anybody asking."""
    if sent.value is None:
        raise Refusal("invalid_form")
    kind, customer_id = ConsentKind(sent.value.kind), desk.person.customer_id or ""
    page = await consents_page(desk)
    if (kind, sent.value.is_given, True) in page.stands:
        return move_on(request, "/my/consents", data={"status": "unchanged"})
    row = {
        "customer_id": customer_id, "kind": kind, "version": CONSENT_VERSION, "source": "portal",
        "is_given": sent.value.is_given, "at": datetime.now(UTC),
    }  # fmt: skip
    added = await desk.session.execute(insert(Consent).values(row).returning(col(Consent.id)))
    version = added.scalar_one() or 0
    if kind is ConsentKind.MARKETING:
        order = Handover(customer_id, version)
        workflow_id = handover_workflow_id(customer_id, version)
        await announce_start(
            desk.session, "Handover", workflow_id, order, summary="Tell the CRM about a customer"
        )
    await desk.commit()
    return move_on(request, "/my/consents", data={"status": "changed"})
