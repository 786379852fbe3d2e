"""The one router of systems, and what their words are called."""

from api.kit.labels import Label, register
from api.kit.language import N_
from api.kit.routes import Router
from models.messages.systems import CallResult, OutboxKind, OutboxStatus, System

router = Router()
register(
    "system",
    {
        System.PAYMENTS: Label(N_("Payment gateway"), "teal", "credit-card"),
        System.MAIL: Label(N_("E-mail"), "indigo", "mail"),
        System.SMS: Label(N_("Text messages"), "violet", "message-circle"),
        System.STOCK: Label(N_("Warehouse"), "amber", "package"),
        System.CARRIER: Label(N_("Carrier"), "blue", "truck"),
        System.CREDIT: Label(N_("Credit bureau"), "orange", "scale"),
        System.ALIMTALK: Label(N_("KakaoTalk messages"), "amber", "message-circle"),
        System.SERVICE: Label(N_("Service switch"), "green", "refresh-cw"),
        System.BANK: Label(N_("Bank"), "teal", "landmark"),
        System.MARKETING: Label(N_("Marketing"), "pink", "megaphone"),
        System.TAX: Label(N_("Agency for tax documents"), "teal", "file-text"),
        System.HR: Label(N_("HR system"), "green", "users"),
        System.DIRECTORY: Label(N_("Directory of accounts"), "indigo", "key-round"),
        System.OFFICE: Label(N_("Workplaces and small systems"), "gray", "building-2"),
        System.ACCOUNTING: Label(N_("Books of the ERP"), "indigo", "book-open"),
    },
)
register(
    "system_health",
    {
        "well": Label(N_("Healthy"), "green"),
        "slow": Label(N_("Some calls fail"), "amber"),
        "down": Label(N_("Not answering"), "red"),
        "quiet": Label(N_("Not called lately"), "gray"),
    },
)
register(
    "call",
    {
        CallResult.OK: Label(N_("Done"), "green"),
        CallResult.REFUSED: Label(N_("Refused"), "amber"),
        CallResult.FAILED: Label(N_("Failed"), "red"),
        CallResult.UNKNOWN: Label(N_("Unclear"), "orange"),
    },
)
register(
    "outbox",
    {
        OutboxStatus.WAITING: Label(N_("Waiting"), "amber"),
        OutboxStatus.SENT: Label(N_("Delivered"), "green"),
        OutboxStatus.REFUSED: Label(N_("Refused"), "red"),
    },
)
register(
    "outbox_kind",
    {
        OutboxKind.START: Label(N_("Start"), "blue"),
        OutboxKind.UPDATE: Label(N_("Command"), "indigo"),
        OutboxKind.SIGNAL: Label(N_("Fact"), "gray"),
    },
)
