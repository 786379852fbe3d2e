"""How employees' requests live."""

from workflows.employee_requests.news import PersonNewsWorkflow
from workflows.employee_requests.request import EmployeeRequestWorkflow

__all__ = ["EmployeeRequestWorkflow", "PersonNewsWorkflow"]
