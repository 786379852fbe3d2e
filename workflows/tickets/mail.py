"""The life of one mail that came in: read, put where it belongs, or held back until somebody decides."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.tickets import MailActivities
    from models.messages.journeys import Wait, WaitFor
    from models.messages.tickets import CustomerWrote, ticket_workflow_id
    from models.messages.tickets.mails import (
        LetterBounced,
        MailOrder,
        MailStatus,
        MailStep,
        Placed,
        PlaceMail,
        Verdict,
        mail_workflow_id,
    )
    from models.rules.tickets import mails as rules
    from workflows.kit.options import INBOUND, ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.waiting import Waits


@workflow.defn(name="InboundMail")
class InboundMailWorkflow:
    """One mail, alive until it has its place; what was held back waits for a colleague."""

    @workflow.init
    def __init__(self, order: MailOrder) -> None:
        self.order = order
        self.placed = Placed(MailStatus.RECEIVED)
        self.released: Verdict | None = None
        self.dismissed: Verdict | None = None
        self.seq = 0
        self.waits = Waits()

    @workflow.run
    async def run(self, order: MailOrder) -> Placed:
        """From the letterbox to its place."""
        await self.place()
        if self.placed.status is MailStatus.QUARANTINED:
            await self.wait_for_a_verdict()
        if self.placed.is_news:
            await self.tell_the_ticket()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.placed

    async def place(self) -> None:
        """Read it and write where it belongs."""
        by = self.released.actor_id if self.released is not None else ""
        order = PlaceMail(self.order.mail_id, workflow.now(), self.released is not None, by)
        self.placed = await workflow.execute_activity_method(
            MailActivities.place, order, summary="Read the mail and put it where it belongs", **INBOUND
        )

    async def wait_for_a_verdict(self) -> None:
        """A colleague lets it in or sends it away; nobody at all for long enough is an answer, too."""
        subject, now = mail_workflow_id(self.order.mail_id), workflow.now()
        until = now + timedelta(days=rules.HELD_FOR_DAYS)
        self.waits.begin(
            Wait(
                "quarantine", subject, "", WaitFor.US, "quarantine", now, until, "ignore_mail",
                ("release", "dismiss"),
            )
        )  # fmt: skip
        await self.record("Say that a colleague is asked")
        await self.waits.until("quarantine", lambda: (self.released or self.dismissed) is not None)
        self.waits.end_all()
        if self.released is not None:
            await self.place()
            await self.record("Say that nobody is asked any more")
            return
        reason = "dismissed" if self.dismissed is not None else "expired"
        await self.record("The mail is ignored", reason)
        self.placed = Placed(MailStatus.IGNORED, reason)

    async def record(self, summary: str, ends_with: str = "") -> None:
        """Write the waits, and the end when there is one."""
        self.seq += 1
        by = self.dismissed.actor_id if self.dismissed is not None else ""
        step = MailStep(self.order.mail_id, self.seq, workflow.now(), self.waits.take(), ends_with, by)
        await workflow.execute_activity_method(MailActivities.record, step, summary=summary, **ROWS)

    async def tell_the_ticket(self) -> None:
        """The ticket hears of it; one that has ended meanwhile is followed by a new one."""
        ticket = workflow.get_external_workflow_handle(ticket_workflow_id(self.placed.ticket_id))
        try:
            if self.placed.reason == "bounce":
                await ticket.signal("letter_bounced", LetterBounced(self.placed.letter_key, workflow.now()))
            else:
                fact = CustomerWrote(self.placed.message_id, workflow.now())
                await ticket.signal("customer_wrote", fact)
        except ApplicationError:
            workflow.logger.info("the ticket of %s has ended", self.order.mail_id)
            if self.placed.reason != "bounce":
                await self.follow_up()

    async def follow_up(self) -> None:
        self.placed = await workflow.execute_activity_method(
            MailActivities.follow_up,
            PlaceMail(self.order.mail_id, workflow.now()),
            summary="Give the message a ticket of its own",
            **ROWS,
        )

    @workflow.update
    async def release(self, verdict: Verdict) -> MailStatus:
        """A colleague lets the mail in; answered once it has its place."""
        self.released = verdict
        await workflow.wait_condition(lambda: self.placed.status is not MailStatus.QUARANTINED)
        return self.placed.status

    @release.validator
    def refuse_release(self, verdict: Verdict) -> None:
        self.refuse_what_is_decided()

    @workflow.update
    async def dismiss(self, verdict: Verdict) -> MailStatus:
        """A colleague sends the mail away; answered once the row says so."""
        self.dismissed = verdict
        await workflow.wait_condition(lambda: self.placed.status is not MailStatus.QUARANTINED)
        return self.placed.status

    @dismiss.validator
    def refuse_dismissal(self, verdict: Verdict) -> None:
        self.refuse_what_is_decided()

    def refuse_what_is_decided(self) -> None:
        is_decided = (self.released or self.dismissed) is not None
        if (
            is_decided
            or self.placed.status is not MailStatus.QUARANTINED
            or "quarantine" not in self.waits.open
        ):
            raise refuse("mail_not_held_back")

    @workflow.query
    def status(self) -> Placed:
        """Where the mail is."""
        return self.placed
