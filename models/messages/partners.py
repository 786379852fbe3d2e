"""Words about partners: the life of a service company, its papers, and what their expiry brings."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from models.messages.journeys import WaitNotes
from models.messages.sentences import N_
from models.messages.tickets import Command


class PartnerStatus(StrEnum):
    APPLIED = "applied"
    REVIEW = "review"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class PaperKind(StrEnum):
    CONTRACT = "contract"
    INSURANCE = "insurance"
    CERTIFICATE = "certificate"  # for one product line


class PaperNews(StrEnum):
    """What a day brings to a paper."""

    MONTH = "month"  # it expires in thirty days
    WEEK = "week"  # it expires in seven days
    EXPIRED = "expired"  # the first moment at which it no longer counts


@dataclass(frozen=True)
class PartnerOrder:
    """What starts the life of a partner; the fields after the id are what it carries on with."""

    partner_id: str
    status: PartnerStatus = PartnerStatus.APPLIED
    seq: int = 0
    since: datetime | None = None  # news of papers up to then are told


@dataclass(frozen=True)
class PaperEvent:
    """One paper's news."""

    paper_id: str
    kind: PaperKind
    category: str
    news: PaperNews
    valid_until: date


@dataclass(frozen=True)
class OutlookRequest:
    """Which news of papers come next, after this moment?"""

    partner_id: str
    after: datetime


@dataclass(frozen=True)
class Outlook:
    """The next moment with news of papers, and all the news of that moment; none at all without papers."""

    at: datetime | None = None
    events: tuple[PaperEvent, ...] = ()


@dataclass(frozen=True)
class Move(Command):
    """Somebody of ours moves a partner on: review, activate, suspend, resume or end."""

    to: PartnerStatus = PartnerStatus.REVIEW
    reason: str = ""


@dataclass(frozen=True)
class PaperAdded:
    """A paper was stored: its dates count from now on."""

    paper_id: str
    at: datetime
    actor_id: str = ""


@dataclass(frozen=True)
class PartnerChange:
    """One step of a partner's life as `partners.record` writes it."""

    partner_id: str
    seq: int
    at: datetime
    status: PartnerStatus
    sentence: str
    actor_id: str | None = None
    reason: str = ""
    paper: PaperEvent | None = None
    paper_id: str = ""
    moves: bool = False  # the status is a new one
    takes_back: bool = False  # open offers of this partner are withdrawn
    waits: WaitNotes = field(default_factory=WaitNotes)


@dataclass(frozen=True)
class PaperWarning:
    """The letter about a paper that expires or has expired; sent once for each news."""

    partner_id: str
    event: PaperEvent


def partner_workflow_id(partner_id: str) -> str:
    return f"partner:{partner_id}"


SENTENCES: dict[str, str] = {
    "partners.begun": N_("The partner is looked after from now on"),
    "partners.review": N_("The application is being reviewed"),
    "partners.active": N_("Active: the partner gets offers"),
    "partners.suspended": N_("Suspended: %(reason)s"),
    "partners.resumed": N_("The partner gets offers again"),
    "partners.ended": N_("Ended: %(reason)s"),
    "partners.paper_added": N_("A paper was added: %(paper)s %(number)s"),
    "partners.paper_warned": N_("%(paper)s %(number)s is valid until %(day)s; the partner was told"),
    "partners.paper_expired": N_("%(paper)s %(number)s has expired; offers that need it have stopped"),
}
