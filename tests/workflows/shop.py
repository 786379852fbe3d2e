"""What an order needs around it: consoles for the outside, and neighbours that end as a test says."""

import asyncio
from contextlib import suppress
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
from activities.connectors.credit import ConsoleCreditBureau
from activities.connectors.stock import ConsoleStock
from activities.orders import FulfilmentActivities
from models.messages.orders import (
    OrderCommand,
    OrderStatus,
    ParcelScanned,
    ShipmentStatus,
    order_workflow_id,
)
from tests.builders.orders import Placed
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import Post, VisitAsTold
from workflows.kit.options import CARRIER_QUEUE, CREDIT_QUEUE, MAIL_QUEUE, STOCK_QUEUE

with workflow.unsafe.imports_passed_through():
    from models.messages.billing.invoices import CaseCancelled, InvoiceOrder, InvoiceSettled, InvoiceStatus
    from models.messages.payments import RefundOrder, RefundSettled, RefundStatus


@workflow.defn(name="Invoice")
class CaseInvoiceAsTold:
    """An invoice that is paid, or not, when the test says so, and withdrawn when its case is off."""

    @workflow.init
    def __init__(self, order: InvoiceOrder) -> None:
        self.status: InvoiceStatus | None = None

    @workflow.run
    async def run(self, order: InvoiceOrder) -> None:
        await workflow.wait_condition(lambda: self.status is not None)
        assert self.status is not None
        fact = InvoiceSettled(order.invoice_id, self.status, workflow.now())
        with suppress(ApplicationError):
            await workflow.get_external_workflow_handle(order.asked_by).signal("invoice_settled", fact)

    @workflow.signal
    def ended(self, status: InvoiceStatus) -> None:
        self.status = status

    @workflow.signal
    def case_cancelled(self, fact: CaseCancelled) -> None:
        self.status = self.status or InvoiceStatus.CANCELLED


@workflow.defn(name="Refund")
class RefundAsTold:
    """A refund that succeeds."""

    @workflow.run
    async def run(self, order: RefundOrder) -> RefundSettled:
        return RefundSettled(order.refund_id, RefundStatus.SUCCEEDED, order.amount_minor, workflow.now())


@dataclass
class Outside:
    """The consoles, so that a test can turn them and see what they were asked."""

    engine: AsyncEngine
    stock: ConsoleStock = field(default_factory=ConsoleStock)
    carrier: ConsoleCarrier = field(default_factory=ConsoleCarrier)
    bureau: ConsoleCreditBureau = field(default_factory=ConsoleCreditBureau)
    post: Post = field(default_factory=Post)

    def stand_ins(self) -> StandIns:
        """Everything that an order meets."""
        goods = FulfilmentActivities(self.engine, self.stock, self.carrier, self.bureau)
        lives = [CaseInvoiceAsTold, RefundAsTold, VisitAsTold]
        return StandIns(
            lives,
            {
                MAIL_QUEUE: [self.post.send],
                STOCK_QUEUE: [goods.reserve, goods.pack, goods.release, goods.restock],
                CARRIER_QUEUE: [goods.hand_over, goods.redirect, goods.recall],
                CREDIT_QUEUE: [goods.check_credit, goods.free_credit],
            },
        )


@dataclass
class Shop:
    """Says things to an order and looks at what it left."""

    desk: RunningDesk
    order: Placed

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.desk.client.get_workflow_handle(order_workflow_id(self.order.id), result_type=OrderStatus)

    async def status(self) -> str:
        return str((await self.row()).status)

    async def row(self) -> Any:
        return (await self.desk.rows("select * from orders where id = :id", id=self.order.id))[0]

    async def reaches(self, status: OrderStatus) -> None:
        async def has() -> bool:
            return await self.status() == status

        await self.desk.until(has)

    async def waits_for(self, what: str) -> Any:
        """The open wait of this kind, as soon as it is there."""
        found: list[Any] = []

        async def has() -> bool:
            asked = "select * from waits where workflow_id = :id and what = :what and ended_at is null"
            found[:] = await self.desk.rows(asked, id=order_workflow_id(self.order.id), what=what)
            return bool(found)

        await self.desk.until(has)
        return found[0]

    async def ticket(self) -> Any:
        """The newest ticket of the order, as soon as its life has begun."""
        found: list[Any] = []

        async def has() -> bool:
            asked = "select * from tickets where case_id = :id order by created_at desc"
            found[:] = await self.desk.rows(asked, id=self.order.id)
            return bool(found) and found[0].status != "received"

        await self.desk.until(has)
        return found[0]

    async def told(self, sentence: str) -> None:
        async def has() -> bool:
            return sentence in await self.story()

        await self.desk.until(has)

    async def story(self) -> list[str]:
        asked = "select sentence from timeline_entries where subject = :subject order by id"
        return [r.sentence for r in await self.desk.rows(asked, subject=order_workflow_id(self.order.id))]

    async def steps(self) -> list[tuple[str, str]]:
        asked = "select kind, status from order_steps where order_id = :id order by position"
        return [(r.kind, r.status) for r in await self.desk.rows(asked, id=self.order.id)]

    async def tell(self, workflow_id: str, signal: str, *said: Any) -> None:
        """Tell a neighbour something as soon as it lives."""
        other = self.desk.client.get_workflow_handle(workflow_id)

        async def is_told() -> bool:
            try:
                await other.signal(signal, args=said)
            except RPCError:
                return False
            return True

        await self.desk.until(is_told)

    async def pay(self, status: InvoiceStatus = InvoiceStatus.PAID) -> None:
        await self.waits_for("order_payment")
        await self.tell(f"invoice:I{self.order.id}-1", "ended", status)

    async def scan(self, status: ShipmentStatus, parcel: int = 1, event: str = "", late: int = 0) -> None:
        """The carrier scans a parcel; `late` minutes ago."""
        fact = ParcelScanned(
            f"{self.order.id}-{parcel}", "console", event or f"{parcel}-{status.value}", status,
            datetime.now(UTC) - timedelta(minutes=late),
        )  # fmt: skip
        await self.handle.signal("parcel_scanned", fact)

    async def deliver(self, parcel: int = 1) -> None:
        async def is_shipped() -> bool:
            asked = "select tracking from shipments where id = :id and tracking is not null"
            return bool(await self.desk.rows(asked, id=f"{self.order.id}-{parcel}"))

        await self.desk.until(is_shipped)
        await self.scan(ShipmentStatus.DELIVERED, parcel)

    async def say(self, update: str, reason: str = "", **facts: Any) -> OrderStatus:
        command = OrderCommand(
            f"cmd-{uuid4().hex}", self.desk.company.customer_id, datetime.now(UTC),
            facts.get("actor_kind", "customer"), reason,
        )  # fmt: skip
        saying = self.handle.execute_update(update, command, id=command.id, result_type=OrderStatus)
        return OrderStatus(await asyncio.wait_for(saying, self.desk.patience))

    async def refusal(self, update: str) -> str | None:
        try:
            await self.say(update)
        except WorkflowUpdateFailedError as failure:
            return failure.cause.type if isinstance(failure.cause, ApplicationError) else "failed"
        return None

    async def ends(self) -> OrderStatus:
        async def is_over() -> bool:
            return bool((await self.row()).is_over)

        await self.desk.until(is_over)
        return OrderStatus(await asyncio.wait_for(self.handle.result(), self.desk.patience))

    async def pass_time(self, **duration: float) -> None:
        skip = self.desk.environment.fast_forward(self.handle, timedelta(**duration))
        await asyncio.wait_for(skip, self.desk.patience)
