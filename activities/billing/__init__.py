"""What billing does to the world: single invoices (invoices.py, pricing.py, steps.py, write_offs.py), a
day's run (runs.py, slices.py, rating.py, statements.py), one account again (again.py), a run's letters
(letters.py), evidence for the tax office (tax.py), and the close of a month (close.py)."""

from activities.billing.again import BillAgainActivities
from activities.billing.close import CloseActivities
from activities.billing.invoices import BillingActivities
from activities.billing.letters import BillLetterActivities
from activities.billing.runs import BillRunActivities
from activities.billing.tax import TaxActivities
from activities.billing.write_offs import WriteOffActivities

__all__ = [
    "BillAgainActivities",
    "BillLetterActivities",
    "BillRunActivities",
    "BillingActivities",
    "CloseActivities",
    "TaxActivities",
    "WriteOffActivities",
]
