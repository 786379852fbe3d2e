"""Words about outside systems and the doors between them and us."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class System(StrEnum):
    PAYMENTS = "payments"
    MAIL = "mail"
    SMS = "sms"
    STOCK = "stock"  # the warehouse of the ERP
    CARRIER = "carrier"
    CREDIT = "credit"  # a credit bureau
    BANK = "bank"  # takes files with debits, tells of deposits
    MARKETING = "marketing"  # the CRM that campaigns run in
    ACCOUNTING = "accounting"  # the books of the ERP
    ALIMTALK = "alimtalk"  # informational messages in KakaoTalk, by approved templates
    TAX = "tax"  # an agency for tax invoices and cash receipts
    SERVICE = "service"  # what switches devices and content on and off


class OutboxKind(StrEnum):
    START = "start"  # start a workflow
    UPDATE = "update"  # say an update that a person made while Temporal was slow or away
    SIGNAL = "signal"  # tell a workflow a fact


class OutboxStatus(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"  # the workflow answered with a refusal


class CallResult(StrEnum):
    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Heard:
    """What came back from one call: a status with its body, or the name of the error that ended it."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = field(default=b"", repr=False)
    error: str = ""
