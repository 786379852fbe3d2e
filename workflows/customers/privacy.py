"""The life of one privacy request: a file that is there for a week, or a customer who is forgotten."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ChildWorkflowError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.customers.privacy import PrivacyActivities
    from models.messages.customers import (
        PrivacyKind,
        PrivacyOrder,
        PrivacyState,
        PrivacyStatus,
        PrivacyStep,
    )
    from models.messages.payments import RevokeKey
    from models.rules import customers as rules
    from workflows.kit.options import LETTER, MARKETING, ROWS
    from workflows.kit.waiting import Waits


@workflow.defn(name="PrivacyRequest")
class PrivacyRequestWorkflow:
    """One request to get one's data or to be forgotten, alive until nothing of it is left to do."""

    @workflow.init
    def __init__(self, order: PrivacyOrder) -> None:
        self.order = order
        self.state = PrivacyState(PrivacyStatus.RECEIVED)
        self.seq = 0
        self.waits = Waits()

    @workflow.run
    async def run(self, order: PrivacyOrder) -> PrivacyState:
        if order.kind is PrivacyKind.EXPORT:
            await self.hand_out()
        else:
            await self.forget()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.state

    async def hand_out(self) -> None:
        """Make the file, say that it is there, and delete it after a week."""
        until = rules.file_until(workflow.now())
        self.waits.begin(rules.file_wait(self.order, workflow.now(), until))
        self.state = await workflow.execute_activity_method(
            PrivacyActivities.export, self.step(), summary="Put everything into one file", **ROWS
        )
        await self.tell()
        await self.waits.until("file", lambda: False)
        self.waits.end_all()
        await workflow.execute_activity_method(
            PrivacyActivities.delete_file, self.step(), summary="Delete the file", **ROWS
        )

    async def forget(self) -> None:
        """Close the door, or say why not yet; write while there is an address; then forget everywhere."""
        self.state = await workflow.execute_activity_method(
            PrivacyActivities.close, self.step(), summary="Close the account, or say why not yet", **ROWS
        )
        await self.tell()
        if self.state.status is PrivacyStatus.REFUSED:
            return
        if workflow.patched("2026-11-keys-are-taken-back"):
            await self.take_keys_back()
        await workflow.execute_activity_method(
            PrivacyActivities.forget_contact,
            self.order.customer_id,
            summary="Have the CRM forget the customer",
            **MARKETING,
        )
        self.state = await workflow.execute_activity_method(
            PrivacyActivities.erase, self.step(), summary="Blank everything personal", **ROWS
        )

    async def take_keys_back(self) -> None:
        """No billing key is left at the gateway; while it is away, nothing is erased for a day."""
        alive: list[str] = await workflow.execute_activity_method(
            PrivacyActivities.methods_alive, self.step(), summary="Which cards does the gateway know?", **ROWS
        )
        for method in alive:
            try:
                await workflow.execute_child_workflow(
                    "KeyRevocation",
                    RevokeKey(method, workflow.now()),
                    id=f"key-revocation:{method}",
                    parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                    static_summary=f"Have the gateway forget {method}",
                )
            except ChildWorkflowError as failure:
                if is_cancelled_exception(failure):
                    raise
                workflow.logger.warning("the billing key of %s is left at the gateway", method)

    async def tell(self) -> None:
        """Write how the request stands; a letter that cannot be delivered holds nothing up."""
        try:
            await workflow.execute_activity_method(
                PrivacyActivities.tell, self.step(), summary="Write how the request stands", **LETTER
            )
        except ActivityError as failure:
            if is_cancelled_exception(failure):
                raise
            workflow.logger.warning("the letter of %s was not delivered", self.order.request_id)

    def step(self) -> PrivacyStep:
        """The next step, with everything about waits that is not yet written."""
        self.seq += 1
        return PrivacyStep(self.order.request_id, self.seq, workflow.now(), self.waits.take())

    @workflow.query
    def status(self) -> PrivacyState:
        """Where the request stands."""
        return self.state
