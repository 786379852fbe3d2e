"""What employees' requests do to the world: rows, outside systems, letters."""

from activities.employee_requests.calling import CallActivities
from activities.employee_requests.letters import RequestLetterActivities
from activities.employee_requests.lives import RequestActivities
from activities.employee_requests.news import PersonNewsActivities
from activities.employee_requests.simulating import SimulationActivities

__all__ = [
    "CallActivities", "PersonNewsActivities", "RequestActivities", "RequestLetterActivities",
    "SimulationActivities",
]  # fmt: skip
