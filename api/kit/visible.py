"""Who may see a row: the one answer, used as the root of every list, count, search, export and look-up.

migrations/0003_row_security says the same to the database; tests/api/test_visible.py compares the two."""

from typing import Any, TypeVar

from sqlalchemy import Select, and_, false, or_, select, text, true
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlmodel import SQLModel, col

from api.kit import (
    visible_books,
    visible_channels,
    visible_items,
    visible_knowledge,
    visible_mails,
    visible_money,
    visible_orders,
    visible_people,
    visible_promises,
    visible_queue,
    visible_requests,
    visible_writing,
)
from api.kit.people import Kind, Person
from api.kit.seeing import RULES, Condition, Rule, has, ids, may_see, of_case, of_ticket, own, sells, when
from api.kit.visible_visits import FIELD, RULES_OF_VISITS, about_own_visit, held, of_own_visit
from models.billing import Invoice, InvoiceLine, LedgerEntry, LedgerTransaction
from models.customers import Customer, OwnedProduct, Signup
from models.field_service import Visit
from models.journeys import JourneyHistory, OpenWait
from models.kit.refusals import Refusal
from models.kit.timeline import TimelineEntry
from models.messages.staff import STAFF_ROLES, Role
from models.messages.tickets import MessageKind, TicketKind
from models.payments import Allocation, PaymentAttempt, PaymentMethod
from models.staff import (
    Account,
    ApiToken,
    AuditEntry,
    Employee,
    Invitation,
    PersonalDataAccess,
    SignedLink,
    SignInSession,
    Team,
)
from models.systems import OutboxItem, SentMessage, SystemCall
from models.tickets import Attachment, Draft, Ticket, TicketMessage, TicketRating

M = TypeVar("M", bound=SQLModel)
HASH: Any = Account.password_hash
BILLING_KEY: Any = PaymentMethod.billing_key
WAITING_HASH: Any = Signup.password_hash
LAST_DAY: Any = Employee.ends_on
HIDDEN = {
    Account: HASH,
    PaymentMethod: BILLING_KEY,
    Signup: WAITING_HASH,
    Employee: LAST_DAY,
}  # columns that the database shows to no page
PAYLOAD: Any = OutboxItem.payload
REMEMBERED = 512
"""So many queries of one sort are kept built: SQLAlchemy takes longer to build one than to run it."""


def visible(person: Person, model: type[M]) -> Select[M]:
    """The rows of a table that this person may see; nothing of a table that has no rule."""
    query = select(model).where(may_see(person, model))
    # The database would refuse the whole query.
    return query.options(defer(HIDDEN[model], raiseload=True)) if model in HIDDEN else query


async def visible_one(session: AsyncSession, person: Person, model: type[M], key: Any) -> M:
    """One row by its key; somebody else's answers exactly like one that does not exist."""
    columns = list(model.__table__.primary_key)  # type: ignore[attr-defined]
    keys = key if isinstance(key, tuple) else (key,)
    if any(isinstance(one, str) and not one.isprintable() for one in keys):
        raise Refusal("not_found")  # a form that came back wrong may hold what no database takes
    chosen = and_(*(column == value for column, value in zip(columns, keys, strict=True)))
    row: M | None = await session.scalar(visible(person, model).where(chosen))
    if row is None:
        raise Refusal("not_found")
    return row


def outbox_items() -> Select[OutboxItem]:
    """The outbox without what it says, which the app writes and may never read back."""
    return select(OutboxItem).options(defer(PAYLOAD, raiseload=True))


async def offer_cards(session: AsyncSession) -> list[dict[str, Any]]:
    """What an open offer shows before it is accepted: area, product, work and pay; nobody's name."""
    found = await session.execute(text("select * from ieum_offer_cards()"))
    return [dict(row) for row in found.mappings()]


async def past_visits(session: AsyncSession) -> list[dict[str, Any]]:
    """What is left of a visit for the field after a week: number, technician, product, result, day."""
    found = await session.execute(text("select * from ieum_past_visits()"))
    return [dict(row) for row in found.mappings()]


# --- the parts that rules are made of -----------------------------------------------------------------


def _desk(person: Person) -> bool:
    return person.is_desk


# --- the rules ----------------------------------------------------------------------------------------


def _customers(person: Person) -> Condition:
    return when(
        (person.kind is Kind.STAFF, true()),
        (own(person), col(Customer.id) == person.customer_id),
        (person.kind in FIELD, col(Customer.id).in_(select(col(Visit.customer_id)).where(held(person)))),
    )


def _owned_products(person: Person) -> Condition:
    theirs = col(OwnedProduct.id).in_(ids(person, Ticket, Ticket.owned_product_id))
    return when(
        (person.kind is Kind.STAFF, true()),
        (person.kind is Kind.CUSTOMER, col(OwnedProduct.customer_id) == person.customer_id),
        (person.kind is Kind.LINK or person.kind in FIELD, theirs),
    )


def _tickets(person: Person) -> Condition:
    plain = ~col(Ticket.is_confidential)
    of_team = has(person, Role.AGENT, Role.DISPATCHER) and person.team_id is not None
    mine = and_(col(Ticket.customer_id) == person.customer_id, col(Ticket.kind) != TicketKind.TASK)
    return when(
        (person.kind is Kind.STAFF, or_(plain, col(Ticket.team_id) == person.team_id) if of_team else plain),
        (person.kind is Kind.CUSTOMER, mine),
        (person.kind is Kind.LINK, and_(col(Ticket.id) == person.ticket_id, mine)),
        (person.kind in FIELD, col(Ticket.id).in_(select(col(Visit.ticket_id)).where(held(person)))),
    )


def _messages(person: Person) -> Condition:
    here = of_ticket(person, TicketMessage.ticket_id)
    not_note = col(TicketMessage.kind) != MessageKind.NOTE
    return when((_desk(person), here), (own(person), and_(not_note, here)))


def _attachments(person: Person) -> Condition:
    here = of_ticket(person, Attachment.ticket_id)
    loose = col(Attachment.message_id).is_(None)
    said = col(Attachment.message_id).in_(ids(person, TicketMessage, TicketMessage.id))
    return when(
        (_desk(person), here),
        (own(person), and_(here, or_(loose, said))),
        (person.kind in FIELD, and_(here, loose, of_own_visit(person, Attachment.visit_id))),
    )


def _ratings(person: Person) -> Condition:
    return when(
        (person.kind is Kind.STAFF or own(person), of_ticket(person, TicketRating.ticket_id)),
    )


def _drafts(person: Person) -> Condition:
    mine = and_(col(Draft.account_id) == person.account_id, of_ticket(person, Draft.ticket_id))
    return when((_desk(person), mine))


def _invoices(person: Person) -> Condition:
    return when(
        (has(person, Role.FINANCE), true()),
        (
            _desk(person),
            or_(
                of_ticket(person, Invoice.ticket_id),
                col(Invoice.case_id).is_not(None),
                col(Invoice.run_id).is_not(None),
            ),
        ),
        (person.kind is Kind.CUSTOMER, col(Invoice.customer_id) == person.customer_id),
        (
            person.kind is Kind.LINK and person.ticket_id is not None,
            col(Invoice.ticket_id) == person.ticket_id,
        ),
        (person.kind is Kind.LINK, of_case(person, Invoice.case_id, Invoice.customer_id)),
        (
            person.kind is Kind.LINK and person.case_id is not None,
            and_(
                col(Invoice.run_id).is_not(None),
                col(Invoice.id) == person.case_id,
                col(Invoice.customer_id) == person.customer_id,
            ),
        ),
    )


def _of_invoice(column: Any) -> Rule:
    return lambda person: col(column).in_(ids(person, Invoice, Invoice.id))


def _books(person: Person) -> Condition:
    return true() if has(person, Role.FINANCE, Role.ADMIN) else false()


def _timeline(person: Person) -> Condition:
    here = of_ticket(person, TimelineEntry.ticket_id)
    case = of_case(person, TimelineEntry.case_id, TimelineEntry.customer_id)
    return when(
        (person.kind is Kind.STAFF, or_(here, case)),
        (has(person, Role.ADMIN), _nobodys(TimelineEntry.ticket_id, TimelineEntry.case_id)),
        (own(person), and_(col(TimelineEntry.is_public), or_(here, case))),
        (
            person.kind in FIELD,
            and_(col(TimelineEntry.is_public), here, about_own_visit(person, TimelineEntry.subject)),
        ),
    )


def _waits(person: Person) -> Condition:
    here = of_ticket(person, OpenWait.ticket_id)
    case = of_case(person, OpenWait.case_id, OpenWait.customer_id)
    return when(
        (person.kind is Kind.STAFF or own(person), or_(here, case)),
        (person.kind in FIELD, and_(here, about_own_visit(person, OpenWait.subject))),
        (has(person, Role.ADMIN), _nobodys(OpenWait.ticket_id, OpenWait.case_id)),
    )


def _nobodys(ticket: Any, case: Any) -> Condition:
    """Rows that belong to no ticket and to no order or change: the house's own."""
    return and_(col(ticket).is_(None), col(case).is_(None))


def _doors(ticket: Any, case: Any) -> Rule:
    return lambda person: when(
        (person.kind is Kind.STAFF, of_ticket(person, ticket)),
        (sells(person), col(case).is_not(None)),
        (has(person, Role.ADMIN), _nobodys(ticket, case)),
    )


def _admins(person: Person) -> Condition:
    return true() if has(person, Role.ADMIN) else false()


def _accounts(person: Person) -> Condition:
    colleagues = col(Account.roles).op("&&")(array(sorted(STAFF_ROLES)))
    return when(
        (person.account_id is not None, col(Account.id) == person.account_id),
        (person.kind is Kind.STAFF, colleagues),
        (has(person, Role.ADMIN), true()),
    )


def _sessions(person: Person) -> Condition:
    return when(
        (person.account_id is not None, col(SignInSession.account_id) == person.account_id),
        (has(person, Role.ADMIN), true()),
    )


def _tokens(person: Person) -> Condition:
    return when((person.kind is Kind.STAFF, col(ApiToken.account_id) == person.account_id))


def _links(person: Person) -> Condition:
    return when(
        (_desk(person), or_(of_ticket(person, SignedLink.ticket_id), col(SignedLink.case_id).is_not(None))),
        (person.kind is Kind.LINK, col(SignedLink.token_hash) == person.token_hash),
    )


HOUSE: dict[type[SQLModel], Rule] = {
    Customer: _customers,
    OwnedProduct: _owned_products,
    Ticket: _tickets,
    TicketMessage: _messages,
    Attachment: _attachments,
    TicketRating: _ratings,
    Draft: _drafts,
    Invoice: _invoices,
    InvoiceLine: _of_invoice(InvoiceLine.invoice_id),
    PaymentAttempt: _of_invoice(PaymentAttempt.invoice_id),
    Allocation: _of_invoice(Allocation.invoice_id),
    LedgerTransaction: _books,
    LedgerEntry: _books,
    TimelineEntry: _timeline,
    OpenWait: _waits,
    JourneyHistory: _admins,
    SystemCall: _doors(SystemCall.ticket_id, SystemCall.case_id),
    SentMessage: _doors(SentMessage.ticket_id, SentMessage.case_id),
    PersonalDataAccess: _admins,
    AuditEntry: _admins,
    Account: _accounts,
    SignInSession: _sessions,
    ApiToken: _tokens,
    Invitation: _admins,
    SignedLink: _links,
    Team: visible_people.works_here_sees,
}
RULES.update(HOUSE)
RULES.update(RULES_OF_VISITS)
RULES.update(visible_orders.RULES_OF_SALE)
RULES.update(visible_books.RULES_OF_BOOKS)
RULES.update(visible_money.RULES_OF_MONEY)
RULES.update(visible_mails.RULES_OF_MAILS | visible_channels.RULES_OF_CHANNELS)
RULES.update(visible_people.RULES_OF_PEOPLE)
RULES.update(visible_items.RULES_OF_ITEMS | visible_knowledge.RULES_OF_KNOWLEDGE)
RULES.update(visible_requests.RULES_OF_REQUESTS)
RULES.update(visible_promises.RULES_OF_PROMISES | visible_queue.RULES_OF_QUEUE)
RULES.update(visible_writing.RULES_OF_WRITING)
RULES.update(
    {
        TimelineEntry: visible_requests.kept_to_readers(TimelineEntry.case_id, is_shown=True),
        OpenWait: visible_requests.kept_to_readers(OpenWait.case_id, is_shown=True),
        SystemCall: visible_requests.kept_to_readers(SystemCall.case_id),
        SentMessage: visible_requests.kept_to_readers(SentMessage.case_id),
    }
)
