"""What an item's expressions know while a page is drawn: two people, the answers, the day; no steps yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from api.employee_requests.people import Colleague
from api.kit.formats import in_seoul
from models.kit import expressions
from models.kit.expressions import Unanswerable
from models.messages.employee_requests.items import PERSON, Item
from models.rules.employee_requests.variables import Known as Told
from models.rules.employee_requests.variables import values_of


@dataclass(frozen=True)
class Known:
    """The variables of a page's expressions."""

    item: Item
    beneficiary: Colleague
    asker: Colleague
    answers: Mapping[str, Any] = field(default_factory=dict)

    def answered(self, answers: Mapping[str, Any]) -> "Known":
        """The same with other answers."""
        return replace(self, answers=answers)

    @property
    def variables(self) -> dict[str, Any]:
        """As expressions name them."""
        people = {"me": person(self.beneficiary), "asker": person(self.asker)}
        today = in_seoul(datetime.now(UTC)).date()
        return {**values_of(self.item, Told(self.answers, people, {}, today)), "steps": {}}


def known_for(item: Item, beneficiary: Colleague, asker: Colleague) -> Known:
    """What is known before anything is answered."""
    return Known(item, beneficiary, asker)


def person(colleague: Colleague) -> dict[str, Any]:
    """A colleague as expressions read them; when somebody leaves is shown to no page."""
    facts = {name: getattr(colleague, name, None) for name in PERSON}
    return {name: str(one) if name == "status" else one for name, one in facts.items()}


def holds(text: str, known: Known) -> bool | None:
    """Whether a condition holds; None when that cannot be told yet."""
    try:
        return expressions.holds(text, known.variables)
    except Unanswerable:
        return None


def whole(text: str, known: Known) -> int | None:
    """A whole number, or None when it cannot be told yet."""
    try:
        return expressions.amount(text, known.variables)
    except Unanswerable:
        return None


def is_for(item: Item, me: Colleague) -> bool:
    """Whether an item stands on somebody's shelf; a condition that fails shows nothing."""
    return not item.audience or holds(item.audience, known_for(item, me, me)) is True
