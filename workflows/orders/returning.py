"""The life of one return: asked, agreed, fetched, looked at, settled to the last won and the last device."""

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.orders import GoodsBackActivities, ReturnActivities
    from models.messages.journeys import WaitFor
    from models.messages.orders import ParcelScanned
    from models.messages.orders.returns import (
        InspectReturn,
        ReturnCommand,
        ReturnOrder,
        ReturnStatus,
        ReturnWay,
    )
    from models.messages.payments import RefundSettled
    from models.messages.tickets import TicketKind, TicketSettled
    from models.rules.orders import returns as rules
    from workflows.kit.options import CARRIER, ROWS
    from workflows.kit.refusals import refuse
    from workflows.orders.coming_back import ComingBack
    from workflows.orders.return_steps import Ended
    from workflows.orders.settling import Settling

S = ReturnStatus


@workflow.defn(name="Return")
class ReturnWorkflow(ComingBack, Settling):
    """One return, exchange or retrieval, alive until goods, money and contracts are where they belong."""

    @workflow.init
    def __init__(self, order: ReturnOrder) -> None:
        super().__init__(order)

    @workflow.run
    async def run(self, order: ReturnOrder) -> ReturnStatus:
        """Live through the return; until the goods have left, whoever asked may call it off."""
        try:
            await self.open()
            await self.fetch()
        except Ended as end:
            await self.end_early(end)
        else:
            found = () if self.is_lost else await self.have_it_inspected()
            if self.is_lost:
                await self.record("orders.return_lost", S.SETTLING)
            back_minor = await self.settle(found)
            self.waits.end_all()
            await self.record("orders.return_settled", S.SETTLED)
            self.send("return_settled", kind=order.kind.value)
            await self.tell_asker(back_minor)
        await self.letters.all_sent()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status

    # The story

    async def open(self) -> None:
        """Within the window the rule agrees; otherwise a person decides."""
        self.opened = await workflow.execute_activity_method(
            ReturnActivities.open, args=[self.order, workflow.now()],
            summary="Read what comes back: is it within the window?", **ROWS,
        )  # fmt: skip
        if self.opened.refusal:
            raise Ended(S.REFUSED, "orders.return_nothing")
        if not self.opened.is_agreed:
            await self.have_it_decided()
        self.stop_if_off()
        await self.record("orders.return_agreed", S.AGREED, self.decision)

    async def have_it_decided(self) -> None:
        """An agent decides; nobody in time: a colleague has a task."""
        until = workflow.now() + timedelta(hours=self.policy.decide_hours)
        self.begin_wait("return_decision", WaitFor.US, S.ASKED, until, "ask_colleague")
        await self.record("orders.return_undecided", S.ASKED)
        ticket = ""
        try:
            if not await self.wait("return_decision", lambda: self.decision is not None):
                ticket = await self.open_ticket(TicketKind.TASK, "return_decision")
                self.begin_wait("return_decision", WaitFor.US, S.ASKED)
                details = {"ticket_id": ticket}
                await self.record("orders.return_undecided_late", S.ASKED, details=details, is_public=False)
                await self.wait("return_decision", lambda: self.decision is not None)
        finally:
            self.waits.end("return_decision")
            await self.call_ticket_off(ticket)
        if self.decision is not None and not self.has_agreed:
            raise Ended(S.REFUSED, "orders.return_refused", self.decision.reason)

    async def end_early(self, end: Ended) -> None:
        """Nothing came back: the story, the customer and whoever asked are told."""
        self.waits.end_all()
        said = self.off if end.status is S.CALLED_OFF else self.decision
        facts = {"reason": end.reason, "details": {"reason": end.reason}} if end.reason else {}
        await self.record(end.sentence, end.status, said, **facts)
        self.send("return_ended", why=end.status.value, reason=end.reason)
        await self.tell_asker()

    # What people say

    @workflow.update
    async def agree(self, command: ReturnCommand) -> ReturnStatus:
        """An agent agrees out of the window."""
        return self.decide(command, is_agreed=True)

    @agree.validator
    def refuse_to_agree(self, command: ReturnCommand) -> None:
        self.refuse_impossible("agree")

    @workflow.update
    async def refuse(self, command: ReturnCommand) -> ReturnStatus:
        """An agent does not agree, and says why."""
        return self.decide(command, is_agreed=False)

    @refuse.validator
    def refuse_to_refuse(self, command: ReturnCommand) -> None:
        self.refuse_impossible("refuse")

    def decide(self, command: ReturnCommand, *, is_agreed: bool) -> ReturnStatus:
        """The first word counts."""
        self.decision, self.has_agreed = command, is_agreed
        return S.AGREED if is_agreed else S.REFUSED

    @workflow.update
    async def call_off(self, command: ReturnCommand) -> ReturnStatus:
        """Whoever asked keeps the goods; refused once they have left. Answered when the carrier knows."""
        is_fetched = self.status is S.AGREED and self.opened and self.opened.way is ReturnWay.CARRIER
        if is_fetched and not await self.ask(
            GoodsBackActivities.stop, "stop", "Call the driver off", CARRIER
        ):
            raise refuse("return_on_the_way")
        self.refuse_to_call_off(command)
        self.off = command
        return S.CALLED_OFF

    @call_off.validator
    def refuse_to_call_off(self, command: ReturnCommand) -> None:
        self.refuse_impossible("call_off")

    @workflow.update
    async def fetch_again(self, command: ReturnCommand) -> ReturnStatus:
        """The desk has the visit arranged once more."""
        self.fetches_again = True
        return self.status

    @fetch_again.validator
    def refuse_to_fetch_again(self, command: ReturnCommand) -> None:
        self.refuse_impossible("fetch_again")

    @workflow.update
    async def receive(self, command: ReturnCommand) -> ReturnStatus:
        """The desk has the goods in its hands, whatever the carrier says."""
        self.is_here = True
        return self.status

    @receive.validator
    def refuse_to_receive(self, command: ReturnCommand) -> None:
        self.refuse_impossible("receive")

    @workflow.update
    async def give_up(self, command: ReturnCommand) -> ReturnStatus:
        """The carrier has lost the goods: the customer is treated as if they had arrived whole."""
        self.is_lost = True
        return self.status

    @give_up.validator
    def refuse_to_give_up(self, command: ReturnCommand) -> None:
        self.refuse_impossible("give_up")

    @workflow.update
    async def inspect(self, command: InspectReturn) -> ReturnStatus:
        """An agent says what came back; the first word counts."""
        self.inspection = command
        return S.SETTLING

    @inspect.validator
    def refuse_to_inspect(self, command: InspectReturn) -> None:
        self.refuse_impossible("inspect")

    def refuse_impossible(self, command: str) -> None:
        """What the rule rules out now; what was said a moment ago counts already."""
        status = self.status
        if self.off is not None:
            status = S.CALLED_OFF
        elif self.has_left() and status is S.AGREED and command == "call_off":
            status = S.ON_THE_WAY
        waits = [key for key in self.waits.open if not self.is_answered(key)]
        if code := rules.refusal(command, status, waits):
            raise refuse(code)

    def is_answered(self, wait: str) -> bool:
        """Whether what is waited for was said, but the story has not gone on yet."""
        return {
            "return_decision": self.decision is not None, "inspection": self.inspection is not None,
            "return_lost": self.is_lost or self.is_here, "retrieval_again": self.fetches_again,
        }.get(wait, False)  # fmt: skip

    # Facts

    @workflow.signal
    async def parcel_scanned(self, fact: ParcelScanned) -> None:
        """The carrier scanned the goods on their way back."""
        await self.take_scan(fact)

    @workflow.signal
    def ticket_settled(self, fact: TicketSettled) -> None:
        """A visit or a task has ended."""
        self.tickets.setdefault(fact.ticket_id, fact)

    @workflow.signal
    def refund_settled(self, fact: RefundSettled) -> None:
        """The money is back; the refund's own result says so, too."""

    # For operations and tests

    @workflow.query(name="status")
    def state(self) -> ReturnStatus:
        """Where this life stands; pages read tables instead."""
        return self.status

    @workflow.query
    def now(self) -> datetime:
        """The time in this life, which tests can move."""
        return workflow.now()
