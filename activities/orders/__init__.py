"""What orders do to the world: their rows in rows.py, outside systems in fulfilment.py; and returns."""

from activities.orders.fulfilment import FulfilmentActivities
from activities.orders.goods_back import GoodsBackActivities
from activities.orders.returns import ReturnActivities
from activities.orders.rows import OrderActivities

__all__ = ["FulfilmentActivities", "GoodsBackActivities", "OrderActivities", "ReturnActivities"]
