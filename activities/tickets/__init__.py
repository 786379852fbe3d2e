"""What tickets do to the world: their own lives, and the mails that come in for them."""

from activities.tickets.batches import BatchActivities
from activities.tickets.life import TicketActivities
from activities.tickets.mails import MailActivities
from activities.tickets.retiming import RetimingActivities
from activities.tickets.trials import RuleTrialActivities

__all__ = [
    "BatchActivities", "MailActivities", "RetimingActivities", "RuleTrialActivities", "TicketActivities",
]  # fmt: skip
