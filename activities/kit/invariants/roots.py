"""Merged customers: one root for every reference, and an undoing is whole."""

from collections.abc import Mapping

# The references are named in activities/customers/moving.py; tests/house holds these queries against them.
REFERENCES = (
    "accounts", "consents", "credit_notes", "customer_notes", "deposits", "dunning_cases", "dunning_holds",
    "invoices", "mandates", "orders", "owned_products", "payment_attempts", "payment_methods",
    "privacy_requests", "promises_to_pay", "refunds", "returns", "signed_links", "signups",
    "subscription_changes", "subscription_charges", "subscription_suspensions", "subscriptions",
    "tax_documents", "tickets", "timeline_entries", "transfer_rows", "visits", "waits", "write_offs",
)  # fmt: skip

LEFT = """
    select '{0}', t.customer_id from {0} t join customers c on c.id = t.customer_id
    where c.root is not null"""

INVARIANTS: Mapping[str, str] = {
    "customer_roots: a root has no root": """
        select c.id from customers c join customers r on r.id = c.root where r.root is not null""",
    "customer_roots: whoever was merged has a merge that stands": """
        select c.id from customers c where c.root is not null and not exists (
          select 1 from customer_merges m where m.loser_id = c.id and m.status in ('merged', 'kept'))""",
    "customer_roots: nothing is left at a record that was merged": " union all ".join(
        LEFT.format(table) for table in REFERENCES
    ),
    "customer_roots: a merge that is undone has put everything back": """
        select m.id from customer_merges m join customer_moves v on v.merge_id = m.id
        where m.status = 'undone' and v.undone_at is null""",
}
