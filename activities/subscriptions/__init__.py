"""What running contracts do to the world: they begin, are charged, change and end."""

from activities.subscriptions.changes import SubscriptionActivities

__all__ = ["SubscriptionActivities"]
