"""People who sign in, what they may do, and what they looked at. Written by api."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.staff import ChangeKind, EmployeeStatus, LinkPurpose


class Team(SQLModel, table=True):
    """A group of agents that a ticket can be routed to."""

    __tablename__ = "teams"

    id: str = Field(primary_key=True)
    name_ko: str = columns.text()
    name_en: str = columns.text()
    skills: list[str] = columns.words(default_factory=list)  # product categories it takes
    is_default: bool = False


class Account(SQLModel, table=True):
    """Somebody who may sign in; the roles decide what is seen."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("login"),)

    id: str = Field(primary_key=True)
    login: str = columns.text()  # e-mail address in lower case
    password_hash: str | None = columns.text(default=None)
    name: str = columns.text()
    locale: str = columns.text(default="ko")
    roles: list[str] = columns.words(default_factory=list)  # Role values
    team_id: str | None = Field(default=None, foreign_key="teams.id")
    customer_id: str | None = Field(default=None, foreign_key="customers.id")
    technician_id: str | None = Field(default=None, foreign_key="technicians.id")
    partner_id: str | None = Field(default=None, foreign_key="partners.id")
    is_active: bool = True
    created_at: datetime = columns.moment()
    version: int = 1


class SignInSession(SQLModel, table=True):
    """One signed-in browser; only the hash of its token is kept."""

    __tablename__ = "sign_in_sessions"

    token_hash: str = columns.text(primary_key=True)
    account_id: str = Field(foreign_key="accounts.id", index=True)
    created_at: datetime = columns.moment()
    seen_at: datetime = columns.moment()
    idle_until: datetime = columns.moment()
    expires_at: datetime = columns.moment()
    address: str = columns.text(default="")
    browser: str = columns.text(default="")
    revoked_at: datetime | None = columns.moment(default=None, nullable=True)


class SignInThrottle(SQLModel, table=True):
    """How often a bucket (account, address, everybody) tried within the current window."""

    __tablename__ = "sign_in_throttles"

    bucket: str = columns.text(primary_key=True)
    window_start: datetime = columns.moment()
    tries: int = 0


class ApiToken(SQLModel, table=True):
    """A key for scripts, shown once, stored hashed."""

    __tablename__ = "api_tokens"

    token_hash: str = columns.text(primary_key=True)
    account_id: str = Field(foreign_key="accounts.id", index=True)
    name: str = columns.text()
    created_at: datetime = columns.moment()
    expires_at: datetime = columns.moment()
    revoked_at: datetime | None = columns.moment(default=None, nullable=True)


class Invitation(SQLModel, table=True):
    """A one-time link to set a password. Written by activities/staff.py, used up at a door."""

    __tablename__ = "invitations"

    token_hash: str = columns.text(primary_key=True)
    key: str = columns.text(unique=True)  # made from workflow facts: asked twice gives the same link
    account_id: str = Field(foreign_key="accounts.id", index=True)
    created_at: datetime = columns.moment()
    expires_at: datetime = columns.moment()
    used_at: datetime | None = columns.moment(default=None, nullable=True)


class SignedLink(SQLModel, table=True):
    """A no-login link: random token, stored hashed, one purpose, expiring, revocable."""

    __tablename__ = "signed_links"
    __table_args__ = (
        Index("signed_links_by_ticket", "ticket_id", "purpose"),
        Index("signed_links_by_case", "case_id", "purpose"),
    )

    token_hash: str = columns.text(primary_key=True)
    key: str = columns.text(unique=True)  # made from workflow facts: asked twice gives the same link
    purpose: LinkPurpose = Field(sa_type=columns.word(LinkPurpose))
    customer_id: str | None = Field(default=None, foreign_key="customers.id")  # nobody's for an approval
    ticket_id: str | None = Field(default=None, foreign_key="tickets.id")
    case_id: str | None = columns.text(default=None)  # the order, change or signup, when no ticket
    subject: str = columns.text()  # the visit, invoice, order or ticket id it acts on
    created_at: datetime = columns.moment()
    expires_at: datetime = columns.moment()
    used_at: datetime | None = columns.moment(default=None, nullable=True)
    revoked_at: datetime | None = columns.moment(default=None, nullable=True)


class PersonalDataAccess(SQLModel, table=True):
    """Who saw whose personal data, when, from where and why (PIPA safety standard). Only ever added to."""

    __tablename__ = "personal_data_accesses"
    __table_args__ = (Index("personal_data_by_subject", "subject_id", "at"),)

    id: int | None = columns.serial(default=None)
    at: datetime = columns.moment()
    actor_id: str = columns.text()
    actor_kind: str = columns.text()
    address: str = columns.text(default="")
    subject_id: str = columns.text()
    action: str = columns.text()
    purpose: str = columns.text(default="")
    fields: list[str] = columns.words(default_factory=list)


class AuditEntry(SQLModel, table=True):
    """A change of rights, settings or sign-in; only ever added to."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("audit_by_subject", "subject", "at"),)

    id: int | None = columns.serial(default=None)
    at: datetime = columns.moment()
    actor_id: str = columns.text()
    address: str = columns.text(default="")
    action: str = columns.text()
    subject: str = columns.text()
    details: dict[str, object] = columns.record(default_factory=dict)


class Employee(SQLModel, table=True):
    """Somebody who works here, as the HR system says it. Written by activities/staff.py alone."""

    __tablename__ = "employees"

    id: str = Field(primary_key=True)
    hr_id: str = columns.text(unique=True)
    account_id: str | None = Field(default=None, foreign_key="accounts.id", unique=True)
    name: str = columns.text()
    email: str = columns.text(default="")
    phone: str = columns.text(default="")  # the desk's, never a private one
    department: str = columns.text(default="")
    title: str = columns.text(default="")
    site: str = columns.text(default="")
    cost_centre: str = columns.text(default="")
    manager_hr_id: str = columns.text(default="")  # as told; the manager may become known later
    manager_id: str | None = Field(default=None, foreign_key="employees.id", index=True)
    starts_on: date
    ends_on: date | None = None  # shown to no page: who will leave is not everybody's business
    status: EmployeeStatus = Field(
        default=EmployeeStatus.JOINING, sa_type=columns.word(EmployeeStatus), index=True
    )
    seen_seq: int = Field(
        default=0, sa_type=BigInteger
    )  # the HR system's own count: older news changes nothing


class EmployeeAbsence(SQLModel, table=True):
    """Days on which somebody does not decide; why is not our business. Written by activities/staff.py."""

    __tablename__ = "employee_absences"
    __table_args__ = (Index("absences_by_employee", "employee_id", "until_on"),)

    hr_id: str = columns.text(primary_key=True)
    employee_hr_id: str = columns.text(index=True)
    employee_id: str | None = Field(default=None, foreign_key="employees.id")
    from_on: date
    until_on: date  # the last day, included
    is_cancelled: bool = False
    seen_seq: int = Field(default=0, sa_type=BigInteger)


class CostCentre(SQLModel, table=True):
    """Who answers for the money of a cost centre. Written by activities/staff.py."""

    __tablename__ = "cost_centres"

    id: str = Field(primary_key=True)
    name: str = columns.text(default="")
    owner_hr_id: str = columns.text(default="")
    owner_id: str | None = Field(default=None, foreign_key="employees.id")
    seen_seq: int = Field(default=0, sa_type=BigInteger)


class EmployeeChange(SQLModel, table=True):
    """What became known of a person, once each; only ever added to by activities/staff.py."""

    __tablename__ = "employee_changes"
    __table_args__ = (UniqueConstraint("employee_id", "seq", "kind"),)

    id: int | None = columns.serial(default=None)
    employee_id: str = Field(foreign_key="employees.id")
    seq: int = Field(
        sa_type=BigInteger
    )  # of the HR record that brought it; the day as a number when the calendar did
    kind: ChangeKind = Field(sa_type=columns.word(ChangeKind))
    effective_on: date
    details: dict[str, object] = columns.record(default_factory=dict)
    noticed_at: datetime = columns.moment()


class Delegation(SQLModel, table=True):
    """Somebody decides in another's place from one day until another. Written by api/staff."""

    __tablename__ = "delegations"
    __table_args__ = (Index("delegations_by_giver", "from_employee_id", "until_on"),)

    id: str = Field(primary_key=True)
    from_employee_id: str = Field(foreign_key="employees.id")
    to_employee_id: str = Field(foreign_key="employees.id", index=True)
    from_on: date
    until_on: date  # the last day, included
    created_by: str = Field(foreign_key="accounts.id")
    created_at: datetime = columns.moment()
    revoked_at: datetime | None = columns.moment(default=None, nullable=True)


class PeopleFeed(SQLModel, table=True):
    """How far the HR system's news have been read. Written by activities/staff.py."""

    __tablename__ = "people_feeds"

    id: str = Field(primary_key=True)
    cursor: str = columns.text(default="")
    read_at: datetime | None = columns.moment(default=None, nullable=True)  # the last time it answered
    leavers_on: date | None = None  # the day that is counted
    leavers: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # of that day, let in
    # Since when the feed stands still because it makes too many people leavers, and how many that would be.
    held_at: datetime | None = columns.moment(default=None, nullable=True)
    held_leavers: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class LeaverAcceptance(SQLModel, table=True):
    """An administrator's word that so many people really leave on a day. Written by api/staff, once."""

    __tablename__ = "leaver_acceptances"
    __table_args__ = (Index("acceptances_by_day", "day"),)

    id: str = Field(primary_key=True)
    day: date
    leavers: int
    accepted_by: str = Field(foreign_key="accounts.id")
    accepted_at: datetime = columns.moment()


class KeptWords(SQLModel, table=True):
    """What somebody searched for, for a day and for them alone. It may be a name or a number, so an address
    holds this id instead. Written by api/kit/kept.py."""

    __tablename__ = "kept_words"
    __table_args__ = (Index("kept_words_by_account", "account_id", "made_at"),)

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="accounts.id")
    words: str = columns.text()
    made_at: datetime = columns.moment()
