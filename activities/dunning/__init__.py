"""What dunning does to the world: cases opened by sweep.py, read by reading.py, taken further by cases.py."""

from activities.dunning.cases import DunningActivities

__all__ = ["DunningActivities"]
