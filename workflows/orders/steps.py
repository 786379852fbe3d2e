"""The steps that every chapter of an order takes: each writes its rows before it counts."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.orders import OrderActivities
    from models.messages.billing.invoices import InvoiceSettled
    from models.messages.journeys import Wait, WaitFor
    from models.messages.letters import Letter
    from models.messages.orders import (
        ORDER_OVER,
        SENTENCES,
        OrderChange,
        OrderCommand,
        OrderPlaced,
        OrderPlan,
        OrderStatus,
        ShipmentStatus,
        Shipped,
        StepKind,
        StepNote,
        StepStatus,
        SystemOrder,
        order_workflow_id,
    )
    from models.messages.tickets import TicketKind, TicketSettled, ticket_workflow_id
    from models.rules import orders as rules
    from workflows.kit.letters import Letters
    from workflows.kit.options import ROWS, ActivityOptions
    from workflows.kit.search import STAGE, WORD
    from workflows.kit.waiting import Waits, told
    from workflows.orders.asking import open_ticket

T = TypeVar("T")


class CalledOff(Exception):
    """The order is off: whatever was going on stops here, and the undo list begins."""


class OrderSteps:
    """What an order knows, and how one step of its life is written."""

    def __init__(self, placed: OrderPlaced) -> None:
        self.placed = placed
        self.status = OrderStatus.RECEIVED
        self.seq = 0
        self.plan: OrderPlan | None = None
        self.steps: dict[int, StepNote] = {}
        self.off: OrderCommand | None = None  # who called the order off, and why
        self.credit: OrderCommand | None = None  # who decided the grey zone
        self.is_credit_given = False
        self.settled: InvoiceSettled | None = None
        self.tickets: dict[str, TicketSettled] = {}
        self.tries_again = False
        self.is_closing = False  # the last step is being written
        self.goods_came = 0
        self.parcels: dict[str, ShipmentStatus] = {}
        self.shipped: dict[str, Shipped] = {}
        self.waits = Waits()
        self.letters = Letters(self.tell_failed_letter)
        self.turn = asyncio.Lock()  # one row at a time: the story, people and facts take turns

    @property
    def id(self) -> str:
        return self.placed.order_id

    # Asking outside, for as long as nobody calls the order off

    async def act(self, doing: Callable[[], Awaitable[T]]) -> T:
        """Do something outside; a cancellation does not wait until a system that is away comes back.

        What was begun may still arrive: its step is on the undo list, and undoing it bars it for good."""
        self.stop_if_off()
        task = asyncio.ensure_future(doing())
        await workflow.wait_condition(lambda: task.done() or self.off is not None)
        if task.done():
            return await task
        task.cancel()
        with suppress(asyncio.CancelledError, ActivityError):
            await task
        raise CalledOff

    async def ask(self, activity: Any, order: SystemOrder, summary: str, options: ActivityOptions) -> Any:
        """Ask an outside system for one thing under its key."""
        return await workflow.execute_activity_method(activity, order, summary=summary, **options)

    async def insist(self, activity: Any, order: SystemOrder, summary: str, options: ActivityOptions) -> Any:
        """Ask until it is done: a system that has not done its part within the policy's time, or refuses it,
        gives a colleague a task, and is asked again under the same key when they have seen to it."""
        within = timedelta(hours=self.placed.ask_hours)
        limited: ActivityOptions = {**options, "schedule_to_close_timeout": within}
        while True:
            try:
                return await self.act(lambda: self.ask(activity, order, summary, limited))
            except ActivityError as failure:
                if is_cancelled(failure):
                    raise
                await self.have_it_seen_to(options)

    async def have_it_seen_to(self, options: ActivityOptions) -> None:
        """A task for a colleague; the order goes on when it is settled."""
        ticket = await self.open_ticket(TicketKind.TASK, "refused_outside")
        self.begin_wait("seen_to", WaitFor.US)
        system = options["task_queue"].removeprefix("system-")
        details = {"system": system, "ticket_id": ticket}
        await self.record("orders.refused_outside", None, details=details, is_public=False)
        try:
            await self.wait("seen_to", lambda: ticket in self.tickets)
        except CalledOff:
            await self.call_task_off(ticket)
            raise
        self.waits.end("seen_to")
        await self.record("orders.seen_to", None, is_public=False)

    async def call_task_off(self, ticket: str) -> None:
        """Nobody has to look at the task any more; one that is over already needs no word."""
        try:
            await workflow.get_external_workflow_handle(ticket_workflow_id(ticket)).cancel()
        except ApplicationError:
            workflow.logger.info("ticket %s is over already", ticket)

    def stop_if_off(self) -> None:
        """The one place where the story notices that it is over."""
        if self.off is not None:
            raise CalledOff

    async def wait(self, key: str, is_over: Callable[[], bool]) -> bool:
        """Wait for something, at most until the wait's deadline; False means the deadline passed."""
        in_time = await self.waits.until(key, lambda: is_over() or self.off is not None)
        self.stop_if_off()
        return in_time

    # The undo list

    def begin_step(self, kind: StepKind, reference: str = "") -> StepNote:
        """Put a step on the undo list before anything is asked; its number is part of its key."""
        position = len(self.steps) + 1
        note = StepNote(position, kind, StepStatus.DOING, f"{self.id}:{kind.value}:{position}", reference)
        self.steps[position] = note
        return note

    def note(self, step: StepNote, status: StepStatus, **facts: Any) -> StepNote:
        """Change how a step stands; the next recorded change writes it."""
        self.steps[step.position] = noted = replace(self.steps[step.position], status=status, **facts)
        return noted

    # What every step does

    async def record(
        self, sentence: str, status: OrderStatus | None, command: OrderCommand | None = None, **facts: Any
    ) -> None:
        """Write row, undo list, timeline and waits in one transaction; only then does it count."""
        async with self.turn:
            status = status or self.status
            if self.status is OrderStatus.CANCELLING and status not in ORDER_OVER:
                status = OrderStatus.CANCELLING  # the story was a blink behind the cancellation
            self.seq += 1
            actor = {"actor_id": command.actor_id, "actor_kind": command.actor_kind} if command else {}
            change = OrderChange(
                self.id, self.placed.customer_id, self.seq, status, workflow.now(), sentence,
                steps=tuple(self.steps.values()), waits=self.waits.take(), **{**actor, **facts},
            )  # fmt: skip
            await workflow.execute_activity_method(
                OrderActivities.record, change, summary=told(SENTENCES[sentence]), **ROWS
            )
            if status is not self.status:
                self.status = status
                workflow.upsert_search_attributes(
                    [WORD.value_set("Order"), STAGE.value_set(self.status.value)]
                )

    def begin_wait(self, key: str, who: WaitFor, **facts: Any) -> None:
        """Say for whom and what the order waits from now on, and what is possible meanwhile."""
        status = facts.pop("status", self.status)
        said = {"what": key, "since": workflow.now(), "may": tuple(sorted(rules.may(status, key))), **facts}
        subject = order_workflow_id(self.id)
        self.waits.begin(
            Wait(
                key=key, subject=subject, ticket_id="", who=who, case_id=self.id,
                customer_id=self.placed.customer_id, **said,
            )
        )  # fmt: skip

    def send(self, letter: str, about: str = "", **values: str) -> None:
        """Hand a letter to the customer over without waiting for it."""
        key = f"{order_workflow_id(self.id)}/{letter}" + (f"/{about}" if about else "")
        customer = self.placed.customer_id
        letter_ = Letter(key, "", f"orders/{letter}", case_id=self.id, customer_id=customer, values=values)
        self.letters.send(letter_)

    async def tell_failed_letter(self, letter: Letter) -> None:
        """A letter failed for a whole day: the timeline says so."""
        details = {"letter": letter.template}
        await self.record("orders.letter_failed", None, details=details, is_public=False)

    async def open_ticket(self, kind: TicketKind, topic: str, owned_product_id: str | None = None) -> str:
        """Open a ticket that lives by itself and tells us how it ended."""
        asked_by = order_workflow_id(self.id)
        return await open_ticket(self.id, self.placed.customer_id, asked_by, kind, topic, owned_product_id)

    def is_over(self) -> bool:
        return self.status in ORDER_OVER


def is_cancelled(failure: BaseException) -> bool:
    """Whether somebody ended the workflow itself."""
    return is_cancelled_exception(failure)
