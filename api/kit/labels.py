"""What statuses and other stored words are called and their colour; each word registers its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

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
        "p1": Label(N_("P1 · Urgent"), "red"),
        "p2": Label(N_("P2 · High"), "orange"),
        "p3": Label(N_("P3 · Normal"), "blue"),
        "p4": Label(N_("P4 · Low"), "gray"),
    },
    "letter": {
        "tickets/received": Label(N_("Confirmation of the report")),
        "tickets/reply": Label(N_("Our reply")),
        "tickets/confirm": Label(N_("Request to confirm the repair")),
        "tickets/closed": Label(N_("Report closed")),
        "tickets/cancelled": Label(N_("Report cancelled")),
        "tickets/merged": Label(N_("Reports joined")),
        "tickets/separated": Label(N_("Reports separated again")),
        "tickets/late": Label(N_("Warning: no first answer")),
        "tickets/overdue": Label(N_("Warning: not solved in time")),
        "tickets/followed": Label(N_("Notice to a colleague who follows the ticket")),
        "tickets/rule": Label(N_("Notice: a rule points at the ticket")),
        "tickets/reopened": Label(N_("Notice: report opened again")),
        "field_service/offer": Label(N_("Visit offer")),
        "field_service/nobody": Label(N_("Warning: no technician left")),
        "field_service/choose_slot": Label(N_("Request to choose a time")),
        "field_service/slot_reminder": Label(N_("Reminder to choose a time")),
        "field_service/slot_silent": Label(N_("Warning: no time chosen")),
        "field_service/scheduled": Label(N_("Appointment made")),
        "field_service/job_scheduled": Label(N_("Appointment, for the technician")),
        "field_service/moved": Label(N_("Appointment moved")),
        "field_service/job_moved": Label(N_("Appointment moved, for the technician")),
        "field_service/late_start": Label(N_("Warning: not set off in time")),
        "field_service/on_the_way": Label(N_("Technician on the way")),
        "field_service/overrun": Label(N_("Warning: visit takes longer")),
        "field_service/given_back": Label(N_("Looking for another technician")),
        "field_service/called_off": Label(N_("Visit called off")),
        "field_service/job_called_off": Label(N_("Visit called off, for the technician")),
        "billing/invoice": Label(N_("Invoice")),
        "billing/reminder": Label(N_("Payment reminder")),
        "billing/receipt": Label(N_("Receipt")),
        "billing/overdue": Label(N_("Warning: invoice overdue")),
        "billing/suspense": Label(N_("Notice: money without a claim")),
        "orders/placed": Label(N_("Confirmation of the order")),
        "orders/shipped": Label(N_("Parcel on its way")),
        "orders/done": Label(N_("Order complete")),
        "orders/cancelled": Label(N_("Order cancelled")),
        "orders/return_agreed": Label(N_("Return agreed")),
        "orders/return_reminded": Label(N_("Reminder to hand goods over")),
        "orders/return_visit": Label(N_("Technician fetches a device")),
        "orders/return_arrived": Label(N_("Returned goods arrived")),
        "orders/return_settled": Label(N_("Return settled")),
        "orders/return_ended": Label(N_("Return ended")),
        "subscriptions/requested": Label(N_("Change of contract received")),
        "subscriptions/holder": Label(N_("Request to take a contract over")),
        "subscriptions/ended": Label(N_("Change of contract called off")),
        "subscriptions/done": Label(N_("Change of contract in force")),
        "subscriptions/resumed": Label(N_("Contract runs again")),
        "dunning/reminder": Label(N_("Reminder of what is overdue")),
        "dunning/warning": Label(N_("Warning before the services are switched off")),
        "dunning/last_notice": Label(N_("Last notice before the contracts end")),
        "dunning/suspended": Label(N_("Notice: services switched off")),
        "dunning/terminated": Label(N_("Notice: contracts ended")),
        "dunning/resumed": Label(N_("Notice: services run again")),
        "dunning/handover": Label(N_("Hand-over to the collection agency")),
        "employee_requests/approval": Label(N_("Request for approval")),
        "employee_requests/approval_reminder": Label(N_("Reminder to decide")),
        "employee_requests/question": Label(N_("Question before an approval")),
        "employee_requests/task": Label(N_("Task for a team")),
        "employee_requests/task_late": Label(N_("Warning: a task is late")),
        "employee_requests/form": Label(N_("Form to be filled in")),
        "employee_requests/form_late": Label(N_("Reminder of a form")),
        "employee_requests/ended": Label(N_("End of a request")),
        "employee_requests/undo_by_hand": Label(N_("To be undone by hand")),
        "employee_requests/message": Label(N_("Message of a request")),
        "employee_requests/notice": Label(N_("Notice of a request")),
        "partners/paper": Label(N_("Expiry of a partner's paper")),
        "knowledge/review_due": Label(N_("Reminder to look at an article again")),
        "payments/refused": Label(N_("Payment refused")),
        "payments/unsettled": Label(N_("Warning: unclear payment")),
        "payments/refunded": Label(N_("Money given back")),
        "payments/refund_unsettled": Label(N_("Warning: refund needs us")),
    },
    "waiting_for": {
        "us": Label(N_("Us"), "blue", "headset"),
        "customer": Label(N_("Customer"), "amber", "user"),
        "employee": Label(N_("Employee"), "violet", "badge-check"),
        "partner": Label(N_("Partner"), "teal", "handshake"),
        "technician": Label(N_("Technician"), "violet", "wrench"),
        "system": Label(N_("System"), "gray", "server"),
        "timer": Label(N_("Timer"), "gray", "timer"),
    },
}


def register(kind: str, labels: Mapping[str, Label], *, is_part: bool = False) -> None:
    """Say what the values of one kind are called, all of them; a word does it once, beside its router.

    `is_part` says that a page asks only for those that are named."""
    if kind in _labels:
        raise ValueError(f"{kind} is registered already")
    for words in {type(value) for value in labels if isinstance(value, StrEnum) and not is_part}:
        if nameless := set(words) - set(labels):
            raise ValueError(f"{kind}: nothing says what {', '.join(sorted(nameless))} is called")
    for value, label in labels.items():
        if label.tone not in TONES:
            raise ValueError(f"{kind}.{value}: {label.tone} is not a tone")
    _labels[kind] = {str(value): label for value, label in labels.items()}


def label(value: str, kind: str) -> Label:
    """The label of a stored value; one that nobody registered is an error, not a guess."""
    found = _labels[kind][str(value)]
    return Label(plain_gettext(found.text), found.tone, found.icon)


def label_text(value: str, kind: str) -> str:
    """Only the label's text, in the reader's language."""
    return plain_gettext(_labels[kind][str(value)].text)


def name_of(value: object, *kinds: str) -> str | None:
    """What a stored code is called in the first of these kinds that knows it; nothing when none does."""
    for kind in kinds:
        if found := _labels.get(kind, {}).get(str(value)):
            return plain_gettext(found.text)
    return None


def named(code: object, kind: str) -> str:
    """What a code is called, or the code itself where outsiders may send one that we do not know."""
    return name_of(code, kind) or str(code)
