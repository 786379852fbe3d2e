"""What the HR system says reaches the requests: approvals move, joiners' requests begin, move and end."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.staff import PeopleFeedActivities
from models.kit.schedules import SCHEDULES
from models.messages.employee_requests.items import Step, StepKind, Trigger, Wait
from models.messages.employee_requests.requests import RequestStatus
from tests.builders.items import an_account, an_approval, an_item, texts
from tests.conftest import Database
from tests.desk import RunningDesk, StandIns
from tests.workflows.hr_feed import AwayHr, sync
from tests.workflows.requesting import Asking, RequestPost, Systems
from workflows.kit.options import DIRECTORY_QUEUE, HR_QUEUE, MAIL_QUEUE, OFFICE_QUEUE, STOCK_QUEUE

SYSTEMS, POST, HR = Systems(), RequestPost(), AwayHr()
SEOUL = ZoneInfo("Asia/Seoul")
TODAY = datetime.now(SEOUL).date()


@pytest.fixture
def stand_ins(worker_engine: AsyncEngine) -> StandIns:
    for one in (SYSTEMS, POST, HR):
        one.__init__()  # type: ignore[misc]
    call, news = SYSTEMS.acts(worker_engine).call, PeopleFeedActivities(worker_engine, HR).take_news
    queues = (DIRECTORY_QUEUE, OFFICE_QUEUE, STOCK_QUEUE)
    return StandIns(acts={MAIL_QUEUE: [POST.write], HR_QUEUE: [news], **{queue: [call] for queue in queues}})


@pytest.fixture
async def asking(desk: RunningDesk, database: Database) -> Asking:
    asking = Asking(desk, SYSTEMS, POST, database.owner_url)
    await asking.settle_in()
    return asking


def test_the_sync_comes_more_often_than_once_a_minute() -> None:
    """Somebody who leaves just after one sync is found by the next, and it takes a moment itself."""
    [one] = [one for one in SCHEDULES if one.name == "PeopleSync"]

    assert one.every is not None
    assert one.every + timedelta(seconds=15) <= timedelta(minutes=1)


@pytest.mark.parametrize("how", ["left", "absent", "delegated"])
async def test_an_approval_moves_with_the_next_sync(asking: Asking, how: str) -> None:
    await asking.begin(an_item(an_approval()), "approval_asked")
    assert await asking.approvals() == [("emp_chief", "manager", "pending")]

    if how == "left":
        HR.hire("emp_chief", manager_id="HR-emp_boss", ends_on=str(TODAY - timedelta(days=1)))
    elif how == "absent":
        HR.away("emp_chief", str(TODAY))
    else:
        await asking.desk.change(
            "insert into delegations (id, from_employee_id, to_employee_id, from_on, until_on, created_by,"
            " created_at) values ('d', 'emp_chief', 'emp_peer', :day, :day, 'acc_emp_chief', now())",
            day=TODAY,
        )
    synced = await sync(asking.desk, HR, how)
    await asking.until_story("approver_changed")

    assert synced.retargeted == 1
    instead = "emp_peer" if how == "delegated" else "emp_boss"
    assert await asking.approvals() == [(instead, how, "pending")]
    assert (await sync(asking.desk, HR, f"{how} again")).retargeted == 0
    await asking.decide(instead)
    assert await asking.result() is RequestStatus.DONE


async def test_a_joiner_told_twice_moved_twice_and_called_off_is_one_request_that_is_undone(
    asking: Asking,
) -> None:
    first_day = Step("first_day", StepKind.WAIT, texts("First day"), wait=Wait(until="me.starts_on"))
    await asking.publish(an_item(an_account(), first_day, key="joiner", trigger=Trigger.JOINER))
    day = {"starts_on": str(TODAY + timedelta(days=30))}

    with asking.desk.environment.with_time_skipping_disabled():
        HR.hire("joiner", **day)
        HR.tell({key: value for key, value in HR.records[-1].items() if key != "seq"})  # told once more
        await sync(asking.desk, HR, 1)
        asking.id = await asking.born_of_news()
        await asking.until_step("1")
        for days in (40, 20):
            HR.hire("joiner", starts_on=str(TODAY + timedelta(days=days)))
            await sync(asking.desk, HR, f"moved to {days}")
        await asking.until_story("person_changed", times=2)
        await asking.desk.until(lambda: waits_for(asking, TODAY + timedelta(days=20)))
        assert SYSTEMS.directory.accounts.keys() == {"HR-joiner"}
        HR.hire("joiner", **day, is_withdrawn=True)
        await sync(asking.desk, HR, "called off")

        assert await asking.result() is RequestStatus.CANCELLED
    assert SYSTEMS.directory.accounts == {}  # what was done is undone
    assert len(await asking.desk.rows("select id from employee_requests")) == 1


async def waits_for(asking: Asking, day: date) -> bool:
    """Whether what is waited for ends with that day's first minute in Seoul."""
    return (await asking.wait_until()).astimezone(SEOUL).date() == day
