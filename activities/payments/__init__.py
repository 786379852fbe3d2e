"""What payments do to the world: charges.py takes money, refunds.py gives it back, methods.py keeps cards,
collection.py and asking.py charge many customers at once."""

from activities.payments.asking import AskingActivities
from activities.payments.charges import PaymentActivities
from activities.payments.collection import CollectionActivities
from activities.payments.deposits import DepositActivities
from activities.payments.methods import MethodActivities
from activities.payments.notices import NoticeActivities
from activities.payments.refunds import RefundActivities
from activities.payments.transfers import TransferActivities

__all__ = [
    "AskingActivities", "CollectionActivities", "DepositActivities", "MethodActivities",
    "NoticeActivities", "PaymentActivities", "RefundActivities", "TransferActivities",
]  # fmt: skip
