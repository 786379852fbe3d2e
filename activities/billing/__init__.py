"""What billing does to the world: single invoices (invoices.py, pricing.py, steps.py), a day's run (runs.py,
slices.py, rating.py, statements.py), one account again (again.py), a run's letters (letters.py)."""

from activities.billing.again import BillAgainActivities
from activities.billing.invoices import BillingActivities
from activities.billing.letters import BillLetterActivities
from activities.billing.runs import BillRunActivities

__all__ = ["BillAgainActivities", "BillLetterActivities", "BillRunActivities", "BillingActivities"]
