"""How money moves: in by charge.py, back by refund.py, without asking by method.py."""

from workflows.payments.charge import ChargeWorkflow
from workflows.payments.method import KeyRevocationWorkflow, PaymentMethodWorkflow
from workflows.payments.refund import RefundWorkflow

__all__ = ["ChargeWorkflow", "KeyRevocationWorkflow", "PaymentMethodWorkflow", "RefundWorkflow"]
