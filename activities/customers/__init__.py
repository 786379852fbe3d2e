"""What customers do to the world: signing up, being merged, and telling the CRM."""

from activities.customers.handover import HandoverActivities
from activities.customers.merging import MergeActivities
from activities.customers.pairs import PairActivities
from activities.customers.privacy import PrivacyActivities
from activities.customers.signup import SignupActivities

__all__ = [
    "HandoverActivities", "MergeActivities", "PairActivities", "PrivacyActivities", "SignupActivities",
]  # fmt: skip
