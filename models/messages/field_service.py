"""Words about visits: offers, appointments and the technician's steps."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.messages.journeys import WaitNotes
from models.messages.sentences import N_
from models.messages.tickets import Command, ServiceLevel


class VisitStatus(StrEnum):
    SEARCHING = "searching"  # ranking, offers going out
    UNASSIGNED = "unassigned"  # nobody is left; the agent is asked
    ACCEPTED = "accepted"  # a technician holds it; the customer chooses a time
    SCHEDULED = "scheduled"
    TRAVELLING = "travelling"
    ARRIVED = "arrived"
    WORKING = "working"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"  # ended without a repair; a follow-up visit is needed
    NO_SHOW = "no_show"  # the customer was not there
    CANCELLED = "cancelled"


VISIT_OVER = frozenset(
    {VisitStatus.COMPLETED, VisitStatus.INCOMPLETE, VisitStatus.NO_SHOW, VisitStatus.CANCELLED}
)
HOLDS_SLOT = frozenset(
    {VisitStatus.SCHEDULED, VisitStatus.TRAVELLING, VisitStatus.ARRIVED, VisitStatus.WORKING}
)


class OfferStatus(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Outcome(StrEnum):
    REPAIRED = "repaired"
    PART_NEEDED = "part_needed"
    NOT_REPAIRABLE = "not_repairable"
    CUSTOMER_ABSENT = "customer_absent"
    CANCELLED = "cancelled"
    NOBODY = "nobody"  # no technician accepted and the agent gave up


@dataclass(frozen=True)
class VisitOrder:
    """What starts a visit. Ids only."""

    visit_id: str
    ticket_id: str
    customer_id: str
    service_level: ServiceLevel
    technician_id: str | None = None  # offer to this one first
    previous_visit_id: str | None = None


@dataclass(frozen=True)
class Candidate:
    """A technician who could come, with the reasons for the rank."""

    technician_id: str
    score: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class RankRequest:
    """Who could come, now? `excluded` have already said no in this round."""

    visit_id: str
    at: datetime
    excluded: tuple[str, ...] = ()
    previous_visit_id: str | None = None


@dataclass(frozen=True)
class OfferRequest:
    """The n-th offer of a visit; `offer_minutes` are working minutes from `at`."""

    visit_id: str
    ordinal: int
    candidate: Candidate
    at: datetime
    offer_minutes: int = 30


@dataclass(frozen=True)
class Booking:
    """The time that a visit takes from its technician's day."""

    visit_id: str
    technician_id: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class EvidenceRequest:
    """Is everything stored that this outcome needs?"""

    visit_id: str
    outcome: Outcome


@dataclass(frozen=True)
class Offer:
    """One timed offer to one technician."""

    visit_id: str
    ordinal: int
    technician_id: str
    expires_at: datetime


@dataclass(frozen=True)
class Accept(Command):
    """A technician takes the offer; or their company does and sends `assignee`."""

    technician_id: str = ""
    assignee: str = ""


@dataclass(frozen=True)
class Decline(Command):
    """A technician does not take the offer, and says why."""

    technician_id: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Reassign(Command):
    """The company that holds a visit sends another of its own technicians."""

    technician_id: str = ""
    assignee: str = ""


@dataclass(frozen=True)
class WithdrawOffer:
    """The house takes one open offer back: the partner may not do this work any more."""

    ordinal: int
    reason: str
    at: datetime


@dataclass(frozen=True)
class Assignment:
    """A company takes the n-th offer for one of its own, or sends another of them."""

    visit_id: str
    ordinal: int
    technician_id: str  # whom the offer went to, or who holds the visit
    assignee: str
    at: datetime
    is_handed_on: bool = False  # the company holds it already


@dataclass(frozen=True)
class ChooseSlot(Command):
    """The customer (or an agent for them) chooses or moves the time."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True)
class Step(Command):
    """The technician departs, arrives or starts; `at` is the device's time."""

    technician_id: str = ""
    position: str = ""  # where the phone was, in degrees, or why that is not known: no_signal, skipped


@dataclass(frozen=True)
class Finish(Command):
    """The technician ends the visit; checklist, photos, parts and signature are already stored."""

    technician_id: str = ""
    outcome: Outcome = Outcome.REPAIRED
    labour_minutes: int = 0
    note: str = ""


@dataclass(frozen=True)
class Redispatch(Command):
    """The agent answers "nobody is left": search again, or offer to one technician."""

    technician_id: str | None = None


@dataclass(frozen=True)
class CallOff(Command):
    """The visit is called off by the customer or by us."""

    reason: str = ""


@dataclass(frozen=True)
class VisitResult:
    """How a visit ended: the parent's fact."""

    visit_id: str
    outcome: Outcome
    finished_at: datetime
    technician_id: str | None = None


@dataclass(frozen=True)
class VisitChange:
    """One step of a visit's life as `field_service.record` writes it."""

    visit_id: str
    ticket_id: str
    seq: int
    status: VisitStatus
    at: datetime
    sentence: str
    actor_id: str | None = None
    actor_kind: str = "system"
    technician_id: str | None = None
    reason: str = ""
    outcome: Outcome | None = None
    labour_minutes: int = 0
    note: str = ""
    position: str = ""
    letter: str | None = None
    details: dict[str, str] = field(default_factory=dict)
    waits: WaitNotes = field(default_factory=WaitNotes)
    starts_at: datetime | None = None  # the appointment as it stands after this step
    ends_at: datetime | None = None
    offer_ordinal: int = 0  # the offer that this step closes, with `offer_status`
    offer_status: OfferStatus | None = None
    is_public: bool = False  # the customer sees this line


def visit_workflow_id(visit_id: str) -> str:
    return f"visit:{visit_id}"


SENTENCES: dict[str, str] = {
    "visits.requested": N_("We are looking for a technician"),
    "visits.offered": N_("Offered to %(technician)s until %(expires_at)s"),
    "visits.declined": N_("%(technician)s declined: %(reason)s"),
    "visits.withdrawn": N_("The offer to %(technician)s was taken back: %(reason)s"),
    "visits.reassigned": N_("%(technician)s takes the visit over"),
    "visits.expired": N_("%(technician)s did not answer in time"),
    "visits.nobody": N_("No technician is left; the agent is asked"),
    "visits.given_back": N_("%(technician)s gave the visit back: %(reason)s"),
    "visits.searching_again": N_("We are looking for a technician again"),
    "visits.letter_failed": N_("A message (%(letter)s) could not be delivered; somebody should call"),
    "visits.accepted": N_("%(technician)s accepted; the customer chooses a time"),
    "visits.slot_reminder": N_("The customer was reminded to choose a time"),
    "visits.slot_silent": N_("The customer chose no time; the agent is asked to call"),
    "visits.scheduled": N_("Appointment: %(starts_at)s"),
    "visits.moved": N_("Appointment moved to %(starts_at)s"),
    "visits.late_start": N_("The technician has not set off in time; the team was warned"),
    "visits.departed": N_("%(technician)s is on the way"),
    "visits.arrived": N_("%(technician)s has arrived"),
    "visits.started": N_("Work has started"),
    "visits.overrun": N_("The visit takes longer than planned; the team was warned"),
    "visits.completed": N_("The repair is done"),
    "visits.incomplete": N_("Ended without a repair: %(reason)s"),
    "visits.no_show": N_("The customer was not there"),
    "visits.cancelled": N_("Visit called off: %(reason)s"),
}
