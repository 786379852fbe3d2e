"""The HR system's news, taken page by page into our rows: newer news win, in whatever order they come."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import SQLModel, col
from temporalio import activity

from activities.connectors.hr import Hr
from activities.kit.transactions import transaction
from activities.staff.journeys import write_changes
from activities.staff.leaving import let_leave
from models.kit import ids
from models.messages.staff import NewsTaken, PeopleMoment
from models.rules.staff.news import (
    Change,
    PersonNews,
    changes,
    in_force,
    read_news,
    status_on,
)
from models.staff import CostCentre, Employee, EmployeeAbsence, PeopleFeed

FEED = "hr"
FACTS = (
    "name", "email", "phone", "department", "title", "site", "cost_centre", "manager_hr_id", "starts_on",
    "ends_on",
)  # fmt: skip
# Who belongs to whom is said by the HR system's ids; somebody not known yet is found once they are known.
JOINED = (
    """update employees e set manager_id = m.id from employees o
       left join employees m on m.hr_id = o.manager_hr_id and m.id <> o.id
       where o.id = e.id and e.manager_id is distinct from m.id""",
    """update employee_absences a set employee_id = e.id from employees e
       where e.hr_id = a.employee_hr_id and a.employee_id is distinct from e.id""",
    """update cost_centres c set owner_id = e.id from cost_centres o
       left join employees e on e.hr_id = o.owner_hr_id
       where o.id = c.id and c.owner_id is distinct from e.id""",
    """update employees e set account_id = a.id from accounts a
       where e.account_id is null and a.login = e.email and a.is_active
         and a.customer_id is null and a.partner_id is null and e.id = (
         select min(o.id) from employees o where o.email = a.login and o.status <> 'left')
         and not exists (select 1 from employees o where o.account_id = a.id)""",
)


@dataclass
class PeopleFeedActivities:
    """Listening to the HR system; dependencies are handed in by worker.py."""

    engine: AsyncEngine
    hr: Hr
    most_leavers: int = 20  # of one day; more are held back until an administrator accepts them

    @activity.defn(name="staff.take_news")
    async def take_news(self, moment: PeopleMoment) -> NewsTaken:
        """Take the next page of news. Safe to repeat: the place in the feed is written with what was read
        there, and a record changes something only when it is newer than what is known."""
        async with transaction(self.engine) as session:
            since = await _place(session)
        page = await self.hr.news(since)
        news = read_news(page.records)
        for unreadable in news.unreadable:
            activity.logger.warning("a record of the HR system cannot be read: %s", unreadable)
        async with transaction(self.engine) as session:
            if await _place(session) != since:  # another worker has taken this page
                return NewsTaken(0, 0, has_more=True)
            if not await let_leave(session, news.people, moment, self.most_leavers):
                return NewsTaken(0, 0, has_more=False)
            newer = await _people(session, news.people, moment)
            newer += await _upsert(session, EmployeeAbsence, "hr_id", [asdict(one) for one in news.absences])
            newer += await _upsert(session, CostCentre, "id", [asdict(one) for one in news.cost_centres])
            if newer:
                for statement in JOINED:
                    await session.execute(text(statement))
            feed = update(PeopleFeed).where(col(PeopleFeed.id) == FEED)
            await session.execute(feed.values(cursor=page.cursor, read_at=moment.at))
        return NewsTaken(len(page.records), newer, page.has_more, len(news.unreadable))


async def _place(session: AsyncSession) -> str:
    """Where the feed was read to; whoever asks holds the place until the transaction ends."""
    born = insert(PeopleFeed).values(id=FEED, cursor="").on_conflict_do_nothing()
    await session.execute(born)
    return (await session.execute(select(col(PeopleFeed.cursor)).with_for_update())).scalar_one()


async def _people(session: AsyncSession, told: Sequence[PersonNews], moment: PeopleMoment) -> int:
    """Store those records that are newer, and what they say that was not known."""
    keys = [one.hr_id for one in told]
    known = {
        row.hr_id: row
        for row in await session.scalars(
            select(Employee).where(col(Employee.hr_id).in_(keys)).with_for_update()
        )
    }
    fresh, noticed = [], list[tuple[str, int, Change]]()
    for one in told:
        before = known.get(one.hr_id)
        if before is not None and before.seen_seq >= one.seq:
            continue
        now = in_force(one, moment.day)
        id = before.id if before else ids.fresh("emp")
        facts = {name: getattr(now, name) for name in FACTS}
        status = status_on(moment.day, now.starts_on, now.ends_on) if before is None else before.status
        fresh.append({"id": id, "hr_id": one.hr_id, "status": status, "seq": one.seq, **facts})
        told_before = _as_news(before) if before else None
        known_status = before.status if before else None
        noticed += [(id, one.seq, change) for change in changes(told_before, known_status, now, moment.day)]
    stored = await _upsert(session, Employee, "hr_id", fresh, keep=("id", "status"))
    await write_changes(session, noticed, moment.at)
    return stored


def _as_news(row: Employee) -> PersonNews:
    return PersonNews(hr_id=row.hr_id, seq=row.seen_seq, **{name: getattr(row, name) for name in FACTS})


async def _upsert(
    session: AsyncSession,
    model: type[SQLModel],
    key: str,
    rows: list[dict[str, Any]],
    keep: tuple[str, ...] = (),
) -> int:
    """Insert or replace rows by their key where the news are newer; how many were."""
    if not rows:
        return 0
    statement = insert(model).values([{"seen_seq": row.pop("seq"), **row} for row in rows])
    names = [name for name in rows[0] if name not in (key, *keep)]
    seen = model.__table__.c.seen_seq  # type: ignore[attr-defined]
    newer = statement.on_conflict_do_update(
        index_elements=[key],
        set_={name: statement.excluded[name] for name in (*names, "seen_seq")},
        where=statement.excluded.seen_seq > seen,
    ).returning(seen)
    return len((await session.execute(newer)).all())
