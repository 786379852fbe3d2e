"""Where everybody begins: their own work, and the one search over all words."""

from api.home import day, search
from api.home.routing import router

__all__ = ["day", "router", "search"]
