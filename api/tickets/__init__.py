"""Tickets as people meet them: the queue, one ticket, reporting a fault, and no-login links."""

from api.tickets import commands, files, index, links, mails, report, show, words
from api.tickets.routing import router

__all__ = ["commands", "files", "index", "links", "mails", "report", "router", "show", "words"]

# "/tickets/new" is a word, not a number: fixed addresses are tried before those with a placeholder.
router.routes.sort(key=lambda route: "{" in getattr(route, "path", ""))
