"""Which references to a customer a merge moves, which it leaves and why, and what goes back by an undo.

A test of the house holds this against the schema: a new reference has to be named here."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

Reference = tuple[str, str]  # table and column

MOVED: tuple[Reference, ...] = (
    ("accounts", "customer_id"), ("consents", "customer_id"), ("credit_notes", "customer_id"),
    ("customer_notes", "customer_id"), ("deposits", "customer_id"), ("device_faults", "customer_id"),
    ("dunning_cases", "customer_id"),
    ("dunning_holds", "customer_id"), ("invoices", "customer_id"), ("mandates", "customer_id"),
    ("orders", "customer_id"), ("owned_products", "customer_id"), ("payment_attempts", "customer_id"),
    ("payment_methods", "customer_id"), ("phone_calls", "customer_id"), ("privacy_requests", "customer_id"),
    ("promises_to_pay", "customer_id"), ("refunds", "customer_id"), ("returns", "customer_id"),
    ("signed_links", "customer_id"), ("signups", "customer_id"), ("subscription_changes", "customer_id"),
    ("subscription_changes", "other_customer_id"), ("subscription_charges", "customer_id"),
    ("subscription_suspensions", "customer_id"), ("subscriptions", "customer_id"),
    ("tax_documents", "customer_id"), ("tickets", "customer_id"), ("timeline_entries", "customer_id"),
    ("transfer_rows", "customer_id"), ("visits", "customer_id"), ("waits", "customer_id"),
    ("write_offs", "customer_id"),
)  # fmt: skip
# One a customer: moved when the survivor has none, else it stays, and whatever comes in by it finds the root.
ALONE: tuple[Reference, ...] = (("billing_accounts", "customer_id"), ("virtual_accounts", "customer_id"))
LEFT: Mapping[Reference, str] = {
    ("ledger_transactions", "customer_id"): "what is posted is never rewritten: an account of the books stays"
    " with the invoices that it was written for, and balances are compared root by root",
    ("bill_skips", "customer_id"): "what a run did to an account is part of the run",
    ("customers", "root"): "changed with the record itself",
    ("customer_pairs", "first_id"): "the pair is about both records as they are",
    ("customer_pairs", "second_id"): "the pair is about both records as they are",
    ("customer_merges", "survivor_id"): "a merge names its records for good",
    ("customer_merges", "loser_id"): "a merge names its records for good",
    (
        "cart_items",
        "cart_key",
    ): "a cart belongs to a sign-in that it was filled with, and is forgotten by itself",
    ("signups", "cart_key"): "the key of a guest's browser, no customer's",
    ("payment_methods", "customer_key"): "what the gateway calls the payer; it knows nothing of a merge",
    ("personal_data_accesses", "subject_id"): "who saw whose data is evidence",
}
# (table, what it hangs on, that table, when it was born): what was born after the merge goes back with it.
# Invoices of that time stay: a document is not addressed to somebody else afterwards.
ALONG: tuple[tuple[str, str, str, str], ...] = (
    ("timeline_entries", "ticket_id", "tickets", "at"), ("timeline_entries", "case_id", "orders", "at"),
    ("timeline_entries", "case_id", "subscription_changes", "at"),
    ("timeline_entries", "case_id", "dunning_cases", "at"), ("waits", "ticket_id", "tickets", "since"),
    ("waits", "case_id", "orders", "since"), ("waits", "case_id", "subscription_changes", "since"),
    ("waits", "case_id", "dunning_cases", "since"), ("signed_links", "ticket_id", "tickets", "created_at"),
    ("signed_links", "case_id", "orders", "created_at"), ("returns", "order_id", "orders", "asked_at"),
    ("subscriptions", "order_id", "orders", "created_at"),
    ("subscription_changes", "subscription_id", "subscriptions", "created_at"),
    ("subscription_charges", "subscription_id", "subscriptions", "created_at"),
    ("payment_attempts", "invoice_id", "invoices", "created_at"),
    ("refunds", "invoice_id", "invoices", "created_at"),
    ("credit_notes", "invoice_id", "invoices", "created_at"),
    ("tax_documents", "invoice_id", "invoices", "created_at"),
    ("phone_calls", "ticket_id", "tickets", "received_at"),
    ("device_faults", "ticket_id", "tickets", "began_at"),
    ("visits", "ticket_id", "tickets", "created_at"), ("write_offs", "invoice_id", "invoices", "at"),
    ("mandates", "method_id", "payment_methods", "consented_at"),
    ("dunning_holds", "case_id", "dunning_cases", "created_at"),
    ("promises_to_pay", "case_id", "dunning_cases", "created_at"),
)  # fmt: skip

MOVE = text("select ieum_move_rows(:which, :table, :column, :from_id, :into_id, :rule)")
BACK = text("select ieum_move_back(:which)")
GO_ALONG = text(
    "select ieum_go_along(:table, 'customer_id', :along, :parent, :born, :into_id, :from_id, :since)"
)


async def move_rows(session: AsyncSession, merge_id: str, loser_id: str, survivor_id: str) -> dict[str, int]:
    """Move every reference and write down what stood there; answers with how many rows of each table."""
    counts: dict[str, int] = {}
    given = {"which": merge_id, "from_id": loser_id, "into_id": survivor_id}
    for rule, references in (("all", MOVED), ("alone", ALONE)):
        for table, column in references:
            named = {**given, "table": table, "column": column, "rule": rule}
            moved = int(await session.scalar(MOVE, named) or 0)
            if moved:
                counts[table] = counts.get(table, 0) + moved
    return counts


async def move_back(
    session: AsyncSession, merge_id: str, loser_id: str, survivor_id: str, merged_at: datetime
) -> None:
    """Put every value back that still is what the merge made of it; then whatever hangs on it."""
    await session.execute(BACK, {"which": merge_id})
    given = {"into_id": loser_id, "from_id": survivor_id, "since": merged_at}
    for table, along, parent, born in ALONG:
        named = {**given, "table": table, "along": along, "parent": parent, "born": born}
        await session.execute(GO_ALONG, named)
