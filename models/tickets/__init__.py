"""Tickets as stored. A ticket is born in api/tickets.py; from then on activities/tickets/ writes it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.catalogue import VersionStatus
from models.messages.tickets import Channel, CloseReason, MessageKind, Priority, TicketKind, TicketStatus
from models.messages.tickets.automation import TrialStatus
from models.messages.tickets.kin import LinkKind
from models.messages.tickets.mails import MailSource, MailStatus
from models.messages.tickets.promises import Outcome, RetimingStatus, RetimingWhy, Target


class Ticket(SQLModel, table=True):
    """One thing that somebody asks of us, alive until it is confirmed, paid and closed."""

    __tablename__ = "tickets"
    __table_args__ = (
        UniqueConstraint("submitted_by", "submission_key", name="tickets_own_key"),
        Index("tickets_by_due", "next_due", "id", postgresql_where=text("not is_over")),
        Index("tickets_by_team_due", "team_id", "next_due", "id", postgresql_where=text("not is_over")),
        Index("tickets_by_agent_due", "agent_id", "next_due", "id", postgresql_where=text("not is_over")),
        Index("tickets_by_customer", "customer_id", "created_at"),
        Index("tickets_merged", "merged_into_id", postgresql_where=text("merged_into_id is not null")),
    )

    id: str = Field(primary_key=True)
    submission_key: str = columns.text()  # a double submit is one ticket
    submitted_by: str = columns.text(default="")  # who made the key up; nobody known for the public form
    customer_id: str = Field(foreign_key="customers.id")
    owned_product_id: str | None = Field(default=None, foreign_key="owned_products.id", index=True)
    kind: TicketKind = Field(default=TicketKind.FAULT, sa_type=columns.word(TicketKind))
    case_id: str | None = columns.text(default=None, index=True)  # the order or change that opened it
    # Where somebody has to go for that case; empty: to the customer's home.
    site_address: str = columns.text(default="", sa_column_kwargs={"server_default": ""})
    site_region: str = columns.text(default="", sa_column_kwargs={"server_default": ""})
    channel: Channel = Field(sa_type=columns.word(Channel))
    subject: str = columns.text()
    description: str = columns.text(default="")
    status: TicketStatus = Field(default=TicketStatus.RECEIVED, sa_type=columns.word(TicketStatus))
    is_over: bool = False
    priority: Priority = Field(default=Priority.P3, sa_type=columns.word(Priority))
    team_id: str | None = Field(default=None, foreign_key="teams.id")
    agent_id: str | None = Field(default=None, foreign_key="accounts.id")
    is_confidential: bool = False  # only the team it belongs to may see it
    tags: list[str] = columns.words(default_factory=list, sa_column_kwargs={"server_default": "{}"})
    answer_due: datetime | None = columns.moment(default=None, nullable=True)
    reply_due: datetime | None = columns.moment(default=None, nullable=True)  # to the newest message
    resolve_due: datetime | None = columns.moment(default=None, nullable=True)
    confirm_due: datetime | None = columns.moment(default=None, nullable=True)
    next_due: datetime | None = columns.moment(default=None, nullable=True)  # the queue's order
    answered_at: datetime | None = columns.moment(default=None, nullable=True)
    resolved_at: datetime | None = columns.moment(default=None, nullable=True)
    closed_at: datetime | None = columns.moment(default=None, nullable=True)
    close_reason: CloseReason | None = Field(default=None, sa_type=columns.word(CloseReason), nullable=True)
    created_at: datetime = columns.moment()
    updated_at: datetime = columns.moment()
    seq: int = 0  # the workflow's own count: an older projection changes nothing
    # Where it goes on; closed_at is set once that can no longer be undone.
    merged_into_id: str | None = Field(default=None, foreign_key="tickets.id")
    is_snoozed: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    snoozed_until: datetime | None = columns.moment(default=None, nullable=True)  # none: until an answer


class TicketLink(SQLModel, table=True):
    """What one ticket is to another. Written by the api; a split's by activities/tickets/."""

    __tablename__ = "ticket_links"
    __table_args__ = (
        CheckConstraint("from_id <> to_id", name="never_itself"),
        Index("one_parent", "from_id", unique=True, postgresql_where=text("kind = 'child'")),
        Index("ticket_links_to", "to_id", "kind"),
    )

    from_id: str = Field(primary_key=True, foreign_key="tickets.id")
    to_id: str = Field(primary_key=True, foreign_key="tickets.id")
    kind: LinkKind = Field(primary_key=True, sa_type=columns.word(LinkKind))
    made_by: str = columns.text(default="")
    made_at: datetime = columns.moment()


class TicketRating(SQLModel, table=True):
    """What the customer thought of the repair; given once, after the ticket is over. Written by the api."""

    __tablename__ = "ticket_ratings"
    __table_args__ = (CheckConstraint("stars between 1 and 5", name="one_to_five_stars"),)

    ticket_id: str = Field(primary_key=True, foreign_key="tickets.id")
    stars: int
    comment: str = columns.text(default="")
    created_at: datetime = columns.moment()


class TicketMessage(SQLModel, table=True):
    """One message or note. Born in the api; its delivery is written by activities/tickets/."""

    __tablename__ = "ticket_messages"
    __table_args__ = (Index("messages_by_ticket", "ticket_id", "created_at", "id"),)

    id: str = Field(primary_key=True)
    ticket_id: str = Field(foreign_key="tickets.id")
    kind: MessageKind = Field(sa_type=columns.word(MessageKind))
    author_id: str | None = columns.text(default=None)  # account, or None for the customer
    author_name: str = columns.text(default="")
    channel: Channel = Field(sa_type=columns.word(Channel))
    body: str = columns.text()
    created_at: datetime = columns.moment()
    sent_at: datetime | None = columns.moment(default=None, nullable=True)
    delivery: str = columns.text(default="stored")  # stored, queued, sent, failed
    # A Mark: what we know about who sent it.
    mark: str = columns.text(default="", sa_column_kwargs={"server_default": ""})
    # The ticket it came to, when it was split from that one.
    split_from_id: str | None = Field(default=None, foreign_key="tickets.id")


class Attachment(SQLModel, table=True):
    """One uploaded file: random stored name, original name only as data. Born in the api."""

    __tablename__ = "attachments"

    id: str = Field(primary_key=True)
    ticket_id: str = Field(foreign_key="tickets.id", index=True)
    message_id: str | None = Field(default=None, foreign_key="ticket_messages.id", index=True)
    visit_id: str | None = columns.text(default=None, index=True)
    slot: str = columns.text(default="")  # "before", "after" for a visit's photos
    name: str = columns.text()
    media_type: str = columns.text()
    size: int
    sha256: str = columns.text()
    stored_as: str = columns.text(unique=True)
    taken_at: datetime | None = columns.moment(default=None, nullable=True)
    created_at: datetime = columns.moment()
    action_id: str | None = columns.text(default=None)  # a phone's own id: sent twice, stored once
    # By what a mail's HTML names the picture.
    content_id: str = columns.text(default="", sa_column_kwargs={"server_default": ""})

    __table_args__ = (
        ForeignKeyConstraint(["visit_id"], ["visits.id"], name="attachments_visit", use_alter=True),
        UniqueConstraint("visit_id", "action_id", name="attachments_own_key"),
    )


class Draft(SQLModel, table=True):
    """What an agent has typed and not sent yet; one per person and ticket."""

    __tablename__ = "ticket_drafts"

    ticket_id: str = Field(primary_key=True, foreign_key="tickets.id")
    account_id: str = Field(primary_key=True, foreign_key="accounts.id")
    kind: MessageKind = Field(sa_type=columns.word(MessageKind))
    body: str = columns.text()
    updated_at: datetime = columns.moment()


class ServicePolicy(SQLModel, table=True):
    """A version of the service-level promise, by priority. Edited as data; tickets keep their snapshot."""

    __tablename__ = "service_policies"

    name: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    priority: Priority = Field(primary_key=True, sa_type=columns.word(Priority))
    answer_minutes: int
    resolve_minutes: int
    offer_minutes: int
    slot_hours: int
    confirm_minutes: int
    invoice_days: int
    rating_days: int
    valid_from: datetime = columns.moment()


class CalendarDay(SQLModel, table=True):
    """An exception to the Korean working calendar: a company holiday, or a holiday that is worked."""

    __tablename__ = "calendar_days"

    day: date = Field(primary_key=True)
    is_working: bool
    name: str = columns.text(default="")


class InboundMail(SQLModel, table=True):
    """One mail as it came in. Born at the letterbox; InboundMailWorkflow owns it from then on.

    The original lies in FILES_DIR under `stored_as` and is never changed."""

    __tablename__ = "inbound_mails"
    __table_args__ = (
        Index("mails_by_status", "status", "received_at", "id"),
        Index("mails_by_sender", "sender", "received_at"),
    )

    id: str = Field(primary_key=True)
    digest: str = columns.text(unique=True)  # the same message twice is one
    sha256: str = columns.text()  # of the original
    size: int
    stored_as: str | None = columns.text(default=None, unique=True)
    source: MailSource = Field(sa_type=columns.word(MailSource))
    envelope_from: str = columns.text(default="")
    envelope_to: list[str] = columns.words(default_factory=list)
    received_at: datetime = columns.moment()
    status: MailStatus = Field(default=MailStatus.RECEIVED, sa_type=columns.word(MailStatus))
    reason: str = columns.text(default="")  # code in REASONS
    ticket_id: str | None = Field(default=None, foreign_key="tickets.id", index=True)
    message_id: str | None = Field(default=None, foreign_key="ticket_messages.id", index=True)
    sender: str = columns.text(default="")  # what it claims
    sender_name: str = columns.text(default="")
    subject: str = columns.text(default="")
    header_id: str = columns.text(default="")  # its own Message-ID
    html: str = columns.text(default="")  # as it came; cleaned whenever it is shown
    held_back: list[str] = columns.words(default_factory=list)  # names of files that nobody should open
    letter_key: str = columns.text(default="")  # of our letter that it reports about
    is_acknowledged: bool = False  # its sender was written to that it came
    decided_by: str | None = columns.text(default=None)
    placed_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class Mailbox(SQLModel, table=True):
    """How far a mailbox has been read over IMAP. Written by the letterbox."""

    __tablename__ = "mailboxes"

    name: str = columns.text(primary_key=True)  # user, server and folder
    uid_validity: int = columns.minor()
    last_uid: int = columns.minor()
    read_at: datetime = columns.moment()


class PromisePolicy(SQLModel, table=True):
    """A version of what is promised to whom. Edited by api/tickets/; published it never changes."""

    __tablename__ = "promise_policies"
    __table_args__ = (
        Index("one_promise_policy", "status", unique=True, postgresql_where=text("status = 'published'")),
        CheckConstraint("reviewer_id is null or reviewer_id <> author_id", name="promises_reviewed"),
    )

    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    status: VersionStatus = Field(default=VersionStatus.DRAFT, sa_type=columns.word(VersionStatus))
    terms: dict[str, Any] = columns.record(default_factory=dict)  # PromiseTerms
    author_id: str = columns.text()
    reviewer_id: str | None = columns.text(default=None, nullable=True)
    note: str = columns.text(default="")
    made_from: int | None = None
    created_at: datetime = columns.moment()
    published_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class TicketPromise(SQLModel, table=True):
    """One clock of a ticket with what it was promised. Written by activities/tickets/."""

    __tablename__ = "ticket_promises"

    ticket_id: str = Field(primary_key=True, foreign_key="tickets.id")
    target: Target = Field(primary_key=True, sa_type=columns.word(Target))
    round: int = Field(primary_key=True)
    minutes: int
    hours: dict[str, Any] = columns.record()  # Hours
    pauses: bool = False
    policy_version: int = 0  # 0: the service level that the ticket was born with
    line: str = columns.text(default="")
    started_at: datetime = columns.moment()
    due_at: datetime | None = columns.moment(default=None, nullable=True)  # none while it rests
    warned_at: datetime | None = columns.moment(default=None, nullable=True)
    ended_at: datetime | None = columns.moment(default=None, nullable=True)
    outcome: Outcome | None = Field(default=None, sa_type=columns.word(Outcome), nullable=True)


class TicketPause(SQLModel, table=True):
    """A time in which we waited for the customer. Written by activities/tickets/."""

    __tablename__ = "ticket_pauses"

    ticket_id: str = Field(primary_key=True, foreign_key="tickets.id")
    since: datetime = columns.moment(primary_key=True)
    until: datetime | None = columns.moment(default=None, nullable=True)
    why: str = columns.text(default="waiting_customer")


class Retiming(SQLModel, table=True):
    """Open tickets timed anew. Born in the api; counted by activities/tickets/."""

    __tablename__ = "retimings"

    id: str = Field(primary_key=True)
    why: RetimingWhy = Field(sa_type=columns.word(RetimingWhy))
    details: dict[str, Any] = columns.record(default_factory=dict)  # the day, the version
    asked_by: str = columns.text()
    asked_at: datetime = columns.moment()
    status: RetimingStatus = Field(default=RetimingStatus.RUNNING, sa_type=columns.word(RetimingStatus))
    total: int = 0
    seen: int = 0
    moved: int = 0
    last_ticket: str = columns.text(default="")  # how far it is
    finished_at: datetime | None = columns.moment(default=None, nullable=True)


class RuleVersion(SQLModel, table=True):
    """A version of a rule on tickets. Edited by api/tickets/; published it never changes."""

    __tablename__ = "ticket_rule_versions"
    __table_args__ = (
        Index("one_published_rule", "rule_key", unique=True, postgresql_where=text("status = 'published'")),
        Index(
            "one_open_rule_draft", "rule_key", unique=True,
            postgresql_where=text("status in ('draft', 'review')"),
        ),
        CheckConstraint("reviewer_id is null or reviewer_id <> all (writers)", name="rule_reviewed"),
    )  # fmt: skip

    rule_key: str = columns.text(primary_key=True)
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    status: VersionStatus = Field(default=VersionStatus.DRAFT, sa_type=columns.word(VersionStatus))
    definition: dict[str, Any] = columns.record()  # TicketRule, faults and all while it is a draft
    note: str = columns.text(default="")
    made_from: int | None = None
    writers: list[str] = columns.words(default_factory=list)
    reviewer_id: str | None = columns.text(default=None, nullable=True)
    created_at: datetime = columns.moment()
    written_at: datetime = columns.moment()
    published_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class RuleCheck(SQLModel, table=True):
    """What the rules said at one step of a ticket, each with its reason. Written by activities/tickets/."""

    __tablename__ = "ticket_rule_checks"

    ticket_id: str = Field(primary_key=True, foreign_key="tickets.id")
    step: int = Field(primary_key=True)  # the ticket's own count
    at: datetime = columns.moment()
    trigger: str = columns.text()
    verdicts: list[Any] = columns.record(default_factory=list)  # Verdict
    effects: list[Any] = columns.record(default_factory=list)  # Effect: told again when the step is repeated


class RuleAlarm(SQLModel, table=True):
    """A moment at which a rule is asked about a ticket. Written by activities/tickets/."""

    __tablename__ = "ticket_rule_alarms"

    ticket_id: str = Field(primary_key=True, foreign_key="tickets.id")
    key: str = columns.text(primary_key=True)  # the rule, and of which clock
    rule_key: str = columns.text()
    due_at: datetime = columns.moment()
    rung_at: datetime | None = columns.moment(default=None, nullable=True)


class RuleTrial(SQLModel, table=True):
    """What a rule would have done to past tickets. Born in the api; counted by activities/tickets/."""

    __tablename__ = "ticket_rule_trials"
    __table_args__ = (Index("trials_by_rule", "rule_key", "version", "asked_at"),)

    id: str = Field(primary_key=True)
    rule_key: str = columns.text()
    version: int
    rule_seq: int  # of the draft that was tried: a later edit shows it is out of date
    asked_by: str = columns.text()
    asked_at: datetime = columns.moment()
    since: datetime = columns.moment()
    status: TrialStatus = Field(default=TrialStatus.RUNNING, sa_type=columns.word(TrialStatus))
    total: int = 0
    last_ticket: str = columns.text(default="")
    result: dict[str, Any] = columns.record(default_factory=dict)  # TrialResult
    finished_at: datetime | None = columns.moment(default=None, nullable=True)
