"""What the stored words of articles are called."""

from api.kit import labels
from api.kit.labels import Label
from api.kit.language import N_
from models.messages.knowledge import Audience, GapStatus, Place, Topic

labels.register(
    "audience",
    {
        Audience.CUSTOMERS: Label(N_("For everybody"), "green"),
        Audience.PARTNERS: Label(N_("For partners and technicians"), "teal"),
        Audience.EMPLOYEES: Label(N_("For employees"), "violet"),
        Audience.AGENTS: Label(N_("For our staff only"), "amber"),
    },
)
labels.register(
    "article_topic",
    {
        Topic.FAULT: Label(N_("When something does not work"), icon="wrench"),
        Topic.USE: Label(N_("Using and caring"), icon="book-open"),
        Topic.VISIT: Label(N_("A technician comes"), icon="truck"),
        Topic.DELIVERY: Label(N_("Delivery and returns"), icon="package"),
        Topic.BILLING: Label(N_("Paying and invoices"), icon="receipt"),
        Topic.CONTRACT: Label(N_("Contracts and rental"), icon="file-text"),
        Topic.ACCOUNT: Label(N_("Account and privacy"), icon="shield"),
        Topic.WORK: Label(N_("Working here"), icon="briefcase"),
    },
)
labels.register(
    "article_place",
    {
        Place.HELP: Label(N_("On the help page")),
        Place.REPORT: Label(N_("While reporting a fault")),
        Place.TICKET: Label(N_("Beside a ticket")),
    },
)
labels.register(
    "article_gap",
    {
        GapStatus.OPEN: Label(N_("Nobody has written it yet"), "amber"),
        GapStatus.DRAFTED: Label(N_("A draft was begun"), "blue"),
        GapStatus.DISMISSED: Label(N_("Not needed"), "gray"),
    },
)
