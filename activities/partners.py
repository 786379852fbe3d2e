"""What a partner's life does to our rows: steps, offers taken back, and letters about papers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.connectors.delivery import ReceiverRefused
from activities.connectors.mail import Mail
from activities.kit.letters import LOCALES, Stationery
from activities.kit.standing import category_of, paper_of, papers_of
from activities.kit.timeline import tell_live, write_waits
from activities.kit.transactions import transaction
from models.field_service import Technician, VisitOffer
from models.kit.outbox import announce_signals
from models.kit.refusals import Refusal
from models.messages.field_service import OfferStatus, WithdrawOffer, visit_workflow_id
from models.messages.letters import Delivery
from models.messages.partners import (
    Outlook,
    OutlookRequest,
    PaperEvent,
    PaperKind,
    PaperNews,
    PaperWarning,
    PartnerChange,
    PartnerStatus,
    partner_workflow_id,
)
from models.messages.staff import Role
from models.messages.systems import System
from models.partners import Partner, PartnerPaper, PartnerStep
from models.rules import partners as rules
from models.staff import Account
from models.systems import SentMessage

LETTER = "partners/paper"
MOST_READERS = 20  # of one letter
NOON = time(3)  # in UTC: the same day in Seoul


@dataclass
class PartnerActivities:
    """What a partner does to the world. Dependencies are handed in once, by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="partners.outlook")
    async def outlook(self, request: OutlookRequest) -> Outlook:
        """The next news of the partner's papers. Safe to repeat: it only reads."""
        async with transaction(self.engine) as session:
            papers = await papers_of(session, request.partner_id)
        return rules.outlook([paper_of(row) for row in papers], request.after)

    @activity.defn(name="partners.check_papers")
    async def check_papers(self, request: OutlookRequest) -> None:
        """Refuse to let somebody work without contract and insurance. Safe to repeat: it only reads."""
        async with transaction(self.engine) as session:
            papers = await papers_of(session, request.partner_id)
        if not rules.may_become_active([paper_of(row) for row in papers], request.after):
            raise ApplicationError(str(Refusal("papers_missing")), type="papers_missing", non_retryable=True)

    @activity.defn(name="partners.record")
    async def record(self, change: PartnerChange) -> None:
        """Write one step: row, line, waits, offers taken back, live signal. Safe to repeat: a step whose
        number is not newer than the row's has been written already."""
        async with transaction(self.engine) as session:
            partner = await session.get_one(Partner, change.partner_id, with_for_update=True)
            if partner.seq >= change.seq:
                return
            partner.seq = change.seq
            if change.moves:
                partner.status, partner.status_by = change.status, change.actor_id
                partner.status_reason, partner.status_at = change.reason, change.at
                partner.checks_papers = partner.checks_papers or change.status is PartnerStatus.ACTIVE
            if change.sentence:
                await _write_step(session, change)
            if change.takes_back:
                await _take_back(session, change)
            await write_waits(session, partner_workflow_id(change.partner_id), change.waits)
            await tell_live(session, "partners", f"partner:{change.partner_id}")


async def _write_step(session: AsyncSession, change: PartnerChange) -> None:
    details: dict[str, object] = {"reason": change.reason} if change.reason else {}
    paper_id = change.paper_id or (change.paper.paper_id if change.paper else "")
    if paper_id:
        paper = await session.get_one(PartnerPaper, paper_id)
        details |= {
            "paper": paper.kind.value, "number": paper.number, "day": paper.valid_until.isoformat(),
        }  # fmt: skip
    row = {
        "partner_id": change.partner_id, "seq": change.seq, "at": change.at, "sentence": change.sentence,
        "details": details, "actor_id": change.actor_id,
    }  # fmt: skip
    await session.execute(insert(PartnerStep).values(row).on_conflict_do_nothing())


async def _take_back(session: AsyncSession, change: PartnerChange) -> None:
    """Tell the visits whose open offer this partner may not take any more."""
    offers = await open_offers(session, change.partner_id)
    reason = "partner_not_active" if change.paper is None else f"no_{change.paper.kind.value}"
    told = [
        (
            visit_workflow_id(offer.visit_id),
            WithdrawOffer(offer.ordinal, reason, change.at),
            f"withdraw:{change.partner_id}:{change.seq}:{offer.visit_id}",
        )
        for offer in offers
        if change.paper is None or await _needs(session, offer, change.paper)
    ]
    await announce_signals(session, "withdraw_offer", told)


async def open_offers(session: AsyncSession, partner_id: str) -> Sequence[VisitOffer]:
    """The offers that somebody of this company could still take."""
    query = select(VisitOffer).join(Technician, col(Technician.id) == col(VisitOffer.technician_id))
    mine = query.where(col(Technician.partner_id) == partner_id, col(VisitOffer.status) == OfferStatus.OPEN)
    return (await session.scalars(mine.order_by(col(VisitOffer.visit_id)))).all()


async def _needs(session: AsyncSession, offer: VisitOffer, paper: PaperEvent) -> bool:
    if paper.kind is not PaperKind.CERTIFICATE:
        return True
    return await category_of(session, offer.visit_id) == paper.category


@dataclass
class PartnerLetterActivities:
    """Letters to a partner's people, over the line of the mail system."""

    engine: AsyncEngine
    mail: Mail
    public_url: str
    stationery: Stationery = field(default_factory=Stationery)

    @activity.defn(name="partners.warn")
    async def warn(self, warning: PaperWarning) -> Delivery:
        """Write to the partner's people, or to an administrator when there are none. Safe to repeat: whoever
        was written to is left alone, and the mail system takes each key once."""
        delivery = Delivery.NOWHERE
        event = warning.event
        async with transaction(self.engine) as session:
            partner = await session.get_one(Partner, warning.partner_id)
            paper = await session.get_one(PartnerPaper, event.paper_id)
            readers = await _readers(session, warning.partner_id)
        for reader in readers:
            key = f"paper:{event.paper_id}:{event.news.value}:{reader.id}"
            async with transaction(self.engine) as session:
                if await session.get(SentMessage, key) is not None:
                    delivery = Delivery.MAIL
                    continue
            locale = reader.locale if reader.locale in LOCALES else "ko"
            values = {
                "partner": partner.name, "number": paper.number,
                "last_day": datetime.combine(event.valid_until, NOON, UTC),
                "is_over": event.news is PaperNews.EXPIRED,
                "link": f"{self.public_url}/partners/{'desk' if reader.partner_id else partner.id}",
            }  # fmt: skip
            mail = self.stationery.mail(LETTER, locale, values)
            try:
                provider_id = await self.mail.send(reader.login, mail.subject, mail.text, mail.html, key=key)
            except ReceiverRefused:
                continue
            delivery = Delivery.MAIL
            async with transaction(self.engine) as session:
                row = {
                    "key": key, "system": System.MAIL, "ticket_id": None, "case_id": None, "letter": LETTER,
                    "sent_at": datetime.now(UTC), "provider_id": provider_id,
                }  # fmt: skip
                await session.execute(insert(SentMessage).values(row).on_conflict_do_nothing())
        return delivery


async def _readers(session: AsyncSession, partner_id: str) -> Sequence[Account]:
    """The partner's own people; without any, the first administrator."""
    query = select(Account).where(col(Account.is_active)).order_by(col(Account.id))
    roles = [Role.PARTNER.value, Role.PARTNER_DISPATCHER.value]
    mine = query.where(col(Account.partner_id) == partner_id, col(Account.roles).op("&&")(roles))
    found = (await session.scalars(mine.limit(MOST_READERS))).all()
    if found:
        return found
    return (
        await session.scalars(query.where(col(Account.roles).contains([Role.ADMIN.value])).limit(1))
    ).all()
