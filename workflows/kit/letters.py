"""Letters of a workflow: on their way beside the story, never in its way."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from models.messages.letters import Delivery, Letter
    from workflows.kit.options import LETTER


class Letters:
    """The letters under way; one that could not be sent for a day is handed to `tell_failure`."""

    def __init__(self, tell_failure: Callable[[Letter], Awaitable[None]], by: str = "letters.send") -> None:
        self._tell_failure = tell_failure
        self._by = by  # the activity that writes them
        self._under_way: list[asyncio.Task[None]] = []

    def send(self, letter: Letter) -> None:
        """Send a letter without waiting for it."""
        self._under_way.append(asyncio.create_task(self._deliver(letter)))

    async def _deliver(self, letter: Letter) -> None:
        try:
            summary = f"Send the letter {letter.template}"
            delivery = await workflow.execute_activity(self._by, letter, summary=summary, **LETTER)
        except ActivityError as failure:
            if is_cancelled_exception(failure):
                raise
            delivery = Delivery.NOWHERE
        if delivery in (Delivery.NOWHERE, Delivery.REFUSED):
            await self._tell_failure(letter)

    async def sent_within(self, span: timedelta) -> bool:
        """Wait for the letters at most so long; those still under way are left behind, never cancelled.

        Cancelling them here would fail the whole journey: a cancelled activity raises, and not a time-out."""
        try:
            await workflow.wait_condition(self.are_done, timeout=span)
        except TimeoutError:
            return False
        return True

    def are_done(self) -> bool:
        """Whether none is on its way."""
        return all(task.done() for task in self._under_way)

    async def all_sent(self) -> None:
        """Wait until every letter is sent or told as failed."""
        if not self.are_done():
            workflow.set_current_details("Waiting for the last letters to be taken (system)")
        await asyncio.gather(*self._under_way)
