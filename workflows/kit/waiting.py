"""The one wait helper: every wait says for whom, since when, until when and what happens then."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.messages.journeys import THENS, WAITS, Wait, WaitNotes, WaitOver


class Waits:
    """The open waits of one workflow, carried into the tables by the next recorded step.

    `begin` before a step is recorded, so that the step's activity writes it; then `until` to really wait."""

    def __init__(self) -> None:
        self.open: dict[str, Wait] = {}
        self._began: dict[str, Wait] = {}
        self._ended: dict[str, WaitOver] = {}

    def begin(self, wait: Wait) -> None:
        """Say that a wait has begun; the same key again replaces it (a moved deadline)."""
        self.open[wait.key] = wait
        self._began[wait.key] = wait
        self._ended.pop(wait.key, None)
        self.show()

    def end(self, *keys: str) -> None:
        """Say that waits are over; unknown keys are ignored."""
        for key in keys:
            if self.open.pop(key, None) is not None:
                self._began.pop(key, None)
                self._ended[key] = WaitOver(key, workflow.now())
        self.show()

    def decided(self, key: str, until: datetime | None) -> None:
        """The recorded step decided this wait's deadline; the tables have it already."""
        wait = self.open.get(key)
        if wait is not None and until is not None and wait.until != until:
            self.open[key] = replace(wait, until=until)
            self.show()

    def decide(self, key: str, until: datetime | None, then: str) -> None:
        """The recorded step decided until when this wait lasts and what happens then; nothing for ever."""
        wait = self.open.get(key)
        if wait is not None and (wait.until, wait.then) != (until, then):
            self.open[key] = replace(wait, until=until, then=then)
            self.show()

    def end_all(self) -> None:
        """Say that nobody waits any more."""
        self.end(*tuple(self.open))

    @property
    def has_notes(self) -> bool:
        """Whether something is not yet written to the tables."""
        return bool(self._began or self._ended)

    def take(self) -> WaitNotes:
        """Everything not yet written, for the next step's activity; it is taken once."""
        notes = WaitNotes(tuple(self._began.values()), tuple(self._ended.values()))
        self._began.clear()
        self._ended.clear()
        return notes

    async def until(self, key: str, is_over: Callable[[], bool]) -> bool:
        """Wait until `is_over`, at most until the wait's own deadline; False means the deadline passed.

        A wait that is begun again under the same key meanwhile (a moved deadline) is followed."""
        while (wait := self.open.get(key)) is not None:
            began = wait

            def moved(began: Wait = began) -> bool:
                return is_over() or self.open.get(key) is not began

            if wait.until is None:
                await workflow.wait_condition(moved)
            else:
                left = wait.until - workflow.now()
                try:
                    await workflow.wait_condition(
                        moved, timeout=max(left, timedelta(0)), timeout_summary=plain(wait)
                    )
                except TimeoutError:
                    return is_over()
            if is_over():
                return True
        return is_over()

    def show(self) -> None:
        """Put the waits as plain words on the workflow's page in the Temporal UI."""
        lines = [f"- {plain(wait)}" for wait in self.open.values()]
        workflow.set_current_details("\n".join(lines) or "Nobody waits.")


def plain(wait: Wait) -> str:
    """One wait as an English sentence without personal data, for the Temporal UI."""
    what = WAITS[wait.what] % _shown(wait) if wait.details else WAITS[wait.what]
    sentence = f"{what} ({wait.who.value}) since {_short(wait.since)}"
    if wait.until is not None:
        sentence += f", until {_short(wait.until)}"
    if wait.then:
        sentence += f", {THENS[wait.then]}"
    return sentence


def told(sentence: str) -> str:
    """A sentence of the timeline without its values, which may be personal, for the Temporal UI."""
    return re.sub(r"%\(\w+\)s", "…", sentence)


def _shown(wait: Wait) -> dict[str, str]:
    return {name: str(value) for name, value in wait.details.items()}


def _short(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M %Z")
