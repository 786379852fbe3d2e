"""Customers as people meet them: search, one record, and what is unmasked for a reason."""

from api.customers import joining, search, show, signup, words
from api.customers.routing import router

__all__ = ["joining", "router", "search", "show", "signup", "words"]
