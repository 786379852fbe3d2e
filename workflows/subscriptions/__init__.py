"""How running contracts live: they begin and end with orders, and change."""

from workflows.subscriptions.change import SubscriptionChangeWorkflow
from workflows.subscriptions.orders import (
    ActivationWorkflow,
    DeactivationWorkflow,
    DeviceExchangeWorkflow,
)
from workflows.subscriptions.suspensions import (
    DismissalWorkflow,
    ReactivationWorkflow,
    SuspensionWorkflow,
)

__all__ = [
    "ActivationWorkflow",
    "DeactivationWorkflow",
    "DeviceExchangeWorkflow",
    "DismissalWorkflow",
    "ReactivationWorkflow",
    "SubscriptionChangeWorkflow",
    "SuspensionWorkflow",
]
