"""The desk of a partner's dispatcher: offers with countdown, own visits, technicians and papers."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from fastapi import Request
from sqlalchemy import select
from sqlmodel import col
from starlette.responses import Response

from api.field_service import words
from api.field_service.day import OfferCard, VisitRow, in_language, offers, visits
from api.kit.commands import Answer, command
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import answer, move_on
from api.kit.routes import PARTNER_DISPATCHERS, PARTNERS
from api.kit.texts import Key
from api.kit.visible import past_visits
from api.partners.reading import PaperLine, papers_of
from api.partners.routing import router
from models.catalogue import Product
from models.field_service import Technician, Visit, VisitOffer
from models.kit.refusals import Refusal
from models.messages.field_service import (
    Accept,
    OfferStatus,
    Outcome,
    Reassign,
    visit_workflow_id,
)
from models.messages.staff import Role
from models.partners import Partner
from models.rules.field_service import may

assert words


@dataclass(frozen=True)
class OwnVisit:
    """One visit that the company holds, and whether somebody else may still be sent."""

    row: VisitRow
    technician_id: str
    may_reassign: bool


@dataclass(frozen=True)
class PastVisit:
    """What is left of a visit: number, product, result, day."""

    id: str
    product: str
    outcome: Outcome | None
    ended_on: date


@dataclass(frozen=True)
class DeskPage:
    """What a partner's dispatcher works with."""

    name: str
    status: str
    offers: tuple[OfferCard, ...]
    visits: tuple[OwnVisit, ...]
    past: tuple[PastVisit, ...]
    technicians: tuple[tuple[str, str], ...]
    papers: tuple[PaperLine, ...]
    may_act: bool


class Sent(Input):
    """Whom the company sends."""

    command_id: Key
    technician_id: Key


@router.get("/partners/desk", may=PARTNERS)
async def show(request: Request, desk: Desk) -> Response:
    """The page of the company of whoever asks."""
    return answer(request, "partners/desk.html", await desk_page(desk))


async def desk_page(desk: DeskAt) -> DeskPage:
    """Read the company's offers, visits, people and papers."""
    partner = await desk.one(Partner, desk.person.partner_id or "")
    crew = desk.visible(Technician).where(col(Technician.is_active)).order_by(col(Technician.name))
    people = tuple((one.id, one.name) for one in (await desk.session.scalars(crew)).all())
    holders = {one.id: one for one in (await desk.session.scalars(desk.visible(Visit))).all()}
    own = tuple(
        OwnVisit(row, holders[row.id].technician_id or "", "reassign" in may(row.status))
        for row in await visits(desk) if row.id in holders
    )  # fmt: skip
    papers = (await papers_of(desk, partner.id)).get(partner.id, ())
    return DeskPage(
        name=partner.name, status=partner.status.value, offers=await offers(desk), visits=own,
        past=await _past(desk), technicians=people, papers=tuple(papers),
        may_act=Role.PARTNER_DISPATCHER in desk.person.roles,
    )  # fmt: skip


async def _past(desk: DeskAt) -> tuple[PastVisit, ...]:
    products = {one.id: one for one in (await desk.session.scalars(select(Product))).all()}
    return tuple(
        PastVisit(
            line["visit_id"], in_language(products.get(line["product_id"] or "")),
            Outcome(line["outcome"]) if line["outcome"] else None, line["ended_on"],
        )
        for line in (await past_visits(desk.session))[:50]
    )  # fmt: skip


@router.post("/partners/desk/visits/{visit_id}/acceptance", may=PARTNER_DISPATCHERS, row="visit")
async def accept(request: Request, desk: Desk, visit_id: Key, sent: Typed[Sent] = typed(Sent)) -> Response:
    """Take an offer for one of the company's own technicians."""
    query = desk.visible(VisitOffer).where(col(VisitOffer.visit_id) == visit_id)
    offer = await desk.session.scalar(query.order_by(col(VisitOffer.ordinal).desc()).limit(1))
    if offer is None:
        raise Refusal("not_found")
    wish = await _wish(desk, sent)
    if offer.status is not OfferStatus.OPEN:
        raise Refusal("offer_gone")
    order = Accept(
        wish.command_id, desk.person.id, datetime.now(UTC), "partner", technician_id=offer.technician_id,
        assignee=wish.technician_id,
    )  # fmt: skip
    return await _said(request, desk, visit_id, "accept", order)


@router.post("/partners/desk/visits/{visit_id}/assignment", may=PARTNER_DISPATCHERS, row="visit")
async def assign(request: Request, desk: Desk, visit_id: Key, sent: Typed[Sent] = typed(Sent)) -> Response:
    """Send another of the company's own technicians, before anybody has set off."""
    visit = await desk.one(Visit, visit_id)
    wish = await _wish(desk, sent)
    order = Reassign(
        wish.command_id, desk.person.id, datetime.now(UTC), "partner",
        technician_id=visit.technician_id or "", assignee=wish.technician_id,
    )  # fmt: skip
    return await _said(request, desk, visit_id, "reassign", order)


async def _wish(desk: DeskAt, sent: Typed[Sent]) -> Sent:
    """What was chosen: somebody of the own company who works."""
    if sent.value is None:
        raise Refusal("invalid_form")
    technician = await desk.one(Technician, sent.value.technician_id)
    if not technician.is_active:
        raise Refusal("not_found")
    return sent.value


async def _said(
    request: Request, desk: DeskAt, visit_id: str, update: str, order: Accept | Reassign
) -> Response:
    said = await command(desk.session, desk.client, visit_workflow_id(visit_id), update, order)
    status = 200 if said is Answer.DONE else 202
    return move_on(request, "/partners/desk", data={"status": said.value}, status=status)
