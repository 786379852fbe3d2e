"""Words about running contracts and their changes."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from models.messages.billing.invoices import PricedLine
from models.messages.catalogue import PlanTerms
from models.messages.journeys import WaitNotes
from models.messages.sentences import N_


class SubscriptionStatus(StrEnum):
    PENDING = "pending"  # ordered, not yet in use
    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"  # by dunning
    ENDED = "ended"


class ChangeKind(StrEnum):
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    ADD_ON = "add_on"
    DROP_ADD_ON = "drop_add_on"
    PAUSE = "pause"
    RESUME = "resume"
    MOVE = "move"  # move house, with a visit
    TRANSFER = "transfer"  # to another customer; both confirm
    RENEWAL = "renewal"
    TERMINATION = "termination"


class ChangeStatus(StrEnum):
    PREVIEWED = "previewed"
    REQUESTED = "requested"
    AWAITING = "awaiting"  # a second confirmation, a payment, a visit, or the day it takes effect
    DONE = "done"
    CANCELLED = "cancelled"


class ChargeKind(StrEnum):
    """A piece of money of a contract; the next bill takes it, and nothing takes it twice."""

    RECURRING = "recurring"
    PRORATION = "proration"  # part of a period, positive or negative
    SETUP = "setup"
    TERMINATION_FEE = "termination_fee"
    MOVE_FEE = "move_fee"
    USAGE = "usage"  # metered, for a period that has ended


@dataclass(frozen=True)
class Activation:
    """What an order asks of subscriptions: one contract begins on this day. Idempotent by subscription id."""

    subscription_id: str
    order_id: str
    customer_id: str
    plan: PlanTerms
    quantity: int
    starts_on: date
    percent_off: int = 0  # of the bundle
    bundle_id: str | None = None
    owned_product_id: str | None = None


@dataclass(frozen=True)
class Activations:
    """What starts the short workflow "Activation": all contracts of one order, begun together."""

    order_id: str
    contracts: tuple[Activation, ...]
    at: datetime


@dataclass(frozen=True)
class Deactivations:
    """What starts "Deactivation": the order is undone, its contracts end as if they had not begun.

    A return names its own contracts; with a day they end on it, else what was billed is credited."""

    order_id: str
    reason: str
    at: datetime
    subscription_ids: tuple[str, ...] = ()
    ends_on: date | None = None


@dataclass(frozen=True)
class DeviceExchanged:
    """What starts "DeviceExchange": contracts go on with the replacement of their device."""

    subscription_ids: tuple[str, ...]
    devices: dict[str, str]  # the old device's id and the new one's
    reason: str  # the return
    at: datetime


@dataclass(frozen=True)
class MoneyLine:
    """One line of a preview: exactly what will be billed. VAT included; negative is a credit."""

    kind: ChargeKind
    name_ko: str
    name_en: str
    gross_minor: int
    net_minor: int
    tax_minor: int
    from_on: date
    until_on: date  # the first day that it does not cover
    basis: str = ""  # how it was computed, for whoever asks
    tax_rule: str = "kr-vat-10-included"
    is_credit: bool = False  # takes back days that were charged, also when they cost nothing
    subscription_id: str = ""  # the contract or one of its add-ons
    customer_id: str = ""  # who pays or is credited; a transfer has two


@dataclass(frozen=True)
class Preview:
    """What a change costs, shown before anyone confirms; until `valid_until` it is what will be billed."""

    kind: ChangeKind
    effective_on: date
    lines: tuple[MoneyLine, ...]
    total_minor: int
    monthly_before_minor: int
    monthly_after_minor: int
    obligation_until: date | None
    valid_until: datetime
    currency: str = "KRW"
    other_total_minor: int = 0  # what the receiver of a transfer pays with the next bill
    contract_seq: int = 0  # the state of the contract that it was computed from


@dataclass(frozen=True)
class Wish:
    """What somebody wants of a contract; stored with the change, so personal parts stay in the row."""

    kind: ChangeKind
    effective_on: date
    plan: PlanTerms | None = None  # the new plan, the add-on, or the terms of a renewal
    pause_until: date | None = None
    add_on_id: str = ""  # the add-on that stops
    new_id: str = ""  # of the contract that an add-on or a transfer begins
    receiver_id: str = ""  # of a transfer; unknown receivers simply stay silent
    address: str = ""  # of a move; personal


@dataclass(frozen=True)
class ChangeRequested:
    """What starts the workflow "SubscriptionChange": its row holds wish and preview."""

    change_id: str
    subscription_id: str
    customer_id: str
    kind: ChangeKind
    requested_at: datetime
    actor_id: str = ""
    actor_kind: str = "customer"
    confirm_days: int = 7  # for the receiver of a transfer
    payment_days: int = 3  # for a positive total


@dataclass(frozen=True)
class ChangeOpened:
    """What `subscriptions.open` decided: kept in history, so that nobody recomputes it."""

    refusal: str  # a code; empty when the change may go on
    total_minor: int = 0
    currency: str = "KRW"
    invoice_id: str = ""
    invoice_lines: tuple[PricedLine, ...] = ()
    charge_ids: tuple[str, ...] = ()
    effect_at: datetime | None = None  # the first moment of the business day on which it takes effect
    awake_at: datetime | None = None  # the end of a pause
    has_receiver: bool = False
    receiver_id: str = ""
    remind_at: datetime | None = None
    confirm_until: datetime | None = None
    pay_until: datetime | None = None
    ticket_id: str = ""  # of the visit that a move needs
    needs_payment_first: bool = False
    method_id: str = ""


@dataclass(frozen=True)
class ChangeStep:
    """One step of a change as `subscriptions.record` writes it."""

    change_id: str
    seq: int
    status: ChangeStatus
    at: datetime
    sentence: str
    actor_kind: str = "system"
    actor_id: str = ""
    reason: str = ""
    details: dict[str, str] = field(default_factory=dict)
    waits: WaitNotes = field(default_factory=WaitNotes)
    is_public: bool = True


@dataclass(frozen=True)
class ChangeDecision:
    """The receiver of a transfer says yes or no, or whoever asked takes the change back."""

    id: str
    actor_id: str
    at: datetime
    actor_kind: str = "customer"
    reason: str = ""


@dataclass(frozen=True)
class SuspensionOrder:
    """What starts "Suspension": the services of a customer who does not pay are switched off."""

    case_id: str
    customer_id: str
    at: datetime
    charges_while_suspended: bool = False


@dataclass(frozen=True)
class ReactivationOrder:
    """What starts "Reactivation": everything is paid, what this case switched off runs again."""

    case_id: str
    customer_id: str
    at: datetime


@dataclass(frozen=True)
class Switch:
    """One contract's service is switched off or on again."""

    suspension_id: str
    subscription_id: str
    case_id: str
    is_on: bool
    at: datetime

    @property
    def key(self) -> str:
        """The call's own key at the service."""
        return f"{self.suspension_id}:{'on' if self.is_on else 'off'}"


@dataclass(frozen=True)
class DismissalOrder:
    """What starts "Dismissal": the contracts of a customer who does not pay are ended, with their fee."""

    case_id: str
    customer_id: str
    at: datetime


@dataclass(frozen=True)
class Dismissed:
    """The changes that end the contracts, and open changes of others that stand in the way."""

    changes: tuple[ChangeRequested, ...] = ()
    in_the_way: tuple[str, ...] = ()


@dataclass(frozen=True)
class ContractDismissed:
    """A fact: the contract is ended because nobody pays; an open change of it is off."""

    case_id: str
    at: datetime


def change_workflow_id(change_id: str) -> str:
    return f"change:{change_id}"


def subscription_subject(subscription_id: str) -> str:
    """What the timeline calls a contract; it has no workflow of its own."""
    return f"subscription:{subscription_id}"


SENTENCES: dict[str, str] = {
    "subscriptions.activated": N_("The contract %(plan)s began on %(starts_on)s"),
    "subscriptions.deactivated": N_("The contract %(plan)s was undone with its order"),
    "subscriptions.ended_with_device": N_("The contract %(plan)s ended: its device came back"),
    "subscriptions.device_exchanged": N_("The contract %(plan)s goes on with another device"),
    "subscriptions.requested": N_("A change of the contract was requested: %(change)s"),
    "subscriptions.receiver_asked": N_("The new holder was asked to agree"),
    "subscriptions.receiver_reminded": N_("The new holder was reminded"),
    "subscriptions.receiver_agreed": N_("The new holder agreed"),
    "subscriptions.receiver_declined": N_("The new holder did not agree; nothing was changed"),
    "subscriptions.receiver_silent": N_("The new holder did not answer in time; nothing was changed"),
    "subscriptions.payment_asked": N_("An invoice over %(total)s was made for the change"),
    "subscriptions.paid": N_("The change was paid"),
    "subscriptions.unpaid": N_("The change was not paid in time; nothing was changed"),
    "subscriptions.visit_asked": N_("A visit at the new address was asked for: %(ticket_id)s"),
    "subscriptions.visit_done": N_("The visit at the new address is done"),
    "subscriptions.visit_failed": N_("The visit at the new address did not take place; nothing was changed"),
    "subscriptions.waiting_for_its_day": N_("The change takes effect on %(effective_on)s"),
    "subscriptions.changed": N_("The change took effect on %(effective_on)s"),
    "subscriptions.resumed": N_("The pause is over; the contract runs again"),
    "subscriptions.cancelled": N_("The change was cancelled: %(reason)s"),
    "subscriptions.preview_ended": N_("The prices that were shown had ended; nothing was changed"),
    "subscriptions.suspended": N_("The service of %(plan)s is suspended because of unpaid invoices"),
    "subscriptions.unsuspended": N_("The service of %(plan)s runs again"),
    "subscriptions.letter_failed": N_("A message could not be delivered; please use another way"),
}
