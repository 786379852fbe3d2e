"""What the stored words of promises and rules are called."""

from api.kit import labels
from api.kit.labels import Label
from api.kit.language import N_
from models.messages.tickets import TicketKind
from models.messages.tickets.automation import ActionKind, After, TrialStatus, Trigger
from models.messages.tickets.promises import Outcome, RetimingStatus, RetimingWhy, Target

labels.register(
    "promise_target",
    {
        Target.FIRST_REPLY: Label(N_("First reply"), "blue"),
        Target.NEXT_REPLY: Label(N_("Next reply"), "indigo"),
        Target.RESOLVE: Label(N_("Solution"), "violet"),
        Target.CONFIRM: Label(N_("The customer's confirmation"), "gray"),
    },
)
labels.register(
    "ticket_kind",
    {
        TicketKind.FAULT: Label(N_("Fault")),
        TicketKind.INSTALLATION: Label(N_("Installation")),
        TicketKind.TASK: Label(N_("Task of a colleague")),
    },
)
labels.register(
    "promise_outcome",
    {
        Outcome.MET: Label(N_("Kept"), "green"),
        Outcome.BROKEN: Label(N_("Broken"), "red"),
        Outcome.DROPPED: Label(N_("No longer asked for"), "gray"),
    },
)
labels.register(
    "retiming_why",
    {
        RetimingWhy.CALENDAR: Label(N_("The calendar changed"), "blue"),
        RetimingWhy.POLICY: Label(N_("Promises for open tickets, too"), "violet"),
    },
)
labels.register(
    "retiming",
    {
        RetimingStatus.RUNNING: Label(N_("Under way"), "amber"),
        RetimingStatus.DONE: Label(N_("Done"), "green"),
    },
)
labels.register(
    "rule_trigger",
    {
        Trigger.OPENED: Label(N_("Ticket opened"), "blue"),
        Trigger.MESSAGE: Label(N_("The customer wrote"), "teal"),
        Trigger.STATUS: Label(N_("Another status"), "indigo"),
        Trigger.NEAR: Label(N_("A deadline is near"), "amber"),
        Trigger.AFTER: Label(N_("A time after something"), "violet"),
        "time": Label(N_("Its moment came"), "amber"),
    },
)
labels.register(
    "rule_after",
    {
        After.OPENED: Label(N_("after the ticket was opened")),
        After.MESSAGE: Label(N_("after the customer wrote")),
        After.REPLIED: Label(N_("after we replied")),
        After.RESOLVED: Label(N_("after it was resolved")),
    },
)
labels.register(
    "rule_action",
    {
        ActionKind.TEAM: Label(N_("Give to a team"), "blue"),
        ActionKind.TAG: Label(N_("Add a tag"), "teal"),
        ActionKind.PRIORITY: Label(N_("Set the priority"), "amber"),
        ActionKind.REPLY: Label(N_("Write to the customer"), "green"),
        ActionKind.NOTIFY: Label(N_("Tell the desk"), "indigo"),
        ActionKind.ASK: Label(N_("Ask the customer and wait"), "violet"),
    },
)
labels.register(
    "rule_held",
    {
        "too_deep": Label(N_("rules had caused too many steps already")),
        "too_often": Label(N_("it has acted often enough on this ticket")),
        "machine": Label(N_("a machine wrote, and machines are not answered")),
        "not_now": Label(N_("nothing can be asked in this status")),
        "cel_failed": Label(N_("the condition could not be answered with these values")),
        "cel_unknown": Label(N_("the condition names something unknown")),
        "cel_type": Label(N_("the condition does not answer with yes or no")),
        "cel_too_much": Label(N_("the condition takes too many steps")),
        "cel_syntax": Label(N_("the condition cannot be read")),
    },
)
labels.register(
    "rule_trial",
    {
        TrialStatus.RUNNING: Label(N_("Trial under way"), "amber"),
        TrialStatus.DONE: Label(N_("Tried"), "green"),
    },
)
