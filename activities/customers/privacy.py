"""What a privacy request does to the world: a file for its owner, or nothing left but what the law keeps."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import and_, or_, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col, select
from temporalio import activity

from activities.connectors.delivery import ReceiverRefused
from activities.connectors.mail import Mail
from activities.connectors.marketing import Marketing
from activities.connectors.sms import Sms
from activities.customers.fields import forget_moves
from activities.customers.forgotten_channels import forget_channels
from activities.customers.handed_over import forget_handed_over
from activities.customers.own_data import everything, packed
from activities.kit.letters import Stationery
from activities.kit.timeline import write_entry, write_waits
from activities.kit.transactions import transaction
from models.billing import BillingAccount, Invoice
from models.customers import Customer, PrivacyRequest
from models.kit.timeline import EntryKind
from models.messages.billing.invoices import InvoiceStatus
from models.messages.customers import (
    PrivacyKind,
    PrivacyState,
    PrivacyStatus,
    PrivacyStep,
    privacy_workflow_id,
)
from models.messages.letters import Delivery
from models.messages.payments import MethodStatus
from models.messages.payments.deposits import DepositStatus
from models.messages.subscriptions import SubscriptionStatus
from models.orders import Order, Return
from models.payments import Deposit, PaymentMethod
from models.rules import customers as rules
from models.staff import Account, SignInSession
from models.subscriptions import Subscription
from models.tickets import InboundMail, Ticket

LETTERS = {
    (PrivacyKind.EXPORT, PrivacyStatus.DONE): "customers/export_ready",
    (PrivacyKind.ERASE, PrivacyStatus.WORKING): "customers/erasing",
    (PrivacyKind.ERASE, PrivacyStatus.REFUSED): "customers/erasure_refused",
}


@dataclass
class PrivacyActivities:
    """The one writer of privacy requests after their birth; dependencies are handed in by worker.py."""

    engine: AsyncEngine
    mail: Mail
    sms: Sms
    marketing: Marketing
    folder: Path
    public_url: str
    secret: bytes = field(repr=False)
    stationery: Stationery = field(default_factory=Stationery)

    @activity.defn(name="customers.export")
    async def export(self, step: PrivacyStep) -> PrivacyState:
        """Put everything about a customer into one file. Safe to repeat: its name derives from the request,
        and a request that is done keeps its file."""
        async with transaction(self.engine) as session:
            row = await session.get_one(PrivacyRequest, step.request_id, with_for_update=True)
            if row.status is PrivacyStatus.DONE:
                return PrivacyState(row.status)
            content = packed(await everything(session, row.customer_id), step.at)
            name = hashlib.sha256(self.secret + f"privacy:{row.id}".encode()).hexdigest()[:32]
            await asyncio.to_thread(_store, self.folder, name, content)
            row.file_id, row.file_until = name, rules.file_until(step.at)
            await self._become(session, row, step, PrivacyStatus.DONE, "customers.export_ready")
            return PrivacyState(row.status)

    @activity.defn(name="customers.delete_file")
    async def delete_file(self, step: PrivacyStep) -> None:
        """Delete the file whose days are over. Safe to repeat: what is gone is gone."""
        async with transaction(self.engine) as session:
            row = await session.get_one(PrivacyRequest, step.request_id, with_for_update=True)
            if row.file_id is not None:
                await asyncio.to_thread(_delete, self.folder, row.file_id)
                row.file_id = None
                await _tell(session, row, step, "customers.export_deleted")
            await write_waits(session, privacy_workflow_id(row.id), step.waits)

    @activity.defn(name="customers.close")
    async def close(self, step: PrivacyStep) -> PrivacyState:
        """Close the door before forgetting, or say why not yet. Safe to repeat: what was decided stands.

        Whatever is still under way keeps the customer: it is looked at under the customer's lock."""
        async with transaction(self.engine) as session:
            row = await session.get_one(PrivacyRequest, step.request_id, with_for_update=True)
            if row.status is not PrivacyStatus.RECEIVED:
                return PrivacyState(row.status, row.reason)
            customer = await session.get_one(Customer, row.customer_id, with_for_update=True)
            row.reason = await still_under_way(session, customer.id)
            if row.reason:
                await self._become(session, row, step, PrivacyStatus.REFUSED, "customers.erasure_refused")
                return PrivacyState(row.status, row.reason)
            customer.erased_at = step.at
            await _close_accounts(session, customer.id, step.at)
            row.status, row.seq = PrivacyStatus.WORKING, step.seq
            return PrivacyState(row.status)

    @activity.defn(name="customers.methods_alive")
    async def methods_alive(self, step: PrivacyStep) -> list[str]:
        """The payment methods that the gateway still knows. Safe to repeat: it only reads."""
        async with transaction(self.engine) as session:
            row = await session.get_one(PrivacyRequest, step.request_id)
            mine = col(PaymentMethod.customer_id) == row.customer_id
            kept = or_(
                col(PaymentMethod.billing_key) != "", col(PaymentMethod.status) == MethodStatus.PENDING
            )
            query = select(PaymentMethod.id).where(mine, kept).order_by(col(PaymentMethod.id))
            return list((await session.scalars(query)).all())

    @activity.defn(name="customers.tell_privacy")
    async def tell(self, step: PrivacyStep) -> Delivery:
        """Write to the customer how their request stands. Safe to repeat: one key for each state."""
        async with transaction(self.engine) as session:
            row = await session.get_one(PrivacyRequest, step.request_id)
            customer = await session.get_one(Customer, row.customer_id)
        template = LETTERS[row.kind, row.status]
        values = {
            "name": customer.name, "link": f"{self.public_url}/my/privacy", "reason": row.reason,
            "until": row.file_until, "due_at": row.due_at,
        }  # fmt: skip
        key = f"{privacy_workflow_id(row.id)}:{row.status.value}"
        return await self._write(customer, template, key, values)

    @activity.defn(name="customers.erase")
    async def erase(self, step: PrivacyStep) -> PrivacyState:
        """Blank everything personal in one act of the database, then delete the files. Safe to repeat: blank
        stays blank, and a file that is gone is gone."""
        async with transaction(self.engine) as session:
            row = await session.get_one(PrivacyRequest, step.request_id, with_for_update=True)
            forget = text("select forget_customer(:who, :at)")
            merged = select(Customer.id).where(Customer.root == row.customer_id)
            family = [*(await session.scalars(merged)), row.customer_id]
            await _forget_returns(session, row.customer_id)
            await _forget_money(session, row.customer_id)
            originals = await _forget_mails(session, row.customer_id)
            files: list[str] = []
            for one in family:
                await forget_channels(session, one)
                files += (await session.scalars(forget, {"who": one, "at": step.at})).all()
                await forget_moves(session, one)
            files = [*files, *originals, *await forget_handed_over(session, row.customer_id)]
            for name in files:
                if name:
                    await asyncio.to_thread(_delete, self.folder, str(name))
            await session.refresh(row)
            if row.status is not PrivacyStatus.DONE:
                await self._become(session, row, step, PrivacyStatus.DONE, "customers.erased")
            return PrivacyState(row.status)

    @activity.defn(name="customers.forget_contact")
    async def forget_contact(self, customer_id: str) -> None:
        """Have the CRM forget the customer. Safe to repeat: somebody it does not know is fine."""
        await self.marketing.forget(customer_id)

    async def _become(
        self, session: AsyncSession, row: PrivacyRequest, step: PrivacyStep, status: PrivacyStatus, told: str
    ) -> None:
        row.status, row.seq, row.done_at = status, step.seq, step.at
        await _tell(session, row, step, told)
        await write_waits(session, privacy_workflow_id(row.id), step.waits)

    async def _write(
        self, customer: Customer, template: str, key: str, values: Mapping[str, Any]
    ) -> Delivery:
        try:
            if customer.email:
                letter = self.stationery.mail(template, customer.locale, values)
                await self.mail.send(customer.email, letter.subject, letter.text, letter.html, key=key)
                return Delivery.MAIL
            if customer.phone:
                await self.sms.send(
                    customer.phone, self.stationery.sms(template, customer.locale, values), key=key
                )
                return Delivery.SMS
        except ReceiverRefused:
            return Delivery.REFUSED
        return Delivery.NOWHERE


async def still_under_way(session: AsyncSession, customer_id: str) -> str:
    """Why this customer cannot be forgotten yet, as a code in KEPT_FOR, or nothing."""
    owed = (InvoiceStatus.ISSUED, InvoiceStatus.OVERDUE)
    reasons = {
        "orders": select(Order.id).where(Order.customer_id == customer_id, ~col(Order.is_over)),
        "returns": select(Return.id).where(Return.customer_id == customer_id, ~col(Return.is_over)),
        "contracts": select(Subscription.id).where(
            Subscription.customer_id == customer_id, Subscription.status != SubscriptionStatus.ENDED
        ),
        "invoices": select(Invoice.id).where(
            Invoice.customer_id == customer_id, col(Invoice.status).in_(owed)
        ),
        "money": select(Deposit.id).where(
            Deposit.customer_id == customer_id,
            col(Deposit.status).in_((DepositStatus.RECEIVED, DepositStatus.SUSPENSE, DepositStatus.KEPT)),
        ),
        "tickets": select(Ticket.id).where(Ticket.customer_id == customer_id, ~col(Ticket.is_over)),
    }
    for reason, query in reasons.items():
        if (await session.scalars(query.limit(1))).first() is not None:
            return reason
    return ""


async def _close_accounts(session: AsyncSession, customer_id: str, at: datetime) -> None:
    """Nobody comes in as this customer any more."""
    mine = (await session.scalars(select(Account).where(Account.customer_id == customer_id))).all()
    for account in mine:
        account.is_active = False
    query = select(SignInSession).where(col(SignInSession.account_id).in_([one.id for one in mine]))
    for one in (await session.scalars(query)).all():
        one.revoked_at = one.revoked_at or at


async def _tell(session: AsyncSession, row: PrivacyRequest, step: PrivacyStep, sentence: str) -> None:
    await write_entry(
        session, key=f"{privacy_workflow_id(row.id)}/{step.seq}.{sentence}",
        subject=f"customer:{row.customer_id}", ticket_id=None, case_id=row.customer_id,
        customer_id=row.customer_id, at=step.at, sentence=sentence, kind=EntryKind.CHANGE,
    )  # fmt: skip


async def _forget_returns(session: AsyncSession, customer_id: str) -> None:
    """What a customer said about their returns, and where somebody came for them."""
    sites = update(Ticket).where(col(Ticket.customer_id) == customer_id)
    await session.execute(sites.values(site_address=""))
    mine = update(Return).where(col(Return.customer_id) == customer_id)
    names = ("note", "reason", "ship_name", "ship_phone", "ship_postcode", "ship_address")
    await session.execute(mine.values(dict.fromkeys(names, "")))


async def _forget_money(session: AsyncSession, customer_id: str) -> None:
    """Whose name the bank told with a deposit, and the number for receipts; amounts stay with the books."""
    deposits = update(Deposit).where(col(Deposit.customer_id) == customer_id)
    await session.execute(deposits.values(payer=""))
    account = update(BillingAccount).where(col(BillingAccount.customer_id) == customer_id)
    await session.execute(account.values(tax_id="", hold_reason=""))


async def _forget_mails(session: AsyncSession, customer_id: str) -> list[str]:
    """What came in from a customer by mail; the names of the originals, which go like other files.

    Their files go before the transaction ends, so that a try which broke off still knows the names."""
    customer = await session.get_one(Customer, customer_id)
    theirs = select(Ticket.id).where(Ticket.customer_id == customer_id)
    mine = or_(
        col(InboundMail.ticket_id).in_(theirs),
        and_(col(InboundMail.sender) == (customer.email or ""), col(InboundMail.sender) != ""),
    )
    found = select(InboundMail.stored_as).where(mine, col(InboundMail.stored_as).is_not(None))
    names = [str(name) for name in (await session.scalars(found)).all()]
    blank = dict.fromkeys(("envelope_from", "sender", "sender_name", "subject", "header_id", "html"), "")
    await session.execute(
        update(InboundMail).where(mine).values(**blank, envelope_to=[], held_back=[], stored_as=None)
    )
    return names


def _store(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def _delete(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
