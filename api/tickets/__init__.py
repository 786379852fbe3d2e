"""Tickets as people meet them: the queue, one ticket, reporting a fault, and no-login links."""

from api.tickets import commands, files, index, links, report, show
from api.tickets.routing import router

__all__ = ["commands", "files", "index", "links", "report", "router", "show"]
