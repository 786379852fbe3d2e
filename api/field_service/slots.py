"""The times that a customer may choose, for a technician whose other customers stay unknown."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from api.kit.desk import DeskAt
from models.field_service import Visit
from models.kit.calendars import working_calendar
from models.kit.diaries import LOOK_AHEAD_DAYS, closed_days
from models.messages.field_service import VisitStatus
from models.rules.field_service import Diary, Slot, free_slots

NOTICE = timedelta(hours=2)  # nobody is asked to come sooner
CHOOSING = frozenset({VisitStatus.ACCEPTED, VisitStatus.SCHEDULED})


async def slots_of(desk: DeskAt, visit: Visit) -> tuple[Slot, ...]:
    """The free times of the visit's technician in two weeks; none when it is not time to choose."""
    if visit.technician_id is None or visit.status not in CHOOSING:
        return ()
    now = datetime.now(UTC)
    asked = {"technician": visit.technician_id, "visit": visit.id}
    busy = await desk.session.execute(text("select * from ieum_busy_times(:technician, :visit)"), asked)
    off = await desk.session.execute(text("select * from ieum_days_off(:technician)"), asked)
    shifts = await desk.session.execute(text("select * from ieum_shifts(:technician)"), asked)
    calendar = await working_calendar(desk.session, now)
    diary = Diary(
        {weekday: (starts, ends) for weekday, starts, ends in shifts},
        closed_days(calendar, now) | frozenset(day for (day,) in off),
        tuple((starts, ends) for starts, ends in busy),
    )
    return free_slots(diary, now + NOTICE, LOOK_AHEAD_DAYS)
