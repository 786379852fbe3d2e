"""What is owed, as finance and customers see it; and the books of each month."""

from api.billing import (
    accounts,
    corrections,
    finding,
    invoices,
    ledger,
    papers,
    periods,
    postings,
    runs,
    tax,
    usage,
)
from api.billing.routing import router

__all__ = [
    "accounts",
    "corrections",
    "finding",
    "invoices",
    "ledger",
    "papers",
    "periods",
    "postings",
    "router",
    "runs",
    "tax",
    "usage",
]
