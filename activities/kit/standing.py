"""Where a technician's company stands: whether they may be offered work, and why not."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.catalogue import Product
from models.customers import OwnedProduct
from models.field_service import PassedOver, Technician, Visit
from models.messages.field_service import RankRequest
from models.partners import Partner, PartnerPaper
from models.rules import field_service as visits
from models.rules.partners import Paper, Standing, bar
from models.tickets import Ticket


def paper_of(row: PartnerPaper) -> Paper:
    """What counts of a stored paper."""
    return Paper(row.id, row.kind, row.category, row.valid_from, row.valid_until, row.added_at)


async def papers_of(session: AsyncSession, *partner_ids: str) -> list[PartnerPaper]:
    """Every paper of these partners."""
    query = select(PartnerPaper).where(col(PartnerPaper.partner_id).in_(partner_ids))
    return list((await session.scalars(query.order_by(col(PartnerPaper.id)))).all())


async def bars(
    session: AsyncSession, technician_ids: Sequence[str], category: str, at: datetime
) -> Mapping[str, str]:
    """Who of these may not be offered such work at that moment, and why; our own people always may."""
    homes = select(col(Technician.id), Partner).join(Partner, col(Partner.id) == col(Technician.partner_id))
    found = (await session.execute(homes.where(col(Technician.id).in_(technician_ids)))).all()
    partners = {partner.id: partner for _, partner in found}
    papers = await papers_of(session, *partners)
    reasons = {
        one.id: bar(
            Standing(
                one.status,
                one.checks_papers,
                tuple(paper_of(row) for row in papers if row.partner_id == one.id),
            ),
            category,
            at,
        )
        for one in partners.values()
    }
    return {technician: reasons[partner.id] for technician, partner in found if reasons[partner.id]}


async def note_passed_over(
    session: AsyncSession,
    request: RankRequest,
    need: visits.Need,
    workers: Sequence[visits.Worker],
    barred: Mapping[str, str],
) -> None:
    """Write down who would have been asked, and why they were not."""
    able = visits.rank([worker for worker in workers if worker.technician_id in barred], need)
    for one in able:
        row = {
            "visit_id": request.visit_id, "technician_id": one.technician_id,
            "reason": barred[one.technician_id], "at": request.at,
        }  # fmt: skip
        statement = insert(PassedOver).values(row)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["visit_id", "technician_id"],
                set_={"reason": statement.excluded.reason, "at": statement.excluded.at},
            )
        )


async def may_send(
    session: AsyncSession, technician_id: str, assignee: str, visit_id: str, at: datetime
) -> bool:
    """Whether a company may send this one of its own: they work, and the company may do such work."""
    asked, sent = await session.get(Technician, technician_id), await session.get(Technician, assignee)
    if asked is None or sent is None or asked.partner_id is None or not sent.is_active:
        return False
    return sent.partner_id == asked.partner_id and not await bars(
        session, [assignee], await category_of(session, visit_id), at
    )


async def category_of(session: AsyncSession, visit_id: str) -> str:
    """The product line of a visit."""
    query = (
        select(col(Product.category))
        .join(OwnedProduct, col(OwnedProduct.product_id) == col(Product.id))
        .join(Ticket, col(Ticket.owned_product_id) == col(OwnedProduct.id))
        .join(Visit, col(Visit.ticket_id) == col(Ticket.id))
    )
    return (await session.scalar(query.where(col(Visit.id) == visit_id))) or ""
