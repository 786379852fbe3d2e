"""Contracts as people meet them: what runs, what it costs, and every change with its money before it."""

from api.subscriptions import words
from api.subscriptions.routing import router

__all__ = ["router", "words"]
