"""How employees' requests live."""

from workflows.employee_requests.news import PersonNewsWorkflow
from workflows.employee_requests.request import EmployeeRequestWorkflow
from workflows.employee_requests.simulation import SimulateItemWorkflow

__all__ = ["EmployeeRequestWorkflow", "PersonNewsWorkflow", "SimulateItemWorkflow"]
