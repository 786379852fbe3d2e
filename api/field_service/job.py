"""One visit as its technician works on it, and as the desk reads it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from fastapi import Request
from sqlalchemy import select
from sqlmodel import col
from starlette.responses import Response

from api.field_service.day import in_language, offers
from api.field_service.routing import router
from api.field_service.slots import slots_of
from api.kit.desk import Desk, DeskAt
from api.kit.formats import in_seoul
from api.kit.language import locale
from api.kit.personal import reveal
from api.kit.rendering import answer
from api.kit.routes import AGENTS, PARTNERS, TECHNICIANS
from api.kit.texts import Key
from api.tickets.files import sent
from api.tickets.hands import crew
from models.catalogue import Part, Product
from models.customers import OwnedProduct
from models.field_service import ChecklistTick, PartUse, Visit
from models.kit.refusals import Refusal
from models.messages.field_service import Outcome, VisitStatus
from models.rules.field_service import Slot, has_report, may
from models.tickets import Attachment, Ticket

FIELD = TECHNICIANS | PARTNERS
SHOWN = ("name", "phone", "address")  # what a visit cannot be made without


@dataclass(frozen=True)
class CheckItem:
    """One step of the checklist."""

    id: str
    text: str
    is_required: bool
    is_done: bool
    hint: str = ""


@dataclass(frozen=True)
class PartLine:
    """A part that was used."""

    id: str
    name: str
    sku: str
    quantity: int
    price_minor: int


@dataclass(frozen=True)
class PhotoTile:
    """One photo of a visit."""

    href: str
    thumb: str
    alt: str
    caption: str
    slot: str


@dataclass(frozen=True)
class Before:
    """An earlier visit of the same ticket."""

    id: str
    outcome: Outcome | None
    finished_at: datetime | None
    note: str


@dataclass(frozen=True)
class JobPage:
    """Everything that the page of a visit shows."""

    id: str
    ticket_id: str
    status: VisitStatus
    may: frozenset[str]
    is_mine: bool
    is_desk: bool
    is_over: bool
    starts_at: datetime | None
    ends_at: datetime | None
    started_at: datetime | None
    customer: str
    phone: str
    address: str
    fault: str
    description: str
    product: str
    serial: str
    warranty_until: date | None
    warranty_days: int | None
    checklist: tuple[CheckItem, ...]
    parts: tuple[PartLine, ...]
    choosable: tuple[tuple[str, str], ...]
    photos: tuple[PhotoTile, ...]
    signature: str | None
    signer: str
    absence_reason: str
    outcome: Outcome | None
    note: str
    before: tuple[Before, ...]
    slots: tuple[Slot, ...]
    technicians: tuple[tuple[str, str], ...]  # whom the desk may ask first when it searches again
    arrival: str  # for the desk: where the phone was on arrival, if it said so

    @property
    def ticked(self) -> int:
        """How many steps are done."""
        return sum(item.is_done for item in self.checklist)

    @property
    def has_report(self) -> bool:
        """Whether there is a report to take along."""
        return has_report(self.is_over, self.outcome)

    def shots(self, slot: str) -> list[PhotoTile]:
        """The photos before, or after, the work."""
        return [photo for photo in self.photos if photo.slot == slot]


@router.get("/field-service/visits/{visit_id}", may=FIELD | AGENTS, row="visit", reveals="visit")
async def show(request: Request, desk: Desk, visit_id: Key) -> Response:
    """The page of one visit; whoever only holds an offer is shown the offer."""
    visit = await desk.session.scalar(desk.visible(Visit).where(col(Visit.id) == visit_id))
    if visit is None:
        return await offered(request, desk, visit_id)
    return answer(request, "field_service/show.html", await job_of(desk, visit))


@router.get("/field-service/visits/{visit_id}/offer", may=FIELD, row="visit")
async def show_offer(request: Request, desk: Desk, visit_id: Key) -> Response:
    """An open offer, with its answers."""
    return await offered(request, desk, visit_id)


async def offered(request: Request, desk: DeskAt, visit_id: str) -> Response:
    """The offer of a visit to whoever may answer it."""
    found = [card for card in await offers(desk) if card.visit_id == visit_id]
    if not found or desk.person.is_desk:
        raise Refusal("not_found")
    return answer(request, "field_service/offer.html", found[0])


@router.get("/field-service/visits/{visit_id}/photos/{attachment_id}", may=FIELD | AGENTS, row="visit")
async def photo(request: Request, desk: Desk, visit_id: Key, attachment_id: Key) -> Response:
    """One photo, for whoever may see its visit."""
    visit = await desk.one(Visit, visit_id)
    found = await desk.one(Attachment, attachment_id)
    if found.visit_id != visit_id:
        raise Refusal("not_found")
    return await sent(request, desk, visit.ticket_id, attachment_id, False)


async def job_of(desk: DeskAt, visit: Visit) -> JobPage:
    """Read one visit for its page; that its customer's data were shown is written down."""
    ticket = await desk.one(Ticket, visit.ticket_id)
    owned = await _owned(desk, ticket)
    product = await desk.session.get(Product, owned.product_id) if owned else None
    is_mine = visit.technician_id is not None and visit.technician_id == desk.person.technician_id
    customer = await reveal(
        desk, visit.customer_id, action="show_visit", purpose=f"visit:{visit.id}", only=SHOWN
    )
    today = in_seoul(datetime.now(UTC)).date()
    until = owned.warranty_until if owned else None
    return JobPage(
        id=visit.id, ticket_id=ticket.id, status=visit.status, may=may(visit.status), is_mine=is_mine,
        is_desk=desk.person.is_desk, is_over=visit.is_over, starts_at=visit.starts_at, ends_at=visit.ends_at,
        started_at=visit.started_at, customer=customer.name, phone=customer.phone,
        address=ticket.site_address or customer.address,
        fault=ticket.subject, description=ticket.description, product=in_language(product),
        serial=owned.serial if owned else "", warranty_until=until,
        warranty_days=(until - today).days if until else None,
        checklist=await _checklist(desk, visit, product), parts=await _parts(desk, visit),
        choosable=await _choosable(desk, product), photos=await _photos(desk, visit),
        signature=visit.signature, signer=visit.signer, absence_reason=visit.absence_reason,
        outcome=visit.outcome, note=visit.note, before=await _before(desk, visit),
        slots=await slots_of(desk, visit) if desk.person.is_desk else (),
        technicians=await crew(desk) if desk.person.is_desk and "redispatch" in may(visit.status) else (),
        arrival=visit.arrival_position if desk.person.is_desk else "",
    )  # fmt: skip


async def _owned(desk: DeskAt, ticket: Ticket) -> OwnedProduct | None:
    query = desk.visible(OwnedProduct).where(col(OwnedProduct.id) == (ticket.owned_product_id or ""))
    return await desk.session.scalar(query)


async def _checklist(desk: DeskAt, visit: Visit, product: Product | None) -> tuple[CheckItem, ...]:
    ticks = desk.visible(ChecklistTick).where(col(ChecklistTick.visit_id) == visit.id)
    done = {tick.code for tick in (await desk.session.scalars(ticks)).all()}
    return tuple(
        CheckItem(
            item["code"],
            item.get(locale()) or item["en"],
            bool(item.get("is_required")),
            item["code"] in done,
        )
        for item in (product.checklist if product else ())
    )


async def _parts(desk: DeskAt, visit: Visit) -> tuple[PartLine, ...]:
    uses = desk.visible(PartUse).where(col(PartUse.visit_id) == visit.id).order_by(col(PartUse.id))
    found = (await desk.session.scalars(uses)).all()
    parts = {part.id: part for part in await _catalogue(desk, [use.part_id for use in found])}
    return tuple(
        PartLine(use.part_id, _name(parts[use.part_id]), parts[use.part_id].sku, use.quantity,
                 parts[use.part_id].price_minor * use.quantity)
        for use in found
    )  # fmt: skip


async def _catalogue(desk: DeskAt, ids: list[str]) -> list[Part]:
    return list((await desk.session.scalars(select(Part).where(col(Part.id).in_(ids)))).all())


def _name(part: Part) -> str:
    return part.name_ko if locale() == "ko" else part.name_en


async def _choosable(desk: DeskAt, product: Product | None) -> tuple[tuple[str, str], ...]:
    """Parts that fit the product, by name."""
    query = select(Part).where(col(Part.category) == (product.category if product else ""))
    found = (await desk.session.scalars(query.limit(200))).all()
    return tuple(sorted(((part.id, _name(part)) for part in found), key=lambda pair: pair[1]))


async def _photos(desk: DeskAt, visit: Visit) -> tuple[PhotoTile, ...]:
    query = desk.visible(Attachment).where(col(Attachment.visit_id) == visit.id)
    found = (await desk.session.scalars(query.order_by(col(Attachment.created_at)))).all()
    base = f"/field-service/visits/{visit.id}/photos/"
    return tuple(PhotoTile(base + shot.id, base + shot.id, shot.name, "", shot.slot) for shot in found)


async def _before(desk: DeskAt, visit: Visit) -> tuple[Before, ...]:
    """The last three ended visits of the same ticket."""
    query = desk.visible(Visit).where(
        col(Visit.ticket_id) == visit.ticket_id, col(Visit.id) != visit.id, col(Visit.is_over)
    )
    found = (await desk.session.scalars(query.order_by(col(Visit.created_at).desc()).limit(3))).all()
    return tuple(Before(one.id, one.outcome, one.finished_at, one.note) for one in found)
