"""How money comes to be owed: one invoice by invoice.py."""

from workflows.billing.invoice import InvoiceWorkflow

__all__ = ["InvoiceWorkflow"]
