"""Sending letters: who gets it, what it says, which link it carries; once per key."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.connectors.alimtalk import AlimTalk
from activities.connectors.delivery import ReceiverRefused
from activities.connectors.mail import Mail
from activities.connectors.sms import Sms
from activities.kit.addresses import Addresses
from activities.kit.cases import case_of
from activities.kit.colleagues import ways_to_colleague
from activities.kit.letters import LOCALES, Stationery, money, said
from activities.kit.links import Links
from activities.kit.threads import by_mail, is_in_chat, thread_headers
from activities.kit.transactions import transaction
from models.billing import Invoice
from models.customers import Customer
from models.field_service import Technician, Visit, VisitOffer
from models.messages.letters import Delivery, Letter
from models.messages.staff import LinkPurpose
from models.messages.systems import System
from models.messages.tickets.writing import FOLLOWED
from models.staff import Account
from models.systems import SentMessage
from models.tickets import Ticket, TicketMessage


@dataclass(frozen=True)
class Form:
    """For whom a letter is and which link it carries: about the "ticket", "visit", "invoice" or "case"."""

    link: LinkPurpose | None
    about: str = "ticket"
    days: int = 30  # how long the link works
    receiver: str = "customer"  # "customer", "technician", "desk"


DESK = Form(None, receiver="desk")
JOB = Form(None, "visit", receiver="technician")
SLOT = Form(LinkPurpose.SLOT, "visit")
FOLLOW = Form(LinkPurpose.FOLLOW, days=90)
PAY = Form(LinkPurpose.PAY, "invoice", days=90)
CHANGE = Form(LinkPurpose.CHANGE, "case", days=90)

# What a letter carries when it is about an order or a change instead of a ticket.
OF_CASE: dict[str, Form] = {"billing/receipt": PAY}

ORDER = Form(LinkPurpose.ORDER, "case", days=90)

BACK = Form(LinkPurpose.RETURN, "case", days=90)

TALK_TRIES = 5  # so often an unclear message to KakaoTalk is asked for; then it is looked up and goes by SMS

FORMS: dict[str, Form] = {
    **{
        f"orders/return_{name}": BACK
        for name in ("agreed", "reminded", "visit", "arrived", "settled", "ended")
    },
    "orders/placed": ORDER,
    "orders/shipped": ORDER,
    "orders/done": ORDER,
    "orders/cancelled": ORDER,
    "tickets/received": FOLLOW,
    "tickets/reply": FOLLOW,
    "tickets/confirm": Form(LinkPurpose.CONFIRM),
    "tickets/closed": Form(LinkPurpose.RATE),
    "tickets/cancelled": FOLLOW,
    "tickets/merged": FOLLOW,
    "tickets/separated": FOLLOW,
    "tickets/late": DESK,
    "tickets/overdue": DESK,
    "tickets/rule": DESK,
    "tickets/followed": Form(None, receiver="colleague"),
    "tickets/reopened": DESK,
    "field_service/offer": JOB,
    "field_service/nobody": DESK,
    "field_service/choose_slot": SLOT,
    "field_service/slot_reminder": SLOT,
    "field_service/slot_silent": DESK,
    "field_service/scheduled": SLOT,
    "field_service/job_scheduled": JOB,
    "field_service/moved": SLOT,
    "field_service/job_moved": JOB,
    "field_service/late_start": DESK,
    "field_service/on_the_way": Form(LinkPurpose.TRACK, "visit", days=2),
    "field_service/overrun": DESK,
    "field_service/given_back": FOLLOW,
    "field_service/called_off": FOLLOW,
    "field_service/job_called_off": JOB,
    "billing/invoice": PAY,
    "billing/reminder": PAY,
    "billing/receipt": FOLLOW,
    "billing/overdue": DESK,
    "billing/suspense": DESK,
    "subscriptions/requested": CHANGE,
    "subscriptions/holder": CHANGE,
    "subscriptions/ended": CHANGE,
    "subscriptions/done": CHANGE,
    "subscriptions/resumed": CHANGE,
    "dunning/reminder": PAY,
    "dunning/warning": PAY,
    "dunning/last_notice": PAY,
    "dunning/suspended": PAY,
    "dunning/terminated": PAY,
    "dunning/resumed": Form(None, "case"),
    "dunning/handover": DESK,
    "payments/refused": PAY,
    "payments/unsettled": DESK,
    "payments/refunded": PAY,
    "payments/refund_unsettled": DESK,
}


@dataclass(frozen=True)
class Draft:
    """A letter with everything looked up: the ways to its reader, best first, and what it says."""

    ways: tuple[tuple[System, str], ...]
    locale: str
    values: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # of a mail


@dataclass
class LetterActivities:
    """What letters do to the world. Names and addresses never leave this activity towards Temporal."""

    engine: AsyncEngine
    mail: Mail
    sms: Sms
    links: Links
    desk_address: str
    stationery: Stationery = field(default_factory=Stationery)
    talk: AlimTalk | None = None  # without it a letter for KakaoTalk goes by SMS
    addresses: Addresses | None = None  # without them no answer by mail finds its ticket

    @activity.defn(name="letters.send")
    async def send(self, letter: Letter) -> Delivery:
        """Send one letter. Safe to repeat: a key that was sent is left alone, links and the systems' own
        idempotency keys derive from it, so that a crash between sending and writing sends nothing twice."""
        async with transaction(self.engine) as session:
            sent = await session.get(SentMessage, letter.key)
            if sent is not None:
                return Delivery(sent.system.value)
            if await is_in_chat(session, letter):
                return Delivery.CHAT
            letter = await _of_case(session, letter)
            draft = await self._draft(session, letter)
        outcome = Delivery.NOWHERE
        for system, address in draft.ways:
            try:
                provider_id = await self._hand_over(letter, draft, system, address)
            except ReceiverRefused:
                outcome = Delivery.REFUSED
                continue
            except ApplicationError:
                if system is not System.ALIMTALK or tries() < TALK_TRIES or self.talk is None:
                    raise
                provider_id = await self.talk.give_up(letter.key, **_about(letter))
                if not provider_id:  # certain by now: it never came, and never will
                    continue
            await self._remember(letter, system, provider_id, draft)
            return Delivery(system.value)
        return outcome

    async def _draft(self, session: AsyncSession, letter: Letter) -> Draft:
        form = form_of(letter)
        ticket = await session.get_one(Ticket, letter.ticket_id) if letter.ticket_id else None
        customer = await session.get_one(Customer, ticket.customer_id if ticket else letter.customer_id)
        technician = await _technician(session, letter)
        ways, locale = await self._ways(session, form, customer, technician)
        message = await session.get_one(TicketMessage, letter.message_id) if letter.message_id else None
        if form.receiver == "customer":
            chosen = letter.values.get("channel", "") or (message.channel.value if message else "")
            ways = self._by_channel(ways, chosen)
        elif form.receiver == "colleague":
            ways, locale = await ways_to_colleague(session, letter, ticket)
        values: dict[str, Any] = {
            "name": customer.name, "case_id": letter.case_id, **_ticket_values(ticket),
            "technician": technician.name if technician else "", "attempt_id": letter.attempt_id,
            "link": await self._link(session, letter, form, customer.id),
        }  # fmt: skip
        values |= await _visit_values(session, letter)
        values |= await _invoice_values(session, letter, locale)
        if owed := letter.values.get("owed_minor"):
            values["owed"] = money(int(owed), "KRW", locale)
        if message is not None:
            values["message"] = message.body
        if happened := letter.values.get("happened"):
            values["happened"] = said(locale, FOLLOWED[happened])
        values |= by_mail(letter, ticket, customer)
        is_theirs = form.receiver == "customer"
        headers = await thread_headers(session, self.addresses, letter, ticket if is_theirs else None)
        return Draft(ways, locale, {**letter.values, **values, **_moments(letter)}, headers)

    async def _ways(
        self, session: AsyncSession, form: Form, customer: Customer, technician: Technician | None
    ) -> tuple[tuple[tuple[System, str], ...], str]:
        """How the reader can be reached, and in which language."""
        if form.receiver == "desk":
            return (((System.MAIL, self.desk_address),), "ko")
        if form.receiver == "technician":
            if technician is None:
                return (), "ko"
            query = select(Account.locale).where(Account.technician_id == technician.id)  # type: ignore[call-overload]
            locale = (await session.scalars(query)).first() or "ko"
            return (((System.SMS, technician.phone),) if technician.phone else (), locale)
        ways = ((System.MAIL, customer.email), (System.SMS, customer.phone))
        locale = customer.locale if customer.locale in LOCALES else "ko"
        return tuple((system, address) for system, address in ways if address), locale

    def _by_channel(
        self, ways: tuple[tuple[System, str], ...], channel: str
    ) -> tuple[tuple[System, str], ...]:
        """The ways with the wanted channel first; what it cannot reach goes the next best way."""
        phones = tuple(way for way in ways if way[0] is System.SMS)
        others = tuple(way for way in ways if way[0] is not System.SMS)
        talk = tuple((System.ALIMTALK, phone) for _, phone in phones if self.talk is not None)
        if channel == "kakao":
            return (*talk, *phones, *others)
        return (*phones, *others) if channel == "sms" else ways

    async def _link(self, session: AsyncSession, letter: Letter, form: Form, customer_id: str) -> str:
        """A signed link for a customer; a plain address behind the sign-in for everybody else."""
        if form.receiver == "technician":
            return f"{self.links.public_url}/field-service/visits/{letter.visit_id}"
        if form.link is None:
            return f"{self.links.public_url}{_desk_page(letter)}"
        subjects = {
            "ticket": letter.ticket_id or None, "visit": letter.visit_id, "invoice": letter.invoice_id,
            "case": letter.case_id or None,
        }  # fmt: skip
        if (subject := subjects[form.about]) is None:
            raise ValueError(f"the letter {letter.template} needs a {form.about}")
        now = datetime.now(UTC)
        return await self.links.make(
            session, form.link, key=f"{letter.key}:{form.link.value}", customer_id=customer_id,
            ticket_id=letter.ticket_id, case_id=letter.case_id, subject=subject, at=now,
            expires_at=now + timedelta(days=form.days),
        )  # fmt: skip

    async def _hand_over(self, letter: Letter, draft: Draft, system: System, address: str) -> str:
        if system is System.ALIMTALK and self.talk is not None:
            text = self.stationery.sms(letter.template, draft.locale, draft.values)
            template = letter.template.replace("/", "_")
            return await self.talk.send(address, template, text, key=letter.key, **_about(letter))
        if system is System.SMS:
            text = self.stationery.sms(letter.template, draft.locale, draft.values)
            return await self.sms.send(address, text, key=letter.key, **_about(letter))
        mail = self.stationery.mail(letter.template, draft.locale, draft.values)
        return await self.mail.send(
            address, mail.subject, mail.text, mail.html, key=letter.key, headers=draft.headers,
            **_about(letter),
        )  # fmt: skip

    async def _remember(self, letter: Letter, system: System, provider_id: str, draft: Draft) -> None:
        own_id = draft.headers.get("Message-ID", "") if system is System.MAIL else ""
        row = {
            "message_id": own_id.strip("<>"),
            "key": letter.key, "system": system, **_about(letter), "letter": letter.template,
            "sent_at": datetime.now(UTC), "provider_id": provider_id,
        }  # fmt: skip
        async with transaction(self.engine) as session:
            await session.execute(insert(SentMessage).values(row).on_conflict_do_nothing())


def tries() -> int:
    """Which try of this activity it is."""
    return activity.info().attempt if activity.in_activity() else 1


def form_of(letter: Letter) -> Form:
    """The form of a letter, as it is about a ticket or about an order or a change."""
    form = FORMS[letter.template]
    return form if letter.ticket_id else OF_CASE.get(letter.template, form)


async def _of_case(session: AsyncSession, letter: Letter) -> Letter:
    """The letter with whose it is: what an invoice belongs to, its letters belong to."""
    is_known = letter.ticket_id or (letter.case_id and letter.customer_id)
    if is_known or letter.invoice_id is None:
        return letter
    invoice = await session.get_one(Invoice, letter.invoice_id)
    return replace(
        letter, ticket_id=invoice.ticket_id or "", case_id=case_of(invoice) or "",
        customer_id=invoice.customer_id,
    )  # fmt: skip


def _ticket_values(ticket: Ticket | None) -> dict[str, Any]:
    if ticket is None:
        return {"ticket_id": "", "subject": "", "priority": "", "due_at": None}
    return {
        "ticket_id": ticket.id, "subject": ticket.subject, "priority": ticket.priority.value.upper(),
        "due_at": ticket.next_due or ticket.answer_due,
    }  # fmt: skip


def _desk_page(letter: Letter) -> str:
    """Where the desk looks after the matter."""
    if letter.ticket_id:
        return f"/tickets/{letter.ticket_id}"
    if letter.invoice_id:
        return f"/billing/invoices/{letter.invoice_id}"
    return (
        f"/dunning/{letter.case_id}"
        if letter.template.startswith("dunning/")
        else f"/orders/{letter.case_id}"
    )


def _about(letter: Letter) -> dict[str, str | None]:
    return {"ticket_id": letter.ticket_id or None, "case_id": letter.case_id or None}


async def _technician(session: AsyncSession, letter: Letter) -> Technician | None:
    """Whom the letter names, or who holds the visit."""
    chosen = letter.technician_id
    if chosen is None and letter.visit_id is not None:
        chosen = (await session.get_one(Visit, letter.visit_id)).technician_id
    return await session.get_one(Technician, chosen) if chosen is not None else None


async def _visit_values(session: AsyncSession, letter: Letter) -> dict[str, Any]:
    if letter.visit_id is None:
        return {}
    visit = await session.get_one(Visit, letter.visit_id)
    values: dict[str, Any] = {"visit_id": visit.id, "starts_at": visit.starts_at, "ends_at": visit.ends_at}
    query = select(VisitOffer).where(
        VisitOffer.visit_id == visit.id,  # type: ignore[arg-type]
        VisitOffer.technician_id == letter.technician_id,  # type: ignore[arg-type]
    )
    offers = (await session.scalars(query.order_by(VisitOffer.ordinal.desc()))).all()  # type: ignore[attr-defined]
    return values | ({"expires_at": offers[0].expires_at} if offers else {})


async def _invoice_values(session: AsyncSession, letter: Letter, locale: str) -> dict[str, Any]:
    if letter.invoice_id is None:
        return {"number": "", "total": ""}
    invoice = await session.get_one(Invoice, letter.invoice_id)
    amount = int(letter.values.get("amount_minor", invoice.total_minor))
    return {
        "amount": money(amount, invoice.currency, locale), "number": invoice.number,
        "total": money(invoice.total_minor, invoice.currency, locale),
        "pay_by": invoice.due_at, "paid_at": invoice.paid_at,
        **({"case_id": invoice.number} if invoice.run_id else {}),  # what its customer knows it by
    }  # fmt: skip


def _moments(letter: Letter) -> dict[str, datetime]:
    """Moments that travelled with the letter: it says what held when it was asked for."""
    return {
        name: datetime.fromisoformat(value) for name, value in letter.values.items() if name.endswith("_at")
    }
