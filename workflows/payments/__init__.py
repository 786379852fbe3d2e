"""How money moves: in by charge.py, back by refund.py."""

from workflows.payments.charge import ChargeWorkflow
from workflows.payments.refund import RefundWorkflow

__all__ = ["ChargeWorkflow", "RefundWorkflow"]
