"""Words about tickets: what people, workflows and activities say to each other."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.messages.journeys import WaitNotes
from models.messages.sentences import N_
from models.messages.tickets.automation import Effect
from models.messages.tickets.promises import TurnDue
from models.messages.tickets.writing import Told


class TicketStatus(StrEnum):
    RECEIVED = "received"  # stored; the workflow has not opened it yet
    OPEN = "open"  # waits for a first answer
    IN_PROGRESS = "in_progress"  # an agent works on it
    WAITING_CUSTOMER = "waiting_customer"  # we answered and wait for the customer
    DISPATCHED = "dispatched"  # a visit is under way
    RESOLVED = "resolved"  # we say it works; the customer has not confirmed
    PAYMENT_DUE = "payment_due"  # confirmed; the invoice is not paid yet
    CLOSED = "closed"
    CANCELLED = "cancelled"
    MERGED = "merged"  # goes on in another ticket, which its row names


OVER = frozenset({TicketStatus.CLOSED, TicketStatus.CANCELLED, TicketStatus.MERGED})


class Priority(StrEnum):
    P1 = "p1"
    P2 = "p2"
    P3 = "p3"
    P4 = "p4"


class Channel(StrEnum):
    PORTAL = "portal"
    FORM = "form"
    PHONE = "phone"
    EMAIL = "email"
    SMS = "sms"
    API = "api"
    CHAT = "chat"
    DEVICE = "device"


class TicketKind(StrEnum):
    """What a ticket is about; an order or a change opens the last two itself."""

    FAULT = "fault"
    INSTALLATION = "installation"  # a visit that belongs to an order or a move
    TASK = "task"  # something that a colleague has to settle


class MessageKind(StrEnum):
    INBOUND = "inbound"  # the customer wrote
    REPLY = "reply"  # we wrote to the customer
    NOTE = "note"  # only for us


class CloseReason(StrEnum):
    CONFIRMED = "confirmed"  # by the customer
    SILENCE = "silence"  # nobody answered before the deadline
    CANCELLED_BY_CUSTOMER = "cancelled_by_customer"
    CANCELLED_BY_US = "cancelled_by_us"


@dataclass(frozen=True)
class ServiceLevel:
    """A snapshot of the service-level policy: later edits do not reach a running ticket."""

    policy: str = "standard"
    version: int = 1
    answer_minutes: int = 240  # working minutes
    resolve_minutes: int = 1440  # working minutes
    offer_minutes: int = 30  # working minutes that a technician has for an offer
    slot_hours: int = (
        24  # hours until the customer is reminded to choose a time; again, then the agent is asked
    )
    confirm_minutes: int = 1440  # working minutes of silence after which a repair counts as confirmed
    invoice_days: int = 14
    rating_days: int = 14


@dataclass(frozen=True)
class FaultReport:
    """What starts the life of a ticket. Ids only: names and texts stay in the tables."""

    ticket_id: str
    customer_id: str
    reported_at: datetime
    service_level: ServiceLevel = field(default_factory=ServiceLevel)
    kind: TicketKind = TicketKind.FAULT
    case_id: str = ""  # the order or change that opens it; then the ticket stores its own row first
    asked_by: str = ""  # workflow id that is told `ticket_settled`
    owned_product_id: str | None = None
    topic: str = ""  # code of what it is about, one of TOPICS
    is_quiet: bool = False  # nobody is written to that it was received: a machine may have asked
    clocks_since: datetime | None = None  # its promises began before it was a ticket of its own


# What a ticket that somebody else opened is called, by topic; %(case_id)s is the order or change.
TOPICS: dict[str, str] = {
    "installation": N_("Installation for %(case_id)s"),
    "move": N_("Move of the device for %(case_id)s"),
    "stuck_undo": N_("Undo by hand a step of %(case_id)s"),
    "refused_outside": N_("Find out what holds %(case_id)s in an outside system"),
    "credit_grey": N_("Decide the credit check of %(case_id)s"),
    "dunning_call": N_("Call about what is overdue: %(case_id)s"),
    "retrieval": N_("Take a device down and along for %(case_id)s"),
    "return_decision": N_("Decide the return %(case_id)s"),
    "return_late": N_("Find the goods of the return %(case_id)s"),
    "return_inspection": N_("Inspect the goods of the return %(case_id)s"),
    "office_visit": N_("Visit to our own office for %(case_id)s"),
    "child": N_("Sub-ticket of %(case_id)s"),
    "return_refund": N_("Give the money of the return %(case_id)s back by hand"),
}


@dataclass(frozen=True)
class TicketSettled:
    """A fact for whoever opened the ticket: the work is done, or will not be."""

    ticket_id: str
    is_done: bool
    close_reason: CloseReason | None
    at: datetime


@dataclass(frozen=True)
class Opened:
    """What `tickets.open` decided that day."""

    team_id: str
    answer_due: datetime | None
    resolve_due: datetime | None
    recorded: "Recorded | None" = None


@dataclass(frozen=True)
class Command:
    """Somebody's order on a ticket; `id` is the command's own and makes a double click harmless."""

    id: str
    actor_id: str
    at: datetime
    actor_kind: str = "staff"


@dataclass(frozen=True)
class Assign(Command):
    """Take the ticket, or give it to `agent_id` (None: back to the team)."""

    agent_id: str | None = None
    from_agent_id: str | None = None  # whose it was on the page; somebody else's by now is a refusal


@dataclass(frozen=True)
class Sort(Command):
    """Give the ticket to another team, or another priority; what is empty stays as it is."""

    team_id: str = ""
    priority: Priority | None = None
    from_team_id: str = ""  # what stood on the page; another one by now is a refusal
    from_priority: str = ""


@dataclass(frozen=True)
class Reply(Command):
    """A message already stored in `ticket_messages` is to be sent (or kept as a note)."""

    message_id: str = ""
    kind: MessageKind = MessageKind.REPLY


@dataclass(frozen=True)
class Resolve(Command):
    """Solved from afar; `message_id` says how."""

    message_id: str = ""


@dataclass(frozen=True)
class Dispatch(Command):
    """Send somebody; `technician_id` skips the ranking and offers to that one first."""

    technician_id: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Cancel(Command):
    """End the ticket without a repair; a visit under way is called off."""

    reason: str = ""


@dataclass(frozen=True)
class Confirmation(Command):
    """The customer says that it works again."""


@dataclass(frozen=True)
class Reopening(Command):
    """The customer says that it does not."""

    message_id: str = ""


@dataclass(frozen=True)
class CustomerWrote:
    """A fact: a message of the customer has been stored."""

    message_id: str
    at: datetime


class Clock(StrEnum):
    """Which promise begins with a step; its deadline is computed where the step is written."""

    NONE = "none"
    ANSWER = "answer"  # the first answer and the solution
    CONFIRM = "confirm"  # the customer's silence


@dataclass(frozen=True)
class Change:
    """One step of a ticket's life as `tickets.record` writes it: row, timeline line, wait, letters."""

    ticket_id: str
    seq: int
    status: TicketStatus
    at: datetime
    sentence: str  # timeline code, e.g. "tickets.resolved"
    actor_id: str | None = None
    actor_kind: str = "system"
    agent_id: str | None = None
    sets_agent: bool = False
    message_id: str | None = None
    reason: str = ""
    letter: str | None = None  # name below templates/tickets/letters/, sent to the customer
    close_reason: CloseReason | None = None
    details: dict[str, str] = field(default_factory=dict)
    waits: WaitNotes = field(default_factory=WaitNotes)
    further: tuple[str, ...] = ()  # more timeline codes of the same step, with the same details
    clock: Clock = Clock.NONE
    service_level: ServiceLevel = field(default_factory=ServiceLevel)
    is_answer: bool = False  # the first answer was given with this step
    has_failed_delivery: bool = False  # the message could not be sent
    is_quiet: bool = False  # nobody is written to by rules
    depth: int = 0  # how many rules caused this step, one after the other
    team_id: str = ""  # the team that it goes to with this step
    priority: Priority | None = None  # the one that it gets with this step
    sets: dict[str, str] = field(default_factory=dict)  # priority, team, tag
    clocks_since: datetime | None = None  # from when the promises that begin with this step count
    sets_snooze: bool = False
    is_snoozed: bool = False
    snoozed_until: datetime | None = None  # None: until the customer answers


@dataclass(frozen=True)
class Recorded:
    """The deadlines that hold after a step, as they were decided that day."""

    answer_due: datetime | None = None
    resolve_due: datetime | None = None
    confirm_due: datetime | None = None
    turn: TurnDue | None = None  # None: the rows know no clocks of this ticket
    alarm_at: datetime | None = None  # when a rule is asked next
    effects: tuple[Effect, ...] = ()  # what rules want done
    team_id: str = ""
    priority: str = ""
    told: tuple[Told, ...] = ()  # who follows and is written to


@dataclass(frozen=True)
class Weighed:
    """Whether the repair is billed, why or why not, and which visits."""

    is_billable: bool
    reason: str
    visit_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class TicketState:
    """Where a ticket's life stands, for operations and tests."""

    status: TicketStatus
    seq: int
    agent_id: str | None = None
    waiting_for: tuple[str, ...] = ()


def ticket_workflow_id(ticket_id: str) -> str:
    return f"ticket:{ticket_id}"


# What the timeline says, by code; values in %(name)s come from the entry's details.
SENTENCES: dict[str, str] = {
    "tickets.received": N_("Report received"),
    "tickets.opened": N_("Opened; first answer due %(answer_due)s"),
    "tickets.late": N_("No answer before the deadline; the team was warned"),
    "tickets.overdue": N_("Not solved before the deadline; the team leader was warned"),
    "tickets.assigned": N_("%(actor)s took the ticket"),
    "tickets.handed_over": N_("Handed over to %(agent)s"),
    "tickets.unassigned": N_("Given back to the team"),
    "tickets.given_to_team": N_("%(actor)s gave it to %(team)s"),
    "tickets.prioritised": N_("%(actor)s changed the priority to %(priority)s"),
    "tickets.replied": N_("%(actor)s answered"),
    "tickets.noted": N_("A note was added"),
    "tickets.customer_wrote": N_("The customer wrote"),
    "tickets.letter_failed": N_("A message could not be delivered; please use another way"),
    "tickets.dispatched": N_("A visit was requested"),
    "tickets.visit_failed": N_("The visit did not take place; the agent is asked"),
    "tickets.follow_up": N_("A follow-up visit was arranged"),
    "tickets.not_repairable": N_("The technician could not repair it; the agent is asked"),
    "tickets.installed": N_("Installed at the customer's"),
    "tickets.visited": N_("Done in our own office"),
    "tickets.settled": N_("Settled"),
    "tickets.resolved": N_("Resolved; the customer is asked to confirm"),
    "tickets.confirmed": N_("The customer confirmed the repair"),
    "tickets.silent": N_("Closed without an answer from the customer"),
    "tickets.reopened": N_("The customer says that it does not work"),
    "tickets.payment_due": N_("Waiting for the invoice to be paid"),
    "tickets.unpaid": N_("Closed with an unpaid invoice; finance goes on asking for it"),
    "tickets.paid": N_("The invoice is paid"),
    "tickets.bill_withdrawn": N_("The invoice was cancelled"),
    "tickets.not_billed_warranty": N_("No invoice: the product is under warranty"),
    "tickets.not_billed_no_work": N_("No invoice: no paid work was done"),
    "tickets.closed": N_("The report is closed"),
    "tickets.cancelled": N_("Cancelled by us"),
    "tickets.cancelled_by_customer": N_("Cancelled by the customer"),
    "tickets.rated": N_("The customer rated the repair: %(stars)s of 5"),
    "tickets.child_asked": N_("%(actor)s handed it to another department: %(item)s"),
    "tickets.child_settled": N_("The other department is done: %(item)s"),
    "tickets.child_not_done": N_("The other department has ended it without doing it: %(item)s"),
    "tickets.repaired_child_open": N_("Repaired, but another department is not done yet; the agent is asked"),
    "tickets.reply_late": N_("No reply to the customer's message before the deadline; the team was warned"),
    "tickets.retimed_closed": N_("%(target)s is due %(due)s instead of %(was)s: %(day)s is not worked"),
    "tickets.retimed_worked": N_("%(target)s is due %(due)s instead of %(was)s: %(day)s is worked"),
    "tickets.retimed_ordinary": N_(
        "%(target)s is due %(due)s instead of %(was)s: %(day)s is an ordinary day again"
    ),
    "tickets.retimed_policy": N_(
        "%(target)s is due %(due)s instead of %(was)s: version %(version)s of the promises holds now"
    ),
    "tickets.rule_team": N_("Rule “%(rule)s”, version %(version)s: gave it to %(team)s"),
    "tickets.rule_tag": N_("Rule “%(rule)s”, version %(version)s: tag %(tag)s"),
    "tickets.rule_priority": N_("Rule “%(rule)s”, version %(version)s: priority %(priority)s"),
    "tickets.rule_reply": N_("Rule “%(rule)s”, version %(version)s: wrote to the customer"),
    "tickets.rule_notify": N_("Rule “%(rule)s”, version %(version)s: told the desk"),
    "tickets.rule_ask": N_("Rule “%(rule)s”, version %(version)s: asked the customer for details"),
    "tickets.macro_used": N_("%(actor)s used “%(template)s”"),
    "tickets.macro_team": N_("“%(template)s” gave it to %(team)s"),
    "tickets.macro_tag": N_("“%(template)s” added the tag %(tag)s"),
    "tickets.macro_priority": N_("“%(template)s” set the priority to %(priority)s"),
    "tickets.rules_stopped": N_("Rule “%(rule)s”, version %(version)s, did not act: %(held)s"),
    "tickets.linked_related": N_("Linked with %(other)s"),
    "tickets.linked_duplicate": N_("Marked as a duplicate of %(other)s"),
    "tickets.linked_has_duplicate": N_("%(other)s was marked as a duplicate of this ticket"),
    "tickets.linked_caused": N_("Marked as caused by %(other)s"),
    "tickets.linked_causes": N_("%(other)s was marked as caused by this ticket"),
    "tickets.linked_child": N_("Made a sub-ticket of %(other)s"),
    "tickets.unlinked": N_("The link with %(other)s was removed"),
    "tickets.unlinked_child": N_("No longer a sub-ticket of %(other)s"),
    "tickets.child_joined": N_("%(other)s is a sub-ticket of this one now"),
    "tickets.child_left": N_("%(other)s is no longer a sub-ticket of this one"),
    "tickets.child_done": N_("The sub-ticket %(other)s is done"),
    "tickets.child_back": N_("The sub-ticket %(other)s is worked on again"),
    "tickets.repaired_part_open": N_("Repaired, but a sub-ticket is still open; the agent is asked"),
    "tickets.merged": N_("Merged into %(other)s"),
    "tickets.took_in": N_("%(other)s was merged into this ticket"),
    "tickets.unmerged": N_("The merge with %(other)s was undone"),
    "tickets.gave_back": N_("%(other)s is a ticket of its own again"),
    "tickets.merge_final": N_("%(other)s was settled; the merge stays"),
    "tickets.split": N_("%(count)s messages became %(other)s"),
    "tickets.split_from": N_("Split from %(other)s"),
    "tickets.snoozed_until": N_("%(actor)s snoozed it until %(until)s"),
    "tickets.snoozed_reply": N_("%(actor)s snoozed it until the customer answers"),
    "tickets.snooze_over": N_("Back in the queue: the time has come"),
    "tickets.woken": N_("Back in the queue"),
    "tickets.mail_hint": N_("The mail names %(other)s but does not prove that it belongs there"),
    "tickets.mail_follows": N_("The mail follows up on %(other)s, which is over"),
    "tickets.mail_unread": N_("The mail could not be read in full; the original is kept"),
    "tickets.mail_held_back": N_("%(count)s files of the mail were held back; the original has them"),
}
