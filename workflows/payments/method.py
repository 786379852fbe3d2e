"""The life of one payment method, from the gateway's form until its customer takes it back."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.payments import MethodActivities
    from models.messages.journeys import Wait, WaitFor
    from models.messages.payments import (
        CustomerForgotten,
        MethodAuthorised,
        MethodChange,
        MethodCommand,
        MethodOrder,
        MethodStatus,
        RevokeKey,
        method_workflow_id,
    )
    from models.messages.payments.transfers import MandateSettled
    from workflows.kit.options import KEYS, LAST_KEYS, ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.waiting import Waits


@workflow.defn(name="PaymentMethod")
class PaymentMethodWorkflow:
    """One card at the gateway, alive until nobody can be charged by it any more."""

    @workflow.init
    def __init__(self, order: MethodOrder) -> None:
        self.order = order
        self.status = MethodStatus.PENDING
        self.seq = 0
        self.waits = Waits()
        self.authorised_by: MethodAuthorised | None = None
        self.is_revoking = False
        self.settled_by: MandateSettled | None = None

    @workflow.run
    async def run(self, order: MethodOrder) -> MethodStatus:
        if self.order.is_account:
            await self.wait_for_the_bank()
        else:
            await self.wait_for_the_form()
        if self.authorised_by is not None and self.status is MethodStatus.PENDING:
            await self.keep(self.authorised_by)
        await workflow.wait_condition(lambda: self.status in (MethodStatus.INVALID, MethodStatus.REVOKED))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status

    async def wait_for_the_form(self) -> None:
        """The customer is at the gateway; whoever is not back within the hour has changed their mind."""
        now, minutes = workflow.now(), timedelta(minutes=self.order.form_minutes)
        self.waits.begin(
            Wait("form", f"method:{self.order.method_id}", "", WaitFor.CUSTOMER, "method_form", now,
                 now + minutes, "end", customer_id=self.order.customer_id)
        )  # fmt: skip
        await self.record(MethodStatus.PENDING, "payments.method_begun")
        came = await self.waits.until(
            "form", lambda: self.authorised_by is not None or self.status is MethodStatus.REVOKED
        )
        self.waits.end("form")
        if not came:
            await self.record(MethodStatus.INVALID, "payments.method_abandoned")

    async def wait_for_the_bank(self) -> None:
        """A mandate goes to the bank with the next file; its result decides, however long that takes."""
        self.waits.begin(
            Wait("mandate", f"method:{self.order.method_id}", "", WaitFor.SYSTEM, "mandate", workflow.now(),
                 customer_id=self.order.customer_id)
        )  # fmt: skip
        await self.record(MethodStatus.PENDING, "payments.mandate_given")
        await self.waits.until(
            "mandate", lambda: self.settled_by is not None or self.status is MethodStatus.REVOKED
        )
        self.waits.end("mandate")
        if self.settled_by is None or self.status is not MethodStatus.PENDING:
            return
        if self.settled_by.code:
            await self.record(MethodStatus.INVALID, "payments.mandate_refused", self.settled_by.code)
        else:
            await self.record(MethodStatus.ACTIVE, "payments.mandate_registered")

    async def keep(self, authorised: MethodAuthorised) -> None:
        """Exchange the form's answer for a billing key; while the gateway is away it is asked again."""
        try:
            refusal = await workflow.execute_activity_method(
                MethodActivities.keep_method,
                authorised,
                summary=f"Get the billing key of {self.order.method_id}",
                **KEYS,
            )
        except ActivityError:
            refusal = "no_answer"
        if refusal:
            await self.record(MethodStatus.INVALID, "payments.method_refused", refusal)
        else:
            await self.record(MethodStatus.ACTIVE, "payments.method_added")
        if self.status is MethodStatus.REVOKED:  # taken back while the gateway was still asked
            await self.drop()

    async def drop(self) -> None:
        """Have the gateway forget the card; when it stays silent for an hour, that stands in the timeline."""
        try:
            await workflow.execute_activity_method(
                MethodActivities.drop_method,
                self.order.method_id,
                summary=f"Take the billing key of {self.order.method_id} back",
                **KEYS,
            )
        except ActivityError:
            await self.record(MethodStatus.REVOKED, "payments.method_kept_at_gateway")

    async def record(
        self,
        status: MethodStatus,
        sentence: str,
        code: str = "",
        *,
        command: MethodCommand | None = None,
        is_default: bool = False,
    ) -> None:
        """Write one step; what the table then says is what holds."""
        self.seq += 1
        change = MethodChange(
            self.order.method_id, self.seq, status, workflow.now(), sentence, code, is_default,
            command.actor_id if command else None, command.actor_kind if command else "system",
            self.waits.take(),
        )  # fmt: skip
        self.status = await workflow.execute_activity_method(
            MethodActivities.record_method,
            change,
            summary=f"Record that {self.order.method_id} is {status.value}",
            **ROWS,
        )

    @workflow.update
    async def make_default(self, command: MethodCommand) -> MethodStatus:
        """The customer wants to pay by this one; answered once the rows say so."""
        await self.record(
            self.status, "payments.method_default", command=command, is_default=True
        )  # fmt: skip
        return self.status

    @make_default.validator
    def refuse_what_cannot_pay(self, command: MethodCommand) -> None:
        if self.status is not MethodStatus.ACTIVE or self.is_revoking:
            raise refuse("method_not_active")

    @workflow.update
    async def revoke(self, command: MethodCommand) -> MethodStatus:
        """The customer takes it back: charged no more from now on, then forgotten by the gateway too."""
        self.is_revoking = True
        await self.record(MethodStatus.REVOKED, "payments.method_revoked", command=command)
        await self.drop()
        return self.status

    @revoke.validator
    def refuse_to_revoke_twice(self, command: MethodCommand) -> None:
        if self.status in (MethodStatus.REVOKED, MethodStatus.INVALID) or self.is_revoking:
            raise refuse("method_not_active")

    @workflow.signal
    async def customer_forgotten(self, fact: CustomerForgotten) -> None:
        """The customer is forgotten: charged no more, and the gateway forgets the card too."""
        if self.is_revoking or self.status in (MethodStatus.REVOKED, MethodStatus.INVALID):
            return
        self.is_revoking = True
        await self.record(MethodStatus.REVOKED, "payments.method_revoked")
        await self.drop()

    @workflow.signal
    def authorised(self, fact: MethodAuthorised) -> None:
        """The gateway's form handed an answer back, by the customer's browser or by its own news; once."""
        self.authorised_by = self.authorised_by or fact

    @workflow.signal
    def mandate_settled(self, fact: MandateSettled) -> None:
        """The bank has decided about the mandate; told twice it counts once."""
        self.settled_by = self.settled_by or fact


@workflow.defn(name="KeyRevocation")
class KeyRevocationWorkflow:
    """A forgotten customer's card is taken back at the gateway, also when its own life is over."""

    @workflow.run
    async def run(self, asked: RevokeKey) -> None:
        own = workflow.get_external_workflow_handle(method_workflow_id(asked.method_id))
        try:
            await own.signal("customer_forgotten", CustomerForgotten(asked.at))
        except ApplicationError:
            workflow.logger.info("the life of %s is over already", asked.method_id)
        await workflow.execute_activity_method(
            MethodActivities.drop_method,
            asked.method_id,
            summary=f"Take the billing key of {asked.method_id} back",
            **LAST_KEYS,
        )
