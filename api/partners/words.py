"""What the stored words of partners are called on their pages, and their colours."""

from api.kit.labels import Label, register
from api.kit.language import N_

PARTNER = {
    "applied": Label(N_("Has applied"), "blue"),
    "review": Label(N_("Being reviewed"), "amber"),
    "active": Label(N_("Active"), "green"),
    "suspended": Label(N_("Suspended"), "red"),
    "ended": Label(N_("Ended"), "gray"),
}
PAPER = {
    "contract": Label(N_("Service contract")),
    "insurance": Label(N_("Insurance")),
    "certificate": Label(N_("Certificate")),
}
STATE = {
    "valid": Label(N_("Valid"), "green"),
    "soon": Label(N_("Expires soon"), "amber"),
    "expired": Label(N_("Expired"), "red"),
    "later": Label(N_("Still to come"), "blue"),
}
register("partner", PARTNER)
register("paper", PAPER)
register("paper_state", STATE)
