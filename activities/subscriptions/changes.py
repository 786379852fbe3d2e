"""What changes of contracts do to the world: opened, recorded, charged, in force, or called off."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col, select
from temporalio import activity

from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from activities.subscriptions.orders import OrderedContracts
from activities.subscriptions.rows import charge_row, charge_until, keep, locked, next_number
from models.journeys import OpenWait
from models.kit.ids import case_invoice_id, ticket_id
from models.kit.records import from_record
from models.kit.timeline import EntryKind
from models.messages.billing.invoices import PricedLine
from models.messages.payments import MethodStatus
from models.messages.subscriptions import (
    ChangeKind,
    ChangeOpened,
    ChangeRequested,
    ChangeStatus,
    ChangeStep,
    Preview,
    SubscriptionStatus,
    Wish,
    change_workflow_id,
    subscription_subject,
)
from models.payments import PaymentMethod
from models.rules.subscriptions import charges
from models.rules.subscriptions.effects import takes_effect
from models.rules.subscriptions.periods import begins_at, business_day
from models.rules.subscriptions.previews import refusal
from models.subscriptions import Subscription, SubscriptionChange, SubscriptionCharge, SubscriptionPause

OPEN = (ChangeStatus.REQUESTED, ChangeStatus.AWAITING)
MONEY = frozenset({"subscriptions.payment_asked", "subscriptions.paid", "subscriptions.unpaid"})
FOR_US = frozenset({"subscriptions.letter_failed"})


@dataclass
class SubscriptionActivities(OrderedContracts):
    """Everything that writes contracts; dependencies are handed in by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="subscriptions.open")
    async def open(self, asked: ChangeRequested, at: datetime) -> ChangeOpened:
        """Check that what was shown still holds, and say what has to happen until when. Safe to repeat: it
        writes nothing, and a number for a ticket that is not used leaves a gap that nobody minds."""
        async with transaction(self.engine) as session:
            change = await session.get_one(SubscriptionChange, asked.change_id)
            wish, shown = from_record(Wish, change.wish), from_record(Preview, change.preview)
            contract, _ = await locked(session, change.subscription_id)
            code = refusal(contract, wish, business_day(at))
            if not code and (at >= shown.valid_until or contract.seq != shown.contract_seq):
                code = "preview_ended"
            if code or change.status not in OPEN:
                return ChangeOpened(code or "already_over")
            waits_for_holder = wish.kind is ChangeKind.TRANSFER
            number = await next_number(session, "ticket_numbers") if wish.kind is ChangeKind.MOVE else 0
            method = await _method(session, change.customer_id) if shown.total_minor > 0 else ""
            days = timedelta(days=asked.confirm_days)
            return ChangeOpened(
                refusal="",
                total_minor=shown.total_minor,
                currency=shown.currency,
                invoice_id=case_invoice_id(change.id) if shown.total_minor > 0 else "",
                invoice_lines=_invoice_lines(shown, change.customer_id),
                charge_ids=tuple(_charge_id(change.id, one) for one in range(1, len(shown.lines) + 1)),
                effect_at=begins_at(wish.effective_on),
                awake_at=begins_at(wish.pause_until) if wish.pause_until and _pauses(wish) else None,
                has_receiver=waits_for_holder,
                receiver_id=wish.receiver_id,
                remind_at=at + days / 2 if waits_for_holder else None,
                confirm_until=at + days if waits_for_holder else None,
                pay_until=at + timedelta(days=asked.payment_days),
                ticket_id=ticket_id(number) if number else "",
                needs_payment_first=wish.kind is not ChangeKind.TERMINATION,
                method_id=method,
            )

    @activity.defn(name="subscriptions.record")
    async def record(self, step: ChangeStep) -> None:
        """Write one step: row, timeline, waits and live signal. Safe to repeat: the step's own number is
        written with the row, and one that is not newer changes nothing."""
        async with transaction(self.engine) as session:
            change = await session.get_one(SubscriptionChange, step.change_id, with_for_update=True)
            if change.seq < step.seq:
                await _write(session, change, step)

    @activity.defn(name="subscriptions.charge")
    async def charge(self, step: ChangeStep) -> None:
        """Store the money that was shown, before an invoice takes it. Safe to repeat: lines have ids."""
        async with transaction(self.engine) as session:
            change = await session.get_one(SubscriptionChange, step.change_id, with_for_update=True)
            if change.seq < step.seq:
                await _charge(session, change, step.at)
                change.invoice_id = case_invoice_id(change.id)
                await _write(session, change, step)

    @activity.defn(name="subscriptions.apply")
    async def apply(self, step: ChangeStep) -> str:
        """Let the change take effect: what was due before is charged, then exactly what was shown, then the
        contract is written. Answers with a code when the contract ended meanwhile.

        Safe to repeat: a change that is done stays done."""
        async with transaction(self.engine) as session:
            change = await session.get_one(SubscriptionChange, step.change_id, with_for_update=True)
            if change.seq >= step.seq:
                return ""
            wish = from_record(Wish, change.wish)
            before, rows = await locked(session, change.subscription_id)
            if code := refusal(before, wish, wish.effective_on):
                return code
            await _charge(session, change, step.at)
            before = await charge_until(session, before, wish.effective_on, step.at)
            after, received = takes_effect(before, wish)
            await keep(session, after, step.at, rows[after.id])
            if received is not None:
                await keep(session, received, step.at, rows[after.id])
            change.done_at = step.at
            await _end_pauses(session, change, step.at)
            await _write(session, change, step)
            return ""

    @activity.defn(name="subscriptions.call_off")
    async def call_off(self, step: ChangeStep) -> None:
        """The change does not happen: its money is void. Safe to repeat: the step's number decides."""
        async with transaction(self.engine) as session:
            change = await session.get_one(SubscriptionChange, step.change_id, with_for_update=True)
            if change.seq < step.seq:
                mine = col(SubscriptionCharge.change_id) == change.id
                await session.execute(update(SubscriptionCharge).where(mine).values(is_void=True))
                await _forget_contract(session, change)
                change.reason = step.reason
                await _write(session, change, step)

    @activity.defn(name="subscriptions.wake")
    async def wake(self, step: ChangeStep) -> bool:
        """End a pause on its day; one that was ended early, or a contract that is over, needs no waking.

        Safe to repeat: only a paused contract is woken."""
        async with transaction(self.engine) as session:
            change = await session.get_one(SubscriptionChange, step.change_id, with_for_update=True)
            _, rows = await locked(session, change.subscription_id)
            woken = [row for row in rows.values() if await _sleeps_no_more(session, row, step.at)]
            for row in woken:
                row.status, row.seq = SubscriptionStatus.ACTIVE, row.seq + 1
            if woken and change.seq < step.seq:
                await _write(session, change, step)
            await write_waits(session, change_workflow_id(change.id), step.waits)
            return bool(woken)


def _pauses(wish: Wish) -> bool:
    return wish.kind is ChangeKind.PAUSE


def _charge_id(change_id: str, position: int) -> str:
    return f"{change_id}.{position}"


def _invoice_lines(shown: Preview, customer_id: str) -> tuple[PricedLine, ...]:
    return charges.invoiced(shown.lines, customer_id) if shown.total_minor > 0 else ()


async def _method(session: AsyncSession, customer_id: str) -> str:
    """The method of payment that the customer keeps with us as the usual one."""
    query = select(col(PaymentMethod.id)).where(
        col(PaymentMethod.customer_id) == customer_id,
        col(PaymentMethod.is_default),
        col(PaymentMethod.status) == MethodStatus.ACTIVE,
    )
    return str(await session.scalar(query.limit(1)) or "")


async def _charge(session: AsyncSession, change: SubscriptionChange, at: datetime) -> None:
    """The lines of the stored preview as charges: never computed again."""
    shown, wish = from_record(Preview, change.preview), from_record(Wish, change.wish)
    rows = [
        charge_row(line, _charge_id(change.id, position), at, change.id)
        for position, line in enumerate(shown.lines, 1)
    ]
    for row in rows:
        if row["subscription_id"] == wish.new_id or row["subscription_id"].startswith(f"{wish.new_id}."):
            await _announce_contract(session, change, str(row["subscription_id"]), at)
    if rows:
        await session.execute(insert(SubscriptionCharge).values(rows).on_conflict_do_nothing())


async def _announce_contract(
    session: AsyncSession, change: SubscriptionChange, subscription_id: str, at: datetime
) -> None:
    """A contract that the change will begin: it waits, so that its first charges have a place."""
    like = await session.get_one(Subscription, change.subscription_id)
    wish = from_record(Wish, change.wish)
    is_add_on = wish.kind is ChangeKind.ADD_ON
    row = {
        "id": subscription_id, "plan_id": wish.plan.plan_id if is_add_on and wish.plan else like.plan_id,
        "plan_version": wish.plan.version if is_add_on and wish.plan else like.plan_version,
        "customer_id": like.customer_id if is_add_on else wish.receiver_id, "bill_day": like.bill_day,
        "terms": change.wish["plan"] if is_add_on else like.terms, "status": SubscriptionStatus.PENDING,
        "quantity": 1, "percent_off": 0, "end_reason": "", "created_at": at, "seq": 0,
    }  # fmt: skip
    await session.execute(insert(Subscription).values(row).on_conflict_do_nothing())


async def _forget_contract(session: AsyncSession, change: SubscriptionChange) -> None:
    """A contract that was announced and never began has ended."""
    never = update(Subscription).where(
        col(Subscription.id) == str(change.wish.get("new_id") or ""),
        col(Subscription.status) == SubscriptionStatus.PENDING,
    )
    await session.execute(never.values(status=SubscriptionStatus.ENDED, end_reason="change_off"))


async def _end_pauses(session: AsyncSession, change: SubscriptionChange, at: datetime) -> None:
    """Nobody waits any more for the end of a pause that is over."""
    others = select("change:" + col(SubscriptionChange.id)).where(
        col(SubscriptionChange.subscription_id) == change.subscription_id
    )
    over = update(OpenWait).where(
        col(OpenWait.workflow_id).in_(others),
        col(OpenWait.key) == "pause_end",
        col(OpenWait.ended_at).is_(None),
    )
    await session.execute(over.values(ended_at=at))


async def _sleeps_no_more(session: AsyncSession, row: Subscription, at: datetime) -> bool:
    today = business_day(at)
    covered = select(SubscriptionPause).where(
        col(SubscriptionPause.subscription_id) == row.id,
        col(SubscriptionPause.from_on) <= today,
        col(SubscriptionPause.until_on) > today,
    )
    return row.status is SubscriptionStatus.PAUSED and (await session.scalar(covered)) is None


async def _write(session: AsyncSession, change: SubscriptionChange, step: ChangeStep) -> None:
    """Row, timeline, waits and live signal of one step."""
    change.status, change.seq = step.status, step.seq
    if ticket := step.details.get("visit"):
        change.ticket_id = ticket
    workflow_id = change_workflow_id(change.id)
    await write_entry(
        session, key=f"{workflow_id}/{step.seq}", subject=workflow_id, ticket_id=None, case_id=change.id,
        customer_id=change.customer_id, at=step.at, sentence=step.sentence,
        kind=EntryKind.MONEY if step.sentence in MONEY else EntryKind.STEP,
        actor_kind=step.actor_kind, actor_id=step.actor_id or None, details=step.details,
        is_public=step.is_public and step.sentence not in FOR_US,
    )  # fmt: skip
    await write_waits(session, workflow_id, step.waits)
    await tell_live(
        session, workflow_id, subscription_subject(change.subscription_id), f"customer:{change.customer_id}"
    )
