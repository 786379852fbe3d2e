"""How overdue accounts live: found by day.py, each a case of its own in case.py."""

from workflows.dunning.case import DunningWorkflow
from workflows.dunning.day import DunningDayWorkflow, DunningSweepWorkflow

__all__ = ["DunningDayWorkflow", "DunningSweepWorkflow", "DunningWorkflow"]
