"""Colleagues and delegations: who is shown, who may hand over to whom, and for which days."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.staff.colleagues import today
from tests.api.web import Web


def a_wish(n: int = 1, **changes: str) -> dict[str, str]:
    usual = {
        "command_id": f"c{n}", "colleague": "e_other@example.com", "from_on": str(today()),
        "until_on": str(today() + timedelta(days=3)),
    }  # fmt: skip
    return usual | changes


async def test_colleagues_see_who_is_who_and_nothing_private(web: Web) -> None:
    for who in ("employee", "agent", "admin"):
        page = (await web.get("/people", who=who)).text

        assert "e_two@example.com" in page
        assert "2099" not in page  # who will leave, and when, is not everybody's business
        assert "2020-01-02" not in page


@pytest.mark.parametrize("who", ["customer_own", "technician_assigned", "partner_own", "anonymous"])
async def test_nobody_else_sees_who_works_here(web: Web, who: str) -> None:
    for address in ("/people", "/people/delegations"):
        assert (await web.get(address, who=who)).status_code in (303, 403, 404)


async def test_the_list_is_narrowed_by_words_and_a_wildcard_is_a_letter(web: Web) -> None:
    fragment = {"HX-Request": "true", "HX-Target": "colleague_list"}

    async def seen(words: str) -> str:
        answer = await web.post("/people/search", headers=fragment, who="employee", data={"q": words})
        return answer.text

    found, nobody = await seen("e_two"), await seen("%")

    assert "e_two@example.com" in found
    assert "e_other@example.com" not in found
    assert "e_two@example.com" not in nobody


async def test_an_employee_hands_over_and_takes_it_back(own_web: Web, worker_engine: AsyncEngine) -> None:
    answers = [
        await own_web.post("/people/delegations", who="employee", data=a_wish(7)) for _ in range(2)
    ]  # a double click

    assert {answer.status_code for answer in answers} <= {201, 303}
    async with worker_engine.connect() as connection:
        query = (
            "select id, from_employee_id, to_employee_id, revoked_at from delegations where id like 'dlg_%'"
        )
        (row,) = (await connection.execute(text(query))).all()
        audit = text("select count(*) from audit_entries where action = 'delegated'")
        noted = (await connection.execute(audit)).scalar_one()
    assert (row.from_employee_id, row.to_employee_id, row.revoked_at) == ("e_one", "e_other", None)
    assert noted >= 1
    assert (await own_web.post(f"/people/delegations/{row.id}/end", who="agent", data={})).status_code == 404
    assert (await own_web.post(f"/people/delegations/{row.id}/end", who="admin", data={})).status_code == 404

    await own_web.post(f"/people/delegations/{row.id}/end", who="employee", data={})

    async with worker_engine.connect() as connection:
        ended = (await connection.execute(text(query))).one().revoked_at
    assert ended is not None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"colleague": "e_one@example.com"}, "colleague"),  # oneself
        ({"colleague": "nobody@example.com"}, "colleague"),
        ({"colleague": "not an address"}, "colleague"),
        ({"until_on": str(today() - timedelta(days=1))}, "until_on"),
        ({"until_on": str(today() + timedelta(days=400))}, "until_on"),
        ({"from_on": str(today() + timedelta(days=9))}, "until_on"),
        ({"until_on": "soon"}, "until_on"),
    ],
)
async def test_what_is_wrong_stands_at_its_field_and_nothing_is_stored(
    web: Web, worker_engine: AsyncEngine, changes: dict[str, str], field: str
) -> None:
    answer = await web.post("/people/delegations", who="employee", data=a_wish(8, **changes))

    assert answer.status_code == 422
    assert f'id="e_{field}"' in answer.text


async def test_whoever_is_no_employee_has_nothing_to_hand_over(web: Web) -> None:
    answer = await web.post("/people/delegations", who="dispatcher", data=a_wish(9))

    assert answer.status_code == 409
