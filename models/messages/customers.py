"""Words about customers."""

from enum import StrEnum


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


def signup_workflow_id(signup_id: str) -> str:
    return f"signup:{signup_id}"


def privacy_workflow_id(request_id: str) -> str:
    return f"privacy:{request_id}"
