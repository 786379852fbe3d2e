"""How people and devices reach us besides mail: programs, texts, calls, chats, telemetry."""

from api.channels import calls, chats, deliveries, doors, inbox, keys, openapi, programs, words
from api.channels.routing import router

__all__ = [
    "calls", "chats", "deliveries", "doors", "inbox", "keys", "openapi", "programs", "router", "words",
]  # fmt: skip

# "/channels/keys" is a word, not a number: fixed addresses are tried before those with a placeholder.
router.routes.sort(key=lambda route: "{" in getattr(route, "path", ""))
