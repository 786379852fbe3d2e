"""How people and devices reach us besides mail: programs, texts, calls, chats, telemetry."""

from api.channels import openapi, programs, words
from api.channels.routing import router

__all__ = ["openapi", "programs", "router", "words"]
