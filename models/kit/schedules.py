"""What happens by itself every day or month: which workflow begins when, on Seoul's clock."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Scheduled:
    """One appointment: the workflow `name` begins at this time of day, or only on this day of the month.

    The workflow takes no argument: it derives its day from the appointment (workflows/kit/schedules.py) and
    starts the real work under an id made of that day, so that a catch-up or a backfill does nothing twice."""

    id: str
    name: str
    hour: int = 0
    minute: int = 0
    day_of_month: int | None = None
    zone: str = "Asia/Seoul"
    catch_up: timedelta = timedelta(days=2)  # how late a missed appointment is still kept
    every: timedelta | None = None  # again and again at this distance instead of at a time of day


SCHEDULES: tuple[Scheduled, ...] = (
    Scheduled("bill-day", "BillDay", hour=2),
    Scheduled("month-end", "MonthEnd", hour=6, day_of_month=1),
    Scheduled("dunning-day", "DunningDay", hour=9, minute=30),
    Scheduled("collection-day", "CollectionDay", hour=9),
    Scheduled("transfer-day", "TransferDay", hour=15),
    Scheduled("tax-day", "TaxDay", hour=7),
    Scheduled("forget-carts", "ForgetCarts", hour=4, minute=30),
    Scheduled("pair-night", "PairNight", hour=3, minute=30),
    Scheduled("knowledge-day", "KnowledgeDay", hour=8, minute=50),
    Scheduled("people-sync", "PeopleSync", every=timedelta(seconds=30), catch_up=timedelta(minutes=1)),
)
