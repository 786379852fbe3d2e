"""Words about running contracts and their changes."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from models.messages.catalogue import PlanTerms
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
    """What starts "Deactivation": the order is undone, its contracts end as if they had not begun."""

    order_id: str
    reason: str
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


def change_workflow_id(change_id: str) -> str:
    return f"change:{change_id}"


SENTENCES: dict[str, str] = {
    "subscriptions.activated": N_("The contract %(plan)s began on %(starts_on)s"),
}
