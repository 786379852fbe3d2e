"""The life of one try to collect money: asked once, looked up until it is certain."""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.payments import PaymentActivities
    from models.kit.money import shown
    from models.messages.billing.invoices import (
        AttemptRefused,
        InvoiceOrder,
        PaymentReceived,
        invoice_workflow_id,
    )
    from models.messages.journeys import Wait, WaitFor
    from models.messages.letters import Letter
    from models.messages.payments import (
        AttemptChange,
        AttemptStatus,
        ChargeAnswer,
        ChargeOrder,
        GatewayNews,
        OpenAttempt,
        SettleByHand,
        Verdict,
    )
    from workflows.billing import InvoiceWorkflow
    from workflows.kit.letters import Letters
    from workflows.kit.options import LOOK_UP, MONEY, ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.waiting import Waits

CERTAIN = frozenset({Verdict.SUCCEEDED, Verdict.REFUSED})
SEEN_TWICE = 2
MOOT = frozenset({"invoice_paid", "invoice_cancelled"})  # nobody needs to try again


@workflow.defn(name="Charge")
class ChargeWorkflow:
    """One attempt with one key, alive until it is certain whether the money moved."""

    @workflow.init
    def __init__(self, order: ChargeOrder) -> None:
        self.order = order
        self.status = order.status
        self.seq = order.seq
        self.waits = Waits()
        self.sent_at: datetime | None = None
        self.absences = 0  # look-ups since the last sending that found nothing and prove something
        self.lookups = 0
        self.news: list[str] = []
        self.asks_finance = False
        self.by_hand: SettleByHand | None = None
        self.is_over = False
        self.letters = Letters(self.tell_failed_letter)

    @workflow.run
    async def run(self, order: ChargeOrder) -> AttemptStatus:
        if self.order.method_id and not self.order.is_recheck and not await self.open():
            return self.status
        answer = await self.send()
        if answer.verdict not in CERTAIN:
            answer = await self.find_out(answer)
        if answer.verdict not in CERTAIN:
            answer = await self.ask_finance()
        await self.conclude(answer)
        await self.hear_late_news()
        await self.letters.all_sent()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status

    async def open(self) -> bool:
        """Nobody has stored this attempt yet: row and key come first; False when somebody else collects."""
        return await workflow.execute_activity_method(
            PaymentActivities.open,
            OpenAttempt(self.order, workflow.now()),
            summary=f"Store attempt {self.order.attempt_id} with its key",
            **ROWS,
        )

    async def send(self) -> ChargeAnswer:
        """Ask for the money; while it certainly never arrived, ask again with the same key, a few times."""
        if self.order.is_recheck or self.order.is_asked:
            self.sent_at = workflow.now() if self.order.is_asked else None
            return ChargeAnswer(Verdict.UNKNOWN, code="recheck")
        self.begin_wait("gateway", "gateway")
        closed = await workflow.execute_activity_method(
            PaymentActivities.begin,
            self.change(AttemptStatus.CREATED, "payments.started"),
            summary=f"Record that attempt {self.order.attempt_id} begins",
            **ROWS,
        )
        if closed:
            return ChargeAnswer(Verdict.REFUSED, code=closed)
        answer = await self.charge()
        for pause in self.order.send_again_after_seconds:
            if answer.verdict is not Verdict.NOT_SENT:
                break
            self.waits.end("gateway")
            self.begin_wait(
                "send_again", "send_again", max(pause, answer.retry_after_seconds), then="send_again"
            )
            await self.record(AttemptStatus.NOT_SENT, "payments.not_sent", answer)
            await self.waits.until("send_again", lambda: False)
            self.waits.end("send_again")
            answer = await self.charge()
        return answer

    async def find_out(self, answer: ChargeAnswer) -> ChargeAnswer:
        """Look up at growing distances; sent again, with the same key, only when the gateway surely has
        nothing. News of the gateway only bring the next look-up forward."""
        sentence = "payments.unknown"
        for pause in self.order.look_up_after_seconds:
            self.waits.end("gateway")
            self.begin_wait("lookup", "lookup", pause, then="look_up")
            await self.record_unclear(sentence, answer)
            sentence, is_due = "payments.looked_up", False
            while not is_due:
                is_due = not await self.waits.until("lookup", lambda: bool(self.news))
                answer = await self.look_up()
                if answer.verdict in CERTAIN:
                    return answer
                if self.is_surely_absent(answer):
                    if self.order.is_recheck:
                        return ChargeAnswer(Verdict.REFUSED, code=answer.code)
                    answer = await self.send_again()
                    if answer.verdict in CERTAIN:
                        return answer
        return answer

    def is_surely_absent(self, answer: ChargeAnswer) -> bool:
        """The gateway has had its longest time, and has now said twice that it knows nothing."""
        if answer.verdict is not Verdict.NOT_FOUND:
            self.absences = 0
            return False
        longest = timedelta(seconds=self.order.maximum_latency_seconds)
        if self.sent_at is None or workflow.now() - self.sent_at >= longest:
            self.absences += 1
        return self.absences >= SEEN_TWICE

    async def send_again(self) -> ChargeAnswer:
        """The same key once more: even if the first one should still arrive, the gateway charges once."""
        self.absences = 0
        self.begin_wait("gateway", "gateway")
        await self.record(AttemptStatus.UNKNOWN, "payments.sent_again", ChargeAnswer(Verdict.NOT_FOUND))
        answer = await self.charge()
        self.waits.end("gateway")
        return answer

    async def ask_finance(self) -> ChargeAnswer:
        """Nobody knows: a person decides, unless the gateway speaks first. Its own word always wins."""
        self.waits.end_all()
        self.begin_wait("finance", "finance", who=WaitFor.US, may=("settle_by_hand",))
        self.asks_finance = True
        await self.record_unclear("payments.unsettled", ChargeAnswer(Verdict.UNKNOWN, code="unsettled"))
        self.write("payments/unsettled")
        while True:
            await self.waits.until("finance", lambda: bool(self.news) or self.by_hand is not None)
            answer = await self.look_up()
            if answer.verdict in CERTAIN:
                return answer
            if self.by_hand is not None:
                return ChargeAnswer(self.by_hand.verdict, code="by_hand")

    async def conclude(self, answer: ChargeAnswer) -> None:
        """Record what is certain; money is told to the invoice, a refusal to the customer."""
        self.waits.end_all()
        if answer.verdict is Verdict.SUCCEEDED:
            await self.succeed(answer)
        elif not self.order.is_recheck:
            sentence = "payments.settled_by_hand" if answer.code == "by_hand" else "payments.refused"
            await self.record(AttemptStatus.REFUSED, sentence, answer)
            if answer.code not in MOOT and workflow.patched("2026-11-tell-a-refusal"):
                self.write("payments/refused")
            await self.tell_refusal()
        elif self.waits.has_notes:
            await self.record(self.status, "payments.looked_up", answer)
        self.is_over = True

    async def succeed(self, answer: ChargeAnswer) -> None:
        """The money moved: say so, and tell the invoice, whatever was said before."""
        sentence = "payments.succeeded"
        if self.status is AttemptStatus.REFUSED:
            sentence = "payments.late_success"
        elif answer.code == "by_hand":
            sentence = "payments.settled_by_hand"
        await self.record(AttemptStatus.SUCCEEDED, sentence, answer)
        await self.tell_invoice(
            PaymentReceived(self.order.attempt_id, self.order.amount_minor, workflow.now())
        )

    async def tell_refusal(self) -> None:
        """An invoice of an order or a change may wait for this to be taken back; a ticket's never does."""
        if self.order.ticket_id:
            return
        invoice = workflow.get_external_workflow_handle(invoice_workflow_id(self.order.invoice_id))
        try:
            await invoice.signal("attempt_refused", AttemptRefused(self.order.attempt_id, workflow.now()))
        except ApplicationError:
            workflow.logger.info("invoice %s is not alive", self.order.invoice_id)

    async def tell_invoice(self, fact: PaymentReceived) -> None:
        """Signal the invoice; one whose life has ended is given another one, so that no money is lost."""
        invoice_id = self.order.invoice_id
        while True:
            invoice = workflow.get_external_workflow_handle(invoice_workflow_id(invoice_id))
            try:
                await invoice.signal("payment_received", fact)
                return
            except ApplicationError as nobody:
                workflow.logger.info("invoice %s is not alive: %s", invoice_id, nobody.type)
            late = InvoiceOrder(invoice_id, self.order.ticket_id, "", (), late=fact)
            try:
                await workflow.start_child_workflow(
                    InvoiceWorkflow.run,
                    late,
                    id=invoice_workflow_id(invoice_id),
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    parent_close_policy=ParentClosePolicy.ABANDON,
                    static_summary=f"Late money for invoice {invoice_id}",
                )
                return
            except WorkflowAlreadyStartedError:
                continue

    async def hear_late_news(self) -> None:
        """After a refusal, listen a little longer: news that were already on their way are not lost."""
        if self.status is not AttemptStatus.REFUSED or self.order.is_recheck:
            return
        self.begin_wait("late_money", "late_money", self.order.hears_late_news_seconds, then="end")
        while await self.waits.until("late_money", lambda: bool(self.news)):
            answer = await self.look_up()
            if answer.verdict is Verdict.SUCCEEDED:
                await self.succeed(answer)
                break
        self.waits.end("late_money")

    async def charge(self) -> ChargeAnswer:
        """Ask once. If the asking itself breaks off, nobody knows whether it arrived."""
        try:
            answer = await workflow.execute_activity_method(
                PaymentActivities.charge,
                self.order.attempt_id,
                summary=f"Charge {self.amount()} under the key {self.order.attempt_id}",
                **MONEY,
            )
        except ActivityError as broken:
            answer = ChargeAnswer(Verdict.UNKNOWN, code=type(broken.cause).__name__)
        self.sent_at = workflow.now()
        return answer

    async def look_up(self) -> ChargeAnswer:
        """Ask what became of it; a look-up that fails proves nothing."""
        self.news.clear()
        self.lookups += 1
        try:
            return await workflow.execute_activity_method(
                PaymentActivities.look_up,
                self.order.attempt_id,
                summary=f"Look attempt {self.order.attempt_id} up at the gateway",
                **LOOK_UP,
            )
        except ActivityError as broken:
            return ChargeAnswer(Verdict.UNKNOWN, code=type(broken.cause).__name__)

    async def record(self, status: AttemptStatus, sentence: str, answer: ChargeAnswer) -> None:
        """Write one step; what the table then says is what holds."""
        self.status = await workflow.execute_activity_method(
            PaymentActivities.record,
            self.change(status, sentence, answer),
            summary=f"Record that attempt {self.order.attempt_id} is {status.value}",
            **ROWS,
        )

    async def record_unclear(self, sentence: str, answer: ChargeAnswer) -> None:
        """Write that it is unclear; a recheck leaves the row's last word until it knows better."""
        await self.record(self.status if self.order.is_recheck else AttemptStatus.UNKNOWN, sentence, answer)

    def change(
        self, status: AttemptStatus, sentence: str, answer: ChargeAnswer | None = None
    ) -> AttemptChange:
        self.seq += 1
        said = answer or ChargeAnswer(Verdict.UNKNOWN)
        hand = self.by_hand if said.code == "by_hand" else None
        return AttemptChange(
            self.order.attempt_id, self.order.invoice_id, self.order.ticket_id, self.seq, status,
            workflow.now(), sentence, provider_id=said.provider_id, code=said.code, lookups=self.lookups,
            actor_id=hand.actor_id if hand else None, actor_kind="staff" if hand else "system",
            details={"verdict": said.verdict.value, **({"reason": hand.reason} if hand else {})},
            waits=self.waits.take(),
        )  # fmt: skip

    def begin_wait(
        self,
        key: str,
        what: str,
        seconds: int = 0,
        *,
        then: str = "",
        who: WaitFor = WaitFor.SYSTEM,
        may: tuple[str, ...] = (),
    ) -> None:
        now = workflow.now()
        until = now + timedelta(seconds=seconds) if seconds else None
        subject = f"charge:{self.order.attempt_id}"
        self.waits.begin(Wait(key, subject, self.order.ticket_id, who, what, now, until, then, may))

    def write(self, template: str) -> None:
        """Have a letter written beside the story: a mail system that is down holds nothing up."""
        key = f"charge:{self.order.attempt_id}:{template}"
        letter = Letter(
            key, self.order.ticket_id, template, invoice_id=self.order.invoice_id,
            attempt_id=self.order.attempt_id,
        )  # fmt: skip
        self.letters.send(letter)

    async def tell_failed_letter(self, letter: Letter) -> None:
        """A letter that could not be sent for a day stands in the timeline, so that somebody calls."""
        await self.record(self.status, "payments.letter_failed", ChargeAnswer(Verdict.UNKNOWN))

    def amount(self) -> str:
        return shown(self.order.amount_minor, self.order.currency)

    @workflow.update
    async def settle_by_hand(self, command: SettleByHand) -> AttemptStatus:
        """Finance says how an unclear payment ended; answered once the row says so."""
        self.by_hand = command
        await workflow.wait_condition(lambda: self.is_over)
        return self.status

    @settle_by_hand.validator
    def refuse_a_verdict_nobody_asked_for(self, command: SettleByHand) -> None:
        if not self.asks_finance or self.is_over or self.by_hand is not None:
            raise refuse("payment_not_unclear")
        if command.verdict not in CERTAIN:
            raise refuse("verdict_missing")

    @workflow.signal
    def news_arrived(self, news: GatewayNews) -> None:
        """The gateway says that something happened; it proves nothing, we look it up ourselves."""
        self.news.append(news.message_id)
