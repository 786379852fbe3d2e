"""A system does it and its answer is lost: what may have been done is taken back; the naive way leaves it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.messages.employee_requests.requests import CancelRequest, RequestStatus
from tests.builders.items import an_account, an_item
from tests.conftest import Database
from tests.desk import RunningDesk, StandIns
from tests.forgetful import ForgetfulRequestWorkflow
from tests.workflows.requesting import Asking, RequestPost, Systems
from workflows.employee_requests import EmployeeRequestWorkflow
from workflows.kit.options import DIRECTORY_QUEUE, MAIL_QUEUE

SYSTEMS, POST = Systems(), RequestPost()


@pytest.fixture(params=[EmployeeRequestWorkflow, ForgetfulRequestWorkflow])
def life(request: pytest.FixtureRequest) -> type:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def stand_ins(worker_engine: AsyncEngine, life: type) -> StandIns:
    for one in (SYSTEMS, POST):
        one.__init__()  # type: ignore[misc]
    call = SYSTEMS.acts(worker_engine).call
    return StandIns([life], {MAIL_QUEUE: [POST.write], DIRECTORY_QUEUE: [call]})


@pytest.fixture
async def asking(desk: RunningDesk, database: Database) -> Asking:
    asking = Asking(desk, SYSTEMS, POST, database.owner_url)
    await asking.settle_in()
    return asking


async def test_what_was_done_unheard_is_taken_back_and_only_the_naive_way_leaves_it(
    asking: Asking, life: type
) -> None:
    SYSTEMS.directory.is_unheard = True
    await asking.begin(an_item(an_account()))

    async def is_done_there() -> bool:
        return bool(SYSTEMS.directory.accounts)

    await asking.desk.until(is_done_there)
    await asking.say("cancel", CancelRequest("off", "acc_emp_jane", datetime.now(UTC)))

    assert await asking.result() is RequestStatus.CANCELLED
    assert (SYSTEMS.directory.accounts == {}) is (life is EmployeeRequestWorkflow)
