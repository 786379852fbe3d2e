"""What is owed, as finance and customers see it; and the books of each month."""

from api.billing import invoices, ledger, periods, postings
from api.billing.routing import router

__all__ = ["invoices", "ledger", "periods", "postings", "router"]
