"""Words about writing on a ticket: what waits before it leaves, templates, macros, followers, fields."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.messages.sentences import N_

UNDO_SECONDS = 10


class SendingAct(StrEnum):
    """What leaves the house only after a while in which its author may take it back."""

    REPLY = "reply"
    RESOLVE = "resolve"
    CANCEL = "cancel"
    MACRO = "macro"


class TemplateChannel(StrEnum):
    """For which way out a template is written."""

    ANY = "any"
    EMAIL = "email"
    SMS = "sms"
    ALIMTALK = "alimtalk"  # only with the number under which KakaoTalk approved it


class TemplateUse(StrEnum):
    """What a template becomes when it is sent."""

    REPLY = "reply"
    NOTE = "note"
    RESOLVE = "resolve"


class FieldKind(StrEnum):
    """How a field is answered."""

    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    YES_NO = "yes_no"
    DAY = "day"


class FieldAsked(StrEnum):
    """At which end of a ticket a field is asked."""

    RESOLVE = "resolve"
    CANCEL = "cancel"
    BOTH = "both"


class FollowReason(StrEnum):
    SELF = "self"
    MENTIONED = "mentioned"


@dataclass(frozen=True)
class Macro:
    """Somebody uses a template with what it does; `id` is the command's own.

    `sets` holds a priority, a team and a tag, each once and only when it changes."""

    id: str
    actor_id: str
    at: datetime
    actor_kind: str = "staff"
    template_key: str = ""
    use: TemplateUse = TemplateUse.REPLY
    message_id: str = ""
    sets: dict[str, str] = field(default_factory=dict)
    takes: bool = False  # whoever uses it has the ticket then


# What followers are told of, by the sentence of the step.
FOLLOWED: dict[str, str] = {
    "tickets.replied": N_("The customer was answered"),
    "tickets.customer_wrote": N_("The customer wrote"),
    "tickets.noted": N_("A note was added"),
    "tickets.assigned": N_("Somebody has taken the ticket"),
    "tickets.handed_over": N_("The ticket was handed over"),
    "tickets.resolved": N_("Resolved; the customer is asked to confirm"),
    "tickets.reopened": N_("The customer says that it does not work"),
    "tickets.late": N_("No answer before the deadline; the team was warned"),
    "tickets.closed": N_("The report is closed"),
    "tickets.cancelled": N_("Cancelled by us"),
    "tickets.cancelled_by_customer": N_("Cancelled by the customer"),
    "tickets.mentioned": N_("You were mentioned in a note"),
}


@dataclass(frozen=True)
class Told:
    """A follower who is written to, and what happened, as a code of FOLLOWED."""

    account_id: str
    sentence: str
