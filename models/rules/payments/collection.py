"""When a card may be asked again, and what a refusal says about that."""

from collections.abc import Mapping
from typing import Any

from models.messages.payments.collection import CollectionPolicy, RefusalClass
from models.rules.payments import DEAD_METHOD

# Nobody asked the issuer: these count for no limit and for no retry.
OURS = frozenset(
    {
        "gateway_away", "invoice_paid", "invoice_cancelled", "by_hand", "method_not_active", "not_prepared",
        "NOT_FOUND_PAYMENT", "stopped", "cut_off_missed",
    }
)  # fmt: skip
# "Do not try again": Stripe's decline codes beside the dead methods of the other gateway.
HARD = DEAD_METHOD | {
    "lost_card", "stolen_card", "pickup_card", "restricted_card", "expired_card", "invalid_account",
    "do_not_try_again", "revocation_of_authorization", "revocation_of_all_authorizations",
    "stop_payment_order", "new_account_information_available", "fraudulent", "resource_missing",
    "payment_method_detached", "bank_0012", "bank_0014", "bank_0017",
}  # fmt: skip


def refusal_class(code: str) -> RefusalClass:
    """What a gateway's refusal says about trying again; a code that we do not know may be tried again."""
    if code in OURS:
        return RefusalClass.OURS
    return RefusalClass.HARD if code in HARD else RefusalClass.SOFT


def pause_while_away(pauses: tuple[int, ...], times: int, asked_for: int) -> int:
    """Seconds to leave a provider alone that is away the n-th time in a row, at least what it asked for."""
    return max(pauses[min(times, len(pauses) - 1)], asked_for)


def policy_of(terms: Mapping[str, Any]) -> CollectionPolicy:
    """Rules as they are stored; what they do not say is as usual."""
    known = {name: value for name, value in terms.items() if name in CollectionPolicy.__dataclass_fields__}
    lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list | tuple)}
    return CollectionPolicy(**{**known, **lists})


def tries_left(policy: CollectionPolicy, in_30_days: int, in_24_hours: int) -> int:
    """C5: how often a method may still be tried, after so many refused or open tries."""
    return max(min(policy.most_failed_30_days - in_30_days, policy.most_failed_24_hours - in_24_hours), 0)
