"""Customers as our people meet them, and as they meet us: signup, and their own pages."""

from api.customers import (
    around,
    consents,
    finding,
    joining,
    merges,
    my,
    notes,
    pairs,
    privacy,
    search,
    show,
    signup,
    value,
    words,
)
from api.customers.routing import router

__all__ = [
    "around", "consents", "finding", "joining", "merges", "my", "notes", "pairs", "privacy", "router",
    "search", "show", "signup", "value", "words",
]  # fmt: skip

# "/customers/privacy-requests" is a word, not a customer: fixed addresses are tried first.
router.routes.sort(key=lambda route: "{" in getattr(route, "path", ""))
