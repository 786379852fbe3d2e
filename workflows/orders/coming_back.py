"""How goods come back: fetched by the carrier or by a technician, received, and looked at."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.orders import GoodsBackActivities, ReturnActivities
    from models.messages.journeys import WaitFor
    from models.messages.orders import ParcelScanned, ShipmentStatus
    from models.messages.orders.returns import (
        Found,
        InspectReturn,
        Label,
        ReturnCommand,
        ReturnOrder,
        ReturnStatus,
        ReturnWay,
    )
    from models.messages.tickets import TicketKind
    from models.rules import orders as parcels
    from models.rules.orders import returns as rules
    from workflows.kit.options import CARRIER, ROWS
    from workflows.orders.return_steps import Ended, ReturnSteps

S = ReturnStatus


class ComingBack(ReturnSteps):
    """From the customer's door to our inspection."""

    def __init__(self, order: ReturnOrder) -> None:
        super().__init__(order)
        self.inspection: InspectReturn | None = None

    async def fetch(self) -> None:
        """The carrier comes for a parcel, a technician for what is installed."""
        assert self.opened is not None
        if self.opened.way is ReturnWay.VISIT:
            await self.fetch_by_visit()
        else:
            await self.fetch_by_carrier()

    # By the carrier

    async def fetch_by_carrier(self) -> None:
        """Order the driver, wait until the goods are handed over, then until they are here."""
        label: Label | None = await self.ask_unless_off(
            lambda: self.ask(
                GoodsBackActivities.fetch, "fetch", "Order the carrier for the way back", CARRIER
            )
        )
        self.stop_if_off()
        assert label is not None
        end = workflow.now() + timedelta(days=self.policy.hand_over_days)
        half = workflow.now() + timedelta(days=self.policy.hand_over_days) / 2
        self.begin_wait("hand_over", WaitFor.CUSTOMER, S.AGREED, half, "remind_return")
        await self.record("orders.return_label", S.AGREED, details={"tracking": label.tracking})
        self.send("return_agreed", tracking=label.tracking)
        if not await self.wait("hand_over", self.has_left):
            self.begin_wait("hand_over", WaitFor.CUSTOMER, S.AGREED, end, "end_return")
            await self.record("orders.return_reminded", S.AGREED)
            self.send("return_reminded", tracking=label.tracking)
            if not await self.wait("hand_over", self.has_left):
                await self.give_up_waiting()
        self.waits.end("hand_over")
        if not self.is_here:
            await self.wait_for_the_parcel()

    def has_left(self) -> bool:
        return self.is_moving or self.is_here

    async def give_up_waiting(self) -> None:
        """Nothing was handed over: call the driver off, unless they were there at the last moment."""
        is_stopped: bool = await self.ask(GoodsBackActivities.stop, "stop", "Call the driver off", CARRIER)
        if is_stopped and not self.has_left():
            raise Ended(S.NOT_HANDED_OVER, "orders.return_not_handed_over")

    async def wait_for_the_parcel(self) -> None:
        """The carrier's scans say when it is here; one that does not come is looked for by a colleague."""
        self.is_moving = True
        until = workflow.now() + timedelta(days=self.policy.transit_days)
        self.begin_wait("return_parcel", WaitFor.SYSTEM, S.ON_THE_WAY, until, "ask_colleague")
        await self.record("orders.return_on_the_way", S.ON_THE_WAY)
        is_here = await self.waits.until("return_parcel", lambda: self.is_here)
        self.waits.end("return_parcel")
        if is_here:
            return
        ticket = await self.open_ticket(TicketKind.TASK, "return_late")
        self.begin_wait("return_lost", WaitFor.US, S.ON_THE_WAY)
        await self.record("orders.return_late", S.ON_THE_WAY, details={"ticket_id": ticket}, is_public=False)
        await self.waits.until("return_lost", lambda: self.is_here or self.is_lost)
        self.waits.end("return_lost")
        await self.call_ticket_off(ticket)

    async def take_scan(self, scan: ParcelScanned) -> None:
        """A scan of the carrier: told twice or in any order it counts once."""
        await workflow.wait_condition(lambda: self.seq > 0)
        status: ShipmentStatus = await workflow.execute_activity_method(
            ReturnActivities.scan, args=[self.id, scan, workflow.now()],
            summary=f"Take the scan of {scan.shipment_id}", **ROWS,
        )  # fmt: skip
        if not parcels.is_news(self.parcel, status):
            return
        self.parcel = status
        self.is_moving = self.is_moving or status in rules.UNDER_WAY
        self.is_here = self.is_here or status in rules.HERE

    # By a technician

    async def fetch_by_visit(self) -> None:
        """Somebody takes the device down and along; while it does not happen the desk arranges it again."""
        assert self.opened is not None
        while not self.is_here:
            ticket = await self.open_ticket(
                TicketKind.INSTALLATION, "retrieval", self.opened.device_id or None
            )
            self.begin_wait("retrieval", WaitFor.TECHNICIAN, S.AGREED)
            details = {"ticket_id": ticket}
            await self.record("orders.return_visit", S.AGREED, details=details, ticket_id=ticket)
            self.send("return_visit")
            try:
                await self.wait("retrieval", lambda ticket=ticket: ticket in self.tickets)  # type: ignore[misc]
            except Ended:
                await self.call_ticket_off(ticket)
                raise
            self.waits.end("retrieval")
            if self.tickets[ticket].is_done:
                self.is_moving = self.is_here = True
            else:
                await self.arrange_again()

    async def arrange_again(self) -> None:
        """The visit did not take place: the desk tries again, or the return ends on its last day."""
        self.fetches_again = False
        until = workflow.now() + timedelta(days=self.policy.hand_over_days)
        self.begin_wait("retrieval_again", WaitFor.US, S.AGREED, until, "end_return")
        await self.record("orders.return_visit_failed", S.AGREED)
        moved = await self.wait("retrieval_again", lambda: self.fetches_again or self.is_here)
        self.waits.end("retrieval_again")
        if not moved:
            raise Ended(S.NOT_HANDED_OVER, "orders.return_not_handed_over")

    # Looked at

    async def have_it_inspected(self) -> tuple[Found, ...]:
        """An agent looks at what came; nobody in time: a colleague has a task, then it counts as whole."""
        until = workflow.now() + timedelta(hours=self.policy.inspect_hours)
        self.begin_wait("inspection", WaitFor.US, S.ARRIVED, until, "ask_colleague")
        await self.record("orders.return_arrived", S.ARRIVED)
        self.send("return_arrived")
        if not await self.waits.until("inspection", lambda: self.inspection is not None):
            ticket = await self.open_ticket(TicketKind.TASK, "return_inspection")
            until = workflow.now() + timedelta(hours=self.policy.settle_hours)
            self.begin_wait("inspection", WaitFor.US, S.ARRIVED, until, "count_as_whole")
            details = {"ticket_id": ticket}
            await self.record("orders.return_not_inspected", S.ARRIVED, details=details, is_public=False)
            await self.waits.until("inspection", lambda: self.inspection is not None)
            await self.call_ticket_off(ticket)
        self.waits.end("inspection")
        if self.inspection is None:
            await self.record("orders.return_counts_as_whole", S.SETTLING)
            return ()
        said = ReturnCommand(
            self.inspection.id, self.inspection.actor_id, self.inspection.at, self.inspection.actor_kind
        )
        await self.record("orders.return_inspected", S.SETTLING, said)
        return self.inspection.found
