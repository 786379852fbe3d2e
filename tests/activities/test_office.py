"""The office's desks and the warehouse for colleagues: done once per reference, taken back for good."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from activities.connectors.kit import Patience
from activities.connectors.office import GIVES, Deed, HttpOffice
from activities.kit.calls import CallLog
from tests.sandbox import Sandbox

QUICK = Patience(connect=1, read=0.6, write=1, pool=1, total=1.2)
DETAILS: dict[str, str | int | bool] = {
    "site": "Seoul",
    "software": "figma",
    "course": "safety",
    "amount": 35_000,
}
GIVEN = {
    "workplaces": "Seoul-001", "letters": "HR-000001", "expenses": "PAY-000001", "licences": "figma-00001",
    "courses": "safety-001", "leave": "LV-00001",
}  # fmt: skip


def a_deed(desk: str, reference: str = "E1.0.1", person: str = "HR-1") -> Deed:
    return Deed(desk, reference, person, DETAILS, "E1")


@pytest.fixture
async def office(sandbox: Sandbox, worker_engine: AsyncEngine) -> AsyncIterator[HttpOffice]:
    line = HttpOffice(f"{sandbox.url}/office", sandbox.token, CallLog(worker_engine), QUICK)
    yield line
    await line.close()


def acts(sandbox: Sandbox) -> list[tuple[str, str]]:
    """What really happened, in order."""
    book = sandbox.client.get("/office/control/book").json()
    return [(one["act"], one["reference"]) for one in book["acts"]]


@pytest.mark.parametrize("desk", GIVES)
async def test_every_desk_does_a_thing_once_and_takes_it_back_once(
    sandbox: Sandbox, office: HttpOffice, desk: str
) -> None:
    given = [await office.do(a_deed(desk)) for _ in range(2)]
    for _ in range(2):
        await office.undo(a_deed(desk))

    assert given == [GIVEN[desk]] * 2
    assert acts(sandbox) == [("do", "E1.0.1"), ("undo", "E1.0.1")]


async def test_what_was_taken_back_before_it_came_is_never_done(sandbox: Sandbox, office: HttpOffice) -> None:
    await office.undo(a_deed("expenses"))

    with pytest.raises(ApplicationError) as late:
        await office.do(a_deed("expenses"))

    assert (late.value.type, late.value.non_retryable) == ("TAKEN_BACK", True)
    assert acts(sandbox) == []


async def test_a_leaver_gives_back_what_is_theirs_and_nothing_else(
    sandbox: Sandbox, office: HttpOffice
) -> None:
    for reference, person in (("E1.1", "HR-1"), ("E1.2", "HR-1"), ("E2.1", "HR-2")):
        await office.do(a_deed("licences", reference, person))

    for _ in range(2):
        await office.give_back(Deed("licences", "E9.1", "HR-1", {"software": "figma"}, "E9"))
    await office.give_back(Deed("licences", "E9.2", "HR-2", {"software": "another"}, "E9"))

    assert [one for one in acts(sandbox) if one[0] == "undo"] == [("undo", "E1.1"), ("undo", "E1.2")]


async def test_a_full_desk_says_no(sandbox: Sandbox, office: HttpOffice) -> None:
    sandbox.client.put("/office/control/limits", json={"courses": 1}).raise_for_status()
    await office.do(a_deed("courses", "E1.1"))

    with pytest.raises(ApplicationError) as full:
        await office.do(a_deed("courses", "E1.2"))

    assert full.value.type == "COURSE_FULL"


@pytest.mark.parametrize(
    "fault", ["500_before", "500_after", "timeout_after", "429", "garbage", "reset", "wrong_order"]
)
async def test_whatever_fails_money_is_paid_once_and_comes_back_once(
    sandbox: Sandbox, office: HttpOffice, fault: str
) -> None:
    for operation, act in (("expenses", office.do), ("undo", office.undo)):
        sandbox.fail("office", {"kind": fault, "times": 1, "seconds": 2, "operation": operation})
        with pytest.raises(ApplicationError, match="office gave no clear answer"):
            await act(a_deed("expenses"))
        await act(a_deed("expenses"))

    assert sandbox.fired("office") == {fault: 2}
    assert acts(sandbox) == [("do", "E1.0.1"), ("undo", "E1.0.1")]
