"""The steps of a dunning case and how each is carried out: letters, charges, calls, contracts, devices."""

import asyncio
from typing import Any

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.dunning import DunningActivities
    from models.kit.money import shown
    from models.messages.billing.write_offs import WriteOffOrder, WrittenOff, write_off_workflow_id
    from models.messages.dunning import (
        CaseStatus,
        CaseStep,
        DunningCommand,
        DunningOrder,
        LookAgain,
        Outlook,
        PolicyStep,
        Retrieval,
        StepKind,
        Taken,
        dunning_workflow_id,
    )
    from models.messages.letters import Letter
    from models.messages.payments import ChargeOrder, charge_workflow_id
    from models.messages.subscriptions import DismissalOrder, ReactivationOrder, SuspensionOrder
    from models.messages.tickets import FaultReport, TicketKind, ticket_workflow_id
    from models.rules import dunning as rules
    from workflows.kit.letters import Letters
    from workflows.kit.options import ROWS
    from workflows.kit.waiting import Waits, told


class DunningSteps:
    """What a case remembers, and the steps that its story is made of."""

    def __init__(self, order: DunningOrder) -> None:
        self.order = order
        self.outlook = Outlook(CaseStatus.OPEN, 0, 0, order.currency)
        self.seq = 0
        self.waits = Waits()
        self.turn = asyncio.Lock()
        self.letters = Letters(self.tell_failed_letter)
        self.is_moved = False  # something happened: look again before anything else
        self.written_off = 0

    @property
    def id(self) -> str:
        return dunning_workflow_id(self.order.case_id)

    @property
    def is_open(self) -> bool:
        return self.outlook.status is CaseStatus.OPEN

    # Steps

    async def look(self) -> None:
        """Read how the case stands; the activity has written the wait for what comes next."""
        found = await workflow.execute_activity_method(
            DunningActivities.look,
            self.asked(),
            summary="Read what is overdue and what comes next",
            **ROWS,
        )
        self.see(found)

    def see(self, found: Outlook) -> None:
        """Go on from what was found."""
        self.outlook, self.seq = found, max(self.seq, found.seq)
        if found.status is CaseStatus.OPEN and found.overdue_minor > 0:
            self.waits.begin(rules.wait_of(self.order, found, workflow.now()))
            self.waits.take()  # it stands in the tables already

    async def take(self) -> None:
        """Take the step that is due, if it still is, and carry it out."""
        position = self.outlook.position
        self.seq += 1
        taken = await workflow.execute_activity_method(
            DunningActivities.take,
            self.asked(position),
            summary=f"Take step {position + 1} of the policy",
            **ROWS,
        )
        self.see(taken.outlook)
        if taken.is_done:
            await self.carry_out(position, taken)

    def asked(self, position: int = -1) -> LookAgain:
        """What the activities are asked, at this life's own time."""
        return LookAgain(self.order, self.seq, workflow.now(), position)

    async def record(
        self,
        sentence: str,
        command: DunningCommand | None = None,
        status: CaseStatus = CaseStatus.OPEN,
        **facts: Any,
    ) -> None:
        """Write what was said or has happened."""
        self.seq += 1
        step = CaseStep(
            self.order.case_id, self.seq, workflow.now(), sentence, status,
            actor_kind=command.actor_kind if command else "system",
            actor_id=command.actor_id if command else "", waits=self.waits.take(), **facts,
        )  # fmt: skip
        await workflow.execute_activity_method(DunningActivities.record, step, summary=told(sentence), **ROWS)

    async def carry_out(self, position: int, taken: Taken) -> None:
        """Do what the step says; every life that it begins has an id made of case and step."""
        step = self.order.terms.steps[position]
        if step.kind is StepKind.NOTIFY:
            self.notify(position, step, taken)
        elif step.kind is StepKind.RETRY:
            await self.retry(taken)
        elif step.kind is StepKind.CALL:
            await self.call(taken)
        elif step.kind is StepKind.RETRIEVE:
            await self.retrieve(taken)
        elif step.kind is StepKind.WRITE_OFF:
            await self.give_up_what_is_owed("policy")
        else:
            await self.press(position, step, taken)

    async def press(self, position: int, step: PolicyStep, taken: Taken) -> None:
        """Services off, contracts ended, or handed over; the customer, or the desk, is told."""
        case, customer = self.order.case_id, self.order.customer_id
        if step.kind is StepKind.SUSPEND:
            off = SuspensionOrder(case, customer, workflow.now(), self.order.terms.charges_while_suspended)
            await self.start_beside("Suspension", off, f"suspension:{case}")
            self.write("suspended", position, taken)
        elif step.kind is StepKind.TERMINATE:
            end = DismissalOrder(case, customer, workflow.now())
            await self.start_beside("Dismissal", end, f"dismissal:{case}")
            self.write("terminated", position, taken)
        else:
            self.write("handover", position, taken)

    def notify(self, position: int, step: PolicyStep, taken: Taken) -> None:
        """Write to the customer by the channel that the policy names."""
        self.write(step.letter, position, taken, channel=step.channel)

    async def retry(self, taken: Taken) -> None:
        """Charge the usual method again, one attempt for each overdue invoice."""
        for one in taken.invoices:
            if one.attempt_id:
                order = ChargeOrder(
                    one.attempt_id, one.invoice_id, one.ticket_id, one.open_minor, self.order.currency,
                    method_id=taken.method_id,
                )  # fmt: skip
                await self.start_beside("Charge", order, charge_workflow_id(one.attempt_id))

    async def call(self, taken: Taken) -> None:
        """A colleague gets a task."""
        report = FaultReport(
            taken.ticket_id, self.order.customer_id, workflow.now(), kind=TicketKind.TASK,
            case_id=self.order.case_id, asked_by=self.id, topic="dunning_call",
        )  # fmt: skip
        await self.start_beside("Ticket", report, ticket_workflow_id(taken.ticket_id))

    async def retrieve(self, taken: Taken) -> None:
        """Every device that the customer still has is fetched, each by a return of its own."""
        for ordinal, device in enumerate(taken.devices, 1):
            number = f"R{self.order.case_id}-{ordinal}"
            order = Retrieval(number, self.order.customer_id, device, self.id)
            await self.start_beside("Return", order, f"return:{number}")

    async def give_up_what_is_owed(self, reason: str, command: DunningCommand | None = None) -> None:
        """Have everything overdue written off; what a payment may just be settling stays owed."""
        order = WriteOffOrder(
            self.order.case_id, self.order.customer_id, workflow.now(), reason,
            command.actor_id if command else "",
        )  # fmt: skip
        self.written_off += 1
        done = await workflow.execute_child_workflow(
            "WriteOff", order, id=write_off_workflow_id(self.order.case_id, self.written_off),
            result_type=WrittenOff, static_summary=f"Write off what {self.order.case_id} could not collect",
        )  # fmt: skip
        if done.held or not done.invoice_ids:
            return await self.look()
        return await self.end(
            CaseStatus.WRITTEN_OFF, "dunning.written_off", command, {"amount": self.amount(done.amount_minor)}
        )

    async def end(
        self,
        status: CaseStatus,
        sentence: str,
        command: DunningCommand | None = None,
        details: dict[str, str] | None = None,
        *,
        is_public: bool = False,
    ) -> None:
        """The case is over: waits, promises and holds end with it."""
        self.waits.end_all()
        await self.record(sentence, command, status, details=details or {}, is_public=is_public)
        self.outlook = Outlook(status, self.seq, 0, self.order.currency)

    async def switch_on_again(self) -> None:
        """What this case has switched off runs again, as soon as everything is paid."""
        order = ReactivationOrder(self.order.case_id, self.order.customer_id, workflow.now())
        count = await workflow.execute_child_workflow(
            "Reactivation", order, id=f"reactivation:{self.order.case_id}", result_type=int,
            static_summary=f"Switch the services of {self.order.case_id} on again",
        )  # fmt: skip
        if count:
            await self.record(
                "dunning.resumed", status=self.outlook.status, resumed_at=workflow.now(), is_public=True
            )
            self.write("resumed", len(self.order.terms.steps), None)

    # Means

    def amount(self, minor: int) -> str:
        return shown(minor, self.order.currency)

    async def start_beside(self, life: str, order: Any, workflow_id: str) -> None:
        """Start another word's life, which outlives this one; one that is there already is the same."""
        try:
            await workflow.start_child_workflow(
                life, order, id=workflow_id, parent_close_policy=ParentClosePolicy.ABANDON,
                static_summary=f"{life} for {self.order.case_id}",
            )  # fmt: skip
        except WorkflowAlreadyStartedError:
            workflow.logger.info("%s is already there", workflow_id)

    def write(self, letter: str, position: int, taken: Taken | None, channel: str = "") -> None:
        """Have a letter written beside the story; the oldest invoice is the one that it links to."""
        values = {"channel": channel}
        oldest = None
        if taken is not None and taken.invoices:
            oldest = taken.invoices[0].invoice_id
            values["owed_minor"] = str(sum(one.open_minor for one in taken.invoices))
            values["count"] = str(len(taken.invoices))
        is_ours = letter == "handover"
        self.letters.send(
            Letter(
                f"{self.id}:{position}", "", f"dunning/{letter}",
                case_id=self.order.case_id if is_ours or oldest is None else "",
                customer_id=self.order.customer_id, invoice_id=None if is_ours else oldest, values=values,
            )
        )  # fmt: skip

    async def tell_failed_letter(self, letter: Letter) -> None:
        """A letter that could not be sent for a day stands in the timeline, so that somebody calls."""
        async with self.turn:
            await self.record(
                "dunning.letter_failed", status=self.outlook.status, details={"letter": letter.template}
            )
