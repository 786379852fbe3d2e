"""How money comes to be owed: one invoice by invoice.py; what nobody pays by write_off.py."""

from workflows.billing.invoice import InvoiceWorkflow
from workflows.billing.write_off import WriteOffWorkflow

__all__ = ["InvoiceWorkflow", "WriteOffWorkflow"]
