"""How a workflow says an ordinary "no" to whoever asked."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from models.kit.refusals import Refusal


def refuse(code: str, **values: str) -> ApplicationError:
    """The refusal as Temporal carries it: the code is the contract, the sentence is for the Temporal UI."""
    refusal = Refusal(code, values)
    return ApplicationError(str(refusal), values, type=code, non_retryable=True)
