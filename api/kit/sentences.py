"""Stored sentences in the reader's language: a code with its values becomes one line of text."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache

from api.kit import bare_kin, bare_requests, formats
from api.kit.labels import name_of
from api.kit.language import N_, gettext, locale
from models.messages import (
    billing,
    channels,
    customers,
    dunning,
    field_service,
    journeys,
    orders,
    partners,
    payments,
    subscriptions,
    tickets,
)
from models.messages.employee_requests import requests

SENTENCES: dict[str, str] = {
    **tickets.SENTENCES, **field_service.SENTENCES, **billing.SENTENCES, **payments.SENTENCES,
    **customers.SENTENCES, **orders.SENTENCES, **subscriptions.SENTENCES, **dunning.SENTENCES,
    **requests.SENTENCES, **channels.SENTENCES, **partners.SENTENCES,
}  # fmt: skip
# What is said instead when a value is absent, or is a code that has no name.
BARE: dict[str, str] = {
    "tickets.opened": N_("Work on the report has begun"),
    "tickets.assigned": N_("A colleague took the ticket"),
    "tickets.handed_over": N_("Handed over to a colleague"),
    "tickets.replied": N_("We answered"),
    "tickets.rated": N_("The customer rated the repair"),
    "visits.offered": N_("Offered to a technician"),
    "visits.withdrawn": N_("The offer was taken back"),
    "visits.reassigned": N_("Another technician takes the visit over"),
    "partners.suspended": N_("The partner was suspended"),
    "partners.ended": N_("The work with the partner has ended"),
    "partners.paper_added": N_("A paper was added"),
    "partners.paper_warned": N_("A paper expires soon; the partner was told"),
    "partners.paper_expired": N_("A paper has expired; offers that need it have stopped"),
    "visits.declined": N_("The technician declined"),
    "visits.expired": N_("The technician did not answer in time"),
    "visits.given_back": N_("The technician gave the visit back"),
    "visits.letter_failed": N_("A message could not be delivered; somebody should call"),
    "visits.accepted": N_("A technician accepted; the customer chooses a time"),
    "visits.scheduled": N_("An appointment was made"),
    "visits.moved": N_("The appointment was moved"),
    "visits.departed": N_("The technician is on the way"),
    "visits.arrived": N_("The technician has arrived"),
    "visits.incomplete": N_("Ended without a repair"),
    "visits.cancelled": N_("The visit was called off"),
    "billing.issued": N_("An invoice was issued"),
    "billing.reminded": N_("The customer was reminded of the invoice"),
    "billing.overdue": N_("The invoice is overdue; finance is asked to call"),
    "billing.paid": N_("The invoice was paid; receipt sent"),
    "billing.cancelled": N_("The invoice was cancelled"),
    "billing.doubled": N_("Money arrived that nobody owes; it is kept in suspense and finance is asked"),
    "billing.goes_back": N_("Money arrived although nothing is owed any more; it is given back"),
    "billing.withdrawing": N_("The invoice is not owed any more; a payment under way is awaited first"),
    "billing.suspense_cleared": N_("Finance gave the money back"),
    "billing.run_started": N_("The bill run began"),
    "billing.run_done": N_("The bill run is done"),
    "billing.given_up": N_("We no longer wait for the invoice; late money is still accepted"),
    "payments.started": N_("A payment was started"),
    "payments.succeeded": N_("The payment succeeded"),
    "payments.refused": N_("The payment was refused"),
    "payments.looked_up": N_("The payment was looked up at the gateway"),
    "payments.settled_by_hand": N_("Finance settled the unclear payment"),
    "billing.credited": N_("A credit note was issued"),
    "payments.refund_started": N_("Money goes back to the customer"),
    "payments.refund_succeeded": N_("The money was given back"),
    "payments.refund_refused": N_("The gateway refuses to give the money back; finance is asked"),
    "payments.refund_unknown": N_(
        "Whether the money went back is unclear; we look it up before anything else"
    ),
    "payments.refund_looked_up": N_("The refund was looked up at the gateway"),
    "payments.refund_unsettled": N_("Whether the money went back stays unclear; finance is asked"),
    "payments.method_refused": N_("The gateway refused the payment method"),
    "payments.refund_by_hand": N_("Finance settled the refund"),
    "payments.late_success": N_("The gateway now says that the payment succeeded after all"),
    "subscriptions.activated": N_("The contract began"),
    "subscriptions.deactivated": N_("The contract was undone with its order"),
    "subscriptions.requested": N_("A change of the contract was requested"),
    "subscriptions.payment_asked": N_("An invoice was made for the change"),
    "subscriptions.visit_asked": N_("A visit at the new address was asked for"),
    "subscriptions.waiting_for_its_day": N_("The change waits for its day"),
    "subscriptions.changed": N_("The change took effect"),
    "subscriptions.cancelled": N_("The change was cancelled"),
}
BARE_ORDERS: dict[str, str] = {
    "orders.shipped": N_("A parcel was handed to the carrier"),
    "orders.delivered": N_("A parcel was delivered"),
    "orders.not_delivered": N_("A parcel could not be delivered; the carrier tries again"),
    "orders.came_back": N_("A parcel came back"),
    "orders.installing": N_("An installation was arranged"),
    "orders.undoing": N_("A step is being undone"),
    "orders.undone": N_("A step was undone"),
    "orders.stuck": N_("A step could not be undone; a colleague has a task"),
    "orders.settled_by_hand": N_("A step was undone by hand"),
    "orders.refused_outside": N_("An outside system did not do its part; a colleague has a task"),
    "orders.return_undecided_late": N_("Nobody has decided the return: a colleague has a task"),
    "orders.return_refused": N_("The return was refused"),
    "orders.return_label": N_("The carrier fetches the goods"),
    "orders.return_visit": N_("A technician takes the device down and along"),
    "orders.return_late": N_("The goods have not arrived: a colleague has a task"),
    "orders.return_not_inspected": N_("Nobody has inspected the goods: a colleague has a task"),
    "orders.return_refunding": N_("The money goes back"),
    "orders.return_refunded": N_("The money went back"),
    "orders.return_stuck": N_("The money could not be given back: a colleague has a task"),
    "orders.return_replacing": N_("The replacement is on its way"),
    "subscriptions.ended_with_device": N_("A contract ended: its device came back"),
    "subscriptions.device_exchanged": N_("A contract goes on with another device"),
}
BARE_COLLECTIONS: dict[str, str] = {
    "payments.collection_begun": N_("The collection of a day began"),
    "payments.collection_done": N_("The collection ended"),
    "payments.deposit_allocated": N_("A deposit arrived; it settles what is owed"),
    "payments.deposit_unclaimed": N_("A deposit arrived that nobody claims; finance is asked"),
    "payments.deposit_kept": N_("Money of a corrected invoice lies on the account for the next bills"),
    "payments.deposit_assigned": N_("Finance said whose a deposit is"),
    "payments.batch_ready": N_("The rows of the file are fixed"),
    "payments.mandate_refused": N_("The bank refused the mandate"),
}
BARE.update(BARE_ORDERS)
BARE_BOOKS: dict[str, str] = {
    "billing.close_begun": N_("The close of the month began"),
    "billing.close_held": N_("The close is held up"),
    "billing.close_accepted": N_("A difference was accepted"),
    "billing.close_locked": N_("Nothing more is posted to the month"),
    "billing.close_sent": N_("The ERP was told the sums of the month"),
    "billing.close_refused": N_("The ERP refuses the posting"),
    "billing.close_differs": N_("The ERP's sums differ from ours"),
    "billing.closed": N_("The month is closed"),
    "billing.reopen_asked": N_("Reopening the month was asked"),
    "billing.reopened": N_("The month was reopened by two people"),
    "billing.close_final": N_("The month can no longer be reopened"),
}
BARE.update(BARE_BOOKS)
BARE_MAILS: dict[str, str] = {
    "tickets.mail_hint": N_("The mail names another ticket but does not prove that it belongs there"),
    "tickets.mail_follows": N_("The mail follows up on a ticket that is over"),
    "tickets.mail_held_back": N_("Some files of the mail were held back; the original has them"),
}
BARE.update(BARE_MAILS)
BARE_CHILDREN: dict[str, str] = {
    "tickets.child_asked": N_("It was handed to another department"),
    "tickets.child_settled": N_("The other department is done"),
    "tickets.child_not_done": N_("The other department has ended its part without doing it"),
}
BARE.update(BARE_CHILDREN)
BARE_CHANNELS: dict[str, str] = {
    "channels.text_several": N_("The same number has several open tickets"),
    "channels.text_follows": N_("The text follows up on a ticket that is over"),
    "channels.call_ended": N_("A call"),
    "channels.fault_raised": N_("The device reports a fault"),
    "channels.fault_again": N_("The device reports further alarms"),
    "channels.fault_recovered": N_("The device recovered by itself"),
}
BARE.update(BARE_CHANNELS)
BARE_RULES: dict[str, str] = {
    "tickets.retimed_closed": N_("A deadline was moved: a day is not worked"),
    "tickets.retimed_worked": N_("A deadline was moved: a day is worked"),
    "tickets.retimed_ordinary": N_("A deadline was moved: a day is an ordinary one again"),
    "tickets.retimed_policy": N_("A deadline was moved: other promises hold now"),
    "tickets.rule_team": N_("A rule gave it to another team"),
    "tickets.rule_tag": N_("A rule added a tag"),
    "tickets.rule_priority": N_("A rule changed the priority"),
    "tickets.rule_reply": N_("A rule wrote to the customer"),
    "tickets.rule_notify": N_("A rule told the desk"),
    "tickets.rule_ask": N_("A rule asked the customer for details"),
    "tickets.rules_stopped": N_("A rule did not act"),
}
BARE_SORTING: dict[str, str] = {
    "tickets.given_to_team": N_("It was given to another team"),
    "tickets.prioritised": N_("The priority was changed"),
}
BARE.update(BARE_SORTING)
BARE.update(BARE_RULES)
BARE_TEMPLATES: dict[str, str] = {
    "tickets.macro_used": N_("A colleague used a template"),
    "tickets.macro_team": N_("A template gave it to another team"),
    "tickets.macro_tag": N_("A template added a tag"),
    "tickets.macro_priority": N_("A template changed the priority"),
}
BARE.update(BARE_TEMPLATES)
BARE_DUNNING: dict[str, str] = {
    "dunning.opened": N_("The account is overdue; dunning begins"),
    "dunning.notify": N_("The customer was reminded of what is overdue"),
    "dunning.retry": N_("The payment method was asked again"),
    "dunning.call": N_("A colleague is asked to call"),
    "dunning.suspend": N_("The services are switched off"),
    "dunning.terminate": N_("The contracts are ended because nobody pays"),
    "dunning.retrieve": N_("The devices are fetched because nobody pays"),
    "dunning.agency": N_("What is overdue is handed over to the collection agency"),
    "dunning.write_off": N_("What is overdue is written off"),
    "dunning.skipped": N_("A step was left out"),
    "dunning.nothing_to_do": N_("There was nothing to do for a step"),
    "dunning.promised": N_("The customer promised to pay"),
    "dunning.held": N_("Dunning rests for a while"),
    "dunning.written_off": N_("What was overdue was written off; dunning has ended"),
    "dunning.given_up": N_("Dunning was given up"),
    "billing.written_off": N_("The invoice is written off"),
    "subscriptions.suspended": N_("The service is suspended because of unpaid invoices"),
    "subscriptions.unsuspended": N_("The service runs again"),
}
BARE.update(BARE_DUNNING)
BARE.update(BARE_COLLECTIONS)
BARE.update(bare_requests.BARE | bare_kin.BARE)
BARE_WAITS: dict[str, str] = {
    "undo": N_("Waiting until a step is undone"),
    "offer": N_("Waiting for a technician to accept"),
    "appointment": N_("Waiting for the appointment"),
    "travel": N_("The technician is on the way"),
    "work": N_("The technician is working at the customer's"),
    "payment": N_("Waiting for the payment"),
    "suspense": N_("Waiting for finance to give money back that nobody owes"),
    "refund": N_("Waiting for finance to settle a refund"),
    "close_checks": N_("The close of the month is held up: there is something to repair or accept"),
    "close_tie_out": N_("The books do not tie out: there is something to repair or accept"),
    "erp": N_("Waiting for the ERP to take the sums of the month"),
    "erp_repair": N_("The ERP did not take the sums of the month as they are: waiting for finance"),
    "reopening": N_("The month is closed; two people may still reopen it"),
    "close_start": N_("The month is open again: waiting for finance to close it"),
    "dunning_promise": N_("Waiting for the money that the customer promised"),
}
BARE_WAITS["many_leavers"] = N_("The HR system says that very many people leave: an administrator is asked")
BARE_WAITS.update(bare_requests.BARE_WAITS | bare_kin.BARE_WAITS)
AMOUNTS = frozenset({"total", "amount", "price"})
# Values that are codes, with the kinds of label in which their names stand.
CODES = {
    "step": ("order_step", "dunning_step"),
    "verdict": ("verdict",),
    "code": ("payment_code",),
    "letter": ("letter",),
    "change": ("change_kind",),
    "system": ("system",),
    "check": ("close_check",),
    "target": ("promise_target",),
    "held": ("rule_held",),
    "paper": ("paper",),
}
# Values that are a code, or else what a person typed.
TYPED = {"reason": ("decline", "outcome", "call_off", "off_because", "change_end", "why_asked")}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_DAY = re.compile(r"\d{4}-\d\d-\d\d$")
_PLACE = re.compile(r"%\((\w+)\)s")


def sentence(code: str, details: Mapping[str, object]) -> str:
    """What the timeline says; a newer program's code, which we do not know, is only said to have happened."""
    text = SENTENCES.get(code, N_("Something was done"))
    return filled(text, details, BARE.get(code, text))


def wait_sentence(what: str, details: Mapping[str, object]) -> str:
    """What a wait is for."""
    text = journeys.WAITS.get(what, N_("Waiting"))
    return filled(text, details, BARE_WAITS.get(what, text))


def then_sentence(then: str) -> str:
    """What happens when nobody moves; nothing when nothing does."""
    return gettext(journeys.THENS[then]) if then in journeys.THENS else ""


def filled(text: str, details: Mapping[str, object], bare: str) -> str:
    """The translated text with its values as the reader writes them; when one has no words, the bare text."""
    names = _names(text)
    if not names:
        return gettext(text)
    currency = str(details.get("currency", "KRW"))
    spoken = {name: details.get(f"{name}_{locale()}", details.get(name)) for name in names}  # said in both
    values = {name: written(name, spoken[name], currency) for name in names}
    if None in values.values():
        return gettext(bare)
    return gettext(text, **values)


@cache
def _names(text: str) -> tuple[str, ...]:
    return tuple(_PLACE.findall(text))


def written(name: str, value: object, currency: str = "KRW") -> str | None:
    """One stored value: moments, days, amounts and codes in the reader's words; nothing for no words."""
    text = value.isoformat() if isinstance(value, date) else str(value).strip()
    if value is None or not text:
        return None
    if name in CODES:
        return name_of(text, *CODES[name])
    if _MOMENT.match(text):
        moment = datetime.fromisoformat(text)
        return formats.day(moment) if name == "due_at" else formats.moment(moment)
    if _DAY.match(text):
        return formats.day(date.fromisoformat(text))
    if name in AMOUNTS and re.fullmatch(r"-?\d+", text):
        return formats.money(int(text), currency)
    return name_of(text, *TYPED.get(name, ())) or text
