"""What is owed, as finance and customers see it."""

from api.billing import invoices
from api.billing.routing import router

__all__ = ["invoices", "router"]
