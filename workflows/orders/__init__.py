"""The life of an order, told in order.py; goods in delivery.py, the way back in undoing.py; and of a return,
told in returning.py."""

from workflows.orders.carts import ForgetCartsWorkflow
from workflows.orders.order import OrderWorkflow
from workflows.orders.returning import ReturnWorkflow

__all__ = ["ForgetCartsWorkflow", "OrderWorkflow", "ReturnWorkflow"]
