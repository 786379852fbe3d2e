"""What the stored words of visits are called on their pages; statuses stand with the tickets' words."""

from api.kit.labels import Label, register
from api.kit.language import N_

OUTCOME = {
    "repaired": Label(N_("Repaired"), "green"),
    "part_needed": Label(N_("A part is needed"), "orange"),
    "not_repairable": Label(N_("Cannot be repaired"), "red"),
    "customer_absent": Label(N_("Customer was absent"), "orange"),
    "cancelled": Label(N_("Called off"), "gray"),
    "nobody": Label(N_("Nobody found"), "red"),
}
OFFER = {
    "open": Label(N_("Open"), "amber"),
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

register("outcome", OUTCOME)
register("offer", OFFER)
register("decline", DECLINE)
