"""How money comes to be owed: one invoice by invoice.py, a month's books by close.py."""

from workflows.billing.close import CloseWorkflow, MonthEndWorkflow
from workflows.billing.invoice import InvoiceWorkflow

__all__ = ["CloseWorkflow", "InvoiceWorkflow", "MonthEndWorkflow"]
