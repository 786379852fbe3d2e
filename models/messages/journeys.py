"""Words about how every workflow is seen: waits and their sentences."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.messages.sentences import N_


class WaitFor(StrEnum):
    US = "us"
    CUSTOMER = "customer"
    TECHNICIAN = "technician"
    PARTNER = "partner"
    SYSTEM = "system"
    TIMER = "timer"
    EMPLOYEE = "employee"


@dataclass(frozen=True)
class Wait:
    """Who we wait for, since when, until when, what happens then, and what one may do meanwhile."""

    key: str  # unique within the workflow, e.g. "answer"
    subject: str  # "ticket:T100123"
    ticket_id: str
    who: WaitFor
    what: str  # code in WAITS: what we wait for
    since: datetime
    until: datetime | None = None
    then: str = ""  # code in THENS: what happens when nobody moves
    may: tuple[str, ...] = ()  # commands allowed now: "reply", "dispatch", "resolve" …
    details: dict[str, str] = field(default_factory=dict)
    case_id: str = ""  # the order or change that waits, when no ticket does
    customer_id: str = ""  # whose case it is


@dataclass(frozen=True)
class WaitOver:
    """The wait has ended, by an act or by its deadline."""

    key: str
    at: datetime


@dataclass(frozen=True)
class WaitNotes:
    """Waits that began or ended since the last step; the next recorded step carries them into the tables."""

    opened: tuple[Wait, ...] = ()
    ended: tuple[WaitOver, ...] = ()


WAITS: dict[str, str] = {
    "answer": N_("Waiting for our first answer"),
    "agent": N_("Waiting for the agent"),
    "customer_reply": N_("Waiting for the customer's reply"),
    "offer": N_("Waiting for %(technician)s to accept"),
    "nobody": N_("No technician is left: waiting for the agent"),
    "slot": N_("Waiting for the customer to choose a time"),
    "appointment": N_("Waiting for the appointment at %(starts_at)s"),
    "travel": N_("%(technician)s is on the way"),
    "work": N_("%(technician)s is working at the customer's"),
    "visit": N_("Waiting for the visit to end"),
    "confirmation": N_("Waiting for the customer to confirm the repair"),
    "letter": N_("A message could not be delivered: waiting for us to use another way"),
    "invoice": N_("Waiting for the invoice to be settled"),
    "payment": N_("Waiting for the payment of %(total)s"),
    "gateway": N_("Waiting for the payment gateway"),
    "lookup": N_("Waiting until the unclear payment is looked up again"),
    "finance": N_("Waiting for finance to settle an unclear payment"),
    "suspense": N_("Waiting for finance to give back %(amount)s that nobody owes"),
    "send_again": N_("Waiting until the payment may be sent again"),
    "method_form": N_("Waiting for the customer to complete the gateway's form"),
    "credit": N_("Waiting for the credit check"),
    "credit_decision": N_("Waiting for us to decide the credit check"),
    "order_payment": N_("Waiting for the order to be paid"),
    "warehouse": N_("Waiting for the warehouse"),
    "goods": N_("Waiting for missing goods"),
    "parcels": N_("Waiting for the parcels to be delivered"),
    "installation": N_("Waiting for the installation"),
    "installation_again": N_("Waiting for us to arrange the installation again"),
    "contracts": N_("Waiting for the contracts to be started"),
    "undo": N_("Waiting until %(step)s is undone"),
    "goods_back": N_("Waiting for the goods to come back"),
    "undo_by_hand": N_("Waiting for a colleague to undo by hand"),
    "seen_to": N_("Waiting for a colleague to clear up what holds the order"),
    "return_decision": N_("Waiting for us to decide the return"),
    "hand_over": N_("Waiting for the customer to hand the goods over"),
    "merge_against": N_("Waiting until nothing stands against the merge"),
    "merge_second": N_("Waiting for a second person to agree to the merge"),
    "merge_undo": N_("The merge can still be undone"),
    "retrieval": N_("Waiting for the technician to fetch the device"),
    "retrieval_again": N_("Waiting for us to arrange the pick-up again"),
    "return_parcel": N_("Waiting for the goods on their way back"),
    "return_lost": N_("Waiting for us to find goods that did not arrive"),
    "inspection": N_("Waiting for us to inspect the goods"),
    "return_money": N_("Waiting for the money to go back"),
    "return_by_hand": N_("Waiting for a colleague to give the money back"),
    "replacement": N_("Waiting for the replacement to arrive"),
    "refund": N_("Waiting for finance to settle a refund of %(amount)s"),
    "withdrawal": N_("Waiting until the payment under way is certain, to take the invoice back"),
    "new_holder": N_("Waiting for the new holder to agree"),
    "change_payment": N_("Waiting for the change to be paid"),
    "move_visit": N_("Waiting for the visit at the new address"),
    "change_day": N_("Waiting for the day on which the change takes effect"),
    "pause_end": N_("Waiting for the end of the pause"),
    "tax_documents": N_("Waiting for the agency for tax documents"),
    "kept": N_("Waiting for the next bill: money lies on the account"),
    "unclaimed": N_("Waiting for finance to say whose a deposit is"),
    "bank_file": N_("Waiting until the bank takes the file"),
    "bank_result": N_("Waiting for the bank's result"),
    "mandate": N_("Waiting for the bank to register the mandate"),
    "provider_away": N_("Waiting for a payment provider that does not answer"),
    "collection_lookup": N_("Waiting until unclear payments of the collection are looked up again"),
    "collection_paused": N_("The collection is paused: waiting for finance to let it go on"),
    "late_money": N_("Late news from the payment gateway is still heard"),
    "signup_code": N_("Waiting for the one-time code"),
    "signup_details": N_("Waiting for name and consents"),
    "run_paused": N_("The bill run is paused: waiting for finance to let it go on"),
    "dunning": N_("Waiting for the next step of the dunning"),
    "dunning_promise": N_("Waiting for the %(amount)s that the customer promised"),
    "dunning_dispute": N_("Waiting for us to decide what the customer disputes"),
    "dunning_hold": N_("The dunning rests"),
    "dunning_end": N_("Every step was taken: waiting for money, or for us to decide"),
    "service_on": N_("Waiting until the services are switched on again"),
    "privacy_file": N_("Waiting until the file with personal data is fetched"),
    "close_checks": N_("The close of %(period)s is held up: %(count)s points to repair or accept"),
    "close_tie_out": N_("The books of %(period)s do not tie out: %(count)s differences to repair or accept"),
    "erp": N_("Waiting for the ERP to take the sums of %(period)s"),
    "erp_repair": N_("The ERP did not take the sums of %(period)s as they are: waiting for finance"),
    "reopening": N_("%(period)s is closed; two people may still reopen it"),
    "request_approval": N_("Waiting for %(approver)s to decide"),
    "request_question": N_("Waiting for the answer to a question"),
    "request_task": N_("Waiting for a task of a team"),
    "request_form": N_("Waiting for a form to be filled in"),
    "request_call": N_("Waiting for an outside system"),
    "request_day": N_("Waiting for %(day)s"),
    "request_event": N_("Waiting for something to happen"),
    "request_child": N_("Waiting for another request to end"),
    "request_undo": N_("Waiting until what was done is undone"),
    "many_leavers": N_("The HR system says that %(count)s people leave: waiting for somebody to accept it"),
    "close_start": N_("%(period)s is open again: waiting for finance to close it"),
    "call": N_("Waiting for the end of a telephone call"),
    "chat": N_("Waiting for somebody to write in the chat"),
    "device_alarms": N_("Watching whether a device goes on giving alarm"),
    "device_quiet": N_("Waiting until a device has been quiet for long enough"),
    "paper": N_("Waiting for the day on which a partner's paper expires"),
    "no_paper": N_("Waiting for the partner's papers"),
    "quarantine": N_("Waiting for a colleague to decide about a mail that was held back"),
    "snoozed_time": N_("Snoozed: out of the queue for a while"),
    "snoozed_reply": N_("Snoozed until the customer answers"),
    "child_tickets": N_("Waiting for sub-tickets that are still open: %(count)s"),
    "merged": N_("Merged into %(other)s; this can be undone until that one is resolved"),
}

THENS: dict[str, str] = {
    "merge_again": N_("then it is looked at again"),
    "merge_dropped": N_("then the merge is dropped"),
    "merge_kept": N_("then it stays as it is"),
    "warn_team": N_("then the team is warned"),
    "warn_leader": N_("then the team leader is warned"),
    "next_offer": N_("then the next technician is asked"),
    "remind_customer": N_("then the customer is reminded"),
    "ask_agent": N_("then the agent is asked"),
    "close_silently": N_("then the ticket closes by itself"),
    "remind_payment": N_("then the customer is reminded to pay"),
    "overdue": N_("then the invoice is overdue and finance is asked"),
    "send_again": N_("then the same payment is sent again"),
    "give_up": N_("then the invoice is no longer waited for"),
    "end": N_("then this journey ends"),
    "cancel_order": N_("then the order is cancelled"),
    "ask_stock_again": N_("then the warehouse is asked again"),
    "ask_colleague": N_("then a colleague gets a task"),
    "end_return": N_("then the return ends"),
    "remind_return": N_("then the customer is reminded"),
    "count_as_whole": N_("then the goods count as whole"),
    "withdraw": N_("then it is tried again"),
    "remind_holder": N_("then the new holder is reminded"),
    "cancel_change": N_("then the change is cancelled"),
    "apply_change": N_("then the change takes effect"),
    "resume_contract": N_("then the contract runs again"),
    "hand_in_again": N_("then the file is handed in again"),
    "fetch_result": N_("then the result is fetched"),
    "ask_again": N_("then it is asked again"),
    "look_up": N_("then we look the payment up again"),
    "end_code": N_("then the code no longer works"),
    "remind_signup": N_("then they are reminded once"),
    "forget_signup": N_("then address and name are forgotten"),
    "delete_file": N_("then the file is deleted"),
    "check_again": N_("then we look again"),
    "ask_erp_again": N_("then the ERP is asked again"),
    "close_final": N_("then it can no longer be reopened"),
    "dunning_notify": N_("then the customer is reminded of what is overdue"),
    "dunning_retry": N_("then the payment method is asked again"),
    "dunning_call": N_("then a colleague is asked to call"),
    "dunning_suspend": N_("then the services are switched off"),
    "dunning_terminate": N_("then the contracts are ended"),
    "dunning_retrieve": N_("then the devices are fetched"),
    "dunning_agency": N_("then a collection agency takes over"),
    "dunning_write_off": N_("then it is written off"),
    "remind_approver": N_("then they are reminded"),
    "remind_asker": N_("then whoever asked is reminded"),
    "escalate_approval": N_("then their manager is asked as well"),
    "warn_late_task": N_("then the team is warned"),
    "remind_form": N_("then they are reminded"),
    "request_goes_on": N_("then the request goes on"),
    "dunning_goes_on": N_("then the dunning goes on"),
    "back_in_queue": N_("then it is back in the queue"),
    "end_chat": N_("then the chat ends and goes on by letter"),
    "warn_partner": N_("then the partner is told"),
    "stop_offers": N_("then offers that need it stop"),
    "ignore_mail": N_("then the mail is ignored; the original stays"),
}
