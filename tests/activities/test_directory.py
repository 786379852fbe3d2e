"""Accounts by SCIM 2.0, against the independent scim2-server over real HTTP, and when its network fails."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError

from activities.connectors.directory import Holder, ScimDirectory
from activities.connectors.kit import Asked, Patience
from activities.kit.calls import CallLog
from models.messages.systems import CallResult
from ops.postgres import free_port
from tests.sandbox import Sandbox

QUICK = Patience(connect=1, read=0.6, write=1, pool=1, total=1.2)
HANA = Holder("HR-1", "hana@ieum.example", "김하나")
DURI = Holder("HR-2", "duri@ieum.example", "이두리")
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


@dataclass
class Server:
    """A SCIM server and what it really holds, asked past our connector."""

    url: str
    token: str
    client: httpx.Client

    def all(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get(f"/{kind}").json().get("Resources", [])
        return found

    def users(self) -> dict[str, bool]:
        """Who has an account, and whether it is open."""
        return {one["userName"]: one.get("active", True) for one in self.all("Users")}

    def members(self, group: str) -> list[str]:
        found = next(one for one in self.all("Groups") if one["displayName"] == group)
        return [one["value"] for one in found.get("members", [])]

    def make(self, kind: str, **facts: Any) -> None:
        headers = {"content-type": "application/scim+json"}
        self.client.post(f"/{kind}", json=facts, headers=headers).raise_for_status()


@pytest.fixture(scope="module")
def independent() -> Iterator[Server]:
    """The command `scim2-server` as its makers ship it, in a process of its own."""
    port, token = free_port(), "a token of its own"
    command = [
        sys.executable,
        "-m",
        "scim2_server.testserver.cli",
        "--port",
        str(port),
        "--bearer-token",
        token,
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    headers, url = {"authorization": f"Bearer {token}"}, f"http://127.0.0.1:{port}/v2"
    with httpx.Client(base_url=url, headers=headers, timeout=10, trust_env=False) as client:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            assert process.poll() is None
            try:
                client.get("/ServiceProviderConfig").raise_for_status()
                break
            except httpx.TransportError:
                time.sleep(0.05)
        server = Server(url, token, client)
        server.make("Groups", schemas=[GROUP], displayName="sales")
        yield server
    process.terminate()
    process.wait(20)


@pytest.fixture
async def directory(independent: Server, worker_engine: AsyncEngine) -> AsyncIterator[ScimDirectory]:
    for one in independent.all("Users"):
        independent.client.delete(f"/Users/{one['id']}").raise_for_status()
    line = ScimDirectory(independent.url, independent.token, CallLog(worker_engine), QUICK)
    yield line
    await line.close()


async def test_an_account_is_made_once_however_often_it_is_asked_for(
    directory: ScimDirectory, independent: Server
) -> None:
    first = await directory.create_account(HANA, "E1.2", "E1")
    again = await directory.create_account(HANA, "E1.2", "E1")

    assert first == again
    (made,) = independent.all("Users")
    assert (made["externalId"], made["userName"], made["displayName"]) == ("HR-1", HANA.email, HANA.name)
    assert independent.users() == {HANA.email: True}


async def test_an_account_with_everything_that_hangs_on_it(
    directory: ScimDirectory, independent: Server
) -> None:
    account = await directory.create_account(HANA, "E1.2", "E1")

    for _ in range(2):
        await directory.set_member(HANA, "sales", True, "E1.3", "E1")
    assert independent.members("sales") == [account]
    for _ in range(2):
        await directory.set_active(HANA, False, "E1.4", "E1")
    assert independent.users() == {HANA.email: False}
    await directory.set_active(HANA, True, "E1.5", "E1")
    assert independent.users() == {HANA.email: True}
    for _ in range(2):
        await directory.set_member(HANA, "sales", False, "E1.6", "E1")
    assert independent.members("sales") == []
    for _ in range(2):
        await directory.remove_account(HANA, "E1.2", "E1")
    assert independent.users() == {}


async def test_undoing_takes_back_only_what_was_made_for_it(
    directory: ScimDirectory, independent: Server
) -> None:
    independent.make("Users", schemas=[USER], userName=HANA.email, externalId="HR-1", active=False)

    await directory.create_account(HANA, "E1.2", "E1")  # comes back: the old account is opened again
    assert independent.users() == {HANA.email: True}
    await directory.remove_account(HANA, "E1.2", "E1")

    assert independent.users() == {HANA.email: True}


@pytest.mark.parametrize(
    ("code", "act"),
    [
        ("USER_NAME_TAKEN", lambda d: d.create_account(Holder("HR-9", HANA.email, "x"), "E9.1", "E9")),
        ("ACCOUNT_UNKNOWN", lambda d: d.set_active(DURI, True, "E9.1", "E9")),
        ("ACCOUNT_UNKNOWN", lambda d: d.set_member(DURI, "sales", True, "E9.1", "E9")),
        ("GROUP_UNKNOWN", lambda d: d.set_member(HANA, "no such", True, "E9.1", "E9")),
    ],
)
async def test_a_definite_no_is_not_asked_again(directory: ScimDirectory, code: str, act: Any) -> None:
    await directory.create_account(HANA, "E1.2", "E1")

    with pytest.raises(ApplicationError) as said:
        await act(directory)

    assert (said.value.type, said.value.non_retryable) == (code, True)


async def test_whoever_has_no_account_needs_none_locked(directory: ScimDirectory) -> None:
    await directory.set_active(DURI, False, "E1.1", "E1")
    await directory.set_member(DURI, "sales", False, "E1.2", "E1")


@pytest.mark.parametrize("name", ['a"b', "a\\b", 'x" or userName pr or externalId eq "', "김"])
async def test_what_somebody_is_called_is_never_part_of_the_filter(
    directory: ScimDirectory, independent: Server, name: str
) -> None:
    independent.make("Users", schemas=[USER], userName="other@ieum.example", externalId="HR-7")
    holder = Holder(name, HANA.email, "x")

    await directory.create_account(holder, "E1.2", "E1")
    await directory.set_active(holder, False, "E1.3", "E1")

    assert {one["externalId"]: one.get("active") for one in independent.all("Users")} == {
        "HR-7": None, name: False,
    }  # fmt: skip


@pytest.fixture
async def failing(
    sandbox: Sandbox, worker_engine: AsyncEngine
) -> AsyncIterator[tuple[ScimDirectory, Server]]:
    """The same server behind a network that can be told to fail."""
    url, headers = f"{sandbox.url}/directory/scim/v2", {"authorization": f"Bearer {sandbox.token}"}
    line = ScimDirectory(url, sandbox.token, CallLog(worker_engine), QUICK)
    with httpx.Client(base_url=url, headers=headers, timeout=10, trust_env=False) as client:
        yield line, Server(url, sandbox.token, client)
    await line.close()


FAULTS = [
    "500_before",
    "500_after",
    "timeout_before",
    "timeout_after",
    "429",
    "garbage",
    "reset",
    "duplicate",
]


async def until_clear(act: Any) -> int:
    """Ask again as Temporal would; how often it took."""
    for tries in range(1, 6):
        try:
            await act()
            return tries
        except ApplicationError as unclear:
            if unclear.non_retryable:
                raise
    raise AssertionError("never clear")


@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_fails_there_is_one_account_and_one_membership(
    failing: tuple[ScimDirectory, Server], sandbox: Sandbox, fault: str
) -> None:
    directory, server = failing
    for operation in ("post_user", "patch_group"):
        sandbox.fail("directory", {"kind": fault, "times": 1, "seconds": 2, "operation": operation})
        if operation == "post_user":
            tries = await until_clear(lambda: directory.create_account(HANA, "E1.2", "E1"))
            assert tries == (1 if fault == "duplicate" else 2)
        else:
            await until_clear(lambda: directory.set_member(HANA, "sales", True, "E1.3", "E1"))

    assert sandbox.fired("directory") == {fault: 2}
    assert server.users() == {HANA.email: True}
    assert len(server.members("sales")) == 1


@pytest.mark.parametrize("fault", ["500_after", "timeout_after"])
async def test_undoing_what_failed_after_acting_takes_it_back(
    failing: tuple[ScimDirectory, Server], sandbox: Sandbox, fault: str
) -> None:
    directory, server = failing
    sandbox.fail("directory", {"kind": fault, "times": 1, "seconds": 2, "operation": "post_user"})
    with pytest.raises(ApplicationError):
        await directory.create_account(HANA, "E1.2", "E1")
    assert server.users() == {HANA.email: True}

    sandbox.fail("directory", {"kind": fault, "times": 1, "seconds": 2, "operation": "delete_user"})
    await until_clear(lambda: directory.remove_account(HANA, "E1.2", "E1"))

    assert server.users() == {}


class NaiveDirectory(ScimDirectory):
    """Asks without looking, with what the name server calls unique left to chance, as a first draft would."""

    async def create_naively(self, holder: Holder, attempt: int) -> None:
        name = holder.email if attempt == 1 else holder.email.replace("@", f"{attempt}@")
        body = {"schemas": [USER], "userName": name, "externalId": holder.hr_id}
        heard = await self.line.ask(
            Asked("create_account", "POST", "/Users", "k", body), lambda _: _result(_.status)
        )
        if heard.status != 201:
            raise ApplicationError("try again")


def _result(status: int | None) -> Any:
    return CallResult.OK if status == 201 else CallResult.FAILED


async def test_asked_without_looking_there_would_be_two_accounts(
    sandbox: Sandbox, failing: tuple[ScimDirectory, Server], worker_engine: AsyncEngine
) -> None:
    """The naive variant: the fault that the house survives leaves somebody with two accounts."""
    _, server = failing
    naive = NaiveDirectory(server.url, server.token, CallLog(worker_engine), QUICK)
    sandbox.fail("directory", {"kind": "timeout_after", "times": 1, "seconds": 2, "operation": "post_user"})

    with pytest.raises(ApplicationError):
        await naive.create_naively(HANA, 1)
    await naive.create_naively(HANA, 2)

    assert len(server.users()) == 2
    await naive.close()
