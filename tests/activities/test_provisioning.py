"""The service that switches: over real HTTP, once per key, and a late word never undoes a later one."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from activities.connectors.kit import Patience
from activities.connectors.provisioning import HttpService
from activities.kit.calls import CallLog
from tests.sandbox import Sandbox

QUICK = Patience(connect=1, read=0.6, write=1, pool=1, total=1.2)


def states(sandbox: Sandbox) -> dict[str, str]:
    book = sandbox.client.get("/service/control/book").json()
    return {one["reference"]: one["state"] for one in book["switched"]}


async def test_a_late_word_never_undoes_a_later_one(sandbox: Sandbox, worker_engine: AsyncEngine) -> None:
    service = HttpService(f"{sandbox.url}/service", sandbox.token, CallLog(worker_engine), QUICK)

    await service.switch("S1-1", is_on=False, version=1, key="d1:off", case="D1")
    assert states(sandbox) == {"S1-1": "off"}
    await service.switch("S1-1", is_on=True, version=3, key="d1:on", case="D1")
    await service.switch("S1-1", is_on=False, version=2, key="d1:late", case="D1")

    assert states(sandbox) == {"S1-1": "on"}
    await service.close()


@pytest.mark.parametrize("fault", ["500_before", "500_after", "timeout_after", "garbage", "reset"])
async def test_whatever_goes_wrong_asking_again_switches_once(
    sandbox: Sandbox, worker_engine: AsyncEngine, fault: str
) -> None:
    service = HttpService(f"{sandbox.url}/service", sandbox.token, CallLog(worker_engine), QUICK)
    sandbox.fail("service", {"kind": fault, "times": 1, "seconds": 2})

    with pytest.raises(ApplicationError):
        await service.switch("S1-1", is_on=False, version=1, key="d1:off", case="D1")
    await service.switch("S1-1", is_on=False, version=1, key="d1:off", case="D1")

    assert sandbox.fired("service") == {fault: 1}
    assert states(sandbox) == {"S1-1": "off"}
    assert len(sandbox.client.get("/service/control/book").json()["switchings"]) == 1
    await service.close()
