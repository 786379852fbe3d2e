"""Workers that make the mistakes which the house avoids; only tests start them, instead of worker.py.

`NAIVE` says which: `key` (a new key for every try), `5xx` (no clear answer means failed), `relay` (marked as
sent before it is sent), `webhook` (no inbox: every delivery of the gateway is booked)."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import uvicorn
from fastapi import FastAPI, Request, Response
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from temporalio import activity
from temporalio.exceptions import ApplicationError

import worker
from activities.billing import BillingActivities
from activities.billing.steps import locked, post
from activities.connectors.kit import Asked
from activities.connectors.payments import HttpPaymentGateway
from activities.connectors.stock import Goods, HttpStock
from activities.kit.histories import HistoryKeeper
from activities.kit.outbox import Relay
from activities.kit.running import connect, run_until_stopped, workers
from activities.kit.transactions import transaction
from models.kit.engine import engine_for
from models.kit.settings import settings
from models.messages.billing.invoices import InvoiceStatus, Settled, SettleInvoice
from models.messages.payments import Charge, ChargeAnswer, Verdict
from models.messages.systems import CallResult, OutboxStatus
from models.payments import Allocation
from models.rules.billing import invoices as rules
from models.rules.billing.invoices import Event
from models.rules.payments import classify
from models.systems import OutboxItem
from workflows.kit.payloads import converter

TRIES = 4
DIES_AT = 15


async def new_key_per_try(self: HttpPaymentGateway, charge: Charge) -> ChargeAnswer:
    """Ask until there is a clear answer, each time as if it were the first time."""
    answer = ChargeAnswer(Verdict.UNKNOWN)
    for _ in range(TRIES):
        body = {"order_id": charge.attempt_id, "amount": charge.amount_minor, "card_token": "approve"}
        asked = Asked("confirm", "POST", "/v1/payments/key-in", uuid4().hex, body, charge.ticket_id)
        answer = classify(await self.line.ask(asked, lambda heard: CallResult.OK), charge)
        if answer.verdict in (Verdict.SUCCEEDED, Verdict.REFUSED):
            break
    return answer


careful_confirm = HttpPaymentGateway.confirm
careful_reserve = HttpStock.reserve


async def new_reservation_per_try(
    self: HttpStock, reference: str, goods: Sequence[Goods], key: str, case: str
) -> dict[int, int]:
    """Ask the warehouse each time as if it were the first time."""
    fresh = uuid4().hex
    return await careful_reserve(self, f"{reference}.{fresh[:8]}", goods, fresh, case)


async def unclear_is_failed(self: HttpPaymentGateway, charge: Charge) -> ChargeAnswer:
    """A time-out or a 5xx is a no, and the customer may try anew."""
    answer = await careful_confirm(self, charge)
    return replace(answer, verdict=Verdict.REFUSED) if answer.verdict is Verdict.UNKNOWN else answer


class HastyRelay(Relay):
    """Marks an item as sent, and then sends it, if it lives so long."""

    told = 0

    async def deliver_next(self) -> bool:
        """Tell the oldest item that is due."""
        async with transaction(self.engine) as session:
            due = col(OutboxItem.status) == OutboxStatus.WAITING, col(OutboxItem.not_before) <= func.now()
            oldest = select(OutboxItem).where(*due).order_by(col(OutboxItem.id)).limit(1)
            item = (await session.scalars(oldest.with_for_update(skip_locked=True))).first()
            if item is None:
                return False
            item.status, item.sent_at = OutboxStatus.SENT, datetime.now(UTC)
        self.told += 1
        if self.told == DIES_AT:
            os._exit(137)
        await self._tell(item)
        return True


class BelievingBilling(BillingActivities):
    """Leaves the booking to the webhook and only waits for it."""

    @activity.defn(name="billing.settle")
    async def settle(self, asked: SettleInvoice) -> Settled:
        """Paid as soon as a webhook has said so."""
        async with transaction(self.engine) as session:
            invoice = await locked(session, asked.invoice_id)
            if invoice.status is not InvoiceStatus.PAID:
                raise ApplicationError("no webhook yet")
            return Settled(invoice.status, invoice.total_minor, 0)


def counter(engine: AsyncEngine) -> FastAPI:
    """Hears the gateway and books what it says, as often as it says it."""
    app = FastAPI()

    @app.post("/")
    async def hear(request: Request) -> Response:
        said = (await request.json())["data"]
        order, amount, now = said["order_id"], said["total_amount"], datetime.now(UTC)
        async with transaction(engine) as session:
            invoice = await locked(session, order.split(".")[0])
            postings = rules.payment_postings(amount, amount)
            await post(
                session, invoice, Event.PAYMENT, postings, at=now, source=f"attempt:{order}:{uuid4().hex}"
            )
            row = {"attempt_id": order, "invoice_id": invoice.id, "amount_minor": amount, "at": now}
            await session.execute(insert(Allocation).values(row).on_conflict_do_nothing())
            invoice.status, invoice.paid_at = InvoiceStatus.PAID, now
        return Response(status_code=204)

    return app


async def main(naive: str) -> None:
    """Work as worker.py does, but for one mistake."""
    setting = settings("DATABASE_WORKER_URL")
    engine = engine_for(setting.database_url, pool_size=setting.pool_size, application="ieum-worker")
    client = await connect(setting, converter(setting.payload_keys))
    if naive == "key":
        HttpPaymentGateway.confirm = new_key_per_try  # type: ignore[method-assign]
    if naive == "parcel":
        HttpStock.reserve = new_reservation_per_try  # type: ignore[method-assign]
    if naive == "5xx":
        HttpPaymentGateway.confirm = unclear_is_failed  # type: ignore[method-assign]
    if naive == "webhook":
        worker.BillingActivities = BelievingBilling  # type: ignore[misc]
    acts: dict[str, list[Callable[..., Any]]] = worker.activities(engine, setting)
    relay = HastyRelay(engine, client) if naive == "relay" else Relay(engine, client)
    beside: list[Coroutine[Any, Any, None]] = [relay.run(), HistoryKeeper(engine, client).run()]
    if naive == "webhook":
        port = int(os.environ["NAIVE_PORT"])
        beside.append(uvicorn.Server(uvicorn.Config(counter(engine), port=port, log_level="warning")).serve())
    await run_until_stopped(workers(client, worker.WORKFLOWS, acts), *beside)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(os.environ["NAIVE"]))
