"""What the stored words of many tickets at once are called."""

from api.kit import labels
from api.kit.labels import Label
from api.kit.language import N_
from models.messages.tickets.batches import BatchAct, BatchStatus, LineStatus

labels.register(
    "ticket_batch_act",
    {
        BatchAct.ASSIGN: Label(N_("Assigned"), "indigo", "user-plus"),
        BatchAct.TEAM: Label(N_("Given to a team"), "teal", "users"),
        BatchAct.PRIORITY: Label(N_("Priority set"), "orange", "flag"),
        BatchAct.NOTE: Label(N_("Note written"), "amber", "message-square"),
        BatchAct.RESOLVE: Label(N_("Resolved at once"), "green", "check"),
    },
)
labels.register(
    "ticket_batch",
    {
        BatchStatus.RUNNING: Label(N_("Under way"), "amber"),
        BatchStatus.DONE: Label(N_("Done"), "green"),
    },
)
labels.register(
    "ticket_batch_line",
    {
        LineStatus.WAITING: Label(N_("Its turn comes"), "gray"),
        LineStatus.ASKED: Label(N_("Under way"), "amber"),
        LineStatus.DONE: Label(N_("Done"), "green"),
        LineStatus.SAME: Label(N_("Was so already"), "gray"),
        LineStatus.REFUSED: Label(N_("Left out"), "red"),
    },
)
