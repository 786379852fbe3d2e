"""What is owed, as finance and customers see it."""

from api.billing import accounts, corrections, invoices, papers, runs, usage
from api.billing.routing import router

__all__ = ["accounts", "corrections", "invoices", "papers", "router", "runs", "usage"]
