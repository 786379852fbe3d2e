"""Billing periods and what each of their days costs. Dates are business dates in Seoul; whole won only.

Every day of a period has a fixed price: the period's price is spread over its days by largest remainder with
fixed places, so any parts of a period add up to the whole, and a day taken back costs what it cost."""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from models.messages.catalogue import PlanTerms
from models.messages.subscriptions import SubscriptionStatus
from models.rules.calendars import KST
from models.rules.catalogue import month_price, settled_month

FAR = date(9999, 1, 1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Stretch:
    """Days from the first up to, but without, the second."""

    from_on: date
    until_on: date

    @property
    def days(self) -> int:
        return max((self.until_on - self.from_on).days, 0)


@dataclass(frozen=True)
class Contract:
    """What the rules know of a running contract, with its add-ons."""

    id: str
    customer_id: str
    terms: PlanTerms
    starts_on: date
    billed_until: date  # the first day not yet charged
    bill_day: int = 1
    quantity: int = 1
    percent_off: int = 0
    anchor_on: date | None = None  # where whole periods are counted from, if not from its first day
    obligation_until: date | None = None
    pauses: tuple[Stretch, ...] = ()
    free: tuple[Stretch, ...] = ()  # suspended by dunning, under a policy that charges nothing meanwhile
    ends_on: date | None = None
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE
    seq: int = 0
    add_ons: tuple["Contract", ...] = ()

    @property
    def end(self) -> date:
        """The first day on which it no longer runs."""
        return self.ends_on or FAR

    @property
    def family(self) -> tuple["Contract", ...]:
        """The contract and its add-ons that have not ended."""
        return (self, *(one for one in self.add_ons if one.ends_on is None))

    def pause_on(self, day: date) -> Stretch | None:
        """The pause that covers a day."""
        return next((one for one in self.pauses if one.from_on <= day < one.until_on), None)

    def rests_on(self, day: date) -> bool:
        """Whether a day costs nothing: paused, or suspended without charge."""
        return any(one.from_on <= day < one.until_on for one in (*self.pauses, *self.free))


@dataclass(frozen=True)
class Period:
    """One billing period and what it costs in full."""

    from_on: date
    until_on: date
    price_minor: int

    @property
    def days(self) -> int:
        return (self.until_on - self.from_on).days

    def share(self, stretch: Stretch) -> int:
        """What the days of a stretch within the period cost; parts that touch add up without a lost won."""
        return self._up_to(stretch.until_on) - self._up_to(stretch.from_on)

    def _up_to(self, day: date) -> int:
        return self.price_minor * (day - self.from_on).days // self.days


def business_day(at: datetime) -> date:
    """The date in Seoul."""
    return at.astimezone(KST).date()


def begins_at(day: date) -> datetime:
    """The first moment of a business date."""
    return datetime.combine(day, time(), KST)


def bill_date(year: int, month: int, bill_day: int) -> date:
    """The day of a month on which a period begins; a shorter month bills on its last day."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, min(bill_day, monthrange(year, month)[1]))


def add_months(day: date, months: int, bill_day: int | None = None) -> date:
    """The same day of a later month, or that month's last day."""
    return bill_date(day.year, day.month + months, bill_day or day.day)


def anchor(contract: Contract) -> date:
    """The day from which whole periods and the months of phases are counted."""
    return contract.anchor_on or contract.starts_on


def bill_date_from(day: date, bill_day: int) -> date:
    """The first bill date on or after a day."""
    this_month = bill_date(day.year, day.month, bill_day)
    return this_month if this_month >= day else add_months(day, 1, bill_day)


def period_start(contract: Contract, ordinal: int) -> date:
    """The first day of the n-th period, counted from 0."""
    return add_months(anchor(contract), ordinal * contract.terms.period_months, contract.bill_day)


def ordinal_on(contract: Contract, day: date) -> int:
    """Which period a day lies in, counted from 0."""
    first = anchor(contract)
    months = (day.year - first.year) * 12 + day.month - first.month
    ordinal = months // contract.terms.period_months
    return ordinal if period_start(contract, ordinal) <= day else ordinal - 1


def period_on(contract: Contract, day: date) -> Period:
    """The period of a day. What an add-on runs before its first whole period costs like that one, so that a
    trial is never shorter than promised."""
    ordinal, months = ordinal_on(contract, day), contract.terms.period_months
    first = max(ordinal, 0) * months + 1
    price = sum(
        month_price(contract.terms, month, contract.quantity, contract.percent_off)
        for month in range(first, first + months)
    )
    return Period(period_start(contract, ordinal), period_start(contract, ordinal + 1), price)


def day_price(contract: Contract, day: date) -> int:
    """What one day costs under the terms in force; a pause or a day outside costs nothing."""
    if not contract.starts_on <= day < contract.end or contract.rests_on(day):
        return 0
    return period_on(contract, day).share(Stretch(day, day + DAY))


def monthly(contract: Contract) -> int:
    """The rent of one month after every trial and discount, without add-ons."""
    month = max(settled_month(contract.terms), 1)
    months = contract.terms.period_months
    first = (month - 1) // months * months + 1
    period = sum(
        month_price(contract.terms, one + months, contract.quantity, contract.percent_off)
        for one in range(first, first + months)
    )
    return period // months


def unpaused(contract: Contract, stretch: Stretch) -> Iterator[Stretch]:
    """The days of a stretch that are charged, without pauses, free days and what lies outside its life."""
    day = max(stretch.from_on, contract.starts_on)
    until = min(stretch.until_on, contract.end)
    for pause in sorted((*contract.pauses, *contract.free), key=lambda one: one.from_on):
        if pause.until_on <= day or pause.from_on >= until:
            continue
        if pause.from_on > day:
            yield Stretch(day, pause.from_on)
        day = max(day, pause.until_on)
    if day < until:
        yield Stretch(day, until)


def parts(contract: Contract, stretch: Stretch) -> Iterator[tuple[Period, Stretch]]:
    """The running days of a stretch, cut where periods begin."""
    for run in unpaused(contract, stretch):
        day = run.from_on
        while day < run.until_on:
            period = period_on(contract, day)
            until = min(period.until_on, run.until_on)
            yield period, Stretch(day, until)
            day = until


def next_bill(contract: Contract) -> date | None:
    """The day on which the next regular bill is due; nothing once the contract is charged to its end."""
    if contract.billed_until >= contract.end:
        return None
    if contract.terms.in_advance:
        return contract.billed_until
    return min(period_on(contract, contract.billed_until).until_on, contract.end)


def moved(contract: Contract, **changes: object) -> Contract:
    """The contract with some facts changed, one step later."""
    return replace(contract, **{"seq": contract.seq + 1, **changes})  # type: ignore[arg-type]


def total_days(stretches: Iterable[Stretch]) -> int:
    """How many days stretches cover together."""
    return sum(one.days for one in stretches)
