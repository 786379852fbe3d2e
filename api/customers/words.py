"""What the stored words of customers are called on their pages."""

from api.kit.labels import Label, register
from models.messages.sentences import N_

TIER = {
    "standard": Label(N_("Standard"), "gray"),
    "silver": Label(N_("Silver"), "blue", "star"),
    "gold": Label(N_("Gold"), "amber", "star"),
}

register("tier", TIER)
