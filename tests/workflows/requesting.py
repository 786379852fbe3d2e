"""Requests in a running house: a company of colleagues, items, systems that do as they are told."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col
from temporalio import activity
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities.connectors.directory import ConsoleDirectory, Holder
from activities.connectors.office import ConsoleOffice
from activities.connectors.stock import ConsoleStock
from activities.employee_requests import CallActivities
from activities.kit.transactions import transaction
from models.employee_requests import EmployeeRequest
from models.employee_requests.items import RequestItem, RequestItemVersion
from models.kit.engine import engine_for
from models.kit.ids import employee_request_id
from models.kit.outbox import announce_signal, announce_start
from models.kit.records import to_record
from models.messages.catalogue import VersionStatus
from models.messages.employee_requests.items import Item
from models.messages.employee_requests.requests import (
    Decision,
    FinishTask,
    RequestOrder,
    RequestState,
    RequestStatus,
    Verdict,
    request_workflow_id,
)
from models.messages.letters import Delivery, Letter
from models.messages.staff import EmployeeStatus
from models.staff import Account, CostCentre, Employee, Team
from tests.desk import PATIENCE, RunningDesk

_commands = count(1)
# id: manager
LINE = {
    "emp_boss": None, "emp_chief": "emp_boss", "emp_jane": "emp_chief", "emp_peer": "emp_chief",
    "emp_money": "emp_boss", "emp_new": "emp_chief",
}  # fmt: skip
TEAMS = ("tm_hr", "tm_it", "tm_finance", "tm_legal", "tm_workplace", "tm_purchasing")


def employee(id: str, manager: str | None, starts_on: date = date(2020, 1, 2)) -> Employee:
    """A colleague; the new one has no account yet."""
    has_account = id != "emp_new"
    return Employee(
        id=id, hr_id=f"HR-{id}", account_id=f"acc_{id}" if has_account else None, 
        name=f"Name {id[4:].title()}",
        email=f"{id}@example.test", department="Sales", title="Staff", site="seoul", cost_centre="CC1",
        manager_hr_id=f"HR-{manager}" if manager else "", manager_id=manager, starts_on=starts_on,
        status=EmployeeStatus.ACTIVE, seen_seq=1,
    )  # fmt: skip


def rows(at: datetime) -> Sequence[Sequence[Any]]:
    """Teams, then accounts, then people from the top down."""
    accounts = [
        Account(id=f"acc_{id}", login=f"{id}@example.test", name=f"Name {id[4:].title()}", roles=["employee"],
                created_at=at)
        for id in LINE if id != "emp_new"
    ]  # fmt: skip
    workers = [
        Account(id=f"acc_{team[3:]}", login=f"{team}@example.test", name=f"Team {team[3:].title()}",
                roles=["employee"], team_id=team, created_at=at)
        for team in TEAMS
    ]  # fmt: skip
    people = [[employee(id, manager)] for id, manager in LINE.items()]
    centre = [CostCentre(id="CC1", name="Sales", owner_hr_id="HR-emp_money", owner_id="emp_money")]
    return [[Team(id=one, name_ko="팀", name_en=one) for one in TEAMS], accounts + workers, *people, centre]


@dataclass
class Moody(ConsoleDirectory):
    """A directory that is away for so many calls, or says no for good."""

    away: int = 0
    retry_after: timedelta | None = None  # what it says while it is away
    refuses: bool = False
    keeps: bool = False  # refuses to take back
    is_unheard: bool = False  # does it, and its answer is lost
    calls: int = 0

    async def create_account(self, holder: Holder, reference: str, case: str) -> str:
        self.calls += 1
        if self.away:
            self.away -= 1
            raise ApplicationError(
                "the directory is away", type="directory_unclear", next_retry_delay=self.retry_after
            )
        if self.refuses:
            raise ApplicationError("the directory refuses", type="USER_NAME_TAKEN", non_retryable=True)
        made = await super().create_account(holder, reference, case)
        if self.is_unheard:
            raise ApplicationError("the directory's answer is lost", type="directory_unclear")
        return made

    async def remove_account(self, holder: Holder, reference: str, case: str) -> None:
        if self.keeps:
            raise ApplicationError("the directory refuses", type="NOT_YOURS", non_retryable=True)
        await super().remove_account(holder, reference, case)


@dataclass
class RequestPost:
    """Takes every letter about a request and remembers it."""

    sent: list[Letter] = field(default_factory=list)
    is_broken: bool = False

    @activity.defn(name="employee_requests.write")
    async def write(self, letter: Letter) -> Delivery:
        """Remember once per key. Safe to repeat: the key decides."""
        if self.is_broken:
            raise ApplicationError("the mail system is away", non_retryable=True)
        if letter.key not in [before.key for before in self.sent]:
            self.sent.append(letter)
        return Delivery.MAIL

    def names(self) -> list[str]:
        return [letter.template.partition("/")[2] for letter in self.sent]


@dataclass
class Systems:
    """Every outside system of a test."""

    directory: Moody = field(default_factory=Moody)
    office: ConsoleOffice = field(default_factory=ConsoleOffice)
    stock: ConsoleStock = field(default_factory=ConsoleStock)

    def acts(self, engine: AsyncEngine) -> CallActivities:
        return CallActivities(engine, self.directory, self.office, self.stock)


async def publish(owner_url: str, item: Item, version: int = 1) -> None:
    """A version that was written by one and reviewed by another; an older one is retired."""
    engine = engine_for(owner_url, pool_size=1, application="test")
    at = datetime.now(UTC)
    async with transaction(engine) as session:
        if await session.get(RequestItem, item.key) is None:
            first = RequestItem(key=item.key, owner_team=item.owner_team, created_by="acc_jo", created_at=at)
            session.add(first)
            await session.flush()
        retired = update(RequestItemVersion).where(
            col(RequestItemVersion.item_key) == item.key,
            col(RequestItemVersion.status) == VersionStatus.PUBLISHED,
        )
        await session.execute(retired.values(status=VersionStatus.RETIRED, retired_at=at))
        definition = to_record(item)
        session.add(
            RequestItemVersion(
                item_key=item.key, version=version, status=VersionStatus.PUBLISHED, text="",
                definition=definition, checksum=sha256(repr(definition).encode()).hexdigest(),
                writers=["acc_jo"], reviewer_id="acc_kim", created_at=at, written_at=at, published_at=at,
            )
        )  # fmt: skip
    await engine.dispose()


async def born(
    engine: AsyncEngine, item: Item, version: int = 1, by: str = "acc_emp_jane", of: str = "emp_jane",
    longest_history: int = 2_000, **answers: Any,
) -> str:  # fmt: skip
    """A row and its outbox row, as the api makes them."""
    id, at = employee_request_id(), datetime.now(UTC)
    async with transaction(engine) as session:
        session.add(
            EmployeeRequest(
                id=id, submission_key=id, item_key=item.key, item_version=version, asked_by=by or None,
                for_employee_id=of, status=RequestStatus.OPEN, is_confidential=item.is_confidential,
                answers=answers, owner_team_id=item.owner_team, created_at=at, updated_at=at,
            )
        )  # fmt: skip
        await session.flush()
        order = RequestOrder(
            id, item.key, version, by, of, at, item.is_confidential, longest_history=longest_history
        )
        await announce_start(
            session, "EmployeeRequest", request_workflow_id(id), order, summary=f"Request {id}"
        )
    return id


@dataclass
class Asking:
    """Starts requests, says things to them, moves their clocks, reads what they left."""

    desk: RunningDesk
    systems: Systems
    post: RequestPost
    owner_url: str
    id: str = ""

    async def settle_in(self) -> None:
        for group in rows(datetime.now(UTC)):
            async with transaction(self.desk.engine) as session:
                session.add_all(group)

    async def publish(self, item: Item, version: int = 1) -> None:
        await publish(self.owner_url, item, version)

    async def born(self, item: Item, version: int = 1, **facts: Any) -> str:
        return await born(self.desk.engine, item, version, **facts)

    async def begin(self, item: Item, until: str = "opened", **facts: Any) -> str:
        """Publish, ask, and wait until the story says so."""
        await self.publish(item)
        with self.desk.environment.with_time_skipping_disabled():  # its clock moves when the test says so
            self.id = await self.born(item, **facts)
            await self.until_story(until)
        return self.id

    async def born_of_news(self) -> str:
        """The one request that nobody asked for, once it is born."""
        found: list[Any] = []

        async def is_born() -> bool:
            found[:] = await self.desk.rows("select id, asked_by from employee_requests")
            return bool(found)

        await self.desk.until(is_born)
        [row] = found
        assert row.asked_by is None
        return str(row.id)

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.desk.client.get_workflow_handle(request_workflow_id(self.id), result_type=RequestStatus)

    async def state(self) -> RequestState:
        return await self.handle.query("status", result_type=RequestState)

    async def now(self) -> datetime:
        return await self.handle.query("now", result_type=datetime)

    async def pass_time(self, until: datetime | None = None, **duration: float) -> None:
        left = timedelta(**duration)
        if until is not None:
            left = max(until - await self.now(), timedelta()) + timedelta(seconds=1)
        try:
            await asyncio.wait_for(self.desk.environment.fast_forward(self.handle, left), PATIENCE)
        except RPCError as error:
            if "already completed" not in error.message:  # it ended while its clock was moved
                raise

    async def say(self, update: str, command: Any) -> RequestStatus:
        saying = self.handle.execute_update(update, command, id=command.id, result_type=RequestStatus)
        return await asyncio.wait_for(saying, self.desk.patience)

    async def refusal(self, update: str, command: Any) -> str:
        try:
            await self.say(update, command)
        except WorkflowUpdateFailedError as failure:
            return str(failure.cause.type) if isinstance(failure.cause, ApplicationError) else "failed"
        return ""

    async def tell(self, signal: str, fact: Any, key: str = "") -> None:
        """A fact, through the outbox."""
        async with transaction(self.desk.engine) as session:
            await announce_signal(
                session, request_workflow_id(self.id), signal, fact, key=key or f"fact-{next(_commands)}"
            )

    def decision(
        self, by: str, verdict: Verdict = Verdict.APPROVE, path: str = "0", **facts: Any
    ) -> Decision:
        position = facts.pop("position", 0)
        approval = facts.pop("approval_id", f"{self.id}.{path}.{position}")
        return Decision(
            f"c{next(_commands)}", f"acc_{by}", datetime.now(UTC), approval_id=approval, employee_id=by,
            verdict=verdict, **facts,
        )  # fmt: skip

    async def decide(
        self, by: str, verdict: Verdict = Verdict.APPROVE, path: str = "0", **facts: Any
    ) -> None:
        await self.say("decide", self.decision(by, verdict, path, **facts))

    async def finish(self, path: str, by: str = "acc_it", suffix: str = "") -> None:
        finish = FinishTask(f"c{next(_commands)}", by, datetime.now(UTC), task_id=f"{self.id}.{path}{suffix}")
        await self.say("finish_task", finish)

    async def story(self) -> list[str]:
        asked = "select sentence from timeline_entries where subject = :subject order by id"
        found = await self.desk.rows(asked, subject=request_workflow_id(self.id))
        return [row.sentence.removeprefix("employee_requests.") for row in found]

    async def until_story(self, sentence: str, times: int = 1) -> None:
        async def is_told() -> bool:
            return (await self.story()).count(sentence) >= times

        await self.desk.until(is_told)

    async def until_step(self, path: str, status: str = "active") -> None:
        async def is_so() -> bool:
            return (path, status) in [(one[0], one[2]) for one in await self.steps()]

        await self.desk.until(is_so)

    async def steps(self) -> list[tuple[str, str, str]]:
        asked = "select path, step_id, status from request_steps where request_id = :id order by seq, path"
        return [(row.path, row.step_id, row.status) for row in await self.desk.rows(asked, id=self.id)]

    async def approvals(self) -> list[tuple[str | None, str, str]]:
        asked = (
            "select approver_employee_id, team_id, why, status from request_approvals where request_id = :id"
            " order by position, id"
        )
        found = await self.desk.rows(asked, id=self.id)
        return [(row.approver_employee_id or row.team_id, row.why, row.status) for row in found]

    async def waits(self) -> list[tuple[str, str]]:
        asked = 'select what, "then" from waits where workflow_id = :id and ended_at is null order by key'
        found = await self.desk.rows(asked, id=request_workflow_id(self.id))
        return [(row.what, row.then) for row in found]

    async def wait_until(self) -> datetime:
        """When the next thing happens by itself."""
        asked = "select min(until) as at from waits where workflow_id = :id and ended_at is null"
        [row] = await self.desk.rows(asked, id=request_workflow_id(self.id))
        assert row.at is not None
        return datetime.fromisoformat(row.at.isoformat())

    async def readers(self) -> dict[str, str]:
        asked = "select account_id, why from request_readers where request_id = :id order by account_id"
        return {row.account_id: row.why for row in await self.desk.rows(asked, id=self.id)}

    async def row(self) -> Any:
        return (await self.desk.rows("select * from employee_requests where id = :id", id=self.id))[0]

    async def result(self) -> RequestStatus:
        return RequestStatus(await asyncio.wait_for(self.handle.result(), self.desk.patience))
