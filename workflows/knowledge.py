"""Each morning: owners hear which of their articles is to be looked at again, and old words are forgotten."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.knowledge import KnowledgeActivities
    from models.messages.knowledge import KnowledgeDay
    from workflows.kit.options import LETTER, ROWS
    from workflows.kit.schedules import appointed_day


@workflow.defn(name="KnowledgeDay")
class KnowledgeDayWorkflow:
    """One look for all articles together: a date on a row needs no life of its own (docs/decisions/0032)."""

    @workflow.run
    async def run(self) -> int:
        """Remind, then forget; answers with how many owners were written to."""
        day = KnowledgeDay(appointed_day(), workflow.now())
        await workflow.execute_activity_method(
            KnowledgeActivities.forget, day, summary="Forget old searches, comments and marks", **ROWS
        )
        due = await workflow.execute_activity_method(
            KnowledgeActivities.due, day, summary="Find articles whose review is due", **ROWS
        )
        told = 0
        for one in due:
            try:
                await workflow.execute_activity_method(
                    KnowledgeActivities.remind, one, summary=f"Remind of article {one.article_key}", **LETTER
                )
                told += 1
            except ActivityError:  # given up after a day; the article stays on the list of what is due
                workflow.logger.warning("nobody could be told of article %s", one.article_key)
        return told
