"""What the stored words of visits are called on their pages, and their colours."""

from api.kit.labels import Label, register
from api.kit.language import N_

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
OUTCOME = {
    "repaired": Label(N_("Repaired"), "green"),
    "part_needed": Label(N_("A part is needed"), "orange"),
    "not_repairable": Label(N_("Cannot be repaired"), "red"),
    "customer_absent": Label(N_("Customer was absent"), "orange"),
    "cancelled": Label(N_("Called off"), "gray"),
    "nobody": Label(N_("Nobody found"), "red"),
}
OFFER = {
    "open": Label(N_("Waiting for an answer"), "amber"),
    "accepted": Label(N_("Accepted"), "green"),
    "declined": Label(N_("Declined"), "gray"),
    "expired": Label(N_("Not answered"), "gray"),
    "withdrawn": Label(N_("Withdrawn"), "gray"),
}
DECLINE = {
    "busy": Label(N_("No time")),
    "too_far": Label(N_("Too far away")),
    "no_part": Label(N_("The part is missing")),
    "ill": Label(N_("Ill")),
    "other": Label(N_("Another reason")),
}
POSITION = {
    "skipped": Label(N_("not allowed to be read")),
    "no_signal": Label(N_("not known")),
}
# Why somebody was asked, and why somebody was not.
WHY = {
    "skill": Label(N_("Can do it")),
    "territory": Label(N_("Works in the area")),
    "neighbour": Label(N_("From a neighbouring area")),
    "load_low": Label(N_("Has much time")),
    "load_medium": Label(N_("Has some time")),
    "load_high": Label(N_("Has little time")),
    "fair_turn": Label(N_("Had no job lately")),
    "knows_the_case": Label(N_("Knows the case")),
    "chosen_by_agent": Label(N_("Chosen by the desk")),
    "partner_not_active": Label(N_("Their company is not active"), "red"),
    "no_contract": Label(N_("No contract that counts today"), "red"),
    "no_insurance": Label(N_("No insurance that counts today"), "red"),
    "no_certificate": Label(N_("No certificate for this product line today"), "red"),
}
WORK = {
    "fault": Label(N_("Repair")),
    "installation": Label(N_("Installation")),
    "task": Label(N_("Task")),
}
CALL_OFF = {"ticket_cancelled": Label(N_("The ticket was cancelled"))}

register("visit", VISIT)
register("outcome", OUTCOME)
register("offer", OFFER)
register("decline", DECLINE)
register("call_off", CALL_OFF)
register("why_asked", WHY)
register("visit_work", WORK)
register("position", POSITION)
