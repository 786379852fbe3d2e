"""Workflows in the sandbox, without entering it again for each payload that is encrypted or read."""

from dataclasses import dataclass
from typing import Any

from temporalio.api.enums.v1 import CommandType
from temporalio.converter import SerializationContext, WorkflowSerializationContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info

OPEN_HOUSE = SandboxRestrictions.default.with_passthrough_modules(
    "models", "activities", "workflows.kit", "sqlalchemy", "sqlmodel", "pydantic", "psycopg", "cryptography"
)

TO_OTHERS = frozenset(
    {
        CommandType.COMMAND_TYPE_START_CHILD_WORKFLOW_EXECUTION,
        CommandType.COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION,
    }
)


class OfOneLife(WorkflowInstance):
    """A life in the sandbox whose payloads are sealed with its own name; what it tells others, by theirs."""

    def __init__(self, life: WorkflowInstance) -> None:
        self._life = life
        info = life.get_info()
        self._mine = WorkflowSerializationContext(info.namespace, info.workflow_id)

    def activate(self, act: Any) -> Any:
        """Live on; in the sandbox."""
        return self._life.activate(act)

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:
        """Whose payload it is. Only what is told to others is looked up in the sandbox, which would compile
        and run code for it."""
        if command_info is None or command_info.command_type not in TO_OTHERS:
            return self._mine
        return self._life.get_serialization_context(command_info)

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
        return OfOneLife(super().create_instance(det))
