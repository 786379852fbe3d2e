"""What payments do to the world: charges.py takes money, refunds.py gives it back, methods.py keeps cards."""

from activities.payments.charges import PaymentActivities
from activities.payments.methods import MethodActivities
from activities.payments.refunds import RefundActivities

__all__ = ["MethodActivities", "PaymentActivities", "RefundActivities"]
