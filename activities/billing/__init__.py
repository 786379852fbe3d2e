"""What invoices do to the world: told in invoices.py; priced in pricing.py, written down in steps.py."""

from activities.billing.invoices import BillingActivities

__all__ = ["BillingActivities"]
