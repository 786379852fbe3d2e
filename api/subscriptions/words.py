"""What the stored words of contracts are called on their pages, and their colours."""

from api.kit.labels import Label, register
from models.messages.sentences import N_

register(
    "subscription",
    {
        "pending": Label(N_("Not yet begun"), "gray"),
        "active": Label(N_("In use"), "green"),
        "paused": Label(N_("Paused"), "amber"),
        "suspended": Label(N_("Use suspended"), "red"),
        "ended": Label(N_("Contract ended"), "gray"),
    },
)
register(
    "change_kind",
    {
        "upgrade": Label(N_("Larger plan"), "indigo", "trending-up"),
        "downgrade": Label(N_("Smaller plan"), "teal", "trending-down"),
        "add_on": Label(N_("Take an add-on"), "blue", "plus"),
        "drop_add_on": Label(N_("Add-on ends"), "gray", "x"),
        "pause": Label(N_("Pause"), "amber", "pause"),
        "resume": Label(N_("End of the pause"), "green", "circle-check"),
        "move": Label(N_("Move of house"), "violet", "truck"),
        "transfer": Label(N_("Transfer to another customer"), "pink", "users"),
        "renewal": Label(N_("Renewal"), "green", "refresh-cw"),
        "termination": Label(N_("Termination"), "red", "x"),
    },
)
register(
    "change",
    {
        "previewed": Label(N_("Shown"), "gray"),
        "requested": Label(N_("Requested"), "blue"),
        "awaiting": Label(N_("Change under way"), "amber"),
        "done": Label(N_("In force"), "green"),
        "cancelled": Label(N_("Called off"), "gray"),
    },
)
register(
    "charge_kind",
    {
        "recurring": Label(N_("Rent"), "blue"),
        "proration": Label(N_("Part of a period"), "teal"),
        "setup": Label(N_("Set-up"), "gray"),
        "termination_fee": Label(N_("Early termination fee"), "red"),
        "move_fee": Label(N_("Moving fee"), "violet"),
    },
)
register(
    "change_end",
    {
        "taken_back": Label(N_("taken back by whoever asked")),
        "declined": Label(N_("the new holder did not agree")),
        "receiver_silent": Label(N_("the new holder did not answer")),
        "unpaid": Label(N_("it was not paid in time")),
        "visit_failed": Label(N_("the visit did not take place")),
        "preview_ended": Label(N_("the prices that were shown had ended")),
        "already_over": Label(N_("it was over already")),
        "contract_not_running": Label(N_("the contract had ended")),
        "contract_paused": Label(N_("the contract was paused")),
        "contract_not_paused": Label(N_("the contract was not paused")),
        "change_day": Label(N_("its day was not possible any more")),
        "change_plan": Label(N_("the plan did not fit any more")),
        "change_pause": Label(N_("the pause was not possible any more")),
        "not_found": Label(N_("the add-on had ended already")),
        "dismissed": Label(N_("the contract was ended because of unpaid invoices")),
    },
)
