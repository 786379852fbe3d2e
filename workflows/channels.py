"""The lives of what comes through the channels: a text, a call, a device's fault, a chat."""

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.channels import ChatActivities, FaultActivities, PhoneActivities, TextActivities
    from models.messages.channels import (
        Alarmed,
        CallFacts,
        CallOrder,
        CallStatus,
        CallStep,
        ChatLeft,
        ChatOrder,
        ChatSeen,
        EventStatus,
        FaultOrder,
        FaultSeen,
        FaultStatus,
        FaultWait,
        LookAtChat,
        LookAtFault,
        PlacedText,
        PlaceText,
        TextOrder,
        call_workflow_id,
        chat_workflow_id,
        fault_workflow_id,
    )
    from models.messages.journeys import Wait, WaitFor
    from models.messages.letters import Letter
    from models.messages.tickets import CustomerWrote, ticket_workflow_id
    from models.rules import channels as rules
    from workflows.kit.letters import Letters
    from workflows.kit.options import ROWS
    from workflows.kit.waiting import Waits


@workflow.defn(name="InboundText")
class InboundTextWorkflow:
    """One text, alive until it has its place and its ticket knows of it."""

    @workflow.run
    async def run(self, order: TextOrder) -> PlacedText:
        """Place it and tell the ticket; one that has ended meanwhile is followed by a new one."""
        placed = await workflow.execute_activity_method(
            TextActivities.place, PlaceText(order.event_id, workflow.now()),
            summary="Put the text where it belongs", **ROWS,
        )  # fmt: skip
        if placed.status is not EventStatus.PLACED or not placed.is_news:
            return placed
        ticket = workflow.get_external_workflow_handle(ticket_workflow_id(placed.ticket_id))
        try:
            await ticket.signal("customer_wrote", CustomerWrote(placed.message_id, workflow.now()))
        except ApplicationError:
            workflow.logger.info("the ticket of %s has ended", order.event_id)
            return await workflow.execute_activity_method(
                TextActivities.follow, PlaceText(order.event_id, workflow.now()),
                summary="Give the text a ticket of its own", **ROWS,
            )  # fmt: skip
        return placed


@workflow.defn(name="PhoneCall")
class PhoneCallWorkflow:
    """One call, alive until its end is known and late events had their time."""

    @workflow.init
    def __init__(self, order: CallOrder) -> None:
        self.order = order
        self.facts = order.facts
        self.written = order.facts
        self.seq = 0
        self.waits = Waits()

    @workflow.run
    async def run(self, order: CallOrder) -> CallStatus:
        """Follow the events; what is over is judged a little later, because events overtake each other."""
        subject, now = call_workflow_id(order.call_id), workflow.now()
        until = now + rules.LONGEST_CALL
        self.waits.begin(Wait("call", subject, "", WaitFor.SYSTEM, "call", now, until, "end"))
        await self.record()
        while self.facts.ended_at is None:
            if not await self.waits.until("call", self.has_news):
                self.facts = rules.merged(self.facts, CallFacts(ended_at=workflow.now()))
            await self.record()
        await workflow.sleep(rules.CALL_GRACE, summary="Events that come late")
        self.waits.end_all()
        status = await self.record(is_over=True)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return status

    def has_news(self) -> bool:
        return self.facts != self.written

    async def record(self, *, is_over: bool = False) -> CallStatus:
        """Write what is known by now."""
        self.seq += 1
        self.written = self.facts
        step = CallStep(
            self.order.call_id, self.seq, rules.status_of(self.facts), self.facts, workflow.now(), is_over,
            self.waits.take(),
        )  # fmt: skip
        return await workflow.execute_activity_method(
            PhoneActivities.record, step, summary=f"The call is {step.status.value}", **ROWS
        )

    @workflow.signal
    def heard(self, facts: CallFacts) -> None:
        """An event; copies and any order give the same."""
        self.facts = rules.merged(self.facts, facts)

    @workflow.query
    def status(self) -> CallStatus:
        """How the call stands."""
        return rules.status_of(self.facts)


@workflow.defn(name="DeviceFault")
class DeviceFaultWorkflow:
    """One episode of a fault of a device, alive until it has been quiet for long enough."""

    @workflow.init
    def __init__(self, order: FaultOrder) -> None:
        self.is_alarmed = False

    @workflow.run
    async def run(self, order: FaultOrder) -> FaultSeen:
        """Look at the alarms again and again; how often and what they mean, the activity says."""
        waits, seq = Waits(), order.seq
        for _look in range(rules.MOST_LOOKS):
            seq += 1
            self.is_alarmed = False
            look = LookAtFault(order.fault_id, seq, workflow.now())
            seen = await workflow.execute_activity_method(
                FaultActivities.look, look, summary="Look at the alarms of the device", **ROWS
            )
            is_over = seen.status is FaultStatus.OVER
            key = seen.status.value
            if is_over or key not in waits.open:
                waits.end_all()
                if not is_over:
                    waits.begin(self.wait(order, seen))
                step = FaultWait(order.fault_id, waits.take())
                await workflow.execute_activity_method(
                    FaultActivities.wait, step, summary="Say what is waited for", **ROWS
                )
            if is_over:
                return seen
            pause = max(seen.next_at - workflow.now(), timedelta(seconds=1))
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: self.is_alarmed, timeout=pause, timeout_summary="Until the next look"
                )
        workflow.continue_as_new(FaultOrder(order.fault_id, order.looks + rules.MOST_LOOKS, seq))

    @workflow.signal
    def alarmed(self, fact: Alarmed) -> None:
        """The device gave alarm again."""
        self.is_alarmed = True

    def wait(self, order: FaultOrder, seen: FaultSeen) -> Wait:
        """What the watch waits for now."""
        subject = fault_workflow_id(order.fault_id)
        key, now = seen.status.value, workflow.now()
        what = "device_alarms" if seen.status is FaultStatus.WATCHING else "device_quiet"
        return Wait(key, subject, seen.ticket_id, WaitFor.TIMER, what, now, None, "check_again")


@workflow.defn(name="Chat")
class ChatWorkflow:
    """One chat, alive until nobody has written for a while; what was not seen goes on by letter."""

    @workflow.init
    def __init__(self, order: ChatOrder) -> None:
        self.order = order
        self.has_left = self.is_over = False
        self.waits = Waits()
        self.letters = Letters(self.tell_failed_letter)

    @workflow.run
    async def run(self, order: ChatOrder) -> bool:
        """Bear silence for some minutes; answers whether a letter had to be written."""
        subject = chat_workflow_id(order.chat_id)
        seen = await self.look()
        while not seen.is_over:
            self.waits.decided("silence", seen.until)
            await self.waits.until("silence", lambda: self.has_left)
            seen = await self.look()
        self.waits.end_all()
        seen = await self.look()  # once more: an answer may have been on its way
        for message_id in seen.unseen:
            key = f"{subject}/{message_id}"
            self.letters.send(Letter(key, order.chat_id, "tickets/reply", message_id=message_id))
        await self.letters.all_sent()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return bool(seen.unseen)

    async def look(self) -> ChatSeen:
        """Whether somebody still writes; the activity decides until when silence is borne."""
        subject, now = chat_workflow_id(self.order.chat_id), workflow.now()
        if not self.is_over:
            until = now + rules.CHAT_SILENCE
            self.waits.begin(
                Wait("silence", subject, self.order.chat_id, WaitFor.CUSTOMER, "chat", now, until, "end_chat")
            )
        look = LookAtChat(self.order.chat_id, workflow.now(), self.waits.take(), self.has_left)
        seen = await workflow.execute_activity_method(
            ChatActivities.look, look, summary="Look whether somebody still writes", **ROWS
        )
        self.is_over = seen.is_over
        return seen

    async def tell_failed_letter(self, letter: Letter) -> None:
        """Without any way to reach them the words wait on the ticket's page."""
        workflow.logger.info("nobody could be written to after %s", self.order.chat_id)

    @workflow.signal
    def left(self, fact: ChatLeft) -> None:
        """Somebody has ended it."""
        self.has_left = True


LIVES_OF_CHANNELS = (InboundTextWorkflow, PhoneCallWorkflow, DeviceFaultWorkflow, ChatWorkflow)
