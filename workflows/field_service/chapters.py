"""The chapters of a visit: somebody is found, a time is chosen, the day comes; and how a step is written."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.field_service import FieldServiceActivities
    from models.kit.refusals import REFUSALS
    from models.messages.field_service import (
        SENTENCES,
        VISIT_OVER,
        Candidate,
        Offer,
        OfferRequest,
        OfferStatus,
        Outcome,
        RankRequest,
        Step,
        VisitChange,
        VisitOrder,
        VisitStatus,
    )  # fmt: skip
    from models.messages.journeys import Wait, WaitFor
    from models.messages.letters import Letter
    from models.messages.tickets import Command
    from models.rules import field_service as rules
    from workflows.kit.letters import Letters
    from workflows.kit.options import ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.search import STAGE
    from workflows.kit.waiting import Waits

LATE_AFTER = timedelta(minutes=15)  # after the start of the slot the technician should be on the way
LONG_AFTER = timedelta(hours=4)  # longer work is worth a call


class Chapters:
    """What a visit knows of itself, and its chapters in the order in which they happen."""

    def __init__(self, order: VisitOrder) -> None:
        self.order = order
        self.status = VisitStatus.SEARCHING
        self.seq = 0
        self.ordinal = 0
        self.offer: Offer | None = None
        self.asked: list[str] = []
        self.first = order.technician_id
        self.technician_id: str | None = None
        self.starts_at: datetime | None = None
        self.ends_at: datetime | None = None
        self.outcome = Outcome.CANCELLED
        self.finished_at = workflow.now()
        self.waits = Waits()
        self.turn = asyncio.Lock()  # one step at a time: people and deadlines take turns
        self.letters = Letters(self._tell_failed_letter)

    # Finding somebody

    async def _search(self) -> None:
        """Offer to one technician after the other until one accepts or nobody is left."""
        while self.status is VisitStatus.SEARCHING:
            candidate = await self._next_candidate()
            async with self.turn:
                if self.status is not VisitStatus.SEARCHING:
                    return
                if candidate is None:
                    await self._nobody_left()
                    return
                offer = await self._make_offer(candidate)
            await self.waits.until("offer", self._left(offer))
            async with self.turn:
                if self.offer is offer:
                    await self._expire(offer)

    def _left(self, offer: Offer) -> Callable[[], bool]:
        return lambda: self.offer is not offer

    async def _next_candidate(self) -> Candidate | None:
        """The agent's choice, else the best of those who have not been asked in this round."""
        chosen, self.first = self.first, None
        if chosen is not None and chosen not in self.asked:
            return Candidate(chosen, 0, ("chosen_by_agent",))
        request = RankRequest(
            self.order.visit_id, workflow.now(), tuple(self.asked), self.order.previous_visit_id
        )
        ranked = await workflow.execute_activity_method(
            FieldServiceActivities.rank, request, summary="Who could come?", **ROWS
        )
        return ranked[0] if ranked else None

    async def _make_offer(self, candidate: Candidate) -> Offer:
        self.ordinal += 1
        self.asked.append(candidate.technician_id)
        minutes = self.order.service_level.offer_minutes
        offer = await workflow.execute_activity_method(
            FieldServiceActivities.offer,
            OfferRequest(self.order.visit_id, self.ordinal, candidate, workflow.now(), minutes),
            summary=f"Offer {self.ordinal}: until when?",
            **ROWS,
        )
        self.offer = offer
        self._wait("offer", WaitFor.TECHNICIAN, until=offer.expires_at, then="next_offer",
                   details={"technician": offer.technician_id})  # fmt: skip
        details = {"technician": offer.technician_id, "expires_at": offer.expires_at.isoformat()}
        await self._record("visits.offered", VisitStatus.SEARCHING, details=details)
        self._send("offer", offer.technician_id, expires_at=offer.expires_at.isoformat())
        return offer

    async def _expire(self, offer: Offer) -> None:
        self.waits.end("offer")
        await self._record("visits.expired", VisitStatus.SEARCHING, offer_status=OfferStatus.EXPIRED,
                           details={"technician": offer.technician_id})  # fmt: skip
        self.offer = None

    async def _nobody_left(self) -> None:
        self._wait("agent", WaitFor.US, what="nobody", status=VisitStatus.UNASSIGNED)
        await self._record("visits.nobody", VisitStatus.UNASSIGNED)
        self._send("nobody")

    async def _ask_the_agent(self) -> None:
        await self.waits.until("agent", lambda: self.status is not VisitStatus.UNASSIGNED)
        await workflow.wait_condition(lambda: self.status is not VisitStatus.UNASSIGNED)

    # Finding a time

    async def _await_slot(self) -> None:
        """Remind the customer once; after the second silence the agent calls and may choose for them."""
        while not await self.waits.until("slot", self._has_left(VisitStatus.ACCEPTED)):
            async with self.turn:
                wait = self.waits.open.get("slot")
                if self.status is not VisitStatus.ACCEPTED or wait is None or not self._is_due("slot"):
                    continue
                if wait.then == "remind_customer":
                    until = workflow.now() + self._slot_patience()
                    self._wait("slot", WaitFor.CUSTOMER, until=until, then="ask_agent")
                    await self._record("visits.slot_reminder", VisitStatus.ACCEPTED, is_public=True)
                    self._send("slot_reminder")
                else:
                    self._wait("slot", WaitFor.US, what="agent")
                    await self._record("visits.slot_silent", VisitStatus.ACCEPTED)
                    self._send("slot_silent")

    def _slot_patience(self) -> timedelta:
        return timedelta(hours=self.order.service_level.slot_hours)

    def _has_left(self, status: VisitStatus) -> Callable[[], bool]:
        return lambda: self.status is not status

    # The day itself

    async def _await_departure(self) -> None:
        """Warn the team once when nobody has set off; a moved appointment starts the clock again."""
        while not await self.waits.until("appointment", self._has_left(VisitStatus.SCHEDULED)):
            async with self.turn:
                if self.status is not VisitStatus.SCHEDULED or not self._is_due("appointment"):
                    continue
                self._wait_for_departure(until=None)
                await self._record("visits.late_start", VisitStatus.SCHEDULED)
                self._send("late_start")

    async def _await_next_step(self) -> None:
        status = self.status
        await workflow.wait_condition(lambda: self.status is not status)

    async def _await_end(self) -> None:
        """Warn the team once when the work takes much longer than planned."""
        while not await self.waits.until("work", self._has_left(VisitStatus.WORKING)):
            async with self.turn:
                if self.status is not VisitStatus.WORKING or not self._is_due("work"):
                    continue
                self._wait_for_the_end(until=None)
                await self._record("visits.overrun", VisitStatus.WORKING)
                self._send("overrun")

    # What every step does

    async def _tell_failed_letter(self, letter: Letter) -> None:
        async with self.turn:
            if self.status not in VISIT_OVER or self.status is VisitStatus.CANCELLED:
                await self._record("visits.letter_failed", self.status, details={"letter": letter.template})

    async def _record(
        self, sentence: str, status: VisitStatus, command: Command | None = None, **facts: Any
    ) -> None:
        """Write row, timeline and waits in one transaction; only then is the visit in its new status."""
        self.seq += 1
        actor = {"actor_id": command.actor_id, "actor_kind": command.actor_kind} if command else {}
        ordinal = self.ordinal if "offer_status" in facts else 0
        said = {"at": workflow.now(), "offer_ordinal": ordinal, **actor, **facts}
        change = VisitChange(
            visit_id=self.order.visit_id, ticket_id=self.order.ticket_id, seq=self.seq, status=status,
            sentence=sentence, technician_id=self.technician_id, starts_at=self.starts_at,
            ends_at=self.ends_at, waits=self.waits.take(), **said,
        )  # fmt: skip
        await workflow.execute_activity_method(
            FieldServiceActivities.record, change, summary=_plain(sentence), **ROWS
        )
        if status is not self.status or self.seq == 1:
            workflow.upsert_search_attributes([STAGE.value_set(status.value)])
        self.status = status

    async def _step(self, sentence: str, status: VisitStatus, command: Step) -> None:
        """A step of the technician at the device's time, which is never believed to be in the future."""
        await self._record(sentence, status, command, at=min(command.at, workflow.now()), is_public=True,
                           position=command.position, details=self._named())  # fmt: skip

    def _named(self) -> dict[str, str]:
        return {"technician": self.technician_id or ""}  # the activity puts the name in its place

    def _wait(self, key: str, who: WaitFor, *, what: str = "", until: datetime | None = None, then: str = "",
              status: VisitStatus | None = None, details: dict[str, str] | None = None) -> None:  # fmt: skip
        """Say whom we wait for in `status` (now, unless said) and what is possible meanwhile."""
        visit = self.order
        self.waits.begin(
            Wait(
                key=key, subject=f"visit:{visit.visit_id}", ticket_id=visit.ticket_id, who=who,
                what=what or key, since=workflow.now(), until=until, then=then,
                may=tuple(sorted(rules.may(status or self.status))), details=details or {},
            )
        )  # fmt: skip

    def _wait_for_departure(self, until: datetime | None) -> None:
        assert self.starts_at is not None
        details = {"starts_at": self.starts_at.isoformat()}
        self._wait("appointment", WaitFor.TECHNICIAN, until=until, then="warn_team" if until else "",
                   status=VisitStatus.SCHEDULED, details=details)  # fmt: skip

    def _wait_for_the_end(self, until: datetime | None) -> None:
        self._wait("work", WaitFor.TECHNICIAN, until=until, then="warn_team" if until else "",
                   status=VisitStatus.WORKING, details=self._named())  # fmt: skip

    def _is_due(self, key: str) -> bool:
        wait = self.waits.open.get(key)
        return wait is not None and wait.until is not None and wait.until <= workflow.now()

    def _send(self, letter: str, technician_id: str | None = None, **values: str) -> None:
        """Hand a letter over without waiting for it: a mail system that is away stops no visit."""
        visit = self.order
        self.letters.send(
            Letter(
                key=f"visit:{visit.visit_id}:{self.seq}:{letter}",
                ticket_id=visit.ticket_id,
                template=f"field_service/{letter}",
                visit_id=visit.visit_id,
                technician_id=technician_id,
                values=values,
            )
        )


async def or_refuse(act: Any, request: Any, summary: str) -> None:
    """Do something that may be refused; the refusal goes to whoever asked, with its own code."""
    try:
        await workflow.execute_activity_method(act, request, summary=summary, **ROWS)
    except ActivityError as failure:
        if isinstance(failure.cause, ApplicationError) and failure.cause.type in REFUSALS:
            raise refuse(failure.cause.type) from None
        raise


def _plain(sentence: str) -> str:
    """What a step's line will say, without its values, for the Temporal UI."""
    return re.sub(r"%\(\w+\)s", "…", SENTENCES[sentence])
