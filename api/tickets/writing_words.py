"""What the stored words of writing are called."""

from api.kit.labels import Label, register
from models.messages.sentences import N_

register(
    "template_channel",
    {
        "any": Label(N_("Every way out")),
        "email": Label(N_("E-mail"), "blue"),
        "sms": Label(N_("Text message"), "amber"),
        "alimtalk": Label(N_("KakaoTalk, approved text"), "orange"),
    },
)
register(
    "template_use",
    {
        "reply": Label(N_("Answer to the customer"), "indigo"),
        "note": Label(N_("Internal note"), "amber"),
        "resolve": Label(N_("Answer that resolves the ticket"), "green"),
    },
)
register(
    "field_kind",
    {
        "text": Label(N_("Text")),
        "choice": Label(N_("Choice from a list")),
        "number": Label(N_("A number")),
        "yes_no": Label(N_("Yes or no")),
        "day": Label(N_("Day")),
    },
)
register(
    "field_asked",
    {
        "resolve": Label(N_("When it is resolved"), "green"),
        "cancel": Label(N_("When it is cancelled"), "gray"),
        "both": Label(N_("At both ends"), "indigo"),
    },
)
register(
    "sending_act",
    {
        "reply": Label(N_("Your answer"), "indigo", "send"),
        "resolve": Label(N_("Your “resolved”"), "green", "check"),
        "cancel": Label(N_("Your cancellation"), "red", "x"),
        "macro": Label(N_("Your answer with its template"), "indigo", "send"),
    },
)
register("follow_reason", {"self": Label(N_("by choice")), "mentioned": Label(N_("named in a note"))})
register(
    "placeholder",
    {
        "customer": Label(N_("the customer's name")),
        "agent": Label(N_("your name")),
        "team": Label(N_("the team's name")),
        "ticket": Label(N_("the ticket's number")),
        "subject": Label(N_("the ticket's subject")),
        "product": Label(N_("the product")),
        "serial": Label(N_("the serial number")),
        "technician": Label(N_("the technician's name")),
        "visit_time": Label(N_("the time of the visit")),
        "invoice": Label(N_("the invoice's number")),
        "amount": Label(N_("the invoice's amount")),
        "pay_by": Label(N_("the day by which it is to be paid")),
        "due": Label(N_("when it is to be solved")),
    },
)
