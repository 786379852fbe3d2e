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
    "merged": Label(N_("Merged"), "gray", "waypoints"),
}
# What another ticket is to the one that is read.
KIN = {
    "related": Label(N_("Related"), "gray"),
    "duplicate": Label(N_("This one is a duplicate of"), "amber"),
    "has_duplicate": Label(N_("Duplicate"), "amber"),
    "caused": Label(N_("Caused by"), "orange"),
    "causes": Label(N_("Caused"), "orange"),
    "whole": Label(N_("Main ticket"), "indigo"),
    "part": Label(N_("Sub-ticket"), "indigo"),
    "split": Label(N_("Split from"), "teal"),
    "has_split": Label(N_("Split-off"), "teal"),
}
CHANNEL = {
    "portal": Label(N_("Portal"), "indigo", "globe"),
    "form": Label(N_("Web form"), "teal", "file-text"),
    "phone": Label(N_("Phone"), "green", "phone"),
    "email": Label(N_("E-mail"), "blue", "mail"),
    "sms": Label(N_("Text message"), "amber", "message-circle"),
    "api": Label(N_("API"), "gray", "server"),
    "chat": Label(N_("Chat"), "violet", "message-circle"),
    "device": Label(N_("Device"), "teal", "monitor-smartphone"),
}

MAIL = {
    "received": Label(N_("Being read"), "blue"),
    "threaded": Label(N_("In a ticket"), "green"),
    "quarantined": Label(N_("Held back"), "amber"),
    "ignored": Label(N_("Ignored"), "gray"),
}
# What is known about who sent a message; what is proved needs no word.
MARK = {
    "": Label("", "gray"),
    "proved": Label(N_("Sender proved"), "green", "badge-check"),
    "unproved": Label(N_("Sender not proved"), "amber", "triangle-alert"),
    "stranger": Label(N_("Not a participant"), "orange", "triangle-alert"),
    "automatic": Label(N_("Automatic answer"), "gray", "sparkles"),
}

register("ticket", TICKET)
register("ticket_kin", KIN)
register("mail", MAIL)
register("mark", MARK)
register("channel", CHANNEL)
