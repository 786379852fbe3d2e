"""A small company with everybody in it: two customers, two teams, two partners, and rows in every table."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import SQLModel

from api.kit.people import ANONYMOUS, Kind, Person, person_of
from models.billing import Invoice, InvoiceLine, LedgerEntry, LedgerTransaction
from models.catalogue import Part, Product
from models.customers import Customer, OwnedProduct
from models.field_service import (
    Absence,
    ChecklistTick,
    DeviceAction,
    PartUse,
    PassedOver,
    Shift,
    Technician,
    Visit,
    VisitOffer,
)
from models.journeys import JourneyHistory, OpenWait
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.billing.invoices import LedgerAccount, LineKind
from models.messages.field_service import OfferStatus, VisitStatus
from models.messages.journeys import WaitFor
from models.messages.partners import PaperKind, PartnerStatus
from models.messages.staff import LinkPurpose, Role
from models.messages.systems import CallResult, System
from models.messages.tickets import Channel, MessageKind, TicketStatus
from models.partners import Partner, PartnerPaper, PartnerStep
from models.payments import Allocation, PaymentAttempt
from models.staff import (
    Account,
    ApiToken,
    AuditEntry,
    Invitation,
    PersonalDataAccess,
    SignedLink,
    SignInSession,
    Team,
)
from models.systems import SentMessage, SystemCall
from models.tickets import Attachment, Draft, Ticket, TicketMessage, TicketRating
from tests.builders import (
    banking,
    bills,
    books,
    channels,
    employee_requests,
    late,
    mails,
    pairs,
    people,
    queue,
    rulebook,
    sale,
    search,
    writing,
)
from tests.builders.knowledge import articles

NOW = datetime.now(UTC).replace(microsecond=0)
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Case:
    """One ticket with everything that hangs on it."""

    number: int
    customer: str
    team: str | None
    is_confidential: bool
    technician: str | None
    status: VisitStatus = VisitStatus.SCHEDULED
    ended: datetime | None = None

    @property
    def ticket(self) -> str:
        return f"T{self.number}"


# One case for each relation: plain, confidential of team one, of team two, over for long, only offered.
CASES = (
    Case(1, "c_one", "team_one", False, "t_one"),
    Case(2, "c_two", "team_two", True, "t_two"),
    Case(3, "c_two", "team_one", True, "t_house"),
    Case(4, "c_one", None, False, "t_one", VisitStatus.COMPLETED, NOW - timedelta(days=8)),
    Case(5, "c_two", "team_two", False, None, VisitStatus.SEARCHING),
    Case(6, "c_one", "team_two", False, "t_house", VisitStatus.COMPLETED, NOW - timedelta(days=6)),
)
LINKED = {"c_one": "link_bill", "c_two": "link_bill_other"}  # who came by the letter of a run's invoice
ACCOUNTS: dict[str, dict[str, Any]] = {
    "agent": {"roles": [Role.AGENT], "team_id": "team_one"},
    "agent_other_team": {"roles": [Role.AGENT], "team_id": "team_two"},
    "agent_no_team": {"roles": [Role.AGENT]},
    "dispatcher": {"roles": [Role.DISPATCHER], "team_id": "team_one"},
    "finance": {"roles": [Role.FINANCE], "team_id": "team_one"},
    "admin": {"roles": [Role.ADMIN], "team_id": "team_one"},
    "agent_and_finance": {"roles": [Role.AGENT, Role.FINANCE], "team_id": "team_two"},
    "employee": {"roles": [Role.EMPLOYEE]},
    "technician_assigned": {"roles": [Role.TECHNICIAN], "technician_id": "t_one", "partner_id": "p_one"},
    "technician_other": {"roles": [Role.TECHNICIAN], "technician_id": "t_two", "partner_id": "p_two"},
    "technician_house": {"roles": [Role.TECHNICIAN], "technician_id": "t_house"},
    "partner_desk": {"roles": [Role.PARTNER_DISPATCHER], "partner_id": "p_one"},
    "partner_own": {"roles": [Role.PARTNER], "partner_id": "p_one"},
    "partner_other": {"roles": [Role.PARTNER], "partner_id": "p_two"},
    "customer_own": {"roles": [Role.CUSTOMER], "customer_id": "c_one"},
    "customer_other": {"roles": [Role.CUSTOMER], "customer_id": "c_two"},
}


@dataclass
class Company:
    """Who is there: every person by name, with the token that lets them in."""

    persons: dict[str, Person] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


def token_of(name: str) -> str:
    """The sample token of one person."""
    return f"token-of-{name}-0123456789abcdef"


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def build(engine: AsyncEngine, word: str = "x", password_hash: str | None = None) -> Company:
    """Fill an empty database; `word` stands in every free text, so that a test can look for it."""
    company = Company(persons={"anonymous": ANONYMOUS})
    async with AsyncSession(engine) as session:
        for rows in (*_people(word, password_hash, company), *(_case(case, word) for case in CASES)):
            await store(session, rows)
        await store(session, pairs.alike(word, NOW))
        await store(session, people.colleagues(word, NOW))
        await store(session, employee_requests.asked(word, NOW))
        await store(session, articles(word, NOW))
        await store(session, sale.shelf(word, NOW))
        await store(session, sale.sold(1, "c_one", None, word, NOW))
        await store(session, sale.sold(2, "c_two", "c_one", word, NOW))
        for rows in books.a_closed_month(word, NOW):
            await store(session, rows)
        await store(session, banking.banked(1, "c_one", word, NOW))
        await store(session, banking.banked(2, "c_two", word, NOW))
        await store(session, bills.billed(("c_one", "c_two"), word, NOW))
        await store(session, late.policies(word, NOW))
        await store(session, rulebook.kept(word, NOW))
        await store(session, writing.kept(word, NOW))
        await store(session, channels.reached(word, NOW))
        for case in CASES:
            await store(session, writing.on_ticket(case.number, case.ticket, word, NOW))
            await store(session, rulebook.on_ticket(case.ticket, word, NOW))
            await store(session, channels.on_ticket(case.number, case.customer, word, NOW))
        await store(session, queue.worked_on(word, NOW))
        await store(session, rulebook.linked(NOW))
        for n, customer in enumerate(("c_one", "c_two"), 1):
            await store(session, late.overdue(n, customer, word, NOW))
        session.add_all(_links(company))
        session.add_all(_house(word))
        await session.commit()
    return company


async def store(session: AsyncSession, rows: list[SQLModel]) -> None:
    """Insert in the given order, table by table: the tables point at each other in a circle."""
    for kind, group in groupby(rows, type):
        if kind is LedgerEntry:  # a posting goes in by one statement
            await session.execute(insert(LedgerEntry).values([one.model_dump() for one in group]))
        else:
            session.add_all(group)
            await session.flush()


def _people(word: str, password_hash: str | None, company: Company) -> list[list[SQLModel]]:
    teams = [Team(id=f"team_{n}", name_ko=f"{word} {n}", name_en=f"{word} {n}") for n in ("one", "two")]
    partners = [
        Partner(id=f"p_{n}", name=f"{word} {n}", phone=word, status=PartnerStatus.ACTIVE, status_reason=word)
        for n in ("one", "two")
    ]
    papers = [row for n in ("one", "two") for row in _papers(n, word)]
    homes = {"t_one": "p_one", "t_two": "p_two", "t_house": None}
    technicians = [
        Technician(id=name, partner_id=home, name=f"{word} {name}", phone=word)
        for name, home in homes.items()
    ]
    hours = [Shift(technician_id=name, weekday=0, starts=time(9), ends=time(18)) for name in homes] + [
        Absence(technician_id=name, day=date(2030, 1, 1)) for name in homes
    ]
    product = Product(
        id="pr", sku="pr", name_ko="p", name_en="p", category="c", labour_minor=1, call_out_minor=1
    )
    part = Part(id="pa", sku="pa", name_ko="p", name_en="p", category="c", price_minor=1)
    customers = [
        Customer(
            id=f"c_{n}", name=f"{word} {n}", phone=f"+8210{i}000000{i}", phone_as_given=word,
            email=f"{word.lower()}{n}@example.com", address=word, postcode=word, region="seoul", created_at=NOW,
            phone_proved_at=NOW, email_proved_at=NOW,
        )
        for i, n in enumerate(("one", "two"), 1)
    ]  # fmt: skip
    accounts = []
    for name, given in ACCOUNTS.items():
        account = Account(
            id=f"a_{name}", login=f"{name}@example.com", name=name, created_at=NOW,
            password_hash=password_hash, **given,
        )  # fmt: skip
        accounts.append(account)
        company.tokens[name] = token_of(name)
        company.persons[name] = person_of({**account.model_dump(), "roles": [str(r) for r in given["roles"]]})
    sessions = [
        SignInSession(
            token_hash=hashed(token_of(name)), account_id=f"a_{name}", created_at=NOW, seen_at=NOW,
            idle_until=NOW + timedelta(hours=12), expires_at=NOW + timedelta(days=7), browser=word,
        )
        for name in ACCOUNTS
    ]  # fmt: skip
    keys = [
        ApiToken(
            token_hash=hashed(token_of(name) + "-api"), account_id=f"a_{name}", name=word, created_at=NOW,
            expires_at=NOW + timedelta(days=30),
        )
        for name in ACCOUNTS
    ]  # fmt: skip
    return [
        [*teams, *partners, product, part, *customers],
        list(papers),
        list(technicians),
        hours,
        accounts,
        [*sessions, *keys],
    ]


def _papers(n: str, word: str) -> list[SQLModel]:
    """What one partner has handed in, and a line of its life."""
    today = NOW.date()
    return [
        PartnerPaper(
            id=f"pp_{n}_{kind}", partner_id=f"p_{n}", submission_key=f"{n}{kind}", kind=kind, number=word,
            category="c" if kind is PaperKind.CERTIFICATE else "", valid_from=today - timedelta(days=30),
            valid_until=today + timedelta(days=300), added_by="a_admin", added_at=NOW,
            pay_minor=45_000 if kind is PaperKind.CONTRACT else None,
        )
        for kind in PaperKind
    ] + [
        PartnerStep(partner_id=f"p_{n}", seq=1, at=NOW, sentence="partners.suspended", details={"reason": word}),
    ]  # fmt: skip


def _case(case: Case, word: str) -> list[SQLModel]:
    t, n, at = case.ticket, case.number, NOW
    visit, invoice = f"V{n}-1", f"I{n}-1"
    starts = NOW + timedelta(days=n)
    return [
        OwnedProduct(id=f"op{n}", customer_id=case.customer, product_id="pr", serial=f"{word}{n}"),
        Ticket(
            id=t, submission_key=f"key{n}", customer_id=case.customer, owned_product_id=f"op{n}",
            channel=Channel.FORM, subject=f"{word} {n}", description=word, status=TicketStatus.DISPATCHED,
            team_id=case.team, is_confidential=case.is_confidential, created_at=at, updated_at=at,
        ),
        TicketRating(ticket_id=t, stars=5, comment=word, created_at=at),
        *(
            TicketMessage(
                id=f"m{n}{kind}", ticket_id=t, kind=kind, channel=Channel.FORM, body=f"{word} {kind}", created_at=at
            )
            for kind in MessageKind
        ),
        *(Draft(ticket_id=t, account_id=f"a_{who}", kind=MessageKind.NOTE, body=word, updated_at=at)
          for who in ("agent", "agent_other_team", "admin", "finance")),
        Visit(
            id=visit, ticket_id=t, customer_id=case.customer, status=case.status, is_over=case.ended is not None,
            technician_id=case.technician, starts_at=starts, ends_at=starts + timedelta(hours=1), note=word,
            finished_at=case.ended, signer=word, signature=word, created_at=at,
        ),
        VisitOffer(
            visit_id=visit, ordinal=1, technician_id=case.technician or "t_one", offered_at=at,
            status=OfferStatus.OPEN if case.technician is None else OfferStatus.ACCEPTED,
            expires_at=at + timedelta(hours=1), answer_reason=word,
        ),
        PassedOver(visit_id=visit, technician_id="t_two", reason="no_certificate", at=at),
        ChecklistTick(visit_id=visit, code="safe", done_at=at, action_id=f"tick{n}"),
        PartUse(visit_id=visit, part_id="pa", quantity=1, used_at=at, action_id=f"part{n}"),
        DeviceAction(
            id=f"d{n}", visit_id=visit, technician_id=case.technician or "t_one", kind="step", device_at=at,
            received_at=at, refusal=word,
        ),
        Attachment(id=f"at{n}", ticket_id=t, name=word, media_type="image/png", size=1, sha256="s",
                   stored_as=f"at{n}", created_at=at),
        Attachment(id=f"an{n}", ticket_id=t, message_id=f"m{n}note", name=word, media_type="image/png", size=1,
                   sha256="s", stored_as=f"an{n}", created_at=at),
        Attachment(id=f"am{n}", ticket_id=t, message_id=f"m{n}inbound", name=word, media_type="image/png", size=1,
                   sha256="s", stored_as=f"am{n}", created_at=at),
        Attachment(id=f"av{n}", ticket_id=t, visit_id=visit, slot="before", name=word, media_type="image/png",
                   size=1, sha256="s", stored_as=f"av{n}", created_at=at),
        Invoice(
            id=invoice, number=f"2026-{n:06}", ticket_id=t, customer_id=case.customer, net_minor=100, tax_minor=10,
            total_minor=110, issued_on=at.date(), due_at=at, created_at=at,
        ),
        InvoiceLine(
            invoice_id=invoice, position=1, kind=LineKind.LABOUR, name_ko=word, name_en=word, quantity=1,
            unit_minor=110, gross_minor=110, net_minor=100, tax_minor=10, tax_rule="kr-vat-10-included",
        ),
        PaymentAttempt(
            id=f"{invoice}.1", invoice_id=invoice, ordinal=1, customer_id=case.customer, payment_key=word,
            amount_minor=110, created_at=at,
        ),
        Allocation(attempt_id=f"{invoice}.1", invoice_id=invoice, amount_minor=110, at=at),
        LedgerTransaction(id=1000 + n, source=f"invoice:{invoice}", purpose="issue", customer_id=case.customer,
                          posted_on=at.date(), posted_at=at),
        LedgerEntry(transaction_id=1000 + n, position=1, account=LedgerAccount.RECEIVABLE, debit_minor=110),
        LedgerEntry(transaction_id=1000 + n, position=2, account=LedgerAccount.REVENUE, credit_minor=110),
        *(
            TimelineEntry(
                key=f"tl{n}{public}", subject=f"ticket:{t}", ticket_id=t, at=at, kind=EntryKind.NOTE,
                actor_kind=ActorKind.STAFF, sentence="tickets.noted", details={"actor": word}, is_public=public,
            )
            for public in (True, False)
        ),
        OpenWait(workflow_id=f"ticket:{t}", key="answer", subject=f"ticket:{t}", ticket_id=t, who=WaitFor.US,
                 what="answer", since=at, details={"technician": word}),
        JourneyHistory(workflow_id=f"ticket:{t}", run_id="r", word="Ticket", status="closed", events=1,
                       history=word, closed_at=at),
        SystemCall(system=System.MAIL, operation="send", key=f"mail:{t}", ticket_id=t, at=at,
                   result=CallResult.OK, error=word),
        SentMessage(key=f"mail:{t}", system=System.MAIL, ticket_id=t, letter=word, sent_at=at),
        mails.a_kept_mail(f"ml{n}", word, NOW, ticket_id=t, message_id=f"m{n}inbound"),
    ]  # fmt: skip


def _links(company: Company) -> list[SQLModel]:
    rows: list[SQLModel] = []
    for purpose in LinkPurpose:
        for case in (CASES[0], CASES[1]):
            name = f"link_{purpose}" if case.number == 1 else f"link_{purpose}_other"
            n = case.number
            subject = {
                "pay": f"I{n}-1",
                "slot": f"V{n}-1",
                "track": f"V{n}-1",
                "order": f"O{n}",
                "change": f"C{n}",
                "return": f"R{n}",
                "approve": "E3.0.0" if n == 1 else "E2.0.0",
            }
            of_case = (LinkPurpose.ORDER, LinkPurpose.CHANGE, LinkPurpose.RETURN, LinkPurpose.APPROVE)
            sold = subject[purpose].split(".")[0] if purpose in of_case else None
            customer = case.customer if purpose is not LinkPurpose.APPROVE else None
            ticket = case.ticket if sold is None else None
            link = SignedLink(
                token_hash=hashed(token_of(name)), key=name, purpose=purpose, customer_id=customer,
                ticket_id=ticket, case_id=sold, subject=subject.get(purpose, case.ticket), created_at=NOW,
                expires_at=NOW + timedelta(days=1),
            )  # fmt: skip
            rows.append(link)
            company.tokens[name] = token_of(name)
            company.persons[name] = Person(
                Kind.LINK, id=f"link:{purpose}:{ticket or sold}", customer_id=customer,
                ticket_id=ticket, case_id=sold, purpose=purpose, subject=link.subject, token_hash=link.token_hash,
            )  # fmt: skip
    for customer in ("c_one", "c_two"):
        name, bill = LINKED[customer], bills.bill_of(customer)
        link = SignedLink(
            token_hash=hashed(token_of(name)), key=name, purpose=LinkPurpose.PAY, customer_id=customer,
            case_id=bill, subject=bill, created_at=NOW, expires_at=NOW + timedelta(days=1),
        )  # fmt: skip
        rows.append(link)
        company.tokens[name] = token_of(name)
        company.persons[name] = Person(
            Kind.LINK, id=f"link:pay:{bill}", customer_id=customer, case_id=bill, purpose=LinkPurpose.PAY,
            subject=bill, token_hash=link.token_hash,
        )  # fmt: skip
    return rows


def _house(word: str) -> list[SQLModel]:
    return [
        PersonalDataAccess(at=NOW, actor_id="a_agent", actor_kind="staff", subject_id="c_one", action=word),
        Invitation(token_hash="invited", key="invited", account_id="a_employee", created_at=NOW,
                   expires_at=NOW + timedelta(days=1)),
        AuditEntry(at=NOW, actor_id="a_admin", action=word, subject="a_agent", details={"why": word}),
        TimelineEntry(key="house", subject="house", at=NOW, kind=EntryKind.STEP, actor_kind=ActorKind.SYSTEM,
                      sentence="x", details={"why": word}),
        OpenWait(workflow_id="house", key="w", subject="house", who=WaitFor.TIMER, what="answer", since=NOW),
        SystemCall(system=System.SMS, operation="send", key="k", at=NOW, result=CallResult.OK, error=word),
        SentMessage(key="house", system=System.MAIL, letter=word, sent_at=NOW),
        *mails.held(word, NOW),
        *search.noted(word, NOW),
    ]  # fmt: skip
