"""How money moves: in by charge.py and collection.py, back by refund.py, without asking by method.py."""

from workflows.payments.charge import ChargeWorkflow
from workflows.payments.collection import CollectionDayWorkflow, CollectionWorkflow
from workflows.payments.deposit import DepositWorkflow
from workflows.payments.method import KeyRevocationWorkflow, PaymentMethodWorkflow
from workflows.payments.refund import RefundWorkflow
from workflows.payments.transfer import TransferBatchWorkflow, TransferDayWorkflow

__all__ = [
    "ChargeWorkflow", "CollectionDayWorkflow", "CollectionWorkflow", "DepositWorkflow",
    "KeyRevocationWorkflow", "PaymentMethodWorkflow", "RefundWorkflow", "TransferBatchWorkflow",
    "TransferDayWorkflow",
]  # fmt: skip
