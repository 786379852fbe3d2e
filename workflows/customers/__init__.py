"""How customers come, change what they agreed to, and go."""

from workflows.customers.privacy import PrivacyRequestWorkflow
from workflows.customers.signup import HandoverWorkflow, SignupWorkflow

__all__ = ["HandoverWorkflow", "PrivacyRequestWorkflow", "SignupWorkflow"]
