"""Customers as our people meet them, and as they meet us: signup, and their own pages."""

from api.customers import consents, joining, my, privacy, search, show, signup, words
from api.customers.routing import router

__all__ = ["consents", "joining", "my", "privacy", "router", "search", "show", "signup", "words"]

# "/customers/privacy-requests" is a word, not a customer: fixed addresses are tried first.
router.routes.sort(key=lambda route: "{" in getattr(route, "path", ""))
