"""What the stored words of catalogue items are called, and the icons that items may wear."""

from api.kit import labels
from api.kit.labels import Label
from api.kit.language import N_
from models.messages.employee_requests.items import FieldKind, StepKind
from models.messages.employee_requests.simulation import SimulationStatus

ICONS = frozenset(
    {"arrow-left-right", "banknote", "briefcase", "building", "calendar", "calendar-clock", "car", "coffee",
     "credit-card", "file-badge", "file-text", "graduation-cap", "key-round", "laptop", "life-buoy", "mail",
     "monitor", "package", "phone", "plane", "printer", "receipt", "scale", "shield", "shopping-cart",
     "stethoscope", "truck", "user-minus", "user-plus", "users", "wrench"}
)  # fmt: skip

labels.register(
    "item_step",
    {
        StepKind.FORM: Label(N_("Form"), "blue"),
        StepKind.APPROVAL: Label(N_("Approval"), "violet"),
        StepKind.TASK: Label(N_("Task of a team"), "amber"),
        StepKind.CALL: Label(N_("System call"), "teal"),
        StepKind.WAIT: Label(N_("Wait"), "gray"),
        StepKind.BRANCH: Label(N_("Branch"), "indigo"),
        StepKind.PARALLEL: Label(N_("In parallel"), "indigo"),
        StepKind.EACH: Label(N_("For each"), "indigo"),
        StepKind.MESSAGE: Label(N_("Letter"), "blue"),
        StepKind.REQUEST: Label(N_("Another request"), "pink"),
        StepKind.END: Label(N_("End"), "gray"),
    },
)
labels.register(
    "item_field",
    {
        FieldKind.TEXT: Label(N_("Text")),
        FieldKind.LONG_TEXT: Label(N_("Long text")),
        FieldKind.NUMBER: Label(N_("Number")),
        FieldKind.MONEY: Label(N_("Amount")),
        FieldKind.DATE: Label(N_("Day")),
        FieldKind.CHOICE: Label(N_("One of a list")),
        FieldKind.PERSON: Label(N_("Person")),
        FieldKind.FILE: Label(N_("File")),
        FieldKind.YES_NO: Label(N_("Yes or no")),
    },
)
labels.register(
    "simulation",
    {
        SimulationStatus.RUNNING: Label(N_("Simulation under way"), "amber"),
        SimulationStatus.DONE: Label(N_("Simulated"), "green"),
    },
)
labels.register(
    "simulated",
    {
        "done": Label(N_("Done"), "green"),
        "rejected": Label(N_("Not approved"), "red"),
        "cancelled": Label(N_("Request called off"), "gray"),
        "failed": Label(N_("Could not be done"), "red"),
        "open": Label(N_("Under way"), "amber"),
        "stuck": Label(N_("Stuck"), "red"),
    },
)
