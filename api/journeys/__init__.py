"""How every journey is seen: the command centre, one journey for administrators, and readable payloads."""

from api.journeys import centre, codec, show
from api.journeys.routing import router

__all__ = ["centre", "codec", "router", "show"]
