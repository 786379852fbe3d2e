"""Workflows in the sandbox, without entering it again for each payload that is encrypted or read."""

from dataclasses import dataclass
from typing import Any

from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info

OPEN_HOUSE = SandboxRestrictions.default.with_passthrough_modules(
    "models", "activities", "workflows.kit", "sqlalchemy", "sqlmodel", "pydantic", "psycopg", "cryptography"
)


class OfNoContext(WorkflowInstance):
    """A life in the sandbox whose payloads are all written alike: our converter asks for no context."""

    def __init__(self, life: WorkflowInstance) -> None:
        self._life = life

    def activate(self, act: Any) -> Any:
        """Live on; in the sandbox."""
        return self._life.activate(act)

    def get_serialization_context(self, command_info: Any) -> None:
        """None. The sandbox would answer this by compiling and running code, several times an activity."""

    def get_external_store_context(self, command_info: Any) -> Any:
        """Where large payloads would go."""
        return self._life.get_external_store_context(command_info)

    def get_info(self) -> Info:
        """Which life this is."""
        return self._life.get_info()

    def get_thread_id(self) -> int | None:
        """Where it runs now, if it runs."""
        return self._life.get_thread_id()


@dataclass(frozen=True)
class HouseRunner(SandboxedWorkflowRunner):
    """The SDK's sandbox with what our workflows may see of the house."""

    restrictions: SandboxRestrictions = OPEN_HOUSE

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """One life in a sandbox of its own."""
        return OfNoContext(super().create_instance(det))
