"""What money owed does to the world: invoices (told in invoices.py) and the close of a month (close.py)."""

from activities.billing.close import CloseActivities
from activities.billing.invoices import BillingActivities

__all__ = ["BillingActivities", "CloseActivities"]
