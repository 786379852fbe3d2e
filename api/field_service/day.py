"""A technician's day: offers to answer, today's visits, what comes next; for the desk every open visit."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request
from sqlalchemy import func, select
from sqlmodel import col
from starlette.responses import Response

from api.field_service import words
from api.field_service.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.formats import in_seoul
from api.kit.language import locale
from api.kit.personal import mask_address, mask_name
from api.kit.rendering import answer
from api.kit.routes import AGENTS, PARTNERS, TECHNICIANS
from api.kit.visible import offer_cards
from api.tickets import words as ticket_words
from models.catalogue import Product
from models.customers import Customer, OwnedProduct
from models.field_service import Technician, Visit, VisitOffer
from models.messages.field_service import OfferStatus, VisitStatus
from models.tickets import Ticket

assert words
assert ticket_words
MOST = 200


@dataclass(frozen=True)
class OfferCard:
    """An offer before it is accepted: where, what and for how much; nobody's name."""

    visit_id: str
    ordinal: int
    region: str
    product: str
    category: str
    expires_at: datetime
    technician: str
    is_mine: bool
    fault: str = ""  # what kind of work it is, never what the customer wrote
    pay_minor: int | None = None
    offered_at: datetime | None = None


@dataclass(frozen=True)
class VisitRow:
    """One visit in a list; its customer is masked until the visit is opened."""

    id: str
    ticket_id: str
    status: VisitStatus
    starts_at: datetime | None
    ends_at: datetime | None
    region: str
    customer: str
    address: str
    product: str
    fault: str
    technician: str


@dataclass(frozen=True)
class DayPage:
    """What the list shows; `is_desk` decides its shell."""

    is_desk: bool
    is_company: bool
    offers: tuple[OfferCard, ...]
    today: tuple[VisitRow, ...]
    later: tuple[VisitRow, ...]


@router.get("/field-service", may=TECHNICIANS | PARTNERS | AGENTS)
async def index(request: Request, desk: Desk) -> Response:
    """The day of whoever asks."""
    page = await day_of(desk)
    template = "field_service/list.html" if page.is_desk else "field_service/index.html"
    return answer(request, template, page)


async def day_of(desk: DeskAt) -> DayPage:
    """Offers, and open visits split into what is for today and what comes later."""
    is_desk = desk.person.is_desk
    rows = await visits(desk)
    today = in_seoul(datetime.now(UTC)).date()

    def is_today(row: VisitRow) -> bool:
        return row.starts_at is not None and in_seoul(row.starts_at).date() <= today

    return DayPage(
        is_desk=is_desk,
        is_company=desk.person.technician_id is None,
        offers=() if is_desk else await offers(desk),
        today=tuple(row for row in rows if is_today(row)),
        later=tuple(row for row in rows if not is_today(row)),
    )


async def offers(desk: DeskAt) -> tuple[OfferCard, ...]:
    """The open offers to the asking technician or company, the soonest to expire first."""
    cards = {(card["visit_id"], card["ordinal"]): card for card in await offer_cards(desk.session)}
    named = {product.id: product for product in (await desk.session.scalars(select(Product))).all()}
    people = {one.id: one.name for one in (await desk.session.scalars(desk.visible(Technician))).all()}
    query = desk.visible(VisitOffer).where(
        col(VisitOffer.status) == OfferStatus.OPEN, col(VisitOffer.expires_at) > datetime.now(UTC)
    )
    found = []
    for offer in (await desk.session.scalars(query.order_by(col(VisitOffer.expires_at)).limit(MOST))).all():
        card = cards.get(
            (offer.visit_id, offer.ordinal),
            {"region": "", "product_id": None, "fault": "", "pay_minor": None},
        )
        product = named.get(card["product_id"] or "")
        found.append(
            OfferCard(
                offer.visit_id, offer.ordinal, card["region"], in_language(product),
                product.category if product else "", offer.expires_at,
                people.get(offer.technician_id, ""),
                is_mine=offer.technician_id == desk.person.technician_id,
                fault=card["fault"], pay_minor=card["pay_minor"], offered_at=offer.offered_at,
            )
        )  # fmt: skip
    return tuple(found)


def in_language(named: Product | None) -> str:
    """A product's name as the reader says it."""
    if named is None:
        return ""
    return named.name_ko if locale() == "ko" else named.name_en


async def visits(desk: DeskAt) -> tuple[VisitRow, ...]:
    """Open visits that the person may see, in the order of their appointments."""
    name = col(Product.name_ko) if locale() == "ko" else col(Product.name_en)
    query = (
        desk.visible(Visit)
        .with_only_columns(
            col(Visit.id), col(Visit.ticket_id), col(Visit.status), col(Visit.starts_at), col(Visit.ends_at),
            func.coalesce(func.nullif(col(Ticket.site_region), ""), col(Customer.region)).label("region"),
            col(Customer.name),
            func.coalesce(func.nullif(col(Ticket.site_address), ""), col(Customer.address)).label("address"),
            name, col(Ticket.subject),
            col(Technician.name),
        )
        .join(Ticket, col(Ticket.id) == col(Visit.ticket_id))
        .join(Customer, col(Customer.id) == col(Visit.customer_id))
        .outerjoin(OwnedProduct, col(OwnedProduct.id) == col(Ticket.owned_product_id))
        .outerjoin(Product, col(Product.id) == col(OwnedProduct.product_id))
        .outerjoin(Technician, col(Technician.id) == col(Visit.technician_id))
        .where(~col(Visit.is_over))
        .order_by(col(Visit.starts_at).asc().nulls_last(), col(Visit.id))
        .limit(MOST)
    )  # fmt: skip
    return tuple(
        VisitRow(
            line.id, line.ticket_id, line.status, line.starts_at, line.ends_at, line.region,
            mask_name(line[6]), mask_address(line.address), line[8] or "", line.subject, line[10] or "",
        )
        for line in await desk.session.execute(query)
    )  # fmt: skip
