"""What an order brings: goods set aside and shipped, somebody who installs them, contracts that begin."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError

with workflow.unsafe.imports_passed_through():
    from activities.orders import FulfilmentActivities, OrderActivities
    from models.kit.ids import shipment_id
    from models.messages.journeys import WaitFor
    from models.messages.orders import (
        OrderStatus,
        ParcelScanned,
        Reserved,
        ShipmentStatus,
        Shipped,
        StepKind,
        StepNote,
        StepStatus,
        SystemOrder,
        order_workflow_id,
    )
    from models.messages.subscriptions import Activations
    from models.messages.tickets import TicketKind, TicketSettled
    from models.rules import orders as rules
    from workflows.kit.options import CARRIER, ROWS, STOCK
    from workflows.orders.steps import OrderSteps


class Delivery(OrderSteps):
    """From the warehouse to the living room."""

    async def deliver_goods(self) -> None:
        """Reserve and ship; what is missing follows in a parcel of its own when it has arrived."""
        assert self.plan is not None
        if not self.plan.needs_shipping:
            return
        while True:
            reserved = await self.reserve()
            if reserved.units:
                await self.ship()
            if not reserved.is_short:
                break
            await self.wait_for_goods()
        await self.wait_for_parcels()

    async def reserve(self) -> Reserved:
        """Have the warehouse set aside what is not set aside yet."""
        step = self.begin_step(StepKind.RESERVATION)
        step = self.note(step, StepStatus.DOING, reference=f"{self.id}-r{step.position}")
        self.begin_wait("warehouse", WaitFor.SYSTEM, status=OrderStatus.RESERVING)
        await self.record("orders.reserving", OrderStatus.RESERVING, is_public=False)
        order = SystemOrder(self.id, step.key, step.reference, workflow.now())
        reserved: Reserved = await self.insist(
            FulfilmentActivities.reserve, order, "Ask the warehouse for the goods", STOCK
        )
        self.waits.end("warehouse")
        self.note(step, StepStatus.DONE if reserved.units else StepStatus.SKIPPED)
        sentence = "orders.short" if reserved.is_short else "orders.reserved"
        await self.record(sentence, OrderStatus.RESERVING)
        return reserved

    async def wait_for_goods(self) -> None:
        """Goods are missing: ask again when the warehouse says so, and every day anyhow."""
        before = self.goods_came
        until = workflow.now() + timedelta(hours=self.placed.recheck_hours)
        status = OrderStatus.SHIPPING if self.shipped else OrderStatus.RESERVING
        self.begin_wait("goods", WaitFor.SYSTEM, until=until, then="ask_stock_again", status=status)
        await self.record("orders.short", status, is_public=False)
        await self.wait("goods", lambda: self.goods_came > before)
        self.waits.end("goods")

    async def ship(self) -> None:
        """The warehouse packs what is set aside and hands it to the carrier."""
        parcel = shipment_id(self.id, len(self.shipped) + 1)
        step = self.begin_step(StepKind.SHIPMENT, parcel)
        self.shipped[parcel] = Shipped(parcel, "", "")
        self.begin_wait("warehouse", WaitFor.SYSTEM, status=OrderStatus.SHIPPING)
        await self.record("orders.packing", OrderStatus.SHIPPING, is_public=False)
        order = SystemOrder(self.id, step.key, parcel, workflow.now(), parcel)
        await self.insist(FulfilmentActivities.pack, order, "Have the goods packed", STOCK)
        self.shipped[parcel] = await self.insist(
            FulfilmentActivities.hand_over, order, "Order the carrier", CARRIER
        )
        self.waits.end("warehouse")
        self.note(step, StepStatus.DONE)
        self.begin_wait("parcels", WaitFor.SYSTEM, status=OrderStatus.SHIPPING)
        await self.record("orders.shipped", OrderStatus.SHIPPING, details={"shipment_id": parcel})
        self.send("shipped", parcel, parcel=parcel, tracking=self.shipped[parcel].tracking)

    async def wait_for_parcels(self) -> None:
        """The carrier's scans say when everything has arrived; a parcel that comes back ends the order."""
        await self.wait("parcels", self.have_parcels_ended)
        self.waits.end("parcels")
        if any(self.parcels.get(parcel) in rules.CAME_BACK for parcel in self.shipped):
            self.call_off_by_system("not_delivered")
            self.stop_if_off()

    def have_parcels_ended(self) -> bool:
        return all(self.parcels.get(parcel) in rules.PARCEL_OVER for parcel in self.shipped)

    def call_off_by_system(self, reason: str) -> None:
        """The order ends itself; told like a person's cancellation."""
        raise NotImplementedError

    async def take_scan(self, scan: ParcelScanned) -> None:
        """A scan of the carrier: row, products and page follow; told twice it counts once."""
        await workflow.wait_condition(lambda: self.status is not OrderStatus.RECEIVED)
        status: ShipmentStatus = await workflow.execute_activity_method(
            OrderActivities.scan, args=[scan, workflow.now()],
            summary=f"Take the scan of parcel {scan.shipment_id}", **ROWS,
        )  # fmt: skip
        if not rules.is_news(self.parcels.get(scan.shipment_id), status):
            return
        self.parcels[scan.shipment_id] = status
        if sentence := rules.TOLD_OF_PARCEL.get(status):
            await self.record(sentence, None, details={"shipment_id": scan.shipment_id})

    # Installation

    async def install(self) -> None:
        """Somebody comes; while it does not take place the desk arranges it again."""
        assert self.plan is not None
        if not self.plan.needs_installation:
            return
        while True:
            step, ended = await self.send_installer()
            if ended.is_done:
                self.note(step, StepStatus.DONE)
                await self.record("orders.installed", OrderStatus.INSTALLING)
                return
            self.note(step, StepStatus.SKIPPED)
            self.tries_again = False
            self.begin_wait("installation_again", WaitFor.US, status=OrderStatus.INSTALLING)
            await self.record("orders.not_installed", OrderStatus.INSTALLING)
            await self.wait("installation_again", lambda: self.tries_again)
            self.waits.end("installation_again")

    async def send_installer(self) -> tuple[StepNote, TicketSettled]:
        """Open the installation's ticket and wait until it has ended."""
        step = self.begin_step(StepKind.INSTALLATION)
        device: str = await workflow.execute_activity_method(
            OrderActivities.device_to_install, self.id, summary="Which device is installed?", **ROWS
        )
        self.stop_if_off()
        ticket = await self.open_ticket(TicketKind.INSTALLATION, "installation", device or None)
        step = self.note(step, StepStatus.DOING, reference=ticket)
        self.begin_wait("installation", WaitFor.TECHNICIAN, status=OrderStatus.INSTALLING)
        details = {"ticket_id": ticket}
        await self.record("orders.installing", OrderStatus.INSTALLING, details=details)
        await self.wait("installation", lambda: ticket in self.tickets)
        self.waits.end("installation")
        return step, self.tickets[ticket]

    # Contracts

    async def activate(self) -> None:
        """All contracts of the order begin together."""
        assert self.plan is not None
        if not self.plan.has_contracts:
            return
        step = self.begin_step(StepKind.ACTIVATION, self.id)
        self.begin_wait("contracts", WaitFor.SYSTEM, status=OrderStatus.ACTIVATING)
        await self.record("orders.activating", OrderStatus.ACTIVATING, is_public=False)
        asked: Activations = await workflow.execute_activity_method(
            OrderActivities.contracts, args=[self.id, workflow.now()],
            summary="Which contracts begin?", **ROWS,
        )  # fmt: skip
        try:
            begun: list[str] = await workflow.execute_child_workflow(
                "Activation",
                asked,
                id=f"activation:{self.id}",
                result_type=list[str],
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary=f"Contracts of {self.id}",
            )
        except ChildWorkflowError:
            workflow.logger.error("the contracts of %s did not begin", order_workflow_id(self.id))
            raise
        self.waits.end("contracts")
        self.note(step, StepStatus.DONE)
        await self.record("orders.activated", OrderStatus.ACTIVATING, subscriptions=tuple(begun))
