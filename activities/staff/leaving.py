"""A feed that suddenly makes very many people leavers stands still until an administrator accepts it."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.kit.timeline import write_waits
from models.messages.journeys import Wait, WaitFor, WaitNotes, WaitOver
from models.messages.staff import PeopleMoment
from models.rules.staff.leavers import leavers, may_leave
from models.rules.staff.news import PersonNews
from models.staff import Employee, LeaverAcceptance, PeopleFeed

LIFE, KEY, FEED = "people-sync", "leavers", "hr"


async def let_leave(
    session: AsyncSession, told: Sequence[PersonNews], moment: PeopleMoment, most: int
) -> bool:
    """Count the leavers of a page; too many for the day hold the page back, and administrators are asked."""
    feed = await session.get_one(PeopleFeed, FEED)
    rows = select(Employee).where(col(Employee.hr_id).in_([one.hr_id for one in told]))
    known = {row.hr_id: (row.status, row.ends_on) for row in await session.scalars(rows)}
    before = feed.leavers if feed.leavers_on == moment.day else 0
    new = leavers(told, known, moment.day)
    word = select(func.max(col(LeaverAcceptance.leavers))).where(col(LeaverAcceptance.day) == moment.day)
    accepted = await session.scalar(word) if new else 0
    if may_leave(new, before, most, accepted or 0):
        feed.leavers_on, feed.leavers = moment.day, before + new
        if feed.held_at is not None:
            feed.held_at, feed.held_leavers = None, 0
            await write_waits(session, LIFE, WaitNotes(ended=(WaitOver(KEY, moment.at),)))
        return True
    feed.read_at, feed.held_at = moment.at, feed.held_at or moment.at
    feed.held_leavers = before + new
    wait = Wait(
        KEY, LIFE, "", WaitFor.US, "many_leavers", feed.held_at, details={"count": str(feed.held_leavers)}
    )
    await write_waits(session, LIFE, WaitNotes(opened=(wait,)))
    return False
