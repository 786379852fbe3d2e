"""What the stored words of tickets are called on their pages, and their colours."""

from api.kit.labels import Label, register
from models.messages.sentences import N_

TICKET = {
    "received": Label(N_("Received"), "blue"),
    "open": Label(N_("Waiting for an answer"), "blue"),
    "in_progress": Label(N_("In progress"), "indigo"),
    "waiting_customer": Label(N_("Waiting for the customer"), "amber"),
    "dispatched": Label(N_("Visit under way"), "violet"),
    "resolved": Label(N_("Resolved"), "green"),
    "payment_due": Label(N_("Payment due"), "teal"),
    "closed": Label(N_("Closed"), "gray"),
    "cancelled": Label(N_("Cancelled"), "gray"),
}
CHANNEL = {
    "portal": Label(N_("Portal"), "indigo", "globe"),
    "form": Label(N_("Web form"), "teal", "file-text"),
    "phone": Label(N_("Phone"), "green", "phone"),
    "email": Label(N_("E-mail"), "blue", "mail"),
    "sms": Label(N_("Text message"), "amber", "message-circle"),
    "api": Label(N_("API"), "gray", "server"),
}

register("ticket", TICKET)
register("channel", CHANNEL)
