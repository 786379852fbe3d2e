"""How customers come, change what they agreed to, are merged, and go."""

from workflows.customers.merge import CustomerMergeWorkflow
from workflows.customers.pairs import PairNightWorkflow, PairSearchWorkflow
from workflows.customers.privacy import PrivacyRequestWorkflow
from workflows.customers.signup import HandoverWorkflow, SignupWorkflow

__all__ = [
    "CustomerMergeWorkflow", "HandoverWorkflow", "PairNightWorkflow", "PairSearchWorkflow",
    "PrivacyRequestWorkflow", "SignupWorkflow",
]  # fmt: skip

WORKFLOWS = [
    HandoverWorkflow, PrivacyRequestWorkflow, SignupWorkflow,
    CustomerMergeWorkflow, PairNightWorkflow, PairSearchWorkflow,
]  # fmt: skip
