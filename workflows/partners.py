"""The life of a partner: from the application to the end, with the papers that expire on its way."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.partners import PartnerActivities, PartnerLetterActivities
    from models.messages.journeys import Wait, WaitFor
    from models.messages.partners import (
        SENTENCES,
        Move,
        Outlook,
        OutlookRequest,
        PaperAdded,
        PaperEvent,
        PaperNews,
        PaperWarning,
        PartnerChange,
        PartnerOrder,
        PartnerStatus,
        partner_workflow_id,
    )
    from models.rules import partners as rules
    from workflows.field_service.chapters import or_refuse
    from workflows.kit.options import LETTER, ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.waiting import Waits, told


@workflow.defn(name="Partner")
class PartnerWorkflow:
    """One service company, alive for as long as we work with it."""

    @workflow.init
    def __init__(self, order: PartnerOrder) -> None:
        self.partner_id = order.partner_id
        self.status = order.status
        self.seq = order.seq
        self.since = order.since or workflow.now()
        self.news: list[PaperAdded] = []
        self.waits = Waits()
        self.turn = asyncio.Lock()  # one step at a time: people and dates take turns
        self.has_moved = False

    @workflow.run
    async def run(self, order: PartnerOrder) -> PartnerStatus:
        """Wait for one date after the other until the work with this partner ends."""
        while self.status is not PartnerStatus.ENDED:
            if workflow.info().is_continue_as_new_suggested() and workflow.all_handlers_finished():
                workflow.continue_as_new(PartnerOrder(self.partner_id, self.status, self.seq, self.since))
            await self._live_to_the_next_date()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status

    async def _live_to_the_next_date(self) -> None:
        """Wait for the next news of papers, or for somebody who changes what comes next."""
        outlook = await self._look_ahead()
        await self._wait(outlook)
        await self.waits.until("paper", self._has_news)
        if outlook.at is not None and outlook.at <= workflow.now():
            for event in outlook.events:
                await self._tell(event)
            self.since = outlook.at
        async with self.turn:
            self.has_moved = False
            while self.news:
                await self._take_paper(self.news.pop(0))

    def _has_news(self) -> bool:
        return bool(self.news) or self.has_moved

    async def _look_ahead(self) -> Outlook:
        return await workflow.execute_activity_method(
            PartnerActivities.outlook, OutlookRequest(self.partner_id, self.since),
            summary="Which paper expires next?", **ROWS,
        )  # fmt: skip

    async def _wait(self, outlook: Outlook) -> None:
        """Say what is waited for; a partner without papers waits for one."""
        first = outlook.events[0] if outlook.events else None
        is_end = first is not None and first.news is PaperNews.EXPIRED
        wait = Wait(
            "paper", partner_workflow_id(self.partner_id), "", WaitFor.TIMER if first else WaitFor.PARTNER,
            "paper" if first else "no_paper", workflow.now(), outlook.at,
            "" if first is None else "stop_offers" if is_end else "warn_partner",
        )  # fmt: skip
        before = self.waits.open.get("paper")
        if before is None or (before.until, before.then) != (wait.until, wait.then):
            async with self.turn:
                self.waits.begin(wait)
                await self._record("partners.begun" if self.seq == 0 else "")

    async def _tell(self, event: PaperEvent) -> None:
        """Write down that a paper expires or has expired; what has expired stops offers before any letter."""
        async with self.turn:
            is_end = event.news is PaperNews.EXPIRED
            sentence = "partners.paper_expired" if is_end else "partners.paper_warned"
            await self._record(sentence, paper=event, takes_back=is_end)
        try:
            await workflow.execute_activity_method(
                PartnerLetterActivities.warn, PaperWarning(self.partner_id, event),
                summary=f"Tell the partner: {event.news.value}", **LETTER,
            )  # fmt: skip
        except ActivityError:  # given up after a day; the page of the partner says it as well
            workflow.logger.warning("nobody could be told of paper %s", event.paper_id)

    async def _take_paper(self, fact: PaperAdded) -> None:
        await self._record("partners.paper_added", actor_id=fact.actor_id, paper_id=fact.paper_id)

    @workflow.signal
    def paper_added(self, fact: PaperAdded) -> None:
        """A paper was stored; what comes next is looked up again."""
        self.news.append(fact)

    @workflow.update
    async def move(self, command: Move) -> PartnerStatus:
        """Somebody of ours moves the partner on, and says why when it stops work."""
        async with self.turn:
            self.refuse_move(command)
            if command.to is PartnerStatus.ACTIVE:
                request = OutlookRequest(self.partner_id, workflow.now())
                await or_refuse(PartnerActivities.check_papers, request, "Do contract and insurance count?")
            was = self.status
            self.status = command.to
            if command.to is PartnerStatus.ENDED:
                self.waits.end_all()
            resumed = was is PartnerStatus.SUSPENDED and command.to is PartnerStatus.ACTIVE
            stops = command.to in (PartnerStatus.SUSPENDED, PartnerStatus.ENDED)
            sentence = "partners.resumed" if resumed else f"partners.{command.to.value}"
            await self._record(sentence, actor_id=command.actor_id, reason=command.reason, moves=True,
                               takes_back=stops)  # fmt: skip
            self.has_moved = True
        return self.status

    @move.validator
    def refuse_move(self, command: Move) -> None:
        if self.status is PartnerStatus.ENDED:
            raise refuse("partner_has_ended")
        if command.to not in rules.moves(self.status):
            raise refuse("partner_wrong_step")
        if command.to in rules.NEEDS_REASON and not command.reason.strip():
            raise refuse("reason_missing")

    @workflow.query(name="status")
    def tell_status(self) -> PartnerStatus:
        """Where the partner is, for operations and tests; pages read tables."""
        return self.status

    async def _record(self, sentence: str, **facts: object) -> None:
        """Write one step with its waits; waits alone are a step without a line."""
        self.seq += 1
        change = PartnerChange(
            self.partner_id, self.seq, workflow.now(), self.status, sentence, waits=self.waits.take(),
            **facts,  # type: ignore[arg-type]
        )  # fmt: skip
        summary = told(SENTENCES[sentence]) if sentence else "Say what is waited for"
        await workflow.execute_activity_method(PartnerActivities.record, change, summary=summary, **ROWS)
