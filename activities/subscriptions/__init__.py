"""What running contracts do to the world: they begin, are charged, change and end."""

from activities.subscriptions.changes import SubscriptionActivities
from activities.subscriptions.suspensions import SuspensionActivities

__all__ = ["SubscriptionActivities", "SuspensionActivities"]
