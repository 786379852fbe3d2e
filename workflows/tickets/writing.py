"""What colleagues write: answers, notes, and templates that do something to the ticket with one word."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.tickets import TicketActivities
    from models.messages.letters import Letter
    from models.messages.tickets import (
        Cancel,
        Command,
        Recorded,
        Reply,
        Resolve,
        TicketStatus,
        ticket_workflow_id,
    )
    from models.messages.tickets.writing import Macro, TemplateUse
    from models.rules import tickets as rules
    from workflows.kit.options import ROWS
    from workflows.kit.refusals import refuse
    from workflows.tickets.children import ChildSteps


class WritingSteps(ChildSteps):
    """A ticket on which people write; whoever follows it is told."""

    async def answer_customer(self, reply: Command, message_id: str) -> None:
        """The customer gets an answer, and it is their turn."""
        status = self.status
        if status in rules.WORKING and status is not TicketStatus.DISPATCHED:
            status = TicketStatus.WAITING_CUSTOMER
        is_first, self.is_answered = not self.is_answered, True
        self.waits.end("letter")
        if status in rules.WORKING:
            self.begin_turn(status)
        await self.record("tickets.replied", status, reply, message_id=message_id, is_answer=is_first)
        self.send("reply", message_id)

    async def keep_note(self, note: Command, message_id: str) -> None:
        """Colleagues read it, nobody else."""
        self.waits.end("letter")
        await self.record("tickets.noted", self.status, note, message_id=message_id)

    @workflow.update
    async def reply(self, reply: Reply) -> TicketStatus:
        """An agent writes to the customer; answered once it is on its way."""
        async with self.step("reply"):
            await self.answer_customer(reply, reply.message_id)
        return self.status

    @reply.validator
    def refuse_reply(self, reply: Reply) -> None:
        self.refuse_early("reply")

    @workflow.update
    async def note(self, note: Reply) -> TicketStatus:
        """A colleague leaves a note for us; answered once it is in the timeline."""
        async with self.step("note"):
            await self.keep_note(note, note.message_id)
        return self.status

    @note.validator
    def refuse_note(self, note: Reply) -> None:
        self.refuse_early("note")

    @workflow.update
    async def resolve(self, resolve: Resolve) -> TicketStatus:
        """An agent solved it from afar; answered once the customer is asked to confirm."""
        async with self.step("resolve"):
            self.refuse_while_asked()
            await self.refuse_without_fields("resolve")
            await self.be_resolved(resolve, message_id=resolve.message_id)
        return self.status

    @resolve.validator
    def refuse_resolve(self, resolve: Resolve) -> None:
        self.refuse_early("resolve")
        if not resolve.message_id:
            raise refuse("ticket_needs_answer")
        self.refuse_while_asked()

    @workflow.update
    async def macro(self, macro: Macro) -> TicketStatus:
        """Somebody uses a template: what it sets, then what it says, or neither."""
        async with self.step(macro.use.value):
            command = Command(macro.id, macro.actor_id, macro.at, macro.actor_kind)
            if macro.use is TemplateUse.RESOLVE:
                self.refuse_while_asked()
                await self.refuse_without_fields("resolve")
            if macro.sets or macro.takes:
                await self.set_by(macro, command)
            if macro.use is TemplateUse.NOTE:
                await self.keep_note(command, macro.message_id)
            elif macro.use is TemplateUse.REPLY:
                await self.answer_customer(command, macro.message_id)
            else:
                resolve = Resolve(macro.id, macro.actor_id, macro.at, message_id=macro.message_id)
                await self.be_resolved(resolve, message_id=macro.message_id)
        return self.status

    @macro.validator
    def refuse_macro(self, macro: Macro) -> None:
        self.refuse_early(macro.use.value)
        if macro.use is TemplateUse.RESOLVE:
            self.refuse_while_asked()

    async def set_by(self, macro: Macro, command: Command) -> None:
        """Priority, team, tag and owner, as the template says."""
        owner = {"agent_id": macro.actor_id, "sets_agent": True} if macro.takes else {}
        details = {"template": macro.template_key}
        await self.record(
            "tickets.macro_used", self.status, command, sets=macro.sets, details=details, **owner
        )
        if macro.takes:
            self.agent_id = macro.actor_id

    async def refuse_without_fields(self, act: str) -> None:
        """A ticket ends only when what has to be known is known, whoever asks by whatever way."""
        if not workflow.patched("2026-11-fields-at-the-end"):
            return
        missing: list[str] = await workflow.execute_activity_method(
            TicketActivities.missing_fields,
            args=[self.fault.ticket_id, act],
            summary="Look whether everything is known that has to be",
            **ROWS,
        )
        if missing:
            raise refuse("fields_missing")

    async def refuse_cancel_without_fields(self, cancel: Cancel) -> None:
        """Customers may call it off without answering our questions."""
        if cancel.actor_kind == "staff":
            await self.refuse_without_fields("cancel")

    def settle_clocks(self, due: Recorded) -> None:
        """As after every step; then whoever follows the ticket is written to."""
        super().settle_clocks(due)
        self.tell_followers(due)

    def tell_followers(self, recorded: Recorded) -> None:
        """One letter each; who they are and what they may see is looked up when it is written."""
        ticket_id = self.fault.ticket_id
        for one in recorded.told:
            key = f"{ticket_workflow_id(ticket_id)}/{self.seq}/{one.account_id}/followed"
            values = {"happened": one.sentence}
            self.letters.send(
                Letter(key, ticket_id, "tickets/followed", account_id=one.account_id, values=values)
            )

    async def tell_failed_letter(self, letter: Letter) -> None:
        """A colleague's own mail that fails is nothing to tell about the ticket."""
        if letter.template != "tickets/followed":
            await super().tell_failed_letter(letter)
