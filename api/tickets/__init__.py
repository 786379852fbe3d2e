"""Tickets as people meet them: the queue, one ticket, reporting a fault, and no-login links."""

from api.tickets import (
    batch_words,
    batches,
    clocks,
    commands,
    drafts,
    field_pages,
    files,
    finding,
    followers,
    index,
    kin_page,
    linking,
    links,
    mails,
    merging,
    presence,
    promises,
    report,
    retimings,
    rule_words,
    rules,
    sending,
    show,
    snoozing,
    sorting,
    templates,
    views,
    words,
    writing_words,
)
from api.tickets.routing import router

__all__ = [
    "batch_words", "batches", "clocks", "commands", "drafts", "field_pages", "files", "finding",
    "followers", "index", "kin_page", "linking", "links", "mails", "merging", "presence", "promises",
    "report", "retimings", "router", "rule_words", "rules", "sending", "show", "snoozing", "sorting",
    "templates", "views", "words", "writing_words",
]  # fmt: skip

# "/tickets/new" is a word, not a number: fixed addresses are tried before those with a placeholder.
# A template or a field may be called "draft": their pages are tried before those of a ticket.
router.routes.sort(key=lambda route: getattr(route, "path", "").startswith("/tickets/{"))
router.routes.sort(key=lambda route: "{" in getattr(route, "path", ""))
