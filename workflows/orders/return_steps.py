"""The steps that every chapter of a return takes: each writes its rows before it counts."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.orders import ReturnActivities
    from models.messages.journeys import Wait, WaitFor
    from models.messages.letters import Letter
    from models.messages.orders import ShipmentStatus
    from models.messages.orders.returns import (
        RETURN_OVER,
        SENTENCES,
        GoodsBack,
        ReturnChange,
        ReturnCommand,
        ReturnOpened,
        ReturnOrder,
        ReturnPolicy,
        ReturnSettled,
        ReturnStatus,
        return_workflow_id,
    )
    from models.messages.tickets import TicketKind, TicketSettled, ticket_workflow_id
    from models.rules.orders import returns as rules
    from workflows.kit.letters import Letters
    from workflows.kit.options import ROWS, ActivityOptions
    from workflows.kit.search import STAGE, WORD
    from workflows.kit.waiting import Waits, told
    from workflows.orders.asking import open_ticket

T = TypeVar("T")


class Ended(Exception):
    """The return ends here, before anything has come back."""

    def __init__(self, status: ReturnStatus, sentence: str, reason: str = "") -> None:
        super().__init__(status.value)
        self.status, self.sentence, self.reason = status, sentence, reason


class ReturnSteps:
    """What a return knows, and how one step of its life is written."""

    def __init__(self, order: ReturnOrder) -> None:
        self.order = order
        self.status = ReturnStatus.ASKED
        self.seq = 0
        self.opened: ReturnOpened | None = None
        self.decision: ReturnCommand | None = None  # who decided, out of the window
        self.has_agreed = False
        self.off: ReturnCommand | None = None  # who called it off
        self.is_moving = False  # the goods have left the customer
        self.is_here = False
        self.is_lost = False
        self.fetches_again = False
        self.parcel: ShipmentStatus | None = None
        self.tickets: dict[str, TicketSettled] = {}
        self.waits = Waits()
        self.letters = Letters(self.tell_failed_letter)
        self.turn = asyncio.Lock()  # one row at a time: the story, people and facts take turns

    @property
    def id(self) -> str:
        return self.order.return_id

    @property
    def policy(self) -> ReturnPolicy:
        assert self.opened is not None
        return self.opened.policy

    # Asking outside

    async def ask(self, activity: Any, what: str, summary: str, options: ActivityOptions) -> Any:
        """Ask an outside system for one thing under its key."""
        asked = GoodsBack(self.id, f"{return_workflow_id(self.id)}:{what}", workflow.now())
        return await workflow.execute_activity_method(activity, asked, summary=summary, **options)

    async def ask_unless_off(self, doing: Callable[[], Awaitable[T]]) -> T | None:
        """Ask outside, but only while nobody calls the return off; None when somebody has."""
        task = asyncio.ensure_future(doing())
        await workflow.wait_condition(lambda: task.done() or self.off is not None)
        if task.done():
            return await task
        task.cancel()
        with suppress(asyncio.CancelledError, ActivityError):
            await task
        return None

    async def wait(self, key: str, is_over: Callable[[], bool]) -> bool:
        """Wait for something, at most until the wait's deadline; ends with the return when it is off."""
        in_time = await self.waits.until(key, lambda: is_over() or self.off is not None)
        self.stop_if_off()
        return in_time

    def stop_if_off(self) -> None:
        """The one place where the story notices that somebody has called it off."""
        if self.off is not None:
            raise Ended(ReturnStatus.CALLED_OFF, "orders.return_called_off")

    # What every step does

    async def record(
        self, sentence: str, status: ReturnStatus | None, command: ReturnCommand | None = None, **facts: Any
    ) -> None:
        """Write row, timeline and waits in one transaction; only then does it count."""
        async with self.turn:
            status = status or self.status
            self.seq += 1
            actor = {"actor_id": command.actor_id, "actor_kind": command.actor_kind} if command else {}
            change = ReturnChange(
                self.id, self.order.customer_id, self.seq, status, workflow.now(), sentence,
                waits=self.waits.take(), **{**actor, **facts},
            )  # fmt: skip
            await workflow.execute_activity_method(
                ReturnActivities.record, change, summary=told(SENTENCES[sentence]), **ROWS
            )
            if status is not self.status:
                self.status = status
                workflow.upsert_search_attributes([WORD.value_set("Return"), STAGE.value_set(status.value)])

    def begin_wait(
        self,
        key: str,
        who: WaitFor,
        status: ReturnStatus,
        until: datetime | None = None,
        then: str = "",
        details: dict[str, str] | None = None,
    ) -> None:
        """Say for whom and what the return waits from now on, and what is possible meanwhile."""
        self.waits.begin(
            Wait(
                key, return_workflow_id(self.id), "", who, key, workflow.now(), until, then,
                tuple(sorted(rules.may(status, key))), details or {}, self.id, self.order.customer_id,
            )
        )  # fmt: skip

    def send(self, letter: str, **values: str) -> None:
        """Hand a letter to the customer over without waiting for it."""
        key = f"{return_workflow_id(self.id)}/{letter}"
        customer = self.order.customer_id
        self.letters.send(
            Letter(key, "", f"orders/{letter}", case_id=self.id, customer_id=customer, values=values)
        )

    async def tell_failed_letter(self, letter: Letter) -> None:
        """A letter failed for a whole day: the timeline says so."""
        details = {"letter": letter.template}
        await self.record("orders.return_letter_failed", None, details=details, is_public=False)

    # Tickets

    async def open_ticket(self, kind: TicketKind, topic: str, device: str | None = None) -> str:
        """Open a ticket that lives by itself and tells us how it ended."""
        asked_by = return_workflow_id(self.id)
        return await open_ticket(self.id, self.order.customer_id, asked_by, kind, topic, device)

    async def call_ticket_off(self, ticket: str) -> None:
        """Nobody has to look at it any more."""
        if not ticket or ticket in self.tickets:
            return
        try:
            await workflow.get_external_workflow_handle(ticket_workflow_id(ticket)).cancel()
        except ApplicationError:
            workflow.logger.info("ticket %s is over already", ticket)

    async def tell_asker(self, back_minor: int = 0) -> None:
        """Tell whoever asked for the return how it ended."""
        if not self.order.asked_by:
            return
        fact = ReturnSettled(self.id, self.status, workflow.now(), back_minor)
        try:
            asker = workflow.get_external_workflow_handle(self.order.asked_by)
            await asker.signal("return_settled", fact)
        except ApplicationError:
            workflow.logger.info("%s is over already", self.order.asked_by)

    def is_over(self) -> bool:
        return self.status in RETURN_OVER
