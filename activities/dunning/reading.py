"""How a case stands, read from the tables: never from what a workflow remembers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.kit.calendars import working_calendar
from models.billing import BillingAccount, Invoice
from models.dunning import DunningCase, DunningHold, DunningStep, PromiseToPay
from models.kit.arrears import is_overdue, open_minor
from models.kit.ids import attempt_id
from models.messages.dunning import (
    CaseStatus,
    DunningOrder,
    HoldKind,
    HoldStatus,
    Outlook,
    OwedInvoice,
    PromiseStatus,
)
from models.messages.payments import OPEN_ATTEMPT, AttemptStatus, MethodKind, MethodStatus
from models.messages.subscriptions import SubscriptionStatus
from models.payments import CollectionRules, PaymentAttempt, PaymentMethod
from models.rules import dunning as rules
from models.rules.dunning import Done, Situation
from models.rules.payments.collection import OURS, policy_of, tries_left
from models.subscriptions import Subscription

MONTH, ONE_DAY = timedelta(days=30), timedelta(days=1)


@dataclass(frozen=True)
class Owed:
    """One overdue invoice."""

    id: str
    ticket_id: str
    open_minor: int
    due_on: date
    is_paying: bool  # a payment is under way
    tries: int


async def overdue(session: AsyncSession, customer_id: str, at: datetime) -> list[Owed]:
    """Everything that a customer should have paid before this moment, the oldest first."""
    attempts = select(
        col(PaymentAttempt.invoice_id),
        func.max(col(PaymentAttempt.ordinal)).label("tries"),
        func.bool_or(col(PaymentAttempt.status).in_(OPEN_ATTEMPT)).label("is_paying"),
    ).where(col(PaymentAttempt.customer_id) == customer_id)
    tried = attempts.group_by(col(PaymentAttempt.invoice_id)).subquery()
    query = (
        select(
            col(Invoice.id), col(Invoice.ticket_id), open_minor(), col(Invoice.due_at), tried.c.is_paying,
            tried.c.tries,
        )
        .outerjoin(tried, tried.c.invoice_id == col(Invoice.id))
        .where(col(Invoice.customer_id) == customer_id, *is_overdue(at))
        .order_by(col(Invoice.due_at), col(Invoice.id))
    )  # fmt: skip
    return [
        Owed(id, ticket or "", int(left), rules.today(due), bool(paying), tries or 0)
        for id, ticket, left, due, paying, tries in await session.execute(query)
    ]


async def outlook(
    session: AsyncSession, case: DunningCase, order: DunningOrder, at: datetime
) -> tuple[Outlook, list[Owed]]:
    """What the rules say of a case now, and the invoices that it is about."""
    owed = await overdue(session, order.customer_id, at)
    promises = await _promises(session, case.id)
    holds = await _holds(session, case.id)
    promise = next((one for one in promises if one.status is PromiseStatus.OPEN), None)
    situation = Situation(
        at=at,
        overdue_minor=sum(one.open_minor for one in owed),
        overdue_since=owed[0].due_on if owed else order.overdue_since,
        last=await _last_step(session, case.id),
        promise_on=promise.pay_on if promise else None,
        has_dispute=HoldKind.DISPUTE in holds,
        hold_until=await _held_until(session, order.customer_id, holds, at),
        is_paying=any(one.is_paying for one in owed),
    )
    resting = rules.rest(situation)
    planned = rules.upcoming(order.terms, situation, await working_calendar(session, at))
    found = Outlook(
        case.status, case.seq, situation.overdue_minor, order.currency,
        rest=resting[0] if resting else None, rest_until=resting[1] if resting else None,
        position=planned.position if planned else -1, kind=planned.step.kind if planned else None,
        act_at=planned.act_at if planned else None, has_promise=promise is not None,
        has_dispute=HoldKind.DISPUTE in holds, has_hold=HoldKind.HOLD in holds, promises=len(promises),
        is_suspended=case.suspended_at is not None,
    )  # fmt: skip
    return (found if case.status is CaseStatus.OPEN else _over(found)), owed


async def chargeable(
    session: AsyncSession, customer_id: str, owed: Sequence[Owed], at: datetime
) -> tuple[str, tuple[OwedInvoice, ...]]:
    """The usual method of payment, and the try of each invoice that may charge it (C1, C2, C5)."""
    query = select(col(PaymentMethod.id)).where(
        col(PaymentMethod.customer_id) == customer_id,
        col(PaymentMethod.is_default),
        col(PaymentMethod.status) == MethodStatus.ACTIVE,
        col(PaymentMethod.kind) == MethodKind.CARD,  # a bank account is debited by its file
    )
    method = await session.scalar(query.limit(1))
    if method is None:
        return "", tuple(OwedInvoice(one.id, one.open_minor, one.ticket_id) for one in owed)
    newest = select(col(CollectionRules.terms)).order_by(col(CollectionRules.version).desc()).limit(1)
    policy = policy_of(await session.scalar(newest) or {})
    is_open = col(PaymentAttempt.status).in_(OPEN_ATTEMPT)
    lately = is_open | (col(PaymentAttempt.settled_at) > at - ONE_DAY)
    tried = select(func.count(), func.count().filter(lately)).where(
        col(PaymentAttempt.method_id) == method,
        is_open
        | (col(PaymentAttempt.status) == AttemptStatus.REFUSED)
        & col(PaymentAttempt.code).not_in(OURS)
        & (col(PaymentAttempt.settled_at) > at - MONTH),
    )
    month, day = (await session.execute(tried)).one()
    left = tries_left(policy, int(month), int(day))
    made = []
    for one in owed:
        may = left > 0 and not one.is_paying
        left -= may
        attempt = attempt_id(one.id, one.tries + 1) if may else ""
        made.append(OwedInvoice(one.id, one.open_minor, one.ticket_id, attempt))
    return str(method), tuple(made)


async def devices(session: AsyncSession, case: DunningCase) -> tuple[str, ...]:
    """What the customer still has of contracts that this case has suspended or that ended meanwhile."""
    query = select(col(Subscription.owned_product_id)).where(
        col(Subscription.customer_id) == case.customer_id,
        col(Subscription.owned_product_id).is_not(None),
        (col(Subscription.status) == SubscriptionStatus.SUSPENDED)
        | (
            (col(Subscription.status) == SubscriptionStatus.ENDED)
            & (col(Subscription.ends_on) >= rules.today(case.opened_at))
        ),
    )
    return tuple(sorted({str(one) for one in await session.scalars(query)}))


async def _held_until(
    session: AsyncSession, customer_id: str, holds: dict[HoldKind, DunningHold], at: datetime
) -> date | None:
    """The last day on which nothing may happen: of the case's own hold, or of the whole account."""
    own = holds[HoldKind.HOLD].until_on if HoldKind.HOLD in holds else None
    account = await session.get(BillingAccount, customer_id)
    whole = account.hold_until if account is not None else None
    days = [day for day in (own, whole) if day is not None and (day == own or day >= rules.today(at))]
    return max(days, default=None)


async def _last_step(session: AsyncSession, case_id: str) -> Done | None:
    query = select(DunningStep).where(col(DunningStep.case_id) == case_id)
    last = await session.scalar(query.order_by(col(DunningStep.position).desc()).limit(1))
    return Done(last.position, rules.today(last.at)) if last else None


async def _promises(session: AsyncSession, case_id: str) -> list[PromiseToPay]:
    query = select(PromiseToPay).where(col(PromiseToPay.case_id) == case_id)
    return list(await session.scalars(query.order_by(col(PromiseToPay.created_at))))


async def _holds(session: AsyncSession, case_id: str) -> dict[HoldKind, DunningHold]:
    query = select(DunningHold).where(
        col(DunningHold.case_id) == case_id, col(DunningHold.status) == HoldStatus.OPEN
    )
    return {one.kind: one for one in await session.scalars(query)}


def _over(found: Outlook) -> Outlook:
    """A case that is over has nothing before it."""
    return Outlook(found.status, found.seq, found.overdue_minor, found.currency)
