"""An HR system in a running house: it tells what it is told to tell, or is away."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio.exceptions import ApplicationError

from activities.connectors.hr import NewsPage
from models.messages.staff import PeopleSynced
from tests.builders.hr import a_person
from tests.desk import DESK_QUEUE, RunningDesk

RETRIES = timedelta(seconds=41)


class AwayHr:
    """Tells one record after the other, a page each, while it is there."""

    def __init__(self) -> None:
        self.is_away = False
        self.asked = 0
        self.records: list[dict[str, Any]] = []

    async def news(self, since: str) -> NewsPage:
        self.asked += 1
        if self.is_away:
            raise ApplicationError("hr gave no clear answer: 503", type="hr_unclear")
        place = int(since or 0)
        found = self.records[place : place + 1]
        return NewsPage(tuple(found), str(place + len(found)), place + 1 < len(self.records))

    def hire(self, id: int | str, **facts: Any) -> None:
        record = {"kind": "employee", "id": f"HR-{id}", **a_person(0), "email": f"{id}@x.example", **facts}
        self.tell(record)

    def away(self, id: str, day: str) -> None:
        self.tell(
            {"kind": "absence", "id": f"AB-{id}", "employee_id": f"HR-{id}", "from_on": day, "until_on": day}
        )

    def tell(self, record: dict[str, Any], times: int = 1) -> None:
        self.records += [{**record, "seq": len(self.records) + 10}] * times


async def sync(desk: RunningDesk, hr: AwayHr, name: object) -> PeopleSynced:
    """One run; while the HR system is away its tries pass on the virtual clock."""
    handle: Any = await desk.client.start_workflow(
        "PeopleSync", id=f"people-sync-{name}", task_queue=DESK_QUEUE, result_type=PeopleSynced
    )
    if hr.is_away:
        await asyncio.wait_for(desk.environment.fast_forward(handle, RETRIES), 20)
    found: PeopleSynced = await asyncio.wait_for(handle.result(), 20)
    return found
