"""What payments do to the world: charges.py takes money, refunds.py gives it back."""

from activities.payments.charges import PaymentActivities
from activities.payments.refunds import RefundActivities

__all__ = ["PaymentActivities", "RefundActivities"]
