"""Words about mails that come in: what the letterbox keeps, where a mail goes, and what a person decides."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.messages.journeys import WaitNotes
from models.messages.sentences import N_
from models.messages.tickets import Command


class MailSource(StrEnum):
    """Which door a mail came through."""

    SMTP = "smtp"
    IMAP = "imap"


class MailStatus(StrEnum):
    """Where a mail stands."""

    RECEIVED = "received"  # kept; nobody has read it yet
    THREADED = "threaded"  # it is a message of a ticket, or told one something
    QUARANTINED = "quarantined"  # a person decides
    IGNORED = "ignored"  # it makes no ticket; the original stays


class Mark(StrEnum):
    """What we know about who sent a message; empty means that nothing has to be said."""

    NONE = ""
    PROVED = "proved"  # came to the ticket's own address, or the sender's domain vouches for it
    UNPROVED = "unproved"  # the sender's address is only a claim
    STRANGER = "stranger"  # knows the ticket's address and is not a participant
    AUTOMATIC = "automatic"  # a machine answered


# Why a mail is where it is; the page shows the sentence.
REASONS: dict[str, str] = {
    "": "",
    "new_ticket": N_("It opened a ticket"),
    "signed_address": N_("It came to the ticket's own address"),
    "vouched_reference": N_("It answers a letter of ours, and the sender's domain vouches for it"),
    "bare_reference": N_("It answers a letter of ours without the ticket's address"),
    "bounce": N_("A letter of ours could not be delivered"),
    "unknown_bounce": N_("A delivery report about a letter that we do not know"),
    "automatic": N_("An automatic answer"),
    "own_mail": N_("A letter of our own came back"),
    "bulk": N_("A mailing list or an advertisement"),
    "too_many": N_("Too many mails from this sender within an hour"),
    "no_sender": N_("It names no sender that could be answered"),
    "unreadable": N_("It could not be read; the original is kept"),
    "too_large": N_("It is larger than we take; it was left in the mailbox"),
    "dismissed": N_("A colleague decided that it is none of our business"),
    "expired": N_("Nobody decided about it within 30 days"),
}


@dataclass(frozen=True)
class MailOrder:
    """What starts the reading of one mail. An id only: what it says stays in the tables."""

    mail_id: str
    received_at: datetime


@dataclass(frozen=True)
class PlaceMail:
    """Read a mail and put it where it belongs; a released one is not held back again."""

    mail_id: str
    at: datetime
    is_released: bool = False
    actor_id: str = ""


@dataclass(frozen=True)
class Placed:
    """Where a mail went."""

    status: MailStatus
    reason: str = ""
    ticket_id: str = ""
    message_id: str = ""
    letter_key: str = ""  # of the letter that bounced
    is_news: bool = False  # the ticket has to be told


@dataclass(frozen=True)
class MailStep:
    """One step of a mail that a person decides about: its waits, and its end when it is ignored."""

    mail_id: str
    seq: int
    at: datetime
    waits: WaitNotes = field(default_factory=WaitNotes)
    ends_with: str = ""  # a reason; then the mail is ignored
    actor_id: str = ""


@dataclass(frozen=True)
class Verdict(Command):
    """A colleague lets a quarantined mail in, or sends it away."""


@dataclass(frozen=True)
class LetterBounced:
    """A fact: a letter of this ticket came back."""

    letter_key: str
    at: datetime


def mail_workflow_id(mail_id: str) -> str:
    return f"mail:{mail_id}"
