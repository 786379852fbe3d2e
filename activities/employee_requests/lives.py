"""What a request's life does to our rows, step by step."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.employee_requests import asking, beginning, reading, recording
from activities.employee_requests.rows import Telling, let_employee_read, let_read, tell
from activities.kit.calendars import working_calendar
from activities.kit.transactions import transaction
from models.messages.employee_requests.items import Item
from models.messages.employee_requests.lives import Asked, Asking, Begun, Place, RequestChange, Standing
from models.messages.employee_requests.requests import ReaderWhy, RequestOrder, RequestStatus
from models.rules.calendars import add_working_minutes


@dataclass
class RequestActivities:
    """Everything that writes requests after their birth. Dependencies are handed in once, by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="employee_requests.open")
    async def open(self, place: Place, order: RequestOrder) -> Standing:
        """Open a request, or say where it stands: its item, what has begun, who may see it, until when it is
        promised. Safe to repeat: what was opened before is only read."""
        async with transaction(self.engine) as session:
            request = await reading.locked(session, order.request_id)
            item = await reading.item_of(session, request.item_key, request.item_version)
            if request.seq < place.seq and request.status is RequestStatus.OPEN and not order.is_again:
                request.seq, request.updated_at = place.seq, place.at
                request.owner_team_id = item.owner_team
                request.is_confidential = request.is_confidential or item.is_confidential
                if item.sla_hours:
                    calendar = await working_calendar(session, place.at)
                    request.due_at = add_working_minutes(place.at, item.sla_hours * 60, calendar)
                await let_read(session, request, request.asked_by, ReaderWhy.ASKER, place.at)
                await let_employee_read(
                    session, request, request.for_employee_id, ReaderWhy.BENEFICIARY, place.at
                )
                actor = request.asked_by or ""
                telling = Telling(request, place.seq, place.at, "employee" if actor else "system", actor)
                await tell(session, telling, "employee_requests.opened")
            return await reading.standing(session, request)

    @activity.defn(name="employee_requests.begin")
    async def begin(self, place: Place) -> Begun:
        """Begin a step. Safe to repeat: a step that has its row is read back."""
        async with transaction(self.engine) as session:
            return await beginning.begin(session, place)

    @activity.defn(name="employee_requests.look_again")
    async def look_again(self, place: Place) -> Begun:
        """Work out anew until when a step waits. Safe to repeat: the same facts give the same day."""
        async with transaction(self.engine) as session:
            return await beginning.look_again(session, place)

    @activity.defn(name="employee_requests.ask")
    async def ask(self, asked: Asking) -> Asked:
        """Ask somebody to approve: next, again, as well, or instead. Safe to repeat: a number that is not
        newer than the row's changes nothing."""
        async with transaction(self.engine) as session:
            return await asking.ask(session, asked)

    @activity.defn(name="employee_requests.record")
    async def record(self, change: RequestChange) -> str | None:
        """Write one change: rows, timeline, waits; the path of the step whose visit has ended. Safe to
        repeat: a number that is not newer than the row's changes nothing."""
        async with transaction(self.engine) as session:
            return await recording.record(session, change)

    @activity.defn(name="employee_requests.version")
    async def version(self, key: str, number: int) -> Item:
        """One version of an item. Safe to repeat: it only reads."""
        async with transaction(self.engine) as session:
            return await reading.item_of(session, key, number)
