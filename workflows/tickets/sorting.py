"""Sorting a ticket: another team, another priority. Its deadlines follow the priority where it is written."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.messages.tickets import Sort, TicketStatus
    from workflows.kit.refusals import refuse
    from workflows.tickets.steps import TicketSteps


class SortSteps(TicketSteps):
    """A ticket that people sort."""

    @workflow.update
    async def sort(self, sort: Sort) -> TicketStatus:
        """A colleague gives it to another team or changes how urgent it is; answered once the row says so."""
        async with self.step("assign"):
            self.refuse_what_moved(sort)
            if sort.team_id:
                await self.record("tickets.given_to_team", self.status, sort, team_id=sort.team_id)
            if sort.priority is not None:
                await self.record("tickets.prioritised", self.status, sort, priority=sort.priority)
        return self.status

    @sort.validator
    def refuse_sort(self, sort: Sort) -> None:
        if self.refuse_early("assign"):
            self.refuse_what_moved(sort)

    def refuse_what_moved(self, sort: Sort) -> None:
        """Refuse when somebody else was quicker; an older life does not know what its row says."""
        for known, was, wanted in (
            (self.due.team_id, sort.from_team_id, sort.team_id),
            (self.due.priority, sort.from_priority, sort.priority),
        ):
            if known and was and known not in (was, wanted):
                raise refuse("ticket_sorted")
