"""Words about payments. The five states of an attempt keep "we do not know" apart from "no"."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.messages.journeys import WaitNotes
from models.messages.sentences import N_


class AttemptStatus(StrEnum):
    CREATED = "created"  # row and key written; the gateway has not been called yet
    SUCCEEDED = "succeeded"  # the gateway says: money moved
    REFUSED = "refused"  # the gateway says: money did not move (4xx with a documented code)
    NOT_SENT = "not_sent"  # certainly never reached the gateway, or it refused before looking (429)
    UNKNOWN = "unknown"  # may or may not have moved: look up before anything is asked again
    CANCELLED = "cancelled"  # moved and was taken back


class MethodKind(StrEnum):
    CARD = "card"
    ACCOUNT = "account"  # a mandate to debit a bank account


class MethodStatus(StrEnum):
    PENDING = "pending"  # the customer is on the gateway's page
    ACTIVE = "active"
    INVALID = "invalid"  # the gateway refuses it for good
    REVOKED = "revoked"


class RefundStatus(StrEnum):
    CREATED = "created"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"


OPEN_ATTEMPT = frozenset({AttemptStatus.CREATED, AttemptStatus.UNKNOWN, AttemptStatus.NOT_SENT})


class Verdict(StrEnum):
    """What one answer of a gateway proves."""

    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    NOT_FOUND = "not_found"  # a look-up: the gateway does not know the order
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ChargeOrder:
    """What starts a charge: an attempt that is already stored with its key."""

    attempt_id: str
    invoice_id: str
    ticket_id: str
    amount_minor: int
    currency: str = "KRW"
    # How long the gateway may take to show a charge: before that, "not found" proves nothing.
    maximum_latency_seconds: int = 60
    look_up_after_seconds: tuple[int, ...] = (5, 30, 120, 300, 3_600, *(86_400,) * 5)
    send_again_after_seconds: tuple[int, ...] = (2, 10, 60)
    status: AttemptStatus = AttemptStatus.CREATED
    seq: int = 0  # where a recheck goes on counting
    hears_late_news_seconds: int = 600  # after a refusal; later news start a recheck
    is_recheck: bool = False  # news about an attempt whose own life has ended: look up, never charge
    method_id: str = ""  # a payment method that is charged without asking; empty: the hosted page's agreement


@dataclass(frozen=True)
class SettleByHand:
    """Finance says how an unclear payment ended; the gateway's own answer still beats it."""

    id: str
    actor_id: str
    at: datetime
    verdict: Verdict = Verdict.UNKNOWN
    reason: str = ""


@dataclass(frozen=True)
class GatewayNews:
    """A fact: the gateway says that something happened. It proves nothing; it only wakes."""

    message_id: str


@dataclass(frozen=True)
class Charge:
    """What a gateway is asked: the attempt's id is its order id and its idempotency key."""

    attempt_id: str
    payment_key: str
    amount_minor: int
    currency: str = "KRW"
    ticket_id: str | None = None  # for the call log
    case_id: str | None = None


@dataclass(frozen=True)
class KeyAnswer:
    """What the gateway gave for a card that we never see: its billing key never leaves the activity."""

    verdict: Verdict
    billing_key: str = field(default="", repr=False)
    label: str = ""
    code: str = ""


@dataclass(frozen=True)
class MethodOrder:
    """What starts the life of a payment method: a row that is stored and a customer on the gateway's form."""

    method_id: str
    customer_id: str
    form_minutes: int = 60


@dataclass(frozen=True)
class MethodAuthorised:
    """A fact: the gateway's form handed back a one-time answer for this method."""

    method_id: str
    auth_key: str


@dataclass(frozen=True)
class MethodCommand:
    """What a customer, or the desk for them, says about a payment method: `make_default`, `revoke`."""

    id: str
    actor_id: str
    at: datetime
    actor_kind: str = "customer"


@dataclass(frozen=True)
class MethodChange:
    """One step of a payment method as `payments.record_method` writes it."""

    method_id: str
    seq: int
    status: MethodStatus
    at: datetime
    sentence: str
    code: str = ""
    is_default: bool = False
    actor_id: str | None = None
    actor_kind: str = "system"
    waits: WaitNotes = field(default_factory=WaitNotes)


@dataclass(frozen=True)
class OpenAttempt:
    """What `payments.open` is asked: an attempt that nobody has stored yet, at the workflow's own time."""

    order: "ChargeOrder"
    at: datetime


@dataclass(frozen=True)
class ChargeAnswer:
    """What we know after asking or looking up; `code` is the gateway's own, never a text."""

    verdict: Verdict
    provider_id: str = ""
    code: str = ""
    amount_minor: int = 0
    at: datetime | None = None
    retry_after_seconds: int = 0
    is_unanswered: bool = False  # a look-up to which the gateway said nothing that means anything


@dataclass(frozen=True)
class AttemptChange:
    """One step of an attempt as `payments.record` writes it."""

    attempt_id: str
    invoice_id: str
    ticket_id: str
    seq: int
    status: AttemptStatus
    at: datetime
    sentence: str
    provider_id: str = ""
    code: str = ""
    lookups: int = 0
    actor_id: str | None = None
    actor_kind: str = "system"
    details: dict[str, str] = field(default_factory=dict)
    waits: WaitNotes = field(default_factory=WaitNotes)


@dataclass(frozen=True)
class RefundOrder:
    """What starts a refund: give this much of an invoice's money back, once per `refund_id`."""

    refund_id: str  # made by whoever asks, e.g. "O100001.refund"; also the gateway's idempotency key
    invoice_id: str
    customer_id: str
    case_id: str
    amount_minor: int
    reason: str  # a code: "order_cancelled", "returned", "change"
    currency: str = "KRW"
    asked_by: str = ""  # workflow id that is told `refund_settled`
    attempt_id: str = ""  # money of this attempt that nobody owes; empty: of the invoice, by credit note
    maximum_latency_seconds: int = 60
    look_up_after_seconds: tuple[int, ...] = (5, 30, 120, 300, 3_600, *(86_400,) * 5)
    send_again_after_seconds: tuple[int, ...] = (2, 10, 60)


@dataclass(frozen=True)
class RefundSettled:
    """A fact for whoever asked: the money is back, or a person has to settle it."""

    refund_id: str
    status: RefundStatus
    amount_minor: int
    at: datetime
    code: str = ""  # why it was never begun: "nothing_to_give_back", "invoice_not_paid"


@dataclass(frozen=True)
class BeginRefund:
    """What `payments.begin_refund` is asked: the order at the workflow's own time."""

    order: RefundOrder
    at: datetime
    waits: WaitNotes = field(default_factory=WaitNotes)


@dataclass(frozen=True)
class Begun:
    """Whether money may go back, and why not: then nothing was written."""

    refusal: str = ""  # a code; empty: row, credit note and ledger are written


@dataclass(frozen=True)
class GiveBack:
    """What a gateway is asked: this much of a charge back; the refund's id is the idempotency key."""

    refund_id: str
    attempt_id: str
    payment_key: str
    amount_minor: int
    charged_minor: int  # what the charge had moved
    reason: str
    currency: str = "KRW"
    ticket_id: str | None = None  # for the call log
    case_id: str | None = None


@dataclass(frozen=True)
class RefundChange:
    """One step of a refund as `payments.record_refund` writes it."""

    refund_id: str
    seq: int
    status: RefundStatus
    at: datetime
    sentence: str
    provider_id: str = ""
    code: str = ""
    actor_id: str | None = None
    actor_kind: str = "system"
    details: dict[str, str] = field(default_factory=dict)
    waits: WaitNotes = field(default_factory=WaitNotes)


def charge_workflow_id(attempt_id: str) -> str:
    return f"charge:{attempt_id}"


def method_workflow_id(method_id: str) -> str:
    return f"method:{method_id}"


def refund_workflow_id(refund_id: str) -> str:
    return f"refund:{refund_id}"


SENTENCES: dict[str, str] = {
    "payments.started": N_("Payment of %(amount)s started"),
    "payments.succeeded": N_("Payment of %(amount)s succeeded"),
    "payments.refused": N_("The payment was refused: %(code)s"),
    "payments.unknown": N_("The gateway's answer is unclear; we look the payment up before anything else"),
    "payments.looked_up": N_("Looked up at the gateway: %(verdict)s"),
    "payments.unsettled": N_("Still unclear after all look-ups; finance is asked"),
    "payments.sent_again": N_("The payment never reached the gateway; it is sent again with the same key"),
    "payments.not_sent": N_("The gateway did not take the payment; it is sent again with the same key"),
    "payments.settled_by_hand": N_("Finance settled the unclear payment: %(verdict)s"),
    "payments.late_success": N_("The gateway now says that a payment of %(amount)s succeeded after all"),
    "payments.doubled": N_("Money arrived for an invoice that is already settled; it is kept in suspense"),
    "payments.refund_started": N_("%(amount)s goes back to the customer: %(reason)s"),
    "payments.refund_succeeded": N_("%(amount)s was given back"),
    "payments.refund_refused": N_("The gateway refuses to give %(amount)s back; finance is asked"),
    "payments.refund_unknown": N_(
        "Whether %(amount)s went back is unclear; we look it up before anything else"
    ),
    "payments.refund_looked_up": N_("Refund looked up at the gateway: %(verdict)s"),
    "payments.refund_unsettled": N_("Whether %(amount)s went back stays unclear; finance is asked"),
    "payments.refund_sent_again": N_(
        "The refund never reached the gateway; it is sent again with the same key"
    ),
    "payments.refund_not_sent": N_("The gateway did not take the refund; it is sent again with the same key"),
    "payments.refund_by_hand": N_("Finance settled the refund of %(amount)s: %(verdict)s"),
    "payments.method_begun": N_("The customer adds a payment method"),
    "payments.method_abandoned": N_("The payment method was not completed"),
    "payments.method_refused": N_("The gateway refused the payment method: %(code)s"),
    "payments.method_added": N_("A payment method was added"),
    "payments.method_default": N_("The usual payment method was changed"),
    "payments.method_revoked": N_("A payment method was removed"),
    "payments.method_kept_at_gateway": N_(
        "The gateway did not confirm that the card was forgotten; please check"
    ),
    "payments.letter_failed": N_("A message could not be delivered; please use another way"),
}
