"""The life of an order, told in order.py; goods in delivery.py, the way back in undoing.py."""

from workflows.orders.order import OrderWorkflow

__all__ = ["OrderWorkflow"]
