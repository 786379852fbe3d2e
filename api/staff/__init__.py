"""People who sign in: the door, one's own page, who may do what, and who looked at whose data."""

from api.staff import accesses, colleagues, leavers, me, passwords, people, words
from api.staff.door import remember
from api.staff.routing import router

__all__ = ["accesses", "colleagues", "leavers", "me", "passwords", "people", "remember", "router", "words"]

# "/staff/accesses" is a word, not a person: fixed addresses are tried before those with a placeholder.
router.routes.sort(key=lambda route: "{" in getattr(route, "path", ""))
