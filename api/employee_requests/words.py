"""What the stored words of employees' requests are called."""

from api.kit import labels
from api.kit.labels import Label
from api.kit.language import N_
from models.messages.employee_requests.items import Category
from models.messages.employee_requests.requests import (
    ApprovalStatus,
    ReaderWhy,
    RequestStatus,
    StepStatus,
    TaskStatus,
    Verdict,
)

labels.register(
    "employee_request",
    {
        RequestStatus.DRAFT: Label(N_("Draft"), "gray", "pencil"),
        RequestStatus.OPEN: Label(N_("Request under way"), "indigo"),
        RequestStatus.DONE: Label(N_("Request completed"), "green"),
        RequestStatus.REJECTED: Label(N_("Not approved"), "red"),
        RequestStatus.CANCELLED: Label(N_("Request called off"), "gray"),
        RequestStatus.FAILED: Label(N_("Could not be done"), "red"),
    },
)
labels.register(
    "request_stage",
    {
        StepStatus.ACTIVE: Label(N_("Under way"), "violet"),
        StepStatus.DONE: Label(N_("Done"), "green"),
        StepStatus.SKIPPED: Label(N_("Not needed"), "gray"),
        StepStatus.FAILED: Label(N_("Could not be done"), "red"),
        StepStatus.UNDONE: Label(N_("Undone"), "gray"),
        StepStatus.VOID: Label(N_("Not needed any more"), "gray"),
    },
)
labels.register(
    "request_approval",
    {
        ApprovalStatus.PENDING: Label(N_("Waits for a decision"), "amber"),
        ApprovalStatus.LATER: Label(N_("Comes later"), "gray"),
        ApprovalStatus.APPROVED: Label(N_("Approved"), "green"),
        ApprovalStatus.REJECTED: Label(N_("Not approved"), "red"),
        ApprovalStatus.ASKED: Label(N_("Asked back"), "violet"),
        ApprovalStatus.VOID: Label(N_("Not needed any more"), "gray"),
    },
)
labels.register(
    "request_task",
    {
        TaskStatus.OPEN: Label(N_("To do"), "amber"),
        TaskStatus.DONE: Label(N_("Done"), "green"),
        TaskStatus.VOID: Label(N_("Not needed any more"), "gray"),
    },
)
labels.register(
    "request_verdict",
    {
        Verdict.APPROVE: Label(N_("Approve"), "green", "check"),
        Verdict.REJECT: Label(N_("Do not approve"), "red", "x"),
        Verdict.ASK: Label(N_("Ask back"), "violet", "message-circle"),
        Verdict.DELEGATE: Label(N_("Let somebody else decide"), "blue", "user-plus"),
    },
)
labels.register(
    "request_reader",
    {
        ReaderWhy.ASKER: Label(N_("asked for it")),
        ReaderWhy.BENEFICIARY: Label(N_("it is for them")),
        ReaderWhy.APPROVER: Label(N_("is asked to approve")),
        ReaderWhy.TEAM: Label(N_("works on it")),
        ReaderWhy.NAMED: Label(N_("was named")),
    },
)
labels.register(
    "item_category",
    {
        Category.HR: Label(N_("People and HR"), "green", "users"),
        Category.IT: Label(N_("IT"), "indigo", "laptop"),
        Category.FINANCE: Label(N_("Finance"), "pink", "credit-card"),
        Category.LEGAL: Label(N_("Legal"), "amber", "scale"),
        Category.WORKPLACE: Label(N_("Workplace"), "teal", "building"),
        Category.PURCHASING: Label(N_("Purchasing"), "blue", "shopping-cart"),
    },
)
labels.register(
    "approver_why",
    {
        "delegated": Label(N_("stands in for somebody who named them")),
        "absent": Label(N_("because somebody is away")),
        "left": Label(N_("because somebody has left")),
        "own": Label(N_("because nobody decides their own affairs")),
        "nobody": Label(N_("because nobody else was found")),
        "escalated": Label(N_("because the answer took too long")),
        "handed_over": Label(N_("because it was handed over")),
    },
)
