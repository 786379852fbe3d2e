"""Every table of the house, imported once for migrations and tests."""

from models import (
    billing,
    catalogue,
    channels,
    customers,
    dunning,
    employee_requests,
    field_service,
    journeys,
    knowledge,
    orders,
    partners,
    payments,
    staff,
    subscriptions,
    systems,
    tickets,
)
from models.kit import timeline
from models.tickets import desk, writing

__all__ = [
    "billing", "catalogue", "channels", "customers", "desk", "dunning", "employee_requests", "field_service",
    "journeys", "knowledge", "orders", "partners", "payments", "staff", "subscriptions", "systems", "tickets",
    "timeline", "writing",
]  # fmt: skip
