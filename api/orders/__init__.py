"""Orders as people meet them: ordering, following, another address, calling off; the carrier's scans."""

from api.orders import checkout, commands, hook, index, links, show, words
from api.orders.routing import router

__all__ = ["checkout", "commands", "hook", "index", "links", "router", "show", "words"]
