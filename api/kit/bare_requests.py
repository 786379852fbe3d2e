"""What is said of employees' requests when a value of a sentence is absent or has no words."""

from api.kit.language import N_

BARE: dict[str, str] = {
    "employee_requests.approval_asked": N_("Somebody is asked to approve"),
    "employee_requests.approved": N_("Approved"),
    "employee_requests.refused": N_("Not approved"),
    "employee_requests.asked_back": N_("An approver asks something"),
    "employee_requests.answered": N_("The approver's question was answered"),
    "employee_requests.delegated": N_("The decision was handed over"),
    "employee_requests.approver_changed": N_("Somebody else is asked to approve instead"),
    "employee_requests.reminded": N_("The approver was reminded"),
    "employee_requests.asker_reminded": N_("An approver's question waits for an answer"),
    "employee_requests.reader_named": N_("A colleague may see the request from now on"),
    "employee_requests.escalated": N_("Nobody answered, so their manager is asked as well"),
    "employee_requests.task_given": N_("A team has got a task"),
    "employee_requests.task_taken": N_("Somebody took the task"),
    "employee_requests.task_back": N_("The task was given back to the team"),
    "employee_requests.task_ticked": N_("A point of the checklist was marked"),
    "employee_requests.task_late": N_("A task was not done in time; the team was warned"),
    "employee_requests.task_done": N_("A task is done"),
    "employee_requests.form_asked": N_("A form waits to be filled in"),
    "employee_requests.form_late": N_("A form is not filled in yet; they were reminded"),
    "employee_requests.filled_in": N_("A form was filled in"),
    "employee_requests.called": N_("A step was done by the system"),
    "employee_requests.call_refused": N_("The system refuses a step"),
    "employee_requests.arrived": N_("What was waited for has happened"),
    "employee_requests.not_arrived": N_("What was waited for did not happen in time"),
    "employee_requests.day_came": N_("The day has come"),
    "employee_requests.message_sent": N_("A message was sent"),
    "employee_requests.child_asked": N_("Another request was sent"),
    "employee_requests.child_settled": N_("The other request has ended"),
    "employee_requests.visit_done": N_("The technician has done it"),
    "employee_requests.visit_not_done": N_("The visit has ended without the work being done"),
    "employee_requests.moved": N_("The request goes on by another version"),
    "employee_requests.undone": N_("A step was undone"),
    "employee_requests.undo_by_hand": N_("The system does not undo a step; a colleague does"),
}
BARE_WAITS: dict[str, str] = {
    "request_approval": N_("Waiting for an approval"),
    "request_day": N_("Waiting for a day"),
}
