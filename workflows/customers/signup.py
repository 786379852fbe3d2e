"""The life of one signup, from an address to a customer, or to nothing after a week."""

import asyncio
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.customers.handover import HandoverActivities
    from activities.customers.signup import SignupActivities
    from models.messages.customers import (
        CodeAsked,
        FinishSignup,
        Handover,
        ProveSignup,
        SendCode,
        SignupOrder,
        SignupPurpose,
        SignupState,
        SignupStatus,
        SignupStep,
        handover_workflow_id,
    )
    from models.rules import customers as rules
    from workflows.kit.options import CODE, LETTER, MARKETING, ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.waiting import Waits

OVER = frozenset({SignupStatus.DONE, SignupStatus.ABANDONED})


@workflow.defn(name="Handover")
class HandoverWorkflow:
    """The CRM hears how one customer stands after one consent; alive until it knows."""

    @workflow.run
    async def run(self, handover: Handover) -> bool:
        """Tell it; ids only, names and addresses are read when it is told."""
        return await workflow.execute_activity_method(
            HandoverActivities.hand_over,
            handover,
            summary="Tell the CRM how the customer stands",
            **MARKETING,
        )


@workflow.defn(name="Signup")
class SignupWorkflow:
    """One signup or proof of an address, alive until it is done or a week is over."""

    @workflow.init
    def __init__(self, order: SignupOrder) -> None:
        self.order = order
        self.state = SignupState(SignupStatus.STARTED)
        self.seq = 0
        self.asked, self.sent = 1, 0
        self.code_ends: datetime | None = None
        self.waits = Waits()
        self.steps = asyncio.Lock()

    @workflow.run
    async def run(self, order: SignupOrder) -> SignupStatus:
        is_signup = order.purpose is SignupPurpose.SIGNUP
        if is_signup and not await self.is_over_before(rules.remind_at(order), "remind_signup"):
            await self.remind()
        if not await self.is_over_before(rules.forget_at(order), "forget_signup"):
            await self.forget()
        await self.end_waits()
        if self.state.is_new_account:
            await self.welcome()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.state.status

    @property
    def is_over(self) -> bool:
        """Done, or forgotten."""
        return self.state.status in OVER

    async def is_over_before(self, until: datetime, then: str) -> bool:
        """Wait for the customer until a moment; send the codes that they ask for, and end those that they do
        not use."""
        while not self.is_over:
            if self.sent < self.asked and self.state.status is SignupStatus.STARTED:
                await self.send_code()
            is_code = self.code_ends is not None and self.code_ends < until
            await self.wait_until(self.code_ends if is_code else until, "end_code" if is_code else then)
            if await self.waits.until("signup", self.has_moved):
                continue
            if not is_code:
                return self.is_over
            await self.end_code()
        return True

    def has_moved(self) -> bool:
        """Whether the customer did something that changes what we wait for."""
        if self.is_over:
            return True
        if self.state.status is SignupStatus.STARTED:
            return self.sent < self.asked
        return self.waits.open["signup"].what != "signup_details"

    async def wait_until(self, until: datetime | None, then: str) -> None:
        """Begin the next stretch of waiting, and write it down."""
        assert until is not None
        what = "signup_code" if self.state.status is SignupStatus.STARTED else "signup_details"
        self.waits.begin(rules.signup_wait(self.order, what, workflow.now(), until, then))
        async with self.steps:
            await workflow.execute_activity_method(
                SignupActivities.note, self.step(), summary="Write down what we wait for", **ROWS
            )

    async def send_code(self) -> None:
        """Send the newest code; one that cannot be delivered ends by itself, and another can be asked for."""
        number = self.asked
        try:
            sent = await workflow.execute_activity_method(
                SignupActivities.send_code,
                SendCode(self.order.signup_id, number, workflow.now()),
                summary=f"Send code number {number}",
                **CODE,
            )
            self.code_ends = sent.ends_at
        except ActivityError as failure:
            if is_cancelled_exception(failure):
                raise
            workflow.logger.warning("code %d of %s was not delivered", number, self.order.signup_id)
        self.sent = number

    async def end_code(self) -> None:
        """The ten minutes are over: what is stored of the code is blanked."""
        self.code_ends = None
        async with self.steps:
            await workflow.execute_activity_method(
                SignupActivities.end_code, self.step(), summary="End the code that nobody used", **ROWS
            )

    async def remind(self) -> None:
        """A day later: one letter with a link that leads back to where they stopped."""
        async with self.steps:
            if self.is_over:
                return
            step = self.step()
        try:
            await workflow.execute_activity_method(
                SignupActivities.remind, step, summary="Remind once of the signup", **LETTER
            )
        except ActivityError as failure:
            if is_cancelled_exception(failure):
                raise
            workflow.logger.warning("the reminder of %s was not delivered", self.order.signup_id)

    async def forget(self) -> None:
        """Nobody finished: address and name are blanked, as the privacy rule says."""
        async with self.steps:
            if not self.is_over:
                self.waits.end_all()
                self.state = await workflow.execute_activity_method(
                    SignupActivities.forget, self.step(), summary="Forget address and name", **ROWS
                )

    async def end_waits(self) -> None:
        """Nobody is waited for any more."""
        self.waits.end_all()
        async with self.steps:
            if self.waits.has_notes:
                await workflow.execute_activity_method(
                    SignupActivities.note, self.step(), summary="Write down that nobody waits", **ROWS
                )

    async def welcome(self) -> None:
        """Welcome the new customer; with their consent the CRM is told, and only then."""
        customer_id = self.state.customer_id
        if self.state.is_marketing:
            version = await workflow.execute_activity_method(
                SignupActivities.consent_version, customer_id, summary="Read the newest consent", **ROWS
            )
            await workflow.start_child_workflow(
                HandoverWorkflow.run,
                Handover(customer_id, version),
                id=handover_workflow_id(customer_id, version),
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary="Tell the CRM how the customer stands",
            )
        try:
            await workflow.execute_activity_method(
                SignupActivities.welcome, self.step(), summary="Send the welcome letter", **LETTER
            )
        except ActivityError as failure:
            if is_cancelled_exception(failure):
                raise
            workflow.logger.warning("the welcome of %s was not delivered", customer_id)

    def step(self) -> SignupStep:
        """The next step, with everything about waits that is not yet written."""
        self.seq += 1
        return SignupStep(self.order.signup_id, self.seq, workflow.now(), self.waits.take())

    @workflow.update
    async def prove(self, command: ProveSignup) -> SignupState:
        """The code was right; answered once we know whether somebody simply came in, or tells more first."""
        async with self.steps:
            if self.state.status is SignupStatus.STARTED:
                self.state = await workflow.execute_activity_method(
                    SignupActivities.recognise, self.step(), summary="Find out whose address it is", **ROWS
                )
                self.code_ends = None if self.state.status is not SignupStatus.STARTED else self.code_ends
        if self.state.status is SignupStatus.STARTED:
            raise refuse("signup_not_proved")
        return self.state

    @prove.validator
    def refuse_proof_of_what_is_forgotten(self, command: ProveSignup) -> None:
        if self.state.status is SignupStatus.ABANDONED:
            raise refuse("signup_over")

    @workflow.update
    async def finish(self, command: FinishSignup) -> SignupState:
        """Name and consents are there; answered once customer and account are."""
        async with self.steps:
            if self.state.status is SignupStatus.PROVED:
                self.state = await workflow.execute_activity_method(
                    SignupActivities.join, self.step(), summary="Make or link the customer", **ROWS
                )
        return self.state

    @finish.validator
    def refuse_to_finish_without_proof(self, command: FinishSignup) -> None:
        if self.state.status is SignupStatus.ABANDONED:
            raise refuse("signup_over")
        if self.state.status is SignupStatus.STARTED:
            raise refuse("signup_not_proved")

    @workflow.signal
    def code_asked(self, fact: CodeAsked) -> None:
        """Another code was asked for; the door has counted it."""
        self.asked = max(self.asked, fact.number)

    @workflow.query
    def status(self) -> SignupState:
        """Where the signup stands."""
        return self.state
