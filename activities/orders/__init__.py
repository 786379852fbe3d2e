"""What orders do to the world: their rows in rows.py, outside systems in fulfilment.py."""

from activities.orders.fulfilment import FulfilmentActivities
from activities.orders.rows import OrderActivities

__all__ = ["FulfilmentActivities", "OrderActivities"]
