"""What money owed does to the world: invoices, prices, write-offs."""

from activities.billing.invoices import BillingActivities
from activities.billing.write_offs import WriteOffActivities

__all__ = ["BillingActivities", "WriteOffActivities"]
