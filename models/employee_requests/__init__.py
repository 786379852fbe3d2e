"""What employees ask of us, as stored: catalogue items and their versions, requests and what belongs to one."""

from models.employee_requests import items
from models.employee_requests.requests import (
    EmployeeRequest,
    RequestApproval,
    RequestReader,
    RequestStep,
    RequestTask,
)

__all__ = ["EmployeeRequest", "RequestApproval", "RequestReader", "RequestStep", "RequestTask", "items"]
