"""What a scheduled workflow needs: the business day it was called for, and starting the real work once."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from temporalio import workflow
from temporalio.common import SearchAttributeKey, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

APPOINTED = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
SEOUL = ZoneInfo("Asia/Seoul")


def appointed_day() -> date:
    """The date in Seoul for which the schedule called, also when it is caught up or backfilled later."""
    appointed = workflow.info().typed_search_attributes.get(APPOINTED)
    return (appointed or workflow.info().start_time).astimezone(SEOUL).date()


async def start_once(name: str, order: Any, workflow_id: str, summary: str) -> bool:
    """Start a life of its own under an id that is used once for ever; False when it has been there before."""
    try:
        await workflow.start_child_workflow(
            name, order, id=workflow_id, parent_close_policy=ParentClosePolicy.ABANDON,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE, static_summary=summary,
        )  # fmt: skip
    except WorkflowAlreadyStartedError:
        workflow.logger.info("%s is already there", workflow_id)
        return False
    return True
