"""Business refusals: a code that is a contract, a sentence for people, a status for the web."""

from dataclasses import dataclass, field
from typing import Any

from models.messages.sentences import N_


@dataclass
class Refusal(Exception):
    """An ordinary "no": shown to the person, not retried, logged at info."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return REFUSALS.get(self.code, (409, self.code))[1]


# code: (status of the answer, sentence). Sentences are translated where they are shown.
REFUSALS: dict[str, tuple[int, str]] = {
    # people
    "not_signed_in": (401, N_("Please sign in first.")),
    "not_allowed": (403, N_("You may not do this.")),
    "not_found": (404, N_("There is nothing here, or it is not yours to see.")),
    "sign_in_failed": (422, N_("The e-mail address or the password is not right.")),
    "password_wrong": (422, N_("The old password is not right.")),
    "too_many_tries": (429, N_("Too many tries. Please wait a few minutes.")),
    "invalid_form": (422, N_("Please check the marked fields.")),
    "link_ended": (404, N_("This link has ended or was already used. Please ask us for a new one.")),
    "cross_site": (403, N_("This request came from another site and was stopped. Please reload the page.")),
    # everybody
    "changed_meanwhile": (409, N_("Someone else changed this meanwhile. What you typed is kept.")),
    "try_again_later": (
        503,
        N_("This is not available at the moment. What you typed is kept; please try again."),
    ),
    "already_over": (409, N_("This is already over; nothing was changed.")),
    # channels
    "scope_missing": (403, N_("This key may not do that. An administrator can make one with that scope.")),
    "key_missing": (
        422,
        N_("The header Idempotency-Key is missing. With it, a request that is sent twice counts once."),
    ),
    "key_reused": (409, N_("This idempotency key was already used for something else.")),
    "extension_taken": (409, N_("This extension already rings at a colleague's.")),
    "not_quarantined": (409, N_("Nobody has to decide about this any more.")),
    # tickets
    "ticket_closed": (409, N_("This ticket is already closed.")),
    "ticket_not_resolved": (409, N_("There is nothing to confirm yet.")),
    "ticket_already_dispatched": (409, N_("A visit is already under way for this ticket.")),
    "ticket_already_resolved": (409, N_("This ticket is already resolved and waits for the customer.")),
    "ticket_confirmed": (409, N_("The repair was already confirmed.")),
    "ticket_taken": (409, N_("A colleague has already taken this ticket.")),
    "ticket_sorted": (409, N_("A colleague has already given this ticket another team or priority.")),
    "ticket_changed_since": (409, N_("Somebody has changed this ticket since then; it stays as it is.")),
    "batch_not_undone": (409, N_("This cannot be taken back: somebody may have read it already.")),
    "batch_running": (409, N_("This is still being done; please wait until it has ended.")),
    "ticket_needs_answer": (409, N_("Please write what was done before you resolve the ticket.")),
    "ticket_child_open": (
        409,
        N_("Another department still works for this ticket. It can be resolved once they are done."),
    ),
    "taken_back": (409, N_("This was taken back and is not sent.")),
    "sending_left": (409, N_("It has just left and cannot be taken back any more.")),
    "fields_missing": (422, N_("Some details are needed before this ticket may end. Please fill them in.")),
    "ticket_parts_open": (
        409,
        N_("These sub-tickets are still open: %(open)s. The ticket can be ended once they are done."),
    ),
    "ticket_merged": (409, N_("This ticket was merged into another one, where it goes on.")),
    "ticket_not_merged": (409, N_("This ticket is not merged with another one.")),
    "merge_same": (409, N_("A ticket cannot be merged into itself.")),
    "merge_not_open": (
        409,
        N_("The other ticket is resolved, over or merged itself; nothing can go on in it."),
    ),
    "merge_has_visit": (
        409,
        N_("A technician was sent for this ticket and is billed with it. Merge the other one into it."),
    ),
    "merge_request_open": (
        409,
        N_("Another department still works for this ticket. It can be merged once they are done."),
    ),
    "merge_has_parts": (
        409,
        N_("This ticket has open sub-tickets, or is one itself. Please take it out first."),
    ),
    "merge_of_case": (409, N_("An order, a change or a task waits for how one of these tickets ends.")),
    "merge_other_customer": (
        409,
        N_("These tickets belong to different customers. A dispatcher or an administrator may merge them."),
    ),
    "merge_confidential": (
        409,
        N_("One of these tickets is confidential, and the other one is read by different people."),
    ),
    "merge_final": (409, N_("The ticket it was merged into is resolved; the merge can no longer be undone.")),
    "split_nothing": (409, N_("Please choose at least one message of the customer.")),
    "split_takes_all": (409, N_("At least one message has to stay with this ticket.")),
    "split_gone": (409, N_("A chosen message belongs to another ticket by now. Please look again.")),
    "link_self": (409, N_("A ticket cannot be linked with itself.")),
    "link_circle": (409, N_("A ticket cannot be a sub-ticket of its own sub-ticket.")),
    "link_deep": (409, N_("Sub-tickets go only four tickets deep, and a ticket has at most 50 of them.")),
    "link_second_parent": (409, N_("This ticket is already a sub-ticket of another one.")),
    "snooze_in_past": (409, N_("This time has passed, or is more than a year away.")),
    "snooze_past_deadline": (
        409,
        N_("A promise to the customer is due before that. Confirm that you know, or choose another time."),
    ),
    "not_snoozed": (409, N_("This ticket is not snoozed.")),
    "rating_given": (409, N_("You have already rated this repair. Thank you.")),
    "mail_not_held_back": (409, N_("Nobody has to decide about this mail any more.")),
    # field service
    "offer_gone": (409, N_("This offer is no longer open.")),
    "slot_taken": (409, N_("That time was just taken. Please choose another one.")),
    "not_of_company": (409, N_("This technician cannot take this visit for your company.")),
    "visit_over": (409, N_("This visit has already ended.")),
    "visit_wrong_step": (409, N_("This step is not possible now.")),
    "checklist_open": (409, N_("Some required steps of the checklist are still open.")),
    "photo_missing": (409, N_("At least one photo before and one after the work is needed.")),
    "signature_missing": (409, N_("The customer's signature, or the reason why there is none, is missing.")),
    "no_report": (409, N_("There is a report once the technician has finished the visit.")),
    # partners
    "partner_wrong_step": (409, N_("This is not possible for the partner as it stands now.")),
    "papers_missing": (409, N_("A contract and an insurance that count today are needed first.")),
    "partner_has_ended": (409, N_("The work with this partner has ended.")),
    # billing and payments
    "run_not_running": (409, N_("This bill run is not under way.")),
    "run_not_paused": (409, N_("This bill run is not paused.")),
    "run_over": (409, N_("This bill run is already over.")),
    "run_exists": (409, N_("There is already a bill run of this day.")),
    "run_in_future": (422, N_("A day that has not come yet can only be previewed.")),
    "account_not_parked": (409, N_("This account is not parked any more.")),
    "invoice_of_no_run": (409, N_("Only an invoice of a bill run can be corrected here.")),
    "invoice_paid": (409, N_("This invoice is already paid.")),
    "invoice_cancelled": (409, N_("This invoice was cancelled.")),
    "payment_under_way": (409, N_("A payment is already under way. We will tell you how it ends.")),
    "payment_differs": (409, N_("The amount or the order of this payment does not match the invoice.")),
    "payment_not_unclear": (409, N_("This payment is not waiting for a verdict.")),
    "collection_not_running": (409, N_("This collection is not running.")),
    "tax_not_parked": (409, N_("This document does not need to be issued again.")),
    "deposit_not_unclaimed": (409, N_("Nothing of this deposit waits for somebody to claim it.")),
    "account_invalid": (422, N_("Please choose the bank, enter the account number and agree.")),
    "collection_not_paused": (409, N_("This collection is not paused.")),
    "verdict_missing": (409, N_("Please say whether the money moved or not.")),
    "method_not_active": (409, N_("This payment method can no longer be used.")),
    "refund_not_unclear": (409, N_("This refund is not waiting for a verdict.")),
    "nothing_to_give_back": (409, N_("There is not that much left to give back.")),
    "invoice_not_paid": (409, N_("This invoice has not been paid.")),
    "no_suspense": (409, N_("There is no money here that waits to be given back.")),
    # catalogue
    "cart_full": (409, N_("The cart is full. Please order what is in it first.")),
    "own_review": (409, N_("Somebody else has to publish what you wrote.")),
    "draft_of_another": (409, N_("This draft is a colleague's. You can start your own from it.")),
    "version_final": (409, N_("A published version never changes. Please start a new draft from it.")),
    "item_has_problems": (409, N_("This item still has faults. Please mend them first.")),
    "item_draft_open": (409, N_("There is a draft of this item already. Please finish it first.")),
    "version_wrong_step": (409, N_("This version is not at that step now. Please load the page again.")),
    # customers
    "signup_over": (409, N_("This signup is over. Please begin again.")),
    "signup_not_proved": (409, N_("Please enter the code first.")),
    "privacy_under_way": (409, N_("Such a request is already being worked on.")),
    "merge_open": (409, N_("A merge of these two records is under way.")),
    "merged_away": (409, N_("This record was merged into another one. Please work on that one.")),
    "merge_changed": (409, N_("One of the two was changed since they were compared. Please compare again.")),
    "merge_not_waiting": (409, N_("Nobody is asked to agree to this merge any more.")),
    "merge_second_person": (409, N_("Somebody else has to agree to this merge.")),
    "merge_not_undoable": (409, N_("This merge can no longer be undone.")),
    "undo_erased": (409, N_("The customer was erased meanwhile.")),
    "undo_merged_on": (409, N_("The record was merged once more. Please undo the later merge first.")),
    "undo_billing": (409, N_("A bill run is under way. Please try again when it is over.")),
    "undo_taken": (
        409,
        N_("A telephone number or e-mail address of before belongs to somebody else by now."),
    ),
    "serial_unknown": (409, N_("We do not know this serial number. Please look at the label once more.")),
    "serial_taken": (409, N_("This product is already registered. If it is yours, please write to us.")),
    # orders
    "order_over": (409, N_("This order is already over.")),
    "order_being_cancelled": (409, N_("This order is already being cancelled.")),
    "order_not_waiting": (409, N_("This order does not wait for that.")),
    "address_fixed": (409, N_("A parcel is already on its way; the address can no longer be changed.")),
    "cart_changed": (409, N_("The cart or its prices have changed. Please look at it again.")),
    "cart_empty": (409, N_("There is nothing in the cart.")),
    # returns
    "nothing_to_return": (409, N_("There is nothing here that could be returned.")),
    "return_open": (409, N_("A return of this order is already under way.")),
    "return_over": (409, N_("This return is already over.")),
    "return_on_the_way": (
        409,
        N_("The goods are already on their way; the return can no longer be called off."),
    ),
    "return_not_waiting": (409, N_("This return does not wait for that.")),
    # subscriptions
    "contract_not_running": (409, N_("This contract is not running, so it cannot be changed.")),
    "contract_paused": (409, N_("This contract is paused. Please resume it first.")),
    "contract_not_paused": (409, N_("This contract is not paused.")),
    "change_open": (
        409,
        N_("Another change of this contract is under way. Please wait for it or cancel it."),
    ),
    "change_day": (409, N_("A change is not possible on that day. Please choose another one.")),
    "change_plan": (409, N_("This plan does not fit the contract. Please choose another one.")),
    "change_pause": (409, N_("A pause has an end, lasts at most 90 days, and overlaps no other pause.")),
    "change_done": (409, N_("This change is already in force.")),
    "change_off": (409, N_("This change is already cancelled.")),
    "change_agreed": (409, N_("You have already agreed to this change.")),
    "change_needs_no_holder": (409, N_("This change needs nobody else to agree.")),
    "preview_ended": (409, N_("The prices have changed since they were shown. Please look at them again.")),
    # the books
    "month_not_over": (409, N_("This month is not over yet.")),
    "month_not_closed": (409, N_("This month is not closed, so there is nothing to reopen.")),
    "close_under_way": (409, N_("The close of this month is already under way.")),
    "second_person_needed": (409, N_("Somebody else has to agree to reopen a month.")),
    "later_month_closed": (409, N_("A later month is closed. Please reopen that one first.")),
    "nothing_to_accept": (409, N_("Nothing holds this close up at the moment.")),
    "reason_missing": (422, N_("Please say why.")),
    # dunning
    "case_over": (409, N_("This dunning case is already over.")),
    "promise_open": (409, N_("Payment was already promised. Please wait for that day.")),
    "promise_day": (409, N_("That day cannot be promised. Please choose an earlier one.")),
    "promises_used": (409, N_("Payment was promised too often already. Please pay, or write to us.")),
    "dispute_open": (409, N_("What is owed is already disputed.")),
    "no_dispute": (409, N_("Nothing is disputed here.")),
    "hold_open": (409, N_("This dunning case already rests.")),
    "no_hold": (409, N_("This dunning case does not rest.")),
    "hold_day": (409, N_("It may not rest until that day. Please choose an earlier one.")),
    "step_differs": (409, N_("Another step comes next by now. Please look again.")),
    "invoice_written_off": (409, N_("This invoice was written off.")),
    "policy_empty": (409, N_("A policy needs at least one step, in order of days.")),
    # employees' requests
    "request_over": (409, N_("This request is already over.")),
    "approval_not_open": (409, N_("This was already decided, or is not needed any more.")),
    "approval_not_yours": (403, N_("Somebody else is asked to decide this.")),
    "approval_own": (403, N_("Nobody decides what they asked for themselves.")),
    "sign_in_needed": (403, N_("For this amount, please sign in to decide.")),
    "question_missing": (422, N_("Please write your question.")),
    "no_question": (409, N_("Nothing was asked here.")),
    "cannot_decide": (409, N_("This person cannot decide it. Please choose somebody else.")),
    "task_not_open": (409, N_("This task is already over.")),
    "task_not_yours": (403, N_("This is the task of another team.")),
    "request_step_not_open": (409, N_("This step does not wait for that.")),
    "request_cannot_move": (409, N_("What has begun differs in that version, so this request stays.")),
    "not_an_employee": (409, N_("This sign-in belongs to no employee, so nothing can be asked for with it.")),
    "request_sent": (409, N_("This request was already sent.")),
    "link_needs_sign_in": (409, N_("This amount is decided only after signing in.")),
    "link_used": (409, N_("This link was already used. It decides once.")),
    # knowledge
    "article_has_flaws": (409, N_("This article still has faults. Please mend them first.")),
    "article_draft_open": (409, N_("There is a draft of this article already. Please finish it first.")),
    "article_exists": (409, N_("There is such an article already; write a new version of it.")),
    "article_internal": (409, N_("This article is not for customers, so it cannot go into a reply.")),
    # uploads
    "file_too_large": (422, N_("This file is too large.")),
    "file_not_allowed": (422, N_("This kind of file cannot be attached.")),
    "too_many_files": (422, N_("Too many files at once.")),
}
