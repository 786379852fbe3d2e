"""What a return needs around it: consoles for the outside, and neighbours that end as a test says."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import workflow
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities.connectors.carrier import ConsoleCarrier
from activities.connectors.stock import ConsoleStock
from activities.orders import GoodsBackActivities
from models.messages.field_service import Outcome
from models.messages.orders import OrderStatus, ParcelScanned, ShipmentStatus
from models.messages.orders.returns import (
    Condition,
    Found,
    InspectReturn,
    ReturnCommand,
    ReturnStatus,
    return_workflow_id,
)
from tests.builders import tickets as say
from tests.builders.returns import Asked, a_delivered_order, a_return
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import Post, VisitAsTold
from workflows.kit.options import CARRIER_QUEUE, MAIL_QUEUE, STOCK_QUEUE

with workflow.unsafe.imports_passed_through():
    from models.messages.orders import OrderPlaced
    from models.messages.orders.returns import ReturnOrder, ReturnSettled
    from models.messages.payments import RefundOrder, RefundSettled, RefundStatus

REFUND: dict[str, Any] = {"status": RefundStatus.SUCCEEDED, "asked": []}
REPLACEMENT: dict[str, Any] = {"status": OrderStatus.DONE}


@workflow.defn(name="Refund", sandboxed=False)
class RefundAsTold:
    """A refund that ends as the test says, and remembers what it gave back."""

    @workflow.run
    async def run(self, order: RefundOrder) -> RefundSettled:
        if order not in REFUND["asked"]:
            REFUND["asked"].append(order)
        return RefundSettled(order.refund_id, REFUND["status"], order.amount_minor, workflow.now())


@workflow.defn(name="Order", sandboxed=False)
class OrderAsTold:
    """A replacement that arrives, or not, as the test says."""

    @workflow.run
    async def run(self, placed: OrderPlaced) -> OrderStatus:
        return OrderStatus(REPLACEMENT["status"])


@workflow.defn(name="Fetcher")
class FetcherAsTold:
    """Has a device fetched by name, as dunning does, and ends with what it is told."""

    @workflow.init
    def __init__(self, order: ReturnOrder) -> None:
        self.told: ReturnSettled | None = None

    @workflow.run
    async def run(self, order: ReturnOrder) -> ReturnSettled:
        await workflow.start_child_workflow(
            "Return",
            order,
            id=f"return:{order.return_id}",
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
        )
        await workflow.wait_condition(lambda: self.told is not None)
        assert self.told is not None
        return self.told

    @workflow.signal
    def return_settled(self, fact: ReturnSettled) -> None:
        self.told = fact


@dataclass
class Outside:
    """The consoles, so that a test can turn them and see what they were asked."""

    engine: AsyncEngine
    stock: ConsoleStock = field(default_factory=ConsoleStock)
    carrier: ConsoleCarrier = field(default_factory=ConsoleCarrier)
    post: Post = field(default_factory=Post)

    def stand_ins(self) -> StandIns:
        """Everything that a return meets."""
        back = GoodsBackActivities(self.engine, self.stock, self.carrier)
        return StandIns(
            [RefundAsTold, OrderAsTold, VisitAsTold, FetcherAsTold],
            {
                MAIL_QUEUE: [self.post.send],
                STOCK_QUEUE: [back.restock],
                CARRIER_QUEUE: [back.fetch, back.stop],
            },
        )


@dataclass
class Back:
    """Says things to a return and looks at what it left."""

    desk: RunningDesk
    asked: Asked

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.desk.client.get_workflow_handle(
            return_workflow_id(self.asked.id), result_type=ReturnStatus
        )

    async def row(self) -> Any:
        return (await self.desk.rows("select * from returns where id = :id", id=self.asked.id))[0]

    async def lines(self) -> list[Any]:
        query = "select * from return_lines where return_id = :id order by position"
        return await self.desk.rows(query, id=self.asked.id)

    async def waits_for(self, what: str) -> Any:
        """The open wait of this kind, as soon as it is there."""
        found: list[Any] = []

        async def has() -> bool:
            asked = "select * from waits where workflow_id = :id and what = :what and ended_at is null"
            found[:] = await self.desk.rows(asked, id=return_workflow_id(self.asked.id), what=what)
            return bool(found)

        await self.desk.until(has)
        return found[0]

    async def story(self) -> list[str]:
        asked = "select sentence from timeline_entries where subject = :subject order by id"
        found = await self.desk.rows(asked, subject=return_workflow_id(self.asked.id))
        return [row.sentence.removeprefix("orders.return_") for row in found]

    async def told(self, sentence: str) -> None:
        async def has() -> bool:
            return sentence in await self.story()

        await self.desk.until(has)

    async def scan(self, status: ShipmentStatus, event: str = "", late: int = 0) -> None:
        """The carrier scans the goods; `late` minutes ago."""
        fact = ParcelScanned(
            f"{self.asked.id}-1", "console", event or status.value, status,
            datetime.now(UTC) - timedelta(minutes=late),
        )  # fmt: skip
        await self.handle.signal("parcel_scanned", fact)

    async def arrive(self) -> None:
        await self.waits_for("hand_over")
        await self.scan(ShipmentStatus.DELIVERED)

    async def say(self, update: str, reason: str = "", actor_kind: str = "customer") -> ReturnStatus:
        command = ReturnCommand(
            f"cmd-{uuid4().hex}", self.desk.company.customer_id, datetime.now(UTC), actor_kind, reason
        )
        saying = self.handle.execute_update(update, command, id=command.id, result_type=ReturnStatus)
        return ReturnStatus(await asyncio.wait_for(saying, self.desk.patience))

    async def inspect(self, **found: Condition) -> ReturnStatus:
        """`_1=Condition.USED`: the first line is used."""
        await self.waits_for("inspection")
        lines = tuple(Found(int(line[1:]), condition) for line, condition in found.items())
        command = InspectReturn(
            f"cmd-{uuid4().hex}", self.desk.company.agent_id, datetime.now(UTC), "staff", lines
        )
        saying = self.handle.execute_update("inspect", command, id=command.id, result_type=ReturnStatus)
        return ReturnStatus(await asyncio.wait_for(saying, self.desk.patience))

    async def refusal(self, update: str) -> str | None:
        command: Any = ReturnCommand(f"cmd-{uuid4().hex}", "x", datetime.now(UTC))
        if update == "inspect":
            command = InspectReturn(f"cmd-{uuid4().hex}", "x", datetime.now(UTC))
        try:
            await asyncio.wait_for(
                self.handle.execute_update(update, command, id=command.id), self.desk.patience
            )
        except WorkflowUpdateFailedError as failure:
            return failure.cause.type if isinstance(failure.cause, ApplicationError) else "failed"
        return None

    async def ends(self) -> ReturnStatus:
        async def is_over() -> bool:
            return bool((await self.row()).is_over)

        await self.desk.until(is_over)
        return ReturnStatus(await asyncio.wait_for(self.handle.result(), self.desk.patience))

    async def pass_time(self, **duration: float) -> None:
        skip = self.desk.environment.fast_forward(self.handle, timedelta(**duration))
        await asyncio.wait_for(skip, self.desk.patience)

    def letters(self, post: Post) -> list[str]:
        return [
            one.template.removeprefix("orders/return_") for one in post.sent if one.case_id == self.asked.id
        ]


async def sent_back(desk: RunningDesk, *lines: Any, days_ago: float = 1, **facts: Any) -> Back:
    order = await a_delivered_order(desk.engine, desk.company, *lines, days_ago=days_ago)
    return Back(desk, await a_return(desk.engine, order, **facts))


async def task_of(back: Back, kind: str = "task") -> str:
    """The open ticket that the return has made."""
    found: list[Any] = []

    async def has() -> bool:
        asked = "select id from tickets where case_id = :id and kind = :kind and not is_over"
        asked += " and status <> 'received'"
        found[:] = await back.desk.rows(asked, id=back.asked.id, kind=kind)
        return bool(found)

    await back.desk.until(has)
    return str(found[0].id)


async def settle(back: Back, task: str) -> None:
    """A colleague has done what the task asks for."""
    handle = back.desk.client.get_workflow_handle(f"ticket:{task}")
    command = say.resolve(back.desk.company)
    await handle.execute_update("resolve", command, id=command.id)


async def visited(back: Back, outcome: Outcome) -> None:
    """The technician of the return's visit has been there."""
    ticket = await task_of(back, "installation")
    handle = back.desk.client.get_workflow_handle(f"visit:V{ticket[1:]}-1")

    async def is_told() -> bool:
        try:
            await handle.signal("ended", outcome)
        except RPCError:
            return False
        return True

    await back.desk.until(is_told)
