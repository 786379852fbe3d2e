"""Keeps the house's appointments on the Temporal server: made once, changed when the list changes."""

import asyncio
import logging
from collections.abc import Iterable

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError

from models.kit.schedules import Scheduled

LOG = logging.getLogger(__name__)
HOME = "desk"  # the queue on which workflows live


async def keep_schedules(client: Client, wanted: Iterable[Scheduled], home: str = HOME) -> None:
    """Make every appointment or bring it up to date; somebody's pause of one stays. Safe to repeat."""
    for one in wanted:
        while True:
            try:
                await keep(client, one, home)
                break
            except RPCError as away:
                LOG.warning("the schedule %s could not be kept: %s", one.id, away.status.name)
                await asyncio.sleep(1)


async def keep(client: Client, one: Scheduled, home: str = HOME) -> None:
    """One appointment as the list says it now."""
    made = as_schedule(one, home)
    try:
        await client.create_schedule(one.id, made)
    except ScheduleAlreadyRunningError:

        def changed(found: ScheduleUpdateInput) -> ScheduleUpdate:
            made.state = found.description.schedule.state
            return ScheduleUpdate(made)

        await client.get_schedule_handle(one.id).update(changed)


def as_schedule(one: Scheduled, home: str = HOME) -> Schedule:
    """One appointment in Temporal's words; while one of it runs the next is left out."""
    on = (ScheduleRange(one.day_of_month),) if one.day_of_month else (ScheduleRange(1, 31),)
    calendar = ScheduleCalendarSpec(
        hour=(ScheduleRange(one.hour),), minute=(ScheduleRange(one.minute),), day_of_month=on
    )
    return Schedule(
        action=ScheduleActionStartWorkflow(one.name, id=one.id, task_queue=home),
        spec=(
            ScheduleSpec(intervals=[ScheduleIntervalSpec(every=one.every)])
            if one.every
            else ScheduleSpec(calendars=[calendar], time_zone_name=one.zone)
        ),
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy.SKIP, catchup_window=one.catch_up, pause_on_failure=False
        ),
    )
