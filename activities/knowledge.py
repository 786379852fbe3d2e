"""Articles that are to be looked at again, and what readers left and is forgotten after its time."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col
from temporalio import activity

from activities.connectors.delivery import ReceiverRefused
from activities.connectors.mail import Mail
from activities.kit.calendars import working_calendar
from activities.kit.letters import LOCALES, Stationery
from activities.kit.transactions import transaction
from models.knowledge import ArticleFeedback, ArticleGap, ArticleSearch, ArticleVersion, KnowledgeArticle
from models.messages.catalogue import VersionStatus
from models.messages.knowledge import GapStatus, KnowledgeDay, ReviewDue
from models.messages.letters import Delivery
from models.messages.systems import System
from models.rules.calendars import is_working_day
from models.rules.knowledge import is_to_be_reminded, review_round
from models.staff import Account, KeptWords
from models.systems import SentMessage

LETTER = "knowledge/review_due"
SEARCHES_LAST, COMMENTS_LAST, GAPS_LAST = timedelta(days=90), timedelta(days=180), timedelta(days=365)
WORDS_LAST = timedelta(days=1)  # what somebody searched for, behind the id in their address
MOST_LETTERS = 200  # of one day


@dataclass
class KnowledgeActivities:
    """The daily look at articles; dependencies are handed in by worker.py."""

    engine: AsyncEngine
    mail: Mail
    public_url: str
    stationery: Stationery = field(default_factory=Stationery)

    @activity.defn(name="knowledge.due")
    async def due(self, at: KnowledgeDay) -> list[ReviewDue]:
        """The published articles of whose review somebody hears today; on a working day only. Reads only."""
        async with transaction(self.engine) as session:
            if not is_working_day(at.day, await working_calendar(session, at.at)):
                return []
            published = select(col(ArticleVersion.article_key)).where(
                col(ArticleVersion.status) == VersionStatus.PUBLISHED
            )
            query = select(KnowledgeArticle).where(
                col(KnowledgeArticle.key).in_(published), col(KnowledgeArticle.review_on) <= at.day
            )
            oldest = (col(KnowledgeArticle.review_on), col(KnowledgeArticle.key))
            rows = await session.scalars(query.order_by(*oldest))
            found = [one for one in rows if is_to_be_reminded(one.review_on, one.reminded_on, at.day)]
        return [
            ReviewDue(one.key, one.review_on, at.day, review_round(one.review_on, at.day))
            for one in found[:MOST_LETTERS]
        ]

    @activity.defn(name="knowledge.remind")
    async def remind(self, due: ReviewDue) -> Delivery:
        """Write to the owner once for each round. Safe to repeat: a key that was sent is left alone, and the
        mail system takes each key once."""
        key = f"article:{due.article_key}:review:{due.due_on.isoformat()}:{due.round}"
        async with transaction(self.engine) as session:
            if await session.get(SentMessage, key) is not None:
                return Delivery.MAIL
            article = await session.get_one(KnowledgeArticle, due.article_key)
            owner = await session.get_one(Account, article.owner_id)
            if not owner.is_active:  # an administrator hears it: no article is forgotten with its owner
                admins = select(Account).where(col(Account.roles).contains(["admin"]), col(Account.is_active))
                owner = (await session.scalars(admins.order_by(Account.id).limit(1))).one_or_none() or owner
            locale = owner.locale if owner.locale in LOCALES else "ko"
            title = getattr(ArticleVersion, f"title_{locale}")
            version = (
                col(ArticleVersion.article_key) == article.key,
                col(ArticleVersion.status) == VersionStatus.PUBLISHED,
            )
            values = {
                "name": owner.name,
                "title": await session.scalar(select(title).where(*version)) or article.key,
                "due_on": datetime(due.due_on.year, due.due_on.month, due.due_on.day, 12, tzinfo=UTC),
                "is_late": due.round > 1, "link": f"{self.public_url}/knowledge/{article.key}",
            }  # fmt: skip
        mail = self.stationery.mail(LETTER, locale, values)
        try:
            provider_id = await self.mail.send(owner.login, mail.subject, mail.text, mail.html, key=key)
        except ReceiverRefused:
            return Delivery.REFUSED
        await self._note(due, key, provider_id)
        return Delivery.MAIL

    @activity.defn(name="knowledge.forget")
    async def forget(self, at: KnowledgeDay) -> int:
        """Forget searches, words, comments and marks whose time is over. Safe to repeat: it only deletes."""
        async with transaction(self.engine) as session:
            old = delete(ArticleSearch).where(col(ArticleSearch.day) < at.day - SEARCHES_LAST)
            gone: Any = await session.execute(old)
            stale = delete(KeptWords).where(col(KeptWords.made_at) < at.at - WORDS_LAST)
            lost: Any = await session.execute(stale)
            spoken = (col(ArticleFeedback.comment) != "", col(ArticleFeedback.at) < at.at - COMMENTS_LAST)
            hushed: Any = await session.execute(update(ArticleFeedback).where(*spoken).values(comment=""))
            past = or_(
                col(ArticleGap.marked_at) < at.at - GAPS_LAST,
                (col(ArticleGap.status) != GapStatus.OPEN)
                & (col(ArticleGap.marked_at) < at.at - COMMENTS_LAST),
            )
            left: Any = await session.execute(delete(ArticleGap).where(past))
        return int(gone.rowcount + lost.rowcount + hushed.rowcount + left.rowcount)

    async def _note(self, due: ReviewDue, key: str, provider_id: str) -> None:
        row = {
            "key": key, "system": System.MAIL, "ticket_id": None, "case_id": None, "letter": LETTER,
            "sent_at": datetime.now(UTC), "provider_id": provider_id,
        }  # fmt: skip
        async with transaction(self.engine) as session:
            await session.execute(insert(SentMessage).values(row).on_conflict_do_nothing())
            mine = update(KnowledgeArticle).where(col(KnowledgeArticle.key) == due.article_key)
            await session.execute(mine.values(reminded_on=due.day))
