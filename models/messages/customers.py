"""Words about customers: signing up, consents, privacy requests."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.messages.journeys import WaitNotes
from models.messages.sentences import N_


class CustomerKind(StrEnum):
    PERSON = "person"
    COMPANY = "company"


class Tier(StrEnum):
    STANDARD = "standard"
    SILVER = "silver"
    GOLD = "gold"


class SignupStatus(StrEnum):
    STARTED = "started"  # an address was given and a code sent
    PROVED = "proved"  # the code came back
    DONE = "done"
    ABANDONED = "abandoned"  # reminded once, then forgotten


class ConsentKind(StrEnum):
    TERMS = "terms"
    PRIVACY = "privacy"
    MARKETING = "marketing"  # the only one that may be refused
    THIRD_PARTY = "third_party"  # partner companies that come to the customer


class PrivacyKind(StrEnum):
    EXPORT = "export"
    ERASE = "erase"


class PrivacyStatus(StrEnum):
    RECEIVED = "received"
    WORKING = "working"
    DONE = "done"
    REFUSED = "refused"


class SignupPurpose(StrEnum):
    SIGNUP = "signup"  # sign up, or sign in by code: which of the two is only known after proof
    CONTACT = "contact"  # a signed-in customer proves a new telephone number or e-mail address


CONSENT_VERSION = "2026-11"  # of the texts that templates/customers/_consents.html shows
REQUIRED = frozenset({ConsentKind.TERMS, ConsentKind.PRIVACY})
OPTIONAL = frozenset({ConsentKind.MARKETING, ConsentKind.THIRD_PARTY})


@dataclass(frozen=True)
class SignupOrder:
    """Somebody gave an address; ids and policy only, so that no history holds the address or a code."""

    signup_id: str
    started_at: datetime
    purpose: SignupPurpose = SignupPurpose.SIGNUP
    remind_after_hours: int = 24
    forget_after_hours: int = 24 * 7


@dataclass(frozen=True)
class SendCode:
    """Send the code of this number; what it is derives from the house's secret."""

    signup_id: str
    number: int
    at: datetime


@dataclass(frozen=True)
class CodeSent:
    """Until when the code works."""

    ends_at: datetime


@dataclass(frozen=True)
class CodeAsked:
    """The door has counted one more wish for a code."""

    signup_id: str
    number: int


@dataclass(frozen=True)
class ProveSignup:
    """The door has seen the right code; only the database says whether that is true."""

    id: str
    signup_id: str

    @property
    def actor_id(self) -> str:
        """A stranger is nobody but this signup."""
        return self.signup_id


@dataclass(frozen=True)
class FinishSignup:
    """Name and consents stand in the row."""

    id: str
    signup_id: str

    @property
    def actor_id(self) -> str:
        """A stranger is nobody but this signup."""
        return self.signup_id


@dataclass(frozen=True)
class SignupStep:
    """One step of a signup's life for its activities."""

    signup_id: str
    seq: int
    at: datetime
    waits: WaitNotes = field(default_factory=WaitNotes)


@dataclass(frozen=True)
class SignupState:
    """Where a signup stands after a step; ids only."""

    status: SignupStatus
    customer_id: str = ""
    is_new_account: bool = False
    is_marketing: bool = False


@dataclass(frozen=True)
class Handover:
    """The CRM is to be told how a customer stands; `version` grows with every consent."""

    customer_id: str
    version: int


@dataclass(frozen=True)
class PrivacyOrder:
    """A customer wants their data, or wants to be forgotten."""

    request_id: str
    customer_id: str
    kind: PrivacyKind
    asked_at: datetime
    due_at: datetime
    keep_days: int = 7  # how long a file can be fetched


@dataclass(frozen=True)
class PrivacyStep:
    """One step of a privacy request for its activities."""

    request_id: str
    seq: int
    at: datetime
    waits: WaitNotes = field(default_factory=WaitNotes)


@dataclass(frozen=True)
class PrivacyState:
    """How a privacy request stands; `reason` is a code in KEPT_FOR."""

    status: PrivacyStatus
    reason: str = ""


def signup_workflow_id(signup_id: str) -> str:
    return f"signup:{signup_id}"


def handover_workflow_id(customer_id: str, version: int) -> str:
    return f"handover:{customer_id}:{version}"


def privacy_workflow_id(request_id: str) -> str:
    return f"privacy:{request_id}"


# Why somebody cannot be forgotten yet.
KEPT_FOR: dict[str, str] = {
    "orders": N_("An order is still under way. Please cancel it or wait until it is delivered."),
    "returns": N_("A return is still under way. Please call it off or wait until it is settled."),
    "contracts": N_("A contract is still running. Please end it first."),
    "invoices": N_("An invoice is still open. Please pay it first."),
    "money": N_("Money of yours still lies with us. Please wait until it has gone back to you."),
    "tickets": N_("A report is still being worked on. Please cancel it or wait until it is closed."),
}

SENTENCES: dict[str, str] = {
    "customers.signed_up": N_("Signed up in the portal"),
    "customers.linked": N_("Signed up in the portal; the record that we had was linked after proof"),
    "customers.signed_in_by_code": N_("Signed in with a code"),
    "customers.contact_changed": N_("The customer proved a new telephone number or e-mail address"),
    "customers.address_dropped": N_("An address that nobody had proved was taken off the record at signup"),
    "customers.conflict": N_(
        "Somebody proved a telephone number or e-mail address that stood unproved on another record:"
        " please look for a duplicate"
    ),
    "customers.taken": N_(
        "The customer proved an address that belongs to another record: please look for a duplicate"
    ),
    "customers.signup_reminded": N_("Reminded of the signup"),
    "customers.signup_forgotten": N_("The signup was not finished and was forgotten"),
    "customers.export_asked": N_("The customer asked for their data"),
    "customers.export_ready": N_("The file with the customer's data is ready"),
    "customers.export_deleted": N_("The file with the customer's data was deleted"),
    "customers.erasure_asked": N_("The customer asked to be forgotten"),
    "customers.erasure_refused": N_("The customer cannot be forgotten yet and was told why"),
    "customers.erased": N_("The customer's personal data was erased"),
}
