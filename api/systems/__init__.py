"""Outside systems as administrators see them: health, calls, and what waits at the doors."""

from api.systems import index, show
from api.systems.routing import router

__all__ = ["index", "router", "show"]
