"""What the stored words of tickets, visits and invoices are called on their pages, and their colours."""

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
PRIORITY = {
    "p1": Label(N_("P1 · Urgent"), "red"),
    "p2": Label(N_("P2 · High"), "orange"),
    "p3": Label(N_("P3 · Normal"), "blue"),
    "p4": Label(N_("P4 · Low"), "gray"),
}
CHANNEL = {
    "portal": Label(N_("Portal"), "indigo", "globe"),
    "form": Label(N_("Web form"), "teal", "file-text"),
    "phone": Label(N_("Phone"), "green", "phone"),
    "email": Label(N_("E-mail"), "blue", "mail"),
    "sms": Label(N_("Text message"), "amber", "message-circle"),
    "api": Label(N_("API"), "gray", "server"),
}
VISIT = {
    "searching": Label(N_("Looking for a technician"), "amber"),
    "unassigned": Label(N_("No technician yet"), "red"),
    "accepted": Label(N_("Choosing a time"), "amber"),
    "scheduled": Label(N_("Appointment made"), "blue"),
    "travelling": Label(N_("On the way"), "violet"),
    "arrived": Label(N_("Arrived"), "violet"),
    "working": Label(N_("Working"), "violet"),
    "completed": Label(N_("Repair done"), "green"),
    "incomplete": Label(N_("Not repaired yet"), "orange"),
    "no_show": Label(N_("Customer absent"), "orange"),
    "cancelled": Label(N_("Called off"), "gray"),
}
INVOICE = {
    "issued": Label(N_("To be paid"), "blue"),
    "paid": Label(N_("Paid"), "green"),
    "overdue": Label(N_("Overdue"), "red"),
    "cancelled": Label(N_("Cancelled"), "gray"),
}


register("ticket", TICKET)
register("priority", PRIORITY)
register("channel", CHANNEL)
register("visit", VISIT)
register("invoice", INVOICE)
