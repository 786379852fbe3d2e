"""Words about rules on tickets: when they are asked, what they do, and what was found out about them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.messages.sentences import N_

MOST_CONDITIONS, MOST_ACTIONS = 6, 5
DEEPEST = 3  # steps that rules may cause one after the other
MOST_TIMES = 20  # that one rule may act on one ticket


class Trigger(StrEnum):
    """When a rule is asked."""

    OPENED = "opened"
    MESSAGE = "message"  # the customer wrote
    STATUS = "status"  # the ticket has another status
    NEAR = "near"  # so many minutes before a deadline
    AFTER = "after"  # so many minutes after something happened


class After(StrEnum):
    """From what an exact time is counted."""

    OPENED = "opened"
    MESSAGE = "message"
    REPLIED = "replied"
    RESOLVED = "resolved"


class ActionKind(StrEnum):
    TEAM = "team"
    TAG = "tag"
    PRIORITY = "priority"
    REPLY = "reply"  # a text to the customer
    NOTIFY = "notify"  # a mail to the desk
    ASK = "ask"  # a text to the customer, whose answer is waited for


@dataclass(frozen=True)
class RuleAction:
    """One thing that a rule does."""

    kind: ActionKind
    value: str = ""  # a team, a tag, a priority
    ko: str = ""  # what is written
    en: str = ""


@dataclass(frozen=True)
class TicketRule:
    """One version of a rule, as it is asked."""

    key: str
    version: int
    name_ko: str
    name_en: str
    trigger: Trigger
    conditions: tuple[str, ...] = ()  # CEL; all have to hold
    actions: tuple[RuleAction, ...] = ()
    position: int = 100  # rules of the same trigger are asked in this order
    target: str = ""  # of NEAR: which deadline
    after: str = ""  # of AFTER: what happened
    minutes: int = 0


@dataclass(frozen=True)
class Verdict:
    """What a rule said about a ticket at a moment."""

    rule: str
    version: int
    fired: bool
    condition: int = -1  # the first that did not hold
    text: str = ""
    values: dict[str, str] = field(default_factory=dict)
    code: str = ""  # why it could not be answered, or what held it back


@dataclass(frozen=True)
class Effect:
    """What the ticket's life has to do because a rule said so."""

    kind: ActionKind
    rule: str
    version: int
    message_id: str = ""


class TrialStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True)
class TrialOrder:
    """A rule shall be tried on the tickets of the past days; nothing is changed."""

    trial_id: str
    rule_key: str
    version: int
    since: datetime
    slice_size: int = 200


@dataclass(frozen=True)
class TrialRow:
    """One past ticket that the rule would have acted on."""

    ticket_id: str
    team_then: str = ""
    priority_then: str = ""


@dataclass(frozen=True)
class TrialResult:
    """What a trial found: how many it would act on, and which condition held the others back."""

    seen: int = 0
    would: int = 0
    held: tuple[int, ...] = ()  # by condition
    unanswered: int = 0
    same_team: int = 0  # of those it would act on: already where the rule would send them
    rows: tuple[TrialRow, ...] = ()


def trial_workflow_id(trial_id: str) -> str:
    return f"rule-trial:{trial_id}"


# What may be asked of a ticket, and of what kind the answer is.
SCOPE: dict[str, dict[str, str]] = {
    "ticket": {
        "kind": "text", "channel": "text", "priority": "text", "status": "text", "subject": "text",
        "text": "text", "tags": "list", "team": "text", "has_agent": "yes_no", "is_answered": "yes_no",
        "age_hours": "number", "messages": "number",
    },
    "customer": {"tier": "text", "kind": "text", "region": "text", "is_verified": "yes_no"},
    "product": {"id": "text", "category": "text", "is_known": "yes_no", "in_warranty": "yes_no"},
    "message": {"text": "text", "channel": "text", "mark": "text"},
    "was": {"status": "text"},
    "now": {"hour": "number", "weekday": "number", "is_working": "yes_no"},
}  # fmt: skip
# What people wrote is not kept a second time in what is found out about rules.
PERSONAL = frozenset({"ticket.subject", "ticket.text", "message.text"})

# What can be wrong with a rule.
PROBLEMS: dict[str, str] = {
    "no_name": N_("Please give the rule a name in both languages."),
    "no_actions": N_("A rule does at least one thing."),
    "no_minutes": N_("Please say how many minutes."),
    "no_target": N_("Please choose a deadline."),
    "no_after": N_("Please choose what happened."),
    "no_team": N_("There is no such team."),
    "bad_tag": N_("A tag has small letters, digits and hyphens only."),
    "bad_priority": N_("Please choose one of p1, p2, p3, p4."),
    "no_text": N_("Please write the text in both languages."),
    "no_kind": N_("Please choose what is done."),
    "endless": N_("This rule would cause itself: narrow its condition on ticket.status."),
}
