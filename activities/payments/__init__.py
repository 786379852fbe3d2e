"""What payments do to the world: charges.py takes money, refunds.py gives it back, methods.py keeps cards,
collection.py and asking.py charge many customers at once."""

from activities.payments.asking import AskingActivities
from activities.payments.charges import PaymentActivities
from activities.payments.collection import CollectionActivities
from activities.payments.methods import MethodActivities
from activities.payments.notices import NoticeActivities
from activities.payments.refunds import RefundActivities

__all__ = [
    "AskingActivities", "CollectionActivities", "MethodActivities", "NoticeActivities", "PaymentActivities",
    "RefundActivities",
]  # fmt: skip
