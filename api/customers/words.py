"""What the stored words of customers are called on their pages."""

from api.kit.labels import Label, register
from models.messages.customers import ConsentKind, PrivacyKind, PrivacyStatus
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
