"""Tickets as they lived before their clocks were rows: the life of that day, and what its steps answered."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity, workflow

from workflows.tickets import TicketWorkflow

with workflow.unsafe.imports_passed_through():
    from activities.tickets import TicketActivities
    from models.messages.tickets import Change, FaultReport, Opened, Recorded, TicketStatus


@workflow.defn(name="Ticket")
class TicketAsItWas(TicketWorkflow):
    """The story without the mark that says that its clocks are rows."""

    @workflow.init
    def __init__(self, fault: FaultReport) -> None:
        super().__init__(fault)

    @workflow.run
    async def run(self, fault: FaultReport) -> TicketStatus:
        return await super().run(fault)

    async def live(self) -> None:
        await self.open()
        await self.wait_for_an_answer()
        await self.wait_until_resolved()


def steps_as_they_were(engine: AsyncEngine) -> list[Callable[..., Any]]:
    """They kept deadlines in the ticket's row only, and told them alone."""
    acts = TicketActivities(engine)

    def plain(recorded: Recorded) -> Recorded:
        return Recorded(recorded.answer_due, recorded.resolve_due, recorded.confirm_due)

    async def without_clocks() -> None:
        async with engine.begin() as connection:
            for table in ("ticket_promises", "ticket_pauses"):
                await connection.execute(text(f"delete from {table}"))

    @activity.defn(name="tickets.open")
    async def open(change: Change) -> Opened:
        opened = await acts.open(change)
        await without_clocks()
        return Opened(opened.team_id, opened.answer_due, opened.resolve_due)

    @activity.defn(name="tickets.record")
    async def record(change: Change) -> Recorded:
        recorded = await acts.record(change)
        await without_clocks()
        return plain(recorded)

    return [open, record]
