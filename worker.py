"""The worker: lives every workflow, does every activity, empties the outbox and keeps histories."""

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.billing import BillingActivities
from activities.connectors.carrier import HttpCarrier
from activities.connectors.credit import HttpCreditBureau
from activities.connectors.kit import Patience
from activities.connectors.mail import HttpMail
from activities.connectors.payments import HttpPaymentGateway
from activities.connectors.sms import HttpSms
from activities.connectors.stock import HttpStock
from activities.field_service import FieldServiceActivities
from activities.kit.calls import CallLog
from activities.kit.histories import HistoryKeeper
from activities.kit.links import Links
from activities.kit.outbox import Relay
from activities.kit.post import LetterActivities
from activities.kit.running import connect, run_until_stopped, workers
from activities.orders import FulfilmentActivities, OrderActivities
from activities.payments import PaymentActivities, RefundActivities
from activities.staff import StaffActivities
from activities.subscriptions import SubscriptionActivities
from activities.tickets import TicketActivities
from models.kit.engine import engine_for
from models.kit.logs import log_as_json
from models.kit.settings import Settings, settings
from workflows.billing import InvoiceWorkflow
from workflows.field_service import VisitWorkflow
from workflows.kit.options import (
    BATCH_QUEUE,
    CARRIER_QUEUE,
    CREDIT_QUEUE,
    DESK_QUEUE,
    MAIL_QUEUE,
    PAYMENTS_QUEUE,
    SMS_QUEUE,
    STOCK_QUEUE,
)
from workflows.kit.payloads import converter
from workflows.orders import OrderWorkflow
from workflows.payments import ChargeWorkflow, RefundWorkflow
from workflows.staff import InvitationWorkflow
from workflows.subscriptions import (
    ActivationWorkflow,
    DeactivationWorkflow,
    SubscriptionChangeWorkflow,
)
from workflows.tickets import TicketWorkflow

WORKFLOWS: list[type] = [
    TicketWorkflow,
    VisitWorkflow,
    InvoiceWorkflow,
    ChargeWorkflow,
    RefundWorkflow,
    InvitationWorkflow,
    OrderWorkflow,
    ActivationWorkflow,
    DeactivationWorkflow,
    SubscriptionChangeWorkflow,
]


def activities(engine: AsyncEngine, setting: Settings) -> dict[str, list[Callable[..., Any]]]:
    """Every activity by the queue it is taken from."""
    calls = CallLog(engine)
    patience = Patience(total=float(min(setting.gateway_patience_seconds, 40)))
    gateway = HttpPaymentGateway(setting.gateway_url, setting.gateway_secret, calls, patience)
    mail = HttpMail(setting.mail_url, setting.systems_token, calls)
    sms = HttpSms(setting.sms_url, setting.systems_token, calls)
    links = Links(setting.secret_key, setting.public_url)
    tickets, visits, bills = (
        TicketActivities(engine),
        FieldServiceActivities(engine),
        BillingActivities(engine),
    )
    payments, refunds = PaymentActivities(engine, gateway), RefundActivities(engine, gateway)
    contracts, orders = SubscriptionActivities(engine), OrderActivities(engine)
    goods = fulfilment(engine, setting, calls)
    staff = StaffActivities(engine, mail, setting.secret_key, setting.public_url)
    letters = LetterActivities(engine, mail, sms, links, setting.desk_address)
    return {
        DESK_QUEUE: [
            tickets.be_born, tickets.open, tickets.record, tickets.weigh,
            visits.rank, visits.offer, visits.schedule, visits.check_evidence, visits.record,
            bills.issue, bills.settle, bills.settle_nothing, bills.cancel, bills.clear_suspense, bills.record,
            orders.open, orders.record, orders.ticket_number, orders.scan, orders.device_to_install,
            orders.contracts, orders.move_to,
            contracts.activate, contracts.deactivate, contracts.open, contracts.record, contracts.charge,
            contracts.apply, contracts.call_off, contracts.wake,
            payments.begin, payments.record, refunds.begin_refund, refunds.record_refund,
        ],
        PAYMENTS_QUEUE: [payments.charge, payments.look_up, refunds.give_back, refunds.look_up_refund],
        MAIL_QUEUE: [letters.send, staff.invite],
        SMS_QUEUE: [],
        STOCK_QUEUE: [goods.reserve, goods.pack, goods.release, goods.restock],
        CARRIER_QUEUE: [goods.hand_over, goods.redirect, goods.recall],
        CREDIT_QUEUE: [goods.check_credit, goods.free_credit],
        BATCH_QUEUE: [],
    }  # fmt: skip


def fulfilment(engine: AsyncEngine, setting: Settings, calls: CallLog) -> FulfilmentActivities:
    """Warehouse, carrier and credit bureau, each over its own line."""
    token = setting.systems_token
    return FulfilmentActivities(
        engine,
        HttpStock(setting.stock_url, token, calls),
        HttpCarrier(setting.carrier_url, token, calls),
        HttpCreditBureau(setting.credit_url, token, calls),
    )


async def main() -> None:
    """Work until asked to stop."""
    setting = settings("DATABASE_WORKER_URL")
    log_as_json(setting.log_level)
    engine = engine_for(setting.database_url, pool_size=setting.pool_size, application="ieum-worker")
    client = await connect(setting, converter(setting.payload_keys))
    running = workers(client, WORKFLOWS, activities(engine, setting))
    await run_until_stopped(running, Relay(engine, client).run(), HistoryKeeper(engine, client).run())
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main())
