"""Words about letters: what is to be told to whom, by ids only, so that histories hold nothing personal."""

from dataclasses import dataclass, field
from enum import StrEnum


class Delivery(StrEnum):
    """How a letter left the house."""

    MAIL = "mail"
    SMS = "sms"
    ALIMTALK = "alimtalk"
    CHAT = "chat"  # its reader is in the chat: what they do not see there goes by letter later
    NOWHERE = "nowhere"  # the receiver has neither an e-mail address nor a phone number
    REFUSED = "refused"  # the mail or SMS system said a definite no, e.g. an address that does not exist


@dataclass(frozen=True)
class Letter:
    """One letter to be sent once per `key`; names, addresses and texts are looked up when it is written.

    `template` is "tickets/received": the folder of the word and the name in it."""

    key: str  # made from workflow facts, e.g. "ticket:T100123:received"
    ticket_id: str  # empty when it is about an order or a change: then `case_id` and `customer_id` say whose
    template: str
    visit_id: str | None = None
    invoice_id: str | None = None
    message_id: str | None = None
    technician_id: str | None = None
    attempt_id: str | None = None
    case_id: str = ""
    customer_id: str = ""
    values: dict[str, str] = field(default_factory=dict)  # small facts: an ISO moment, a code; never a name
    account_id: str = ""  # the colleague whom it is for
