"""One running house for all journeys of a test run, and somebody who plays every part in it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import psycopg
import pytest

from ops.walk import Walker
from tests.faults.site import Site
from tests.faults.stories import Story, walk

# What must be found nowhere but in the tables: who somebody is, and what people wrote to each other.
PERSON = {
    "name": "카나리아이름", "phone": "+821077654321", "email": "canary.person@example.com",
    "address": "서울 강남구 카나리아길 77 901호", "phone_as_given": "010-7765-4321",
}  # fmt: skip
TEXTS = {
    "subject": "고장 journey-0", "description": "화면이 나오지 않습니다.", "note": "부품을 교체했습니다.",
    "rating": "카나리아 별점 말씀", "reply": "카나리아 답변 말씀", "inside": "카나리아 내부 메모",
    "reason": "카나리아 열람 사유",
}  # fmt: skip


@dataclass
class Walked:
    """A house in which one journey was walked from the fault to the paid invoice."""

    site: Site
    walker: Walker
    ticket: str

    def ask(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Rows as the database's administrator sees them."""
        with psycopg.connect(self.site.admin_url) as admin:
            return admin.execute(statement, values).fetchall()


@pytest.fixture(scope="session")
async def walked() -> AsyncIterator[Walked]:
    """The house with a journey behind it; the customer, and all that is written, can be recognised."""
    site = Site(extra={"LOG_LEVEL": "debug"})
    walker = None
    try:
        await site.start()
        with psycopg.connect(site.admin_url) as admin:
            names = ", ".join(f"{name} = %s" for name in PERSON)
            admin.execute(f"update customers set {names} where id = 'cus_f0'", tuple(PERSON.values()))
        walker = site.walker(60)
        ticket = await walk(walker, Story(0, "paid", 0, "journey"))
        await walker.rate(ticket, 4, TEXTS["rating"])
        other = await walker.report(
            submission_key="journey-other", customer_id="cus_f0", subject="x", description="y"
        )
        await walker.until(other, "open")
        await walker.command(other, "replies", kind="reply", body=TEXTS["reply"])
        await walker.command(other, "notes", kind="note", body=TEXTS["inside"])
        await walker.ask("agent", "POST", "/customers/cus_f0/disclosure", data={"purpose": TEXTS["reason"]})
        yield Walked(site, walker, ticket)
    finally:
        if walker is not None:
            await walker.close()
        site.stop()
