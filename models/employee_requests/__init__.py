"""What employees ask for, as stored: catalogue items with their versions, and requests."""

from models.employee_requests import items
from models.employee_requests.requests import (
    EmployeeRequest,
    RequestApproval,
    RequestFile,
    RequestHandover,
    RequestReader,
    RequestStep,
    RequestTask,
)

__all__ = [
    "EmployeeRequest", "RequestApproval", "RequestFile", "RequestHandover", "RequestReader", "RequestStep",
    "RequestTask", "items",
]  # fmt: skip
