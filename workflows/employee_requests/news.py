"""News of a colleague: requests that nobody has to ask for begin, move or are called off."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.employee_requests import PersonNewsActivities
    from models.messages.staff import PersonFact
    from workflows.kit.options import ROWS


@workflow.defn(name="PersonNews")
class PersonNewsWorkflow:
    """One fact about one colleague, taken once."""

    @workflow.run
    async def run(self, fact: PersonFact) -> int:
        """Answers with how many requests it begins, moves or calls off."""
        return await workflow.execute_activity_method(
            PersonNewsActivities.take_person_news, fact, summary="Begin, move or call off requests", **ROWS
        )
