"""The morning of articles: one letter for each round, however often the day is called."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio.client import ScheduleBackfill, ScheduleOverlapPolicy

from activities.connectors.mail import ConsoleMail
from activities.kit.schedules import keep_schedules
from activities.knowledge import KnowledgeActivities
from models.kit.schedules import SCHEDULES
from models.knowledge import KnowledgeArticle
from tests.builders.knowledge import a_version
from tests.desk import RunningDesk, StandIns
from workflows.kit.options import MAIL_QUEUE

MORNING = datetime(2026, 11, 22, 23, 50, tzinfo=UTC)  # ten to nine on a Monday in Seoul


@pytest.fixture
def mail() -> ConsoleMail:
    return ConsoleMail()


@pytest.fixture
def stand_ins(worker_engine: AsyncEngine, mail: ConsoleMail) -> StandIns:
    look = KnowledgeActivities(worker_engine, mail, "https://desk.example")
    return StandIns(acts={MAIL_QUEUE: [look.remind]})


async def test_each_morning_owners_hear_once_what_is_due(desk: RunningDesk, mail: ConsoleMail) -> None:
    async with AsyncSession(desk.engine) as session, session.begin():
        for key, day in (("due", date(2026, 11, 21)), ("later", date(2027, 6, 1))):
            session.add(
                KnowledgeArticle(
                    key=key, owner_id="acc_jo", review_on=day, created_by="acc_jo", created_at=MORNING
                )
            )
            await session.flush()
            session.add(a_version(key, "article", MORNING))
    (appointment,) = [one for one in SCHEDULES if one.name == "KnowledgeDay"]
    await keep_schedules(desk.client, (appointment,))
    handle = desk.client.get_schedule_handle(appointment.id)
    minute = timedelta(minutes=1)

    async def ended() -> int:
        asked = "WorkflowType = 'KnowledgeDay' AND ExecutionStatus = 'Completed'"
        return len([one async for one in desk.client.list_workflows(asked)])

    async def called(times: int) -> None:
        again = ScheduleBackfill(MORNING - minute, MORNING + minute, ScheduleOverlapPolicy.ALLOW_ALL)
        await handle.backfill(again)

        async def is_over() -> bool:
            return await ended() == times

        await desk.until(is_over)

    await called(1)
    await called(2)
    await handle.delete()
    assert list(mail.sent) == ["article:due:review:2026-11-21:1"]
    [row] = await desk.rows("select reminded_on from articles where key = 'due'")
    assert row.reminded_on == date(2026, 11, 23)
