"""How money comes to be owed: one invoice by invoice.py, a whole day's by run.py, one account again by
again.py, a month's books by close.py;
what nobody pays by write_off.py; what the tax office is told by tax.py."""

from workflows.billing.again import BillAccountWorkflow, BillLettersWorkflow
from workflows.billing.close import CloseWorkflow, MonthEndWorkflow
from workflows.billing.invoice import InvoiceWorkflow
from workflows.billing.run import BillDayWorkflow, BillRunWorkflow
from workflows.billing.tax import TaxDayWorkflow, TaxDocumentsWorkflow
from workflows.billing.write_off import WriteOffWorkflow

__all__ = [
    "BillAccountWorkflow", "BillDayWorkflow", "BillLettersWorkflow", "BillRunWorkflow", "CloseWorkflow",
    "InvoiceWorkflow", "MonthEndWorkflow", "TaxDayWorkflow", "TaxDocumentsWorkflow", "WriteOffWorkflow",
]  # fmt: skip
