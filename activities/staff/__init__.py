"""What staff do to the world: invitations (invitations.py), and keeping in step with the HR system:
its news (feed.py), what a new day means for everybody (day.py)."""

from activities.staff.day import PeopleDayActivities
from activities.staff.feed import PeopleFeedActivities
from activities.staff.invitations import StaffActivities

__all__ = ["PeopleDayActivities", "PeopleFeedActivities", "StaffActivities"]
