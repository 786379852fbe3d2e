"""Which visit a wait is for: a request may send several technicians, also beside each other."""

from collections.abc import Iterable

from models.messages.employee_requests.items import VISIT_ENDED, Item, Step, StepKind, Wait
from models.messages.employee_requests.lives import StepState
from models.rules.employee_requests.walking import walk

SENDS = ("field_service", "send_somebody")


def sends(step: Step) -> bool:
    """Whether a step asks for a visit."""
    return step.call is not None and (step.call.connector, step.call.operation) == SENDS


def awaited_call(item: Item, wait: Wait) -> str:
    """The step whose visit is waited for: the one that is named, else the only one; empty: neither."""
    if wait.event != VISIT_ENDED:
        return ""
    calls = [placed.step.id for placed in walk(item) if sends(placed.step)]
    return wait.of or (calls[0] if len(calls) == 1 else "")


def ended(path: str) -> str:
    """The event of one visit: that of the call at this path."""
    return f"{VISIT_ENDED}:{path}"


def awaited_event(item: Item, wait: Wait, begun: Iterable[StepState]) -> str:
    """What a wait listens for; of rounds the newest one's visit. Older files may leave open which visit."""
    named = awaited_call(item, wait)
    calls = [one for one in begun if one.step_id == named and one.kind is StepKind.CALL]
    return ended(max(calls, key=lambda one: one.seq).path) if calls else wait.event
