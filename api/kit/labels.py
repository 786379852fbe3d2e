"""What statuses and other stored words are called and their colour; each word registers its own."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.kit.language import N_, plain_gettext

TONES = ("blue", "indigo", "violet", "green", "teal", "amber", "orange", "red", "pink", "gray")


@dataclass(frozen=True)
class Label:
    """How one stored value is shown: its English text (marked with N_), its tone, an icon if it needs one."""

    text: str
    tone: str = "gray"
    icon: str = ""


_labels: dict[str, dict[str, Label]] = {
    "priority": {
        "P1": Label(N_("P1 · Urgent"), "red"),
        "P2": Label(N_("P2 · High"), "orange"),
        "P3": Label(N_("P3 · Normal"), "blue"),
        "P4": Label(N_("P4 · Low"), "gray"),
    },
    "waiting_for": {
        "us": Label(N_("Us"), "blue", "headset"),
        "customer": Label(N_("Customer"), "amber", "user"),
        "approver": Label(N_("Approver"), "violet", "badge-check"),
        "partner": Label(N_("Partner"), "teal", "handshake"),
        "technician": Label(N_("Technician"), "violet", "wrench"),
        "system": Label(N_("System"), "gray", "server"),
        "timer": Label(N_("Timer"), "gray", "timer"),
    },
}


def register(kind: str, labels: Mapping[str, Label]) -> None:
    """Say what the values of one kind are called; a word does it once, beside its router."""
    for value, label in labels.items():
        if label.tone not in TONES:
            raise ValueError(f"{kind}.{value}: {label.tone} is not a tone")
        _labels.setdefault(kind, {})[str(value)] = label


def label(value: str, kind: str) -> Label:
    """The label of a stored value; one that nobody registered is an error, not a guess."""
    found = _labels[kind][str(value)]
    return Label(plain_gettext(found.text), found.tone, found.icon)


def label_text(value: str, kind: str) -> str:
    """Only the label's text, in the reader's language."""
    return plain_gettext(_labels[kind][str(value)].text)
