"""How money moves: in by charge.py and collection.py, back by refund.py, without asking by method.py."""

from workflows.payments.charge import ChargeWorkflow
from workflows.payments.collection import CollectionDayWorkflow, CollectionWorkflow
from workflows.payments.method import PaymentMethodWorkflow
from workflows.payments.refund import RefundWorkflow

__all__ = [
    "ChargeWorkflow", "CollectionDayWorkflow", "CollectionWorkflow", "PaymentMethodWorkflow",
    "RefundWorkflow",
]  # fmt: skip
