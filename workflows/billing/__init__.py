"""How money comes to be owed: one invoice by invoice.py, a whole day's by run.py, one account again by
again.py."""

from workflows.billing.again import BillAccountWorkflow, BillLettersWorkflow
from workflows.billing.invoice import InvoiceWorkflow
from workflows.billing.run import BillDayWorkflow, BillRunWorkflow

__all__ = [
    "BillAccountWorkflow", "BillDayWorkflow", "BillLettersWorkflow", "BillRunWorkflow", "InvoiceWorkflow",
]  # fmt: skip
