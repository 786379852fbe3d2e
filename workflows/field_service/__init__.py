"""How visits live."""

from workflows.field_service.visit import VisitWorkflow

__all__ = ["VisitWorkflow"]
