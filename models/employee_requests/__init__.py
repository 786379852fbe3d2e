"""What employees ask for, as stored: catalogue items with their versions, and requests."""

from models.employee_requests import items

__all__ = ["items"]
