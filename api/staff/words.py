"""What roles are called."""

from api.kit import labels
from api.kit.labels import Label
from api.kit.language import N_
from models.messages.staff import Role

labels.register(
    "role",
    {
        Role.AGENT: Label(N_("Agent"), "blue"),
        Role.DISPATCHER: Label(N_("Dispatcher"), "teal"),
        Role.FINANCE: Label(N_("Finance"), "green"),
        Role.ADMIN: Label(N_("Administrator"), "violet"),
        Role.EMPLOYEE: Label(N_("Employee"), "gray"),
        Role.TECHNICIAN: Label(N_("Technician"), "amber"),
        Role.PARTNER: Label(N_("Partner"), "orange"),
        Role.PARTNER_DISPATCHER: Label(N_("Partner's dispatcher"), "orange"),
        Role.CUSTOMER: Label(N_("Customer"), "indigo"),
    },
)

labels.register(
    "delegation",
    {
        "running": Label(N_("In force"), "green"),
        "planned": Label(N_("Still to come"), "blue"),
        "over": Label(N_("Over"), "gray"),
        "ended": Label(N_("Taken back"), "gray"),
    },
)
