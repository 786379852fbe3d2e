"""What is said of tickets that belong together when a value of a sentence is absent."""

from api.kit.language import N_

BARE: dict[str, str] = {
    "tickets.linked_related": N_("Linked with another ticket"),
    "tickets.linked_duplicate": N_("Marked as a duplicate of another ticket"),
    "tickets.linked_has_duplicate": N_("Another ticket was marked as a duplicate of this one"),
    "tickets.linked_caused": N_("Marked as caused by another ticket"),
    "tickets.linked_causes": N_("Another ticket was marked as caused by this one"),
    "tickets.linked_child": N_("Made a sub-ticket of another ticket"),
    "tickets.unlinked": N_("A link with another ticket was removed"),
    "tickets.unlinked_child": N_("No longer a sub-ticket"),
    "tickets.child_joined": N_("A sub-ticket was added"),
    "tickets.child_left": N_("A sub-ticket was taken away"),
    "tickets.child_done": N_("A sub-ticket is done"),
    "tickets.child_back": N_("A sub-ticket is worked on again"),
    "tickets.merged": N_("Merged into another ticket"),
    "tickets.took_in": N_("Another ticket was merged into this one"),
    "tickets.unmerged": N_("A merge was undone"),
    "tickets.gave_back": N_("A merged ticket is one of its own again"),
    "tickets.merge_final": N_("A merge stays"),
    "tickets.split": N_("Messages became a ticket of their own"),
    "tickets.split_from": N_("Split from another ticket"),
    "tickets.snoozed_until": N_("Snoozed until a time"),
    "tickets.snoozed_reply": N_("Snoozed until the customer answers"),
}
BARE_WAITS: dict[str, str] = {
    "child_tickets": N_("Waiting for sub-tickets that are still open"),
    "merged": N_("Merged into another ticket; this can be undone until that one is resolved"),
}
