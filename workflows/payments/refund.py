"""The life of money that goes back: asked once, looked up until it is certain, settled by hand if need be."""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.payments import RefundActivities
    from models.kit.money import shown
    from models.messages.journeys import Wait, WaitFor
    from models.messages.letters import Letter
    from models.messages.payments import (
        BeginRefund,
        ChargeAnswer,
        RefundChange,
        RefundOrder,
        RefundSettled,
        RefundStatus,
        SettleByHand,
        Verdict,
    )
    from workflows.kit.letters import Letters
    from workflows.kit.options import LOOK_UP, MONEY, ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.waiting import Waits

CERTAIN = frozenset({Verdict.SUCCEEDED, Verdict.REFUSED})
SEEN_TWICE = 2


@workflow.defn(name="Refund")
class RefundWorkflow:
    """One refund with one key, alive until its customer surely has the money."""

    @workflow.init
    def __init__(self, order: RefundOrder) -> None:
        self.order = order
        self.status = RefundStatus.CREATED
        self.seq = 0
        self.written = 0  # the last step that the tables know
        self.waits = Waits()
        self.sent_at: datetime | None = None
        self.absences = 0  # look-ups since the last sending that found nothing and prove something
        self.answer = ChargeAnswer(Verdict.UNKNOWN)
        self.asks_finance = False
        self.by_hand: SettleByHand | None = None
        self.letters = Letters(self.tell_failed_letter)

    @workflow.run
    async def run(self, order: RefundOrder) -> RefundSettled:
        if refusal := await self.begin():
            return await self.tell_asker(RefundStatus.REFUSED, refusal)
        answer = await self.give_back()
        while answer.verdict is not Verdict.SUCCEEDED:
            answer = await self.ask_finance(answer)
        settled = await self.conclude(answer)
        await self.letters.all_sent()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return settled

    async def begin(self) -> str:
        """Write document and ledger before anything is asked; the code of the refusal when none is due."""
        self.wait("gateway", "gateway")
        begun = await workflow.execute_activity_method(
            RefundActivities.begin_refund,
            BeginRefund(self.order, workflow.now(), self.waits.take()),
            summary=f"Begin to give {self.amount()} back",
            **ROWS,
        )
        return begun.refusal

    async def give_back(self) -> ChargeAnswer:
        """Ask for it, and find out what became of it when the answer is unclear."""
        answer = await self.send()
        return answer if answer.verdict in CERTAIN else await self.find_out(answer)

    async def send(self) -> ChargeAnswer:
        """Ask; while it certainly never arrived, ask again with the same key, a few times."""
        answer = await self.ask()
        for pause in self.order.send_again_after_seconds:
            if answer.verdict is not Verdict.NOT_SENT:
                break
            self.waits.end_all()
            self.wait("send_again", "send_again", max(pause, answer.retry_after_seconds), "send_again")
            await self.record(RefundStatus.NOT_SENT, "payments.refund_not_sent", answer)
            await self.waits.until("send_again", lambda: False)
            self.waits.end("send_again")
            answer = await self.ask()
        return answer

    async def find_out(self, answer: ChargeAnswer) -> ChargeAnswer:
        """Look up at growing distances; sent again only when the gateway surely has nothing of it."""
        sentence = "payments.refund_unknown"
        for pause in self.order.look_up_after_seconds:
            self.waits.end_all()
            self.wait("lookup", "lookup", pause, "look_up")
            await self.record(RefundStatus.UNKNOWN, sentence, answer)
            sentence = "payments.refund_looked_up"
            await self.waits.until("lookup", lambda: False)
            answer = await self.look_up()
            if answer.verdict in CERTAIN:
                return answer
            if self.is_surely_absent(answer):
                self.absences = 0
                await self.record(RefundStatus.UNKNOWN, "payments.refund_sent_again", answer)
                answer = await self.ask()
                if answer.verdict in CERTAIN:
                    return answer
        return answer

    def is_surely_absent(self, answer: ChargeAnswer) -> bool:
        """The gateway has had its longest time, and has now said twice that it knows nothing of it."""
        if answer.verdict is not Verdict.NOT_FOUND:
            self.absences = 0
            return False
        longest = timedelta(seconds=self.order.maximum_latency_seconds)
        if self.sent_at is None or workflow.now() - self.sent_at >= longest:
            self.absences += 1
        return self.absences >= SEEN_TWICE

    async def ask_finance(self, answer: ChargeAnswer) -> ChargeAnswer:
        """The gateway says no for good, or nobody knows: a person gives the money back or finds it there.

        What is unclear may also be sent again, under the same key. The gateway's own yes always wins."""
        is_refused = answer.verdict is Verdict.REFUSED
        status = RefundStatus.REFUSED if is_refused else RefundStatus.UNKNOWN
        sentence = "payments.refund_refused" if is_refused else "payments.refund_unsettled"
        self.waits.end_all()
        self.wait("refund", "refund", who=WaitFor.US, may=("settle_refund",))
        self.answer, self.asks_finance, self.by_hand = answer, True, None
        await self.record(status, sentence, answer)
        self.write("payments/refund_unsettled")
        await self.tell_asker(status, answer.code)
        await self.waits.until("refund", lambda: self.by_hand is not None)
        self.asks_finance = False
        found = await self.look_up()
        if found.verdict is Verdict.SUCCEEDED:
            return found
        if self.by_hand is not None and self.by_hand.verdict is Verdict.SUCCEEDED:
            return ChargeAnswer(Verdict.SUCCEEDED, code="by_hand")
        return await self.give_back()

    async def conclude(self, answer: ChargeAnswer) -> RefundSettled:
        """The money is back: ledger, customer and whoever asked are told."""
        self.waits.end_all()
        is_by_hand = answer.code == "by_hand"
        sentence = "payments.refund_by_hand" if is_by_hand else "payments.refund_succeeded"
        await self.record(RefundStatus.SUCCEEDED, sentence, answer)
        self.write("payments/refunded")
        return await self.tell_asker(RefundStatus.SUCCEEDED, answer.code)

    async def tell_asker(self, status: RefundStatus, code: str) -> RefundSettled:
        """Tell whoever asked how it stands; somebody whose life is over needs no telling."""
        amount = self.order.amount_minor if status is RefundStatus.SUCCEEDED else 0
        fact = RefundSettled(self.order.refund_id, status, amount, workflow.now(), code)
        if self.order.asked_by:
            try:
                asker = workflow.get_external_workflow_handle(self.order.asked_by)
                await asker.signal("refund_settled", fact)
            except ApplicationError:
                workflow.logger.info("whoever asked for refund %s is over", self.order.refund_id)
        return fact

    async def ask(self) -> ChargeAnswer:
        """Ask once. If the asking itself breaks off, nobody knows whether it arrived."""
        try:
            answer = await workflow.execute_activity_method(
                RefundActivities.give_back,
                self.order.refund_id,
                summary=f"Give {self.amount()} back under the key {self.order.refund_id}",
                **MONEY,
            )
        except ActivityError as broken:
            answer = ChargeAnswer(Verdict.UNKNOWN, code=type(broken.cause).__name__)
        self.sent_at = workflow.now()
        return answer

    async def look_up(self) -> ChargeAnswer:
        """Ask what became of it; a look-up that fails proves nothing."""
        try:
            return await workflow.execute_activity_method(
                RefundActivities.look_up_refund,
                self.order.refund_id,
                summary=f"Look refund {self.order.refund_id} up at the gateway",
                **LOOK_UP,
            )
        except ActivityError as broken:
            return ChargeAnswer(Verdict.UNKNOWN, code=type(broken.cause).__name__)

    async def record(self, status: RefundStatus, sentence: str, answer: ChargeAnswer) -> None:
        """Write one step; what the table then says is what holds."""
        self.seq += 1
        hand = self.by_hand if answer.code == "by_hand" else None
        change = RefundChange(
            self.order.refund_id, self.seq, status, workflow.now(), sentence, answer.provider_id, answer.code,
            hand.actor_id if hand else None, "staff" if hand else "system",
            {"verdict": answer.verdict.value, **({"reason": hand.reason} if hand and hand.reason else {})},
            self.waits.take(),
        )  # fmt: skip
        self.status = await workflow.execute_activity_method(
            RefundActivities.record_refund,
            change,
            summary=f"Record that refund {self.order.refund_id} is {status.value}",
            **ROWS,
        )
        self.written = change.seq

    def wait(
        self,
        key: str,
        what: str,
        seconds: int = 0,
        then: str = "",
        *,
        who: WaitFor = WaitFor.SYSTEM,
        may: tuple[str, ...] = (),
    ) -> None:
        """Begin to wait; whose case it is, the step that writes it knows."""
        now = workflow.now()
        until = now + timedelta(seconds=seconds) if seconds else None
        details = {"amount": self.amount()} if what == "refund" else {}
        subject = f"refund:{self.order.refund_id}"
        self.waits.begin(Wait(key, subject, "", who, what, now, until, then, may, details))

    def write(self, template: str) -> None:
        """Have a letter written beside the story; the same one again is sent once."""
        key = f"refund:{self.order.refund_id}:{template}"
        values = {"amount_minor": str(self.order.amount_minor)}
        self.letters.send(
            Letter(
                key, "", template, invoice_id=self.order.invoice_id, case_id=self.order.case_id,
                customer_id=self.order.customer_id, values=values,
            )
        )  # fmt: skip

    async def tell_failed_letter(self, letter: Letter) -> None:
        """A letter that could not be sent for a day stands in the timeline, so that somebody calls."""
        await self.record(self.status, "payments.letter_failed", ChargeAnswer(Verdict.UNKNOWN))

    def amount(self) -> str:
        return shown(self.order.amount_minor, self.order.currency)

    @workflow.update
    async def settle_by_hand(self, command: SettleByHand) -> RefundStatus:
        """Finance says that the money is back, or that the gateway has nothing; answered once written."""
        self.by_hand = command
        before = self.written
        await workflow.wait_condition(lambda: self.written > before)
        return self.status

    @settle_by_hand.validator
    def refuse_a_verdict_nobody_asked_for(self, command: SettleByHand) -> None:
        if not self.asks_finance or self.by_hand is not None:
            raise refuse("refund_not_unclear")
        is_possible = command.verdict is Verdict.SUCCEEDED or self.answer.verdict is not Verdict.REFUSED
        if command.verdict not in CERTAIN or not is_possible:
            raise refuse("verdict_missing")
