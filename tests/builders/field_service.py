"""A customer with a faulty device, technicians with their week, and visits, as rows and as messages."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import count

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import SQLModel

from models.catalogue import Part, Product
from models.customers import Customer, OwnedProduct
from models.field_service import ChecklistTick, Shift, Technician, Visit
from models.messages.field_service import VisitChange, VisitOrder, VisitStatus
from models.messages.tickets import Channel, ServiceLevel, TicketStatus
from models.tickets import Attachment, Ticket

_numbers = count(200001)
REGION = "seoul-gangnam"
CHECKLIST = [
    {"code": "power", "ko": "전원 확인", "en": "Check the power", "is_required": True},
    {"code": "picture", "ko": "화면 확인", "en": "Check the picture", "is_required": True},
    {"code": "clean", "ko": "청소", "en": "Clean it", "is_required": False},
]


async def store(engine: AsyncEngine, *rows: SQLModel) -> None:
    """Store rows in the order given, so that foreign keys are satisfied."""
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        for row in rows:
            session.add(row)
            await session.flush()


def a_technician(name: str, **changes: object) -> list[SQLModel]:
    """A television repairer of Gangnam who works on weekdays from nine to six."""
    facts = {"skills": ["tv"], "territories": [REGION], "phone": "+821055550000"}
    technician = Technician(id=f"tech_{name}", name=f"기사 {name}", **(facts | changes))  # type: ignore[arg-type]
    return [technician, *a_week(technician.id)]


def a_week(technician_id: str, days: Sequence[int] = range(5)) -> list[Shift]:
    return [Shift(technician_id=technician_id, weekday=day, starts=time(9), ends=time(18)) for day in days]


async def a_faulty_device(engine: AsyncEngine, *technicians: str) -> VisitOrder:
    """Store a customer, a television, its ticket and technicians; answer with the visit's order."""
    number = next(_numbers)
    now = datetime.now(UTC)
    people = [row for name in technicians for row in a_technician(name)]
    await store(
        engine,
        Product(id=f"prod_{number}", sku=f"TV-{number}", name_ko="텔레비전", name_en="Television",
                category="tv", labour_minor=33_000, call_out_minor=22_000, checklist=CHECKLIST),
        Part(id=f"part_{number}", sku=f"P-{number}", name_ko="전원 보드", name_en="Power board",
             category="tv", price_minor=44_000),
        Customer(id=f"cus_{number}", name="김민아", phone=f"+8210{number:08d}", region=REGION,
                 address="서울 강남구 테헤란로 1", created_at=now),
        OwnedProduct(id=f"own_{number}", customer_id=f"cus_{number}", product_id=f"prod_{number}",
                     serial=f"S{number}", region=REGION),
        Ticket(id=f"T{number}", submission_key=f"key-{number}", customer_id=f"cus_{number}",
               owned_product_id=f"own_{number}", channel=Channel.PORTAL, subject="화면이 안 나와요",
               status=TicketStatus.DISPATCHED, created_at=now, updated_at=now),
        *people,
    )  # fmt: skip
    level = ServiceLevel(offer_minutes=30, slot_hours=24)
    return VisitOrder(f"V{number}-1", f"T{number}", f"cus_{number}", level)


async def another_ticket(engine: AsyncEngine, order: VisitOrder) -> VisitOrder:
    """A second ticket and visit of the same customer and device."""
    number = next(_numbers)
    now = datetime.now(UTC)
    ticket = Ticket(
        id=f"T{number}", submission_key=f"key-{number}", customer_id=order.customer_id,
        owned_product_id=f"own_{order.ticket_id[1:]}", channel=Channel.PORTAL, subject="소리도 안 나와요",
        status=TicketStatus.DISPATCHED, created_at=now, updated_at=now,
    )  # fmt: skip
    await store(engine, ticket)
    return replace(order, visit_id=f"V{number}-1", ticket_id=ticket.id)


async def a_visit(engine: AsyncEngine, order: VisitOrder, **changes: object) -> Visit:
    """A visit as a row, searching unless said otherwise."""
    facts = {"status": VisitStatus.SEARCHING, "created_at": datetime.now(UTC)}
    visit = Visit(
        id=order.visit_id, ticket_id=order.ticket_id, customer_id=order.customer_id,
        **(facts | changes),  # type: ignore[arg-type]
    )  # fmt: skip
    await store(engine, visit)
    return visit


def a_change(order: VisitOrder, seq: int, status: VisitStatus, sentence: str, **facts: object) -> VisitChange:
    """One step of a visit as its workflow would have it recorded."""
    said = {"at": datetime(2026, 11, 23, 1, tzinfo=UTC)} | facts
    return VisitChange(
        visit_id=order.visit_id, ticket_id=order.ticket_id, seq=seq, status=status, sentence=sentence,
        **said,  # type: ignore[arg-type]
    )  # fmt: skip


async def the_evidence(
    engine: AsyncEngine,
    order: VisitOrder,
    *,
    slots: Sequence[str] = ("before", "after"),
    codes: Sequence[str] = ("power", "picture"),
    signature: str | None = "M1 1L2 2",
) -> None:
    """What a technician leaves behind: ticks, photos and the customer's signature."""
    now = datetime.now(UTC)
    ticks = [
        ChecklistTick(visit_id=order.visit_id, code=code, done_at=now, action_id=f"{order.visit_id}:{code}")
        for code in codes
    ]
    photos = [
        Attachment(id=f"att_{order.visit_id}_{slot}", ticket_id=order.ticket_id, visit_id=order.visit_id,
                   slot=slot, name="photo.jpg", media_type="image/jpeg", size=1, sha256="0" * 64,
                   stored_as=f"{order.visit_id}-{slot}", created_at=now)
        for slot in slots
    ]  # fmt: skip
    await store(engine, *ticks, *photos)
    async with AsyncSession(engine) as session, session.begin():
        visit = await session.get_one(Visit, order.visit_id)
        visit.signature, visit.signer = signature, "김민아"


def next_monday(at: datetime) -> datetime:
    """Ten o'clock in Seoul on the Monday after next, in UTC."""
    day = (at + timedelta(hours=9)).date()
    monday = day + timedelta(days=7 - day.weekday())
    return datetime.combine(monday, time(1), UTC)
