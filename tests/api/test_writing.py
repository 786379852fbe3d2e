"""The database itself stops what a person may not write, and lets through what they may."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel, col

from api.kit.desk import DeskAt, session_for
from api.kit.people import ANONYMOUS, Person
from models.billing import Invoice
from models.customers import Customer
from models.field_service import ChecklistTick, PartUse, Visit
from models.kit.timeline import TimelineEntry
from models.payments import PaymentAttempt
from models.staff import Account, PersonalDataAccess, SignedLink, SignInSession
from models.tickets import Attachment, Draft, Ticket, TicketMessage, TicketRating
from tests.builders.company import Company, hashed, token_of
from tests.conftest import Database

NOW = datetime.now(UTC)


def ticket(customer: str, n: int = 900) -> dict[str, Any]:
    return {
        "id": f"T{n}", "submission_key": f"k{n}", "customer_id": customer, "channel": "form", "subject": "s",
        "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip


def message(of: str, kind: str = "inbound", author: str | None = None) -> dict[str, Any]:
    return {
        "id": "m_new", "ticket_id": of, "kind": kind, "channel": "portal", "body": "b", "created_at": NOW,
        "author_id": author,
    }  # fmt: skip


def attempt(invoice: str, status: str = "created") -> dict[str, Any]:
    return {
        "id": f"{invoice}.9", "invoice_id": invoice, "ordinal": 9, "customer_id": "c_one", "payment_key": "k",
        "amount_minor": 1, "status": status, "created_at": NOW,
    }  # fmt: skip


def tick(visit: str) -> dict[str, Any]:
    return {"visit_id": visit, "code": "new", "done_at": NOW, "action_id": "new"}


def rating(of: str) -> dict[str, Any]:
    return {"ticket_id": of, "stars": 1, "created_at": NOW}


def draft(of: str, by: str) -> dict[str, Any]:
    return {"ticket_id": of, "account_id": by, "kind": "note", "body": "b", "updated_at": NOW}


def entry(of: str) -> dict[str, Any]:
    return {
        "key": "new", "subject": "s", "ticket_id": of, "at": NOW, "kind": "step", "actor_kind": "staff",
        "sentence": "s",
    }  # fmt: skip


def seen(by: str) -> dict[str, Any]:
    return {"at": NOW, "actor_id": by, "actor_kind": "staff", "subject_id": "c_one", "action": "a"}


def photo(of: str, visit: str | None) -> dict[str, Any]:
    return {
        "id": "at_new", "ticket_id": of, "visit_id": visit, "name": "n", "media_type": "image/png", "size": 1,
        "sha256": "s", "stored_as": "new", "created_at": NOW,
    }  # fmt: skip


# who, table, row, whether the database lets it in
INSERTS: list[tuple[str, type[SQLModel], dict[str, Any], bool]] = [
    ("customer_own", Ticket, ticket("c_one"), True),
    ("customer_own", Ticket, ticket("c_two"), False),
    ("agent", Ticket, ticket("c_two"), True),
    ("technician_assigned", Ticket, ticket("c_one"), False),
    ("link_follow", Ticket, ticket("c_one"), False),
    ("anonymous", Ticket, ticket("c_one"), False),
    ("employee", Ticket, ticket("c_one"), False),
    ("customer_own", TicketMessage, message("T1"), True),
    ("customer_own", TicketMessage, message("T2"), False),
    ("customer_own", TicketMessage, message("T1", "note"), False),
    ("customer_own", TicketMessage, message("T1", "reply"), False),
    ("customer_own", TicketMessage, message("T1", author="a_agent"), False),
    ("link_follow", TicketMessage, message("T1"), True),
    ("link_follow", TicketMessage, message("T4"), False),
    ("agent", TicketMessage, message("T1", "note", "a_agent"), True),
    ("agent", TicketMessage, message("T2", "note", "a_agent"), False),
    ("finance", TicketMessage, message("T1", "note", "a_finance"), False),
    ("technician_assigned", TicketMessage, message("T1"), False),
    ("customer_own", PaymentAttempt, attempt("I1-1"), True),
    ("customer_own", PaymentAttempt, attempt("I1-1", "succeeded"), False),
    ("customer_own", PaymentAttempt, attempt("I2-1"), False),
    ("link_pay", PaymentAttempt, attempt("I1-1"), True),
    ("link_pay", PaymentAttempt, attempt("I4-1"), False),
    ("technician_assigned", PaymentAttempt, attempt("I1-1"), False),
    ("technician_assigned", ChecklistTick, tick("V1-1"), True),
    ("technician_assigned", ChecklistTick, tick("V4-1"), False),  # that visit is over
    ("technician_assigned", ChecklistTick, tick("V2-1"), False),
    ("partner_own", ChecklistTick, tick("V1-1"), False),
    ("agent", ChecklistTick, tick("V1-1"), False),
    ("technician_assigned", Attachment, photo("T1", "V1-1"), True),
    ("technician_assigned", Attachment, photo("T2", "V1-1"), False),
    ("technician_other", Attachment, photo("T1", "V1-1"), False),
    ("agent", Draft, draft("T5", "a_agent"), True),
    ("agent", Draft, draft("T5", "a_admin"), False),
    ("agent", Draft, draft("T2", "a_agent"), False),
    ("agent", TimelineEntry, entry("T1"), True),
    ("agent", TimelineEntry, entry("T2"), False),
    ("customer_own", TimelineEntry, entry("T2"), False),
    ("agent", PersonalDataAccess, seen("a_agent"), True),
    ("agent", PersonalDataAccess, seen("a_admin"), False),
    ("agent", Account, {"id": "a_new", "login": "n", "name": "n", "created_at": NOW}, False),
    ("admin", Account, {"id": "a_new", "login": "n", "name": "n", "created_at": NOW}, True),
    ("admin", Invoice, {"id": "I9"}, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("who", "model", "row", "is_let_in"),
    INSERTS,
    ids=lambda value: (
        value.__name__ if isinstance(value, type) else str(value) if not isinstance(value, dict) else ""
    ),
)
async def test_who_may_add_what(
    company: Company,
    shared_database: Database,
    walled_engine: AsyncEngine,
    who: str,
    model: type[SQLModel],
    row: dict[str, Any],
    is_let_in: bool,
) -> None:
    defaults = {"created_at": NOW} if "created_at" in model.model_fields else {}
    async with session_for(walled_engine, company.persons[who]) as session:
        # An open attempt or a rating of the sample must not stand in the way.
        add = insert(model).values({**filled(model), **defaults, **row}).inline()
        if is_let_in:
            await session.execute(add)
        else:
            with pytest.raises(DBAPIError, match=r"row-level security|permission denied|of its own ticket"):
                await session.execute(add)
        await session.rollback()


def filled(model: type[SQLModel]) -> dict[str, Any]:
    if model is Invoice:
        return {
            "id": "I9", "number": "9", "ticket_id": "T1", "customer_id": "c_one", "net_minor": 1,
            "tax_minor": 0, "total_minor": 1, "issued_on": NOW.date(), "due_at": NOW,
        }  # fmt: skip
    return {}


@pytest.fixture(scope="module", autouse=True)
async def settled(company: Company, shared_database: Database) -> None:
    """No attempt of the sample is open any more, so that a new one is possible."""
    with psycopg.connect(shared_database.worker_url) as worker:
        worker.execute("update payment_attempts set status = 'refused'")
        worker.execute("delete from ticket_ratings where ticket_id in ('T1', 'T4')")
        worker.execute("delete from ticket_drafts where ticket_id = 'T5'")


@pytest.mark.parametrize(
    ("who", "of", "is_let_in"),
    [
        ("customer_own", "T1", True),
        ("link_rate", "T1", True),
        ("link_rate", "T4", False),
        ("agent", "T1", False),
    ],
)
async def test_only_the_customer_rates(
    company: Company, walled_engine: AsyncEngine, who: str, of: str, is_let_in: bool
) -> None:
    async with session_for(walled_engine, company.persons[who]) as session:
        add = insert(TicketRating).values(rating(of)).inline()
        if is_let_in:
            await session.execute(add)
        else:
            with pytest.raises(DBAPIError, match="row-level security"):
                await session.execute(add)
        await session.rollback()


@pytest.mark.parametrize(
    ("who", "change", "rows"),
    [
        ("customer_own", update(Visit).values(signature="x"), 0),
        ("technician_other", update(Visit).where(col(Visit.id) == "V1-1").values(signature="x"), 0),
        ("technician_assigned", update(Visit).where(col(Visit.id) == "V4-1").values(signature="x"), 0),
        ("technician_assigned", update(Visit).values(signature="x"), 1),
        ("technician_house", update(Visit).values(signature="x"), 1),
        ("agent", update(Customer).values(address="x"), 2),
        ("customer_own", update(Customer).values(address="x"), 1),
        ("link_follow", update(Customer).values(address="x"), 0),
        ("technician_assigned", update(Customer).values(address="x"), 0),
        ("link_rate", update(SignedLink).values(used_at=NOW), 1),
        ("customer_own", update(SignedLink).values(used_at=NOW), 0),
        ("agent", update(Account).values(name="x"), 1),
        ("agent", update(SignInSession).values(revoked_at=NOW), 1),
        ("anonymous", update(Account).values(name="x"), 0),
        ("technician_assigned", update(PartUse).values(quantity=2), 1),
    ],
    ids=str,
)
async def test_who_may_change_how_many_rows(
    company: Company, walled_engine: AsyncEngine, who: str, change: Any, rows: int
) -> None:
    async with session_for(walled_engine, company.persons[who]) as session:
        assert (await session.execute(change)).rowcount == rows
        await session.rollback()


async def test_nobody_gives_themselves_another_role_by_changing_their_account(
    company: Company, walled_engine: AsyncEngine
) -> None:
    async with session_for(walled_engine, company.persons["agent"]) as session:
        with pytest.raises(DBAPIError, match="only an administrator"):
            await session.execute(update(Account).where(col(Account.id) == "a_agent").values(roles=["admin"]))


async def test_the_public_form_stores_a_report_and_sees_nothing(
    company: Company, walled_engine: AsyncEngine
) -> None:
    async with session_for(walled_engine, ANONYMOUS) as session:
        desk = DeskAt(walled_engine, session, ANONYMOUS)
        await desk.take_in()
        known = await session.scalar(text("select intake_customer('+821010000001', '')"))
        by_mail = await session.scalar(text("select intake_customer('', 'xtwo@example.com')"))
        nobody = await session.scalar(text("select intake_customer('', '')"))
        again = await session.scalar(text("select intake_ticket('key1')"))
        session.add(Customer(id="c_new", name="n", phone="+82109", created_at=NOW))
        await session.flush()
        session.add(Ticket(**ticket("c_new", 901)))
        await session.flush()
        session.add(TicketMessage(**message("T901")))
        await session.flush()
        seen = [
            len((await session.execute(text(f"select 1 from {t}"))).all()) for t in ("customers", "tickets")
        ]
        await session.commit()
        after = await session.scalar(text("select intake_customer('+821010000001', '')"))

    assert (known, by_mail, nobody, again) == ("c_one", "c_two", None, "T1")
    assert seen == [0, 0]
    assert after is None


@pytest.mark.parametrize("who", ["anonymous", "customer_own", "technician_assigned", "employee", "link_pay"])
async def test_only_the_public_form_and_the_desk_may_look_a_customer_up(
    company: Company, walled_engine: AsyncEngine, who: str
) -> None:
    async with session_for(walled_engine, company.persons[who]) as session:
        assert await session.scalar(text("select intake_customer('+821010000002', '')")) is None
        assert (await session.execute(text("select * from door_account('agent@example.com')"))).all() == []


async def test_ending_the_sessions_of_somebody_else_ends_nothing(
    company: Company, walled_engine: AsyncEngine
) -> None:
    person: Person = company.persons["agent"]
    async with session_for(walled_engine, person) as session:
        await session.execute(text("select door_forget('a_admin')"))
        found = await session.execute(
            text("select id from door_session(:h)"), {"h": hashed(token_of("admin"))}
        )
        assert found.scalar_one() == "a_admin"
        await session.rollback()
