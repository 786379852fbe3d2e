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


class PairStatus(StrEnum):
    OPEN = "open"
    NOT_SAME = "not_the_same"  # until something of it changes
    MERGED = "merged"


class MergeStatus(StrEnum):
    ASKED = "asked"
    WAITING = "waiting"  # something stands against it at the moment
    CONFIRMING = "confirming"  # a second person has to agree
    MERGED = "merged"  # and can be undone
    KEPT = "kept"  # merged, and too long ago to be undone
    UNDONE = "undone"
    REFUSED = "refused"


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


@dataclass(frozen=True)
class PairSearch:
    """Look for records like these: those of one customer, or of everybody after `after` (night by night)."""

    customer_id: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class PairSlice:
    """The next customers of a scan, in order of their ids."""

    after: str
    at: datetime
    size: int = 2000


@dataclass(frozen=True)
class PairsFound:
    """How far a scan is; `last` empty: nobody is left."""

    last: str
    looked_at: int
    found: int


@dataclass(frozen=True)
class MergeOrder:
    """What starts "CustomerMerge"; which records it is about stands in the row."""

    merge_id: str
    asked_at: datetime
    needs_second: bool = False
    asked_by: str = ""
    undo_days: int = 90
    wait_days: int = 14
    look_again_minutes: int = 10


@dataclass(frozen=True)
class MergeCommand:
    """What the desk says to a merge: `confirm`, `refuse`, `undo`."""

    id: str
    actor_id: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True)
class MergeStep:
    """One step of a merge for its activities."""

    merge_id: str
    seq: int
    at: datetime
    actor_id: str = ""
    reason: str = ""
    waits: WaitNotes = field(default_factory=WaitNotes)


@dataclass(frozen=True)
class MergeState:
    """How a merge stands after a step; `against` holds codes in MERGE_AGAINST, or of refusals to undo it."""

    status: MergeStatus
    against: tuple[str, ...] = ()
    survivor_id: str = ""
    loser_id: str = ""


def merge_workflow_id(merge_id: str) -> str:
    return f"merge:{merge_id}"


def pair_search_workflow_id(customer_id: str) -> str:
    return f"pairs:{customer_id}"


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

# Why two records are taken for one customer; the last ones speak against it.
PAIR_REASONS: dict[str, str] = {
    "phone_same": N_("same telephone number"),
    "phone_close": N_("telephone numbers differ in one digit"),
    "mail_same": N_("same mailbox"),
    "mail_name": N_("same name of the mailbox at another provider"),
    "name_same": N_("same name"),
    "name_alike": N_("similar name"),
    "address_same": N_("same address"),
    "address_alike": N_("similar address"),
    "proved": N_("somebody proved an address of the one for the other"),
    "name_differs": N_("different name"),
    "kind_differs": N_("one is a person, the other a company"),
}
# What stands against a merge at the moment: it waits until it is over.
MERGE_AGAINST: dict[str, str] = {
    "erased": N_("One of the two was erased."),
    "merged": N_("One of the two was merged meanwhile."),
    "privacy": N_("A privacy request of one of the two is being worked on."),
    "dunning": N_("Both have an open dunning case. Please settle one of them first."),
    "billing": N_("A bill run is under way."),
    "parked": N_("One of the two has a bill that waits for its repair."),
    "transfer": N_("A contract is being transferred from the one to the other."),
    "changed": N_("One of the two was changed since they were compared. Please compare again."),
}
FOR_GOOD = frozenset({"erased", "merged", "changed"})  # of these: what waiting does not cure
SENTENCES: dict[str, str] = {
    "customers.merge_waits": N_("The merge waits until nothing stands against it"),
    "customers.merge_confirmed": N_("A second person agreed to the merge"),
    "customers.merge_refused": N_("The records were not merged"),
    "customers.merged": N_("Another record was merged into this one"),
    "customers.merged_away": N_("This record was merged into another one"),
    "customers.merge_undone": N_("The merge was undone; everything is as before"),
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
