"""An administrator looks at very many leavers and accepts them; nobody else does."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from models.staff import AuditEntry, LeaverAcceptance, PeopleFeed
from tests.api.test_employee_requests import JSON
from tests.api.web import Web
from tests.builders.company import NOW

PAGE = "/people/leavers"


@pytest.fixture
async def held(own_web: Web, worker_engine: AsyncEngine) -> Web:
    async with AsyncSession(worker_engine) as session, session.begin():
        await session.execute(delete(LeaverAcceptance))
        facts = {"held_at": NOW - timedelta(minutes=5), "held_leavers": 41}
        await session.execute(update(PeopleFeed).values(**facts))
    return own_web


async def test_what_is_held_back_is_shown_and_accepted_once(held: Web, worker_engine: AsyncEngine) -> None:
    page = await held.get(PAGE, who="admin")
    assert page.status_code == 200
    assert "41" in page.text
    assert PAGE in (await held.get("/people", who="admin")).text
    assert PAGE not in (await held.get("/people", who="employee")).text

    other = await held.post(PAGE, who="admin", headers=JSON, data={"command_id": "word0", "leavers": "40"})
    assert other.json()["code"] == "changed_meanwhile"
    for _ in range(2):
        sent = {"command_id": "word1", "leavers": "41"}
        assert (await held.post(PAGE, who="admin", headers=JSON, data=sent)).status_code == 200

    async with AsyncSession(worker_engine) as session:
        [word] = (await session.scalars(select(LeaverAcceptance))).all()
        asked = select(AuditEntry).where(AuditEntry.action == "people.leavers.accepted")  # type: ignore[arg-type]
        assert len((await session.scalars(asked)).all()) == 1
    assert (word.leavers, word.accepted_by) == (41, "a_admin")


async def test_nothing_held_back_needs_no_word(own_web: Web) -> None:
    sent = {"command_id": "word2", "leavers": "0"}
    answer = await own_web.post(PAGE, who="admin", headers=JSON, data=sent)
    assert answer.json()["code"] == "already_over"


@pytest.mark.parametrize("who", ["agent", "finance", "employee", "customer_own"])
async def test_only_administrators_decide(held: Web, worker_engine: AsyncEngine, who: str) -> None:
    assert (await held.get(PAGE, who=who)).status_code in (403, 404)
    sent = {"command_id": "word3", "leavers": "41"}
    assert (await held.post(PAGE, who=who, data=sent)).status_code in (403, 404)
    async with AsyncSession(worker_engine) as session:
        assert (await session.scalars(select(LeaverAcceptance))).all() == []
