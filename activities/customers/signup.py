"""What a signup does to the world: codes, reminder, welcome, and the customer that comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import select
from temporalio import activity

from activities.connectors.delivery import ReceiverRefused
from activities.connectors.mail import Mail
from activities.connectors.sms import Sms
from activities.customers import records
from activities.kit.letters import Stationery
from activities.kit.links import token_hash
from activities.kit.roots import root_of
from activities.kit.timeline import write_waits
from activities.kit.transactions import transaction
from models.customers import Consent, Customer, Signup
from models.kit.codes import code_hash, one_time_code, resume_token
from models.messages.customers import (
    CodeSent,
    SendCode,
    SignupPurpose,
    SignupState,
    SignupStatus,
    SignupStep,
    signup_workflow_id,
)
from models.messages.letters import Delivery
from models.rules import customers as rules
from models.rules.customers import Match


@dataclass
class SignupActivities:
    """The one writer of signups and of the customers that come of them; handed in by worker.py."""

    engine: AsyncEngine
    mail: Mail
    sms: Sms
    secret: bytes = field(repr=False)
    public_url: str
    stationery: Stationery = field(default_factory=Stationery)

    @activity.defn(name="customers.send_code")
    async def send_code(self, order: SendCode) -> CodeSent:
        """Store the code's keyed hash and send it. Safe to repeat: code and idempotency key derive from the
        signup and its number, and an older code never takes the place of a newer one."""
        ends_at = rules.code_ends(order.at)
        async with transaction(self.engine) as session:
            row = await session.get_one(Signup, order.signup_id, with_for_update=True)
            if row.is_over or row.proved_at is not None or order.number < row.code_number:
                return CodeSent(ends_at)
            code = one_time_code(self.secret, row.id, order.number)
            row.code_hash, row.code_number = code_hash(self.secret, row.id, code), order.number
            row.code_expires_at = ends_at
        await self._write(row, "customers/code", f"code:{order.number}", {"code": code})
        return CodeSent(ends_at)

    @activity.defn(name="customers.note")
    async def note(self, step: SignupStep) -> None:
        """Write down whom we wait for. Safe to repeat: the same waits are written again."""
        async with transaction(self.engine) as session:
            await write_waits(session, signup_workflow_id(step.signup_id), step.waits)

    @activity.defn(name="customers.end_code")
    async def end_code(self, step: SignupStep) -> None:
        """Blank what is stored of a code that is over. Safe to repeat: a newer code is left alone."""
        async with transaction(self.engine) as session:
            row = await session.get_one(Signup, step.signup_id, with_for_update=True)
            if row.code_expires_at is not None and row.code_expires_at <= step.at:
                row.code_hash = ""
            await write_waits(session, signup_workflow_id(row.id), step.waits)

    @activity.defn(name="customers.recognise")
    async def recognise(self, step: SignupStep) -> SignupState:
        """Find out whose proved address it is. Safe to repeat: what was decided stands in the row.

        Somebody with an account comes in at once; the others tell their name first. Nothing of a record is
        told to anybody whose address is not proved."""
        async with transaction(self.engine) as session:
            row = await session.get_one(Signup, step.signup_id, with_for_update=True)
            if row.status is not SignupStatus.STARTED or row.proved_at is None:
                return await self._state(session, row)
            row.seq = step.seq
            if row.purpose is SignupPurpose.CONTACT:
                await self._change_contact(session, row, step.at)
            else:
                await self._come_in(session, row, step.at)
            await write_waits(session, signup_workflow_id(row.id), step.waits)
            return await self._state(session, row)

    @activity.defn(name="customers.join")
    async def join(self, step: SignupStep) -> SignupState:
        """Link the record that is theirs or make one, with account, consents and cart, in one transaction.

        Safe to repeat: a signup that is done stays as it is, and ids derive from the signup's own."""
        async with transaction(self.engine) as session:
            row = await session.get_one(Signup, step.signup_id, with_for_update=True)
            if row.status is SignupStatus.PROVED and row.name and rules.are_enough(row.choices):
                customer = await records.join_record(session, row, step.at)
                account = await records.join_account(session, row, customer, step.at)
                await records.agree(session, row, customer.id, step.at)
                _done(row, customer.id, account.id if account.is_active else None, step)
                await records.move_cart(session, row.cart_key, customer.id)
                await write_waits(session, signup_workflow_id(row.id), step.waits)
            return await self._state(session, row)

    @activity.defn(name="customers.remind")
    async def remind(self, step: SignupStep) -> Delivery:
        """Send the one reminder with the link that leads back. Safe to repeat: link and key derive from the
        signup; whoever finished meanwhile is sent nothing."""
        token = resume_token(self.secret, step.signup_id)
        async with transaction(self.engine) as session:
            row = await session.get_one(Signup, step.signup_id, with_for_update=True)
            if row.is_over:
                return Delivery.NOWHERE
            row.resume_hash, row.reminded_at = token_hash(token), step.at
            await write_waits(session, signup_workflow_id(row.id), step.waits)
        link = f"{self.public_url}/signup/resume/{token}"
        return await self._write(row, "customers/resume", "resume", {"link": link})

    @activity.defn(name="customers.forget")
    async def forget(self, step: SignupStep) -> SignupState:
        """Blank everything personal of a signup that came to nothing. Safe to repeat: blank stays blank, and
        one that was finished meanwhile is left alone."""
        async with transaction(self.engine) as session:
            row = await session.get_one(Signup, step.signup_id, with_for_update=True)
            if not row.is_over:
                row.status, row.is_over, row.seq = SignupStatus.ABANDONED, True, step.seq
                _blank(row)
            await write_waits(session, signup_workflow_id(row.id), step.waits)
            return await self._state(session, row)

    @activity.defn(name="customers.consent_version")
    async def consent_version(self, customer_id: str) -> int:
        """The number of the newest consent, which grows with each. Safe to repeat: it only reads."""
        async with transaction(self.engine) as session:
            newest = select(func.max(Consent.id)).where(Consent.customer_id == customer_id)
            return int(await session.scalar(newest) or 0)

    @activity.defn(name="customers.welcome")
    async def welcome(self, step: SignupStep) -> Delivery:
        """Welcome the customer. Safe to repeat: the idempotency key derives from the signup."""
        async with transaction(self.engine) as session:
            row = await session.get_one(Signup, step.signup_id)
            customer = await session.get_one(Customer, row.customer_id)
        address = customer.email if row.channel == "mail" else customer.phone
        if not address:
            return Delivery.NOWHERE
        shown = Signup(id=row.id, token_hash="", channel=row.channel, address=address, locale=row.locale)
        values = {"name": customer.name, "link": f"{self.public_url}/home"}
        return await self._write(shown, "customers/welcome", "welcome", values)

    async def _come_in(self, session: AsyncSession, row: Signup, at: datetime) -> None:
        """Whoever has an account is in; anybody else goes on to tell their name."""
        found, verdict = await records.record_of(session, row)
        account = None
        if found is not None and verdict is Match.THEIRS:
            theirs = await root_of(session, found)
            account = await records.account_of(session, theirs.id)
        if found is None or account is None:
            row.status = SignupStatus.PROVED
            return
        await records.claim(session, row, found, at)
        await records.move_cart(session, row.cart_key, theirs.id)
        _done(row, theirs.id, account.id if account.is_active else None, SignupStep(row.id, row.seq, at))

    async def _change_contact(self, session: AsyncSession, row: Signup, at: datetime) -> None:
        """A signed-in customer has proved a new address: it replaces the old one, unless it is another's."""
        customer = await session.get_one(Customer, row.customer_id, with_for_update=True)
        if await records.is_address_free(session, row, at):
            name = records.COLUMN[row.channel]
            old = getattr(customer, name)
            setattr(customer, name, row.address)
            setattr(customer, f"{name}_proved_at", at)
            if name == "phone":
                customer.phone_as_given = None
            customer.version += 1
            account = await records.account_of(session, customer.id)
            if account is not None and old:
                await records.end_other_sign_ins(session, account.id, old, row.address)
            await records.note(session, row, customer.id, "customers.contact_changed", at)
        else:
            row.return_to = "/my/profile?told=taken"
        _done(row, customer.id, None, SignupStep(row.id, row.seq, at))

    async def _state(self, session: AsyncSession, row: Signup) -> SignupState:
        """How the signup stands, told the same way however often it is asked."""
        is_new = row.account_id is not None and row.account_id == records.own_id("acc", row)
        is_marketing = await records.agreed_to_marketing(session, row.id)
        return SignupState(row.status, row.customer_id or "", is_new, is_marketing)

    async def _write(self, row: Signup, template: str, what: str, values: Mapping[str, Any]) -> Delivery:
        key = f"{signup_workflow_id(row.id)}:{what}"
        try:
            if row.channel == "sms":
                await self.sms.send(row.address, self.stationery.sms(template, row.locale, values), key=key)
                return Delivery.SMS
            letter = self.stationery.mail(template, row.locale, values)
            await self.mail.send(row.address, letter.subject, letter.text, letter.html, key=key)
        except ReceiverRefused:
            return Delivery.REFUSED
        return Delivery.MAIL


def _done(row: Signup, customer_id: str, account_id: str | None, step: SignupStep) -> None:
    """The signup is over: it keeps whose it became and forgets what was typed into it."""
    row.status, row.is_over, row.done_at = SignupStatus.DONE, True, step.at
    row.customer_id, row.account_id, row.seq = customer_id, account_id, step.seq
    _blank(row)


def _blank(row: Signup) -> None:
    row.address = row.name = row.code_hash = ""
    row.choices, row.password_hash, row.resume_hash = {}, None, None
