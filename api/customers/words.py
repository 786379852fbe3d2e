"""What the stored words of customers are called on their pages."""

from api.kit.labels import Label, register
from models.messages.customers import (
    MERGE_AGAINST,
    ConsentKind,
    CustomerKind,
    MergeStatus,
    PairStatus,
    PrivacyKind,
    PrivacyStatus,
)
from models.messages.orders import OrderStatus
from models.messages.sentences import N_
from models.messages.subscriptions import SubscriptionStatus

TIER = {
    "standard": Label(N_("Standard"), "gray"),
    "silver": Label(N_("Silver"), "blue", "star"),
    "gold": Label(N_("Gold"), "amber", "star"),
}

register("tier", TIER)
register(
    "consent",
    {
        ConsentKind.TERMS: Label(N_("Terms of use")),
        ConsentKind.PRIVACY: Label(N_("Collection and use of personal data")),
        ConsentKind.MARKETING: Label(N_("News and offers")),
        ConsentKind.THIRD_PARTY: Label(N_("Partner companies that come to you")),
    },
)
register(
    "privacy_kind",
    {
        PrivacyKind.EXPORT: Label(N_("My data as a file"), "blue", "download"),
        PrivacyKind.ERASE: Label(N_("Be forgotten"), "red", "eraser"),
    },
)
ORDER: dict[str, Label] = {
    OrderStatus.RECEIVED: Label(N_("Order received"), "blue"),
    OrderStatus.CREDIT_CHECK: Label(N_("Being checked"), "amber"),
    OrderStatus.PAYMENT_DUE: Label(N_("Waiting for payment"), "amber"),
    OrderStatus.RESERVING: Label(N_("Being packed"), "blue"),
    OrderStatus.SHIPPING: Label(N_("On its way"), "blue"),
    OrderStatus.INSTALLING: Label(N_("Being installed"), "blue"),
    OrderStatus.ACTIVATING: Label(N_("Being activated"), "blue"),
    OrderStatus.DONE: Label(N_("Completed"), "green"),
    OrderStatus.CANCELLING: Label(N_("Being cancelled"), "orange"),
    OrderStatus.CANCELLED: Label(N_("Order cancelled"), "gray"),
    OrderStatus.RETURNING: Label(N_("On its way back"), "orange"),
    OrderStatus.RETURNED: Label(N_("Sent back"), "gray"),
}
CONTRACT: dict[str, Label] = {
    SubscriptionStatus.PENDING: Label(N_("Begins soon"), "blue"),
    SubscriptionStatus.ACTIVE: Label(N_("Running"), "green"),
    SubscriptionStatus.PAUSED: Label(N_("Paused by you"), "gray"),
    SubscriptionStatus.SUSPENDED: Label(N_("Suspended"), "red"),
    SubscriptionStatus.ENDED: Label(N_("Ended"), "gray"),
}
# How these are told to their customer; orders and subscriptions have words of their own for the desk.
register("my_order", ORDER)
register("my_contract", CONTRACT)
register(
    "privacy",
    {
        PrivacyStatus.RECEIVED: Label(N_("Received"), "blue"),
        PrivacyStatus.WORKING: Label(N_("Under way"), "amber"),
        PrivacyStatus.DONE: Label(N_("Done"), "green"),
        PrivacyStatus.REFUSED: Label(N_("Not yet possible"), "orange"),
    },
)
register(
    "pair",
    {
        PairStatus.OPEN: Label(N_("To be compared"), "amber"),
        PairStatus.NOT_SAME: Label(N_("Not the same"), "gray"),
        PairStatus.MERGED: Label(N_("Merged"), "green"),
    },
)
register(
    "merge",
    {
        MergeStatus.ASKED: Label(N_("Asked for"), "blue"),
        MergeStatus.WAITING: Label(N_("Waits"), "amber"),
        MergeStatus.CONFIRMING: Label(N_("A second person is asked"), "violet"),
        MergeStatus.MERGED: Label(N_("Merged"), "green"),
        MergeStatus.KEPT: Label(N_("Merged for good"), "green"),
        MergeStatus.UNDONE: Label(N_("Merge undone"), "gray"),
        MergeStatus.REFUSED: Label(N_("Not merged"), "gray"),
    },
)
register(
    "merge_field",
    {
        "name": Label(N_("Name")), "phone": Label(N_("Phone")), "email": Label(N_("E-mail")),
        "address": Label(N_("Address")), "kind": Label(N_("Kind of customer")), "tier": Label(N_("Tier")),
        "locale": Label(N_("Language")),
    },
)  # fmt: skip
register(
    "merge_count",
    {
        "tickets": Label(N_("Tickets")), "orders": Label(N_("Orders")),
        "subscriptions": Label(N_("Contracts")), "invoices": Label(N_("Invoices")),
        "payment_attempts": Label(N_("Payments")),
        "deposits": Label(N_("Deposits")), "owned_products": Label(N_("Products")),
        "visits": Label(N_("Visits")), "consents": Label(N_("Consents")),
        "customer_notes": Label(N_("Notes")), "accounts": Label(N_("Sign-ins")),
        "payment_methods": Label(N_("Payment methods")), "waits": Label(N_("Running journeys")),
        "billing_accounts": Label(N_("Billing terms")), "credit_notes": Label(N_("Credit notes")),
        "dunning_cases": Label(N_("Dunning cases")), "dunning_holds": Label(N_("Holds")),
        "mandates": Label(N_("Mandates")), "privacy_requests": Label(N_("Privacy requests")),
        "promises_to_pay": Label(N_("Promises to pay")), "refunds": Label(N_("Refunds")),
        "returns": Label(N_("Returns")), "signed_links": Label(N_("Links")), "signups": Label(N_("Signups")),
        "subscription_changes": Label(N_("Changes of contracts")),
        "subscription_charges": Label(N_("Charges of contracts")),
        "subscription_suspensions": Label(N_("Suspensions")), "tax_documents": Label(N_("Tax documents")),
        "timeline_entries": Label(N_("Lines of the story")), "transfer_rows": Label(N_("Rows for the bank")),
        "virtual_accounts": Label(N_("Virtual accounts")), "write_offs": Label(N_("Write-offs")),
    },
)  # fmt: skip
register(
    "customer_kind",
    {CustomerKind.PERSON: Label(N_("Person")), CustomerKind.COMPANY: Label(N_("Company"))},
)
register("merge_against", {code: Label(words) for code, words in MERGE_AGAINST.items()})
