"""Customers as people meet them: search, one record, and what is unmasked for a reason."""

from api.customers import search, show, words
from api.customers.routing import router

__all__ = ["router", "search", "show", "words"]
