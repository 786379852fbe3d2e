"""Orders and returns as people meet them: ordering, following, calling off, sending back."""

from api.orders import (
    asking_back,
    checkout,
    commands,
    finding,
    hook,
    index,
    links,
    return_commands,
    returns,
    show,
    words,
)
from api.orders.routing import router

__all__ = [
    "asking_back", "checkout", "commands", "finding", "hook", "index", "links", "return_commands", "returns",
    "router", "show", "words",
]  # fmt: skip
