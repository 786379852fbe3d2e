"""What the stored words of the channels are called on their pages, and their colours."""

from api.kit.labels import Label, register
from models.messages.sentences import N_

EVENT = {
    "received": Label(N_("Received"), "blue"),
    "placed": Label(N_("Taken"), "green"),
    "ignored": Label(N_("Ignored"), "gray"),
    "quarantined": Label(N_("Nobody's yet"), "amber"),
    "refused": Label(N_("Refused"), "red"),
}
DOOR = {
    "sms": Label(N_("Text message"), "amber", "message-circle"),
    "call": Label(N_("Telephone"), "green", "phone"),
    "device": Label(N_("Device"), "teal", "monitor-smartphone"),
}
CALL = {
    "ringing": Label(N_("Ringing"), "amber", "phone"),
    "answered": Label(N_("Speaking"), "green", "phone"),
    "ended": Label(N_("Call ended"), "gray", "phone"),
    "missed": Label(N_("Missed call"), "red", "phone"),
}
FAULT = {
    "watching": Label(N_("Watched"), "blue"),
    "raised": Label(N_("Alarm"), "red"),
    "over": Label(N_("Over"), "gray"),
}
SCOPE = {
    "tickets_read": Label(N_("Read tickets"), "gray"),
    "tickets_create": Label(N_("Open tickets"), "gray"),
    "tickets_reply": Label(N_("Answer customers"), "gray"),
    "tickets_note": Label(N_("Leave notes"), "gray"),
}
SIDE = {"customer": Label(N_("Customer"), "blue"), "desk": Label(N_("Our desk"), "gray")}

DELIVERY = {
    "delivered": Label(N_("Delivered"), "green"),
    "tried": Label(N_("Being tried"), "amber"),
    "unclear": Label(N_("Unclear, it is asked again"), "amber"),
    "refused": Label(N_("Not delivered"), "red"),
}

register("delivery_state", DELIVERY)
register("event", EVENT)
register("door", DOOR)
register("phone_call", CALL)
register("device_fault", FAULT)
register("scope", SCOPE)
register("chat_side", SIDE)
