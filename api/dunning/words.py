"""What the stored words of dunning are called on their pages, and their colours."""

from api.kit.labels import Label, register
from api.kit.language import N_

register(
    "dunning_case",
    {
        "open": Label(N_("Overdue"), "red"),
        "paid": Label(N_("Everything paid"), "green"),
        "written_off": Label(N_("Written off"), "gray"),
        "given_up": Label(N_("Given up"), "gray"),
    },
)
STEPS = {
    "notify": Label(N_("Reminder sent"), "blue", "mail"),
    "retry": Label(N_("Charged again"), "teal", "credit-card"),
    "call": Label(N_("Call by a colleague"), "violet", "phone"),
    "suspend": Label(N_("Services off"), "orange", "pause"),
    "terminate": Label(N_("Contracts ended"), "red", "x"),
    "retrieve": Label(N_("Devices fetched"), "pink", "truck"),
    "agency": Label(N_("With the agency"), "indigo", "handshake"),
    "write_off": Label(N_("Written off"), "gray", "receipt"),
}
register("dunning_step", STEPS)
register(
    "dunning_stage",
    {
        "opened": Label(N_("Newly overdue"), "amber", "receipt"),
        **STEPS,
        "promise": Label(N_("Promised"), "green", "handshake"),
        "dispute": Label(N_("Disputed"), "violet", "scale"),
        "hold": Label(N_("On hold"), "gray", "pause"),
        "paid": Label(N_("Everything paid"), "green", "circle-check"),
        "written_off": Label(N_("Written off"), "gray", "receipt"),
        "given_up": Label(N_("Given up"), "gray", "x"),
    },
)
register(
    "dunning_step_status", {"done": Label(N_("Done"), "green"), "skipped": Label(N_("Left out"), "gray")}
)
register(
    "promise",
    {
        "open": Label(N_("Promised"), "blue"),
        "kept": Label(N_("Kept"), "green"),
        "broken": Label(N_("Broken"), "red"),
        "withdrawn": Label(N_("Over"), "gray"),
    },
)
register("dunning_hold", {"dispute": Label(N_("Dispute"), "violet"), "hold": Label(N_("Hold"), "gray")})
register(
    "dunning_outcome",
    {
        "upheld": Label(N_("for the customer")),
        "rejected": Label(N_("against the customer")),
        "released": Label(N_("ended by hand")),
        "expired": Label(N_("ended on its day")),
        "case_over": Label(N_("ended with the case")),
    },
)
register(
    "dunning_letter",
    {
        "reminder": Label(N_("Reminder")),
        "warning": Label(N_("Warning")),
        "last_notice": Label(N_("Last notice")),
    },
)
register(
    "dunning_channel",
    {
        "": Label(N_("As we can")),
        "mail": Label(N_("E-mail")),
        "sms": Label(N_("Text message")),
        "kakao": Label(N_("KakaoTalk, else text message")),
    },
)
PROBLEMS = {
    "steps": N_("A policy has at least one step and at most 30."),
    "order": N_("Steps stand in the order of their days, between 1 and 730."),
    "twice": N_("Services are switched off, contracts ended and debts written off at most once."),
    "last": N_("Nothing comes after writing off."),
    "retrieve": N_("Devices are fetched only after their contracts were ended."),
    "letter": N_("A reminder needs its letter."),
    "channel": N_("Please check ways and smallest amounts."),
}
