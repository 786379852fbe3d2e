"""What tickets do to the world: their own lives, and the mails that come in for them."""

from activities.tickets.life import TicketActivities
from activities.tickets.mails import MailActivities

__all__ = ["MailActivities", "TicketActivities"]
