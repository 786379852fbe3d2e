"""Which accounts become an employee's: one with the same address that is nobody else's."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.connectors.hr import ConsoleHr
from activities.staff import PeopleDayActivities, PeopleFeedActivities
from models.customers import Customer
from models.messages.staff import PeopleMoment, Role
from models.staff import Account, Employee
from tests.builders.hr import TODAY

MOMENT = PeopleMoment(datetime.now(UTC).replace(microsecond=0), TODAY)
EMAIL = "person1@ieum.example"


async def test_a_customer_with_a_colleagues_address_stays_a_customer(worker_engine: AsyncEngine) -> None:
    async with AsyncSession(worker_engine) as session:
        session.add(Customer(id="cus", name="x", email=EMAIL, created_at=MOMENT.at))
        await session.flush()
        session.add(
            Account(
                id="acc",
                login=EMAIL,
                name="x",
                roles=[Role.CUSTOMER],
                customer_id="cus",
                created_at=MOMENT.at,
            )
        )
        await session.commit()
    colleague = {
        "kind": "employee", "id": "HR-1", "seq": 1, "name": "x", "email": EMAIL, "starts_on": "2020-01-01",
    }  # fmt: skip
    leaver = {**colleague, "seq": 2, "ends_on": str(TODAY - timedelta(days=1))}
    feed = PeopleFeedActivities(worker_engine, ConsoleHr([(colleague,), (leaver,)]))

    for _ in range(2):
        await ActivityEnvironment().run(feed.take_news, MOMENT)
        await ActivityEnvironment().run(PeopleDayActivities(worker_engine).turn_day, MOMENT)

    async with AsyncSession(worker_engine) as session:
        assert (await session.scalars(select(Employee.account_id))).all() == [None]
        assert (await session.get_one(Account, "acc")).is_active
