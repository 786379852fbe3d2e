"""Tickets as people meet them: the queue, one ticket, reporting a fault, and no-login links."""

from api.tickets import (
    clocks,
    commands,
    files,
    finding,
    index,
    kin_page,
    linking,
    links,
    mails,
    merging,
    promises,
    report,
    retimings,
    rule_words,
    rules,
    show,
    snoozing,
    words,
)
from api.tickets.routing import router

__all__ = [
    "clocks", "commands", "files", "finding", "index", "kin_page", "linking", "links", "mails",
    "merging", "promises", "report", "retimings", "router", "rule_words", "rules", "show",
    "snoozing", "words",
]  # fmt: skip

# "/tickets/new" is a word, not a number: fixed addresses are tried before those with a placeholder.
router.routes.sort(key=lambda route: "{" in getattr(route, "path", ""))
