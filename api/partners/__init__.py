"""Partners as we lead them, and the desk at which a partner's dispatcher works."""

from api.partners import acts, desk, papers, reading, words
from api.partners.routing import router

__all__ = ["acts", "desk", "papers", "reading", "router", "words"]

# What is spelled out goes before what is only named: "/partners/desk" is no partner's id.
router.routes.sort(key=lambda route: [part.startswith("{") for part in getattr(route, "path", "").split("/")])
