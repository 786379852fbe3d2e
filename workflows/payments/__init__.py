"""How money moves: charges in charge.py."""

from workflows.payments.charge import ChargeWorkflow

__all__ = ["ChargeWorkflow"]
