"""Records the histories of today's journeys for the replay test: `make histories`.

A history is never edited and never overwritten: what was recorded before must replay for ever, unless
`workflow.patched` lets it. A file that exists is left alone."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
HISTORIES = ROOT / "tests" / "histories"
SWITCH = "RECORD_HISTORIES"

# Whose life is recorded from which test; a neighbour that a test only plays is not recorded.
JOURNEYS: dict[str, tuple[str, ...]] = {
    "Ticket": (
        "test_a_ticket_solved_from_afar_is_confirmed_and_closed_without_an_invoice",
        "test_silence_closes_with_a_note",
        "test_a_reopened_ticket_has_a_new_answer_clock",
        "test_a_ticket_can_be_cancelled_while_it_is_worked_on[customer-customer_wrote]",
        "test_a_letter_given_up_stops_nothing_and_is_told",
        "test_a_life_ended_by_operations_says_so",
        "test_a_cancelled_ticket_calls_its_visit_off_first",
        "test_a_repair_out_of_warranty_waits_for_its_invoice[paid-tickets.paid]",
        "test_a_repair_under_warranty_is_closed_without_an_invoice",
        "test_a_missing_part_brings_another_visit_before_an_installation_is_over",
        "test_a_task_waits_for_a_colleague_and_ends_when_it_is_resolved",
        "test_the_case_takes_its_installation_back_unless_it_is_already_done[False]",
        "test_a_machines_ticket_is_opened_without_a_word",
        "test_a_letter_that_came_back_is_told_once",
        "test_a_ticket_handed_over_is_not_resolved_before_the_department_is_done",
        "test_a_ticket_that_is_off_withdraws_what_it_asked_for",
        "test_a_promise_rests_while_the_customer_is_waited_for_and_each_message_has_its_own",
        "test_a_calendar_change_moves_open_deadlines_and_only_tells_whom_it_concerns",
        "test_a_rule_asks_the_customer_and_another_speaks_at_its_exact_time",
        "test_a_template_acts_followers_are_told_and_nothing_ends_with_a_gap",
        "test_a_ticket_ends_once_what_has_to_be_known_is_known",
        "test_team_and_priority_move_the_row_its_deadlines_and_its_story",
        "test_a_merged_ticket_is_given_back_exactly_as_it_was",
        "test_a_merge_stays_once_the_other_ticket_is_resolved_and_the_customer_hears_once",
        "test_a_part_holds_its_whole_up_until_it_is_done",
        "test_a_snoozed_ticket_is_back_at_the_exact_time_and_its_promises_went_on",
    ),
    "CustomerMerge": (
        "test_a_running_ticket_goes_on_for_the_one_that_stays_and_back",
        "test_a_second_person_has_to_agree",
        "test_a_merge_that_nobody_agrees_to_is_dropped",
        "test_it_waits_while_something_stands_against_it",
        "test_after_three_months_it_stays",
        "test_it_is_called_off",
    ),
    "PairSearch": ("test_pairs_are_found_at_once_and_at_night",),
    "PairNight": ("test_pairs_are_found_at_once_and_at_night",),
    "TicketBatch": ("test_a_batch_is_undone_only_where_nobody_has_changed_it_since",),
    "Retiming": ("test_a_calendar_change_moves_open_deadlines_and_only_tells_whom_it_concerns",),
    "RuleTrial": ("test_a_rule_is_tried_on_past_tickets_without_touching_them",),
    "InboundMail": (
        "test_a_mail_becomes_a_ticket_and_its_answer_a_message",
        "test_a_released_mail_comes_in_and_a_second_verdict_is_refused",
        "test_nobody_decides_for_thirty_days",
        "test_a_message_for_a_life_that_has_ended_gets_its_own_ticket",
        "test_a_letter_that_came_back_is_told_once",
    ),
    "InboundText": (
        "test_a_text_opens_a_ticket_and_its_answers_are_marked_by_how_sure_we_are",
        "test_a_stop_word_takes_the_consent_back_and_makes_no_ticket",
        "test_a_text_for_a_life_that_has_ended_gets_its_own_ticket",
    ),
    "PhoneCall": (
        "test_a_missed_call_asks_for_a_call_back_once",
        "test_an_answered_call_stands_in_the_story_whatever_the_order",
    ),
    "DeviceFault": (
        "test_a_single_alarm_is_watched_and_forgotten",
        "test_alarms_become_one_ticket_that_says_when_the_device_recovered",
    ),
    "Chat": (
        "test_a_silent_chat_ends_and_what_was_not_seen_goes_by_letter",
        "test_a_chat_that_was_left_and_seen_ends_without_a_letter",
    ),
    "Visit": (
        "test_a_visit_is_offered_scheduled_and_done",
        "test_giving_up_the_search_is_told_to_the_ticket",
        "test_a_cancelled_ticket_takes_its_visit_along",
        "test_a_company_s_visit_is_handed_on_and_called_off",
        "test_a_visit_whose_offer_was_taken_back_is_called_off",
    ),
    "Partner": ("test_a_partner_lives_two_years_and_offers_stop_and_start_with_its_papers",),
    "Invoice": (
        "test_an_invoice_is_issued_paid_and_receipted",
        "test_a_missed_due_date_asks_finance_and_late_money_still_settles",
        "test_finance_cancels_an_unpaid_invoice",
        "test_an_orders_invoice_takes_the_agreed_lines_and_tells_the_order",
        "test_an_unpaid_invoice_is_taken_back_when_its_order_is_off",
        "test_an_invoice_is_not_taken_back_before_a_payment_under_way_is_certain",
        "test_money_that_comes_while_the_order_is_off_goes_back_by_itself",
    ),
    "Close": (
        "test_a_month_is_closed_by_itself_and_becomes_final",
        "test_what_is_in_the_way_is_looked_at_again_every_hour",
        "test_an_erp_that_refuses_is_asked_again_after_the_repair",
        "test_sums_that_differ_in_the_erp_are_repaired_there_or_accepted",
        "test_a_closed_month_is_reopened_by_two_people_and_closed_again",
    ),
    "MonthEnd": ("test_the_calendar_closes_the_month_before_once",),
    "Order": (
        "test_an_order_is_paid_shipped_installed_activated_and_done",
        "test_a_step_that_cannot_be_undone_becomes_a_task_and_the_rest_goes_on",
        "test_cancelled_at_any_step_everything_is_undone_in_reverse_order[installation]",
    ),
    "CollectionDay": ("test_money_is_collected_and_files_are_made_once_a_day[collection]",),
    "TransferDay": ("test_money_is_collected_and_files_are_made_once_a_day[files]",),
    "BillDay": ("test_a_day_is_billed_once_then_letters_and_collection_begin",),
    "BillLetters": ("test_a_day_is_billed_once_then_letters_and_collection_begin",),
    "BillRun": (
        "test_a_day_is_billed_once_then_letters_and_collection_begin",
        "test_a_preview_is_followed_by_nothing",
        "test_a_run_is_paused_between_slices",
        "test_what_a_cancelled_run_leaves_the_next_one_bills",
        "test_a_worker_killed_half_way_loses_nothing_and_bills_nothing_twice",
    ),
    "BillAccount": (
        "test_a_parked_account_is_billed_after_its_repair",
        "test_a_wrong_invoice_is_taken_back_and_billed_anew",
        "test_what_was_paid_goes_back_payment_by_payment",
        "test_what_was_paid_stays_on_the_account_and_pays_the_next_bills",
    ),
    "TaxDay": ("test_the_morning_issues_what_is_due_once",),
    "TaxDocuments": (
        "test_the_morning_issues_what_is_due_once",
        "test_a_refused_document_is_parked_with_its_reason_and_issued_after_the_repair",
        "test_what_is_unclear_is_looked_up_before_it_is_asked_for_again[answer0-asked0]",
    ),
    "Return": (
        "test_what_somebody_does_not_want_comes_back_and_the_money_less_the_way",
        "test_goods_that_are_not_handed_over_end_the_return",
        "test_what_nobody_inspects_in_time_counts_as_whole",
        "test_an_installed_device_is_fetched_by_a_technician",
        "test_an_exchange_sends_the_same_for_nothing",
        "test_until_the_goods_have_left_it_may_be_called_off",
    ),
    "DeviceExchange": ("test_an_exchange_sends_the_same_for_nothing",),
    "PeopleSync": (
        "test_a_minute_takes_every_page_and_turns_the_day",
        "test_an_hr_system_away_for_two_hours_holds_up_only_its_own_news",
    ),
    "PersonNews": ("test_news_of_somebody_for_whom_nothing_is_published_begin_nothing",),
    "EmployeeRequest": (
        "test_a_request_walks_through_every_kind_of_step",
        "test_silence_is_reminded_and_then_goes_to_the_manager_as_well",
        "test_an_approver_asks_back_and_hands_over",
        "test_an_approver_who_left_is_asked_no_more",
        "test_a_task_is_ticked_off_before_it_is_done_and_late_is_told_once",
        "test_what_does_not_happen_in_time_is_done_otherwise",
        "test_what_cannot_be_undone_by_the_system_is_a_task_of_the_owning_team",
        "test_a_child_request_is_waited_for_and_withdrawn_with_its_parent",
        "test_a_running_request_moves_only_to_a_version_that_keeps_what_has_begun",
        "test_operations_cancel_a_life_and_what_was_done_is_undone",
        "test_a_long_life_goes_on_in_a_new_run_where_it_stood",
        "test_a_joiner_is_called_off_a_day_before_and_everything_is_undone",
        "test_a_joiner_begins_and_is_asked_after_thirty_sixty_and_ninety_days",
        "test_a_request_has_somebody_come_and_hears_how_it_ended",
        "test_visits_beside_each_other_are_told_apart",
    ),
    "KnowledgeDay": ("test_each_morning_owners_hear_once_what_is_due",),
    "ForgetCarts": ("test_each_night_old_carts_of_guests_are_forgotten",),
    "SimulateItem": ("test_a_month_is_walked_through_once_and_nothing_is_done",),
    "KeyRevocation": ("test_a_gateway_that_is_away_holds_up_the_erasing_and_not_the_closing",),
    "Activation": ("test_contracts_begin_and_end_with_their_order",),
    "Deactivation": ("test_contracts_begin_and_end_with_their_order",),
    "SubscriptionChange": (
        "test_an_upgrade_is_paid_and_in_force_at_once",
        "test_an_upgrade_that_is_not_paid_in_time_changes_nothing",
        "test_a_downgrade_waits_for_the_end_of_the_period_and_may_be_taken_back",
        "test_a_silent_holder_is_reminded_once_and_then_nothing_changes",
        "test_a_pause_rests_until_its_day_and_the_contract_runs_again",
        "test_leaving_early_is_in_force_at_once_and_its_fee_is_invoiced",
        "test_a_paid_move_that_is_taken_back_gives_the_money_back_and_calls_the_visit_off",
    ),
    "Dunning": (
        "test_an_account_is_dunned_for_half_a_year_step_by_step",
        "test_the_services_run_again_within_the_promised_time_though_the_service_was_away",
        "test_a_hold_ends_on_its_day_or_by_hand",
        "test_finance_writes_off_or_gives_up_and_the_case_takes_no_word_any_more",
    ),
    "Suspension": ("test_the_services_run_again_within_the_promised_time_though_the_service_was_away",),
    "Reactivation": ("test_the_services_run_again_within_the_promised_time_though_the_service_was_away",),
    "Dismissal": ("test_an_account_is_dunned_for_half_a_year_step_by_step",),
    "WriteOff": ("test_finance_writes_off_or_gives_up_and_the_case_takes_no_word_any_more",),
    "DunningDay": ("test_the_morning_opens_one_case_for_everybody_who_is_late_and_a_second_call_none",),
    "DunningSweep": ("test_the_morning_opens_one_case_for_everybody_who_is_late_and_a_second_call_none",),
    "Invitation": ("test_somebody_who_is_invited_gets_one_letter_with_one_link",),
    "Refund": (
        "test_a_paid_order_is_given_back_and_its_books_are_even",
        "test_an_unclear_refund_is_looked_up_and_never_simply_asked_again",
        "test_a_refund_that_is_refused_for_good_is_settled_by_hand",
    ),
    "PaymentMethod": (
        "test_a_card_is_added_kept_sealed_and_taken_back",
        "test_a_customer_who_does_not_come_back_adds_nothing",
        "test_only_a_registered_mandate_is_debited",
    ),
    "Collection": (
        "test_what_is_due_is_collected_and_receipted",
        "test_what_surely_never_arrived_is_sent_again_with_the_same_key",
        "test_a_paused_collection_asks_nobody_until_it_may_go_on",
    ),
    "TransferBatch": (
        "test_a_file_that_misses_its_cut_off_goes_out_with_the_next_one",
        "test_only_a_registered_mandate_is_debited",
    ),
    "Deposit": (
        "test_a_deposit_of_a_known_customer_settles_what_is_owed",
        "test_unclaimed_money_waits_until_finance_says_whose_it_is",
        "test_what_was_paid_stays_on_the_account_and_pays_the_next_bills",
    ),
    "Signup": (
        "test_a_stranger_signs_up_by_telephone_and_is_in",
        "test_who_stops_half_way_is_reminded_once_and_forgotten_after_a_week",
        "test_a_code_that_nobody_uses_ends_and_another_one_works",
    ),
    "Handover": ("test_a_withdrawn_consent_reaches_the_crm",),
    "PrivacyRequest": (
        "test_everything_about_me_is_in_one_file_for_a_week",
        "test_who_is_forgotten_stands_nowhere_any_more",
        "test_a_gateway_that_is_away_holds_up_the_erasing_and_not_the_closing",
        "test_what_is_still_under_way_is_finished_first[tickets]",
    ),
    "Charge": (
        "test_an_invoice_is_charged_by_the_agreed_method_at_once",
        "test_a_refused_card_leaves_the_customer_a_link_to_pay",
        "test_a_refused_customer_may_try_again_and_pay",
        "test_an_unclear_answer_is_looked_up_and_never_simply_asked_again",
        "test_finance_settles_what_stays_unclear",
    ),
}


def words_of(test: str) -> list[str]:
    """The workflow types that are recorded from this test."""
    return [word for word, tests in JOURNEYS.items() if test in tests]


def path_for(word: str, test: str, ordinal: int) -> Path:
    """`histories/Ticket/silence_closes_with_a_note.json`; more of one test are numbered."""
    name = test.removeprefix("test_").replace("[", "-").replace("]", "").replace(".", "_")
    return HISTORIES / word / (f"{name}.json" if ordinal == 0 else f"{name}.{ordinal}.json")


def main() -> int:
    """Run the tests of the journeys with recording switched on."""
    names = " or ".join({test.split("[")[0] for tests in JOURNEYS.values() for test in tests})
    asked = [sys.executable, "-m", "pytest", str(ROOT / "tests" / "workflows"), "-k", names]
    return subprocess.run(asked, cwd=ROOT, env={**os.environ, SWITCH: "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
