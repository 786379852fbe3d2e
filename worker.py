"""The worker: lives every workflow, does every activity, empties the outbox and keeps histories."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.billing import (
    BillAgainActivities,
    BillingActivities,
    BillLetterActivities,
    BillRunActivities,
    CloseActivities,
    TaxActivities,
    WriteOffActivities,
)
from activities.channels import acts_of_channels
from activities.connectors.accounting import HttpTryton
from activities.connectors.alimtalk import HttpAlimTalk
from activities.connectors.bank import HttpBank
from activities.connectors.billing_keys import HttpBillingKeys
from activities.connectors.carrier import HttpCarrier
from activities.connectors.credit import HttpCreditBureau
from activities.connectors.directory import ScimDirectory
from activities.connectors.hr import HttpHr
from activities.connectors.kit import Patience
from activities.connectors.mail import HttpMail
from activities.connectors.marketing import HttpMarketing
from activities.connectors.office import HttpOffice
from activities.connectors.payments import HttpPaymentGateway
from activities.connectors.provisioning import HttpService
from activities.connectors.sms import HttpSms
from activities.connectors.stock import HttpStock
from activities.connectors.stripe import HttpStripe
from activities.connectors.tax_documents import HttpTaxOffice
from activities.customers import HandoverActivities, MergeActivities, PairActivities, PrivacyActivities
from activities.customers.signup import SignupActivities
from activities.dunning import DunningActivities
from activities.employee_requests import (
    CallActivities,
    PersonNewsActivities,
    RequestActivities,
    RequestLetterActivities,
    SimulationActivities,
)
from activities.field_service import FieldServiceActivities
from activities.kit.addresses import Addresses
from activities.kit.calls import CallLog
from activities.kit.histories import HistoryKeeper
from activities.kit.links import Links
from activities.kit.outbox import Relay
from activities.kit.pace import Pace
from activities.kit.post import LetterActivities
from activities.kit.running import connect, run_until_stopped, workers
from activities.kit.schedules import keep_schedules
from activities.kit.sealing import Seals
from activities.knowledge import KnowledgeActivities
from activities.orders import FulfilmentActivities, GoodsBackActivities, OrderActivities, ReturnActivities
from activities.partners import PartnerActivities, PartnerLetterActivities
from activities.payments import (
    AskingActivities,
    CollectionActivities,
    DepositActivities,
    MethodActivities,
    NoticeActivities,
    PaymentActivities,
    RefundActivities,
    TransferActivities,
)
from activities.payments.files import BankFiles
from activities.payments.providers import BY_FILE, GATEWAY, STRIPE, Provider
from activities.staff import PeopleDayActivities, PeopleFeedActivities, StaffActivities
from activities.subscriptions import SubscriptionActivities, SuspensionActivities
from activities.tickets import (
    BatchActivities,
    MailActivities,
    RetimingActivities,
    RuleTrialActivities,
    TicketActivities,
)
from models.kit import tables
from models.kit.engine import engine_for
from models.kit.logs import log_as_json
from models.kit.schedules import SCHEDULES
from models.kit.settings import Settings, settings
from workflows.kit.lives import WORKFLOWS
from workflows.kit.options import (
    ACCOUNTING_QUEUE,
    BANK_QUEUE,
    BATCH_QUEUE,
    CARRIER_QUEUE,
    CREDIT_QUEUE,
    DESK_QUEUE,
    DIRECTORY_QUEUE,
    HR_QUEUE,
    INBOUND_QUEUE,
    MAIL_QUEUE,
    MARKETING_QUEUE,
    OFFICE_QUEUE,
    PAYMENTS_QUEUE,
    SERVICE_QUEUE,
    SMS_QUEUE,
    STOCK_QUEUE,
    TAX_QUEUE,
)
from workflows.kit.payloads import converter

assert tables  # a row that points at a table which nobody here imported could not be stored
Acts = dict[str, list[Callable[..., Any]]]


def service(engine: AsyncEngine, setting: Settings) -> Acts:
    """Tickets with their mails, and visits."""
    tickets, visits = TicketActivities(engine), FieldServiceActivities(engine)
    addresses = Addresses(setting.secret_key, setting.mail_addresses)
    mails = MailActivities(engine, addresses, setting.files_dir, setting.mail_vouched_by)
    anew, trials = RetimingActivities(engine), RuleTrialActivities(engine)
    many = BatchActivities(engine)
    return {
        DESK_QUEUE: [
            *acts_of_channels(engine), tickets.be_born, tickets.open, tickets.record, tickets.weigh,
            tickets.missing_fields, tickets.merge, tickets.unmerge, tickets.split,
            visits.rank, visits.offer, visits.assign, visits.schedule, visits.check_evidence,
            visits.record,
            mails.record, mails.follow_up,
            anew.count_open, anew.end_retiming, trials.count_past, trials.end_trial,
            many.ask_batch, many.settle_batch, many.end_batch,
        ],
        INBOUND_QUEUE: [mails.place],
        BATCH_QUEUE: [anew.retime_slice, trials.try_slice],
    }  # fmt: skip


def money(engine: AsyncEngine, setting: Settings, calls: CallLog) -> Acts:
    """Invoices, charges, refunds and methods of payment, over the gateway's lines."""
    patience = Patience(total=float(min(setting.gateway_patience_seconds, 40)))
    gateway = HttpPaymentGateway(setting.gateway_url, setting.gateway_secret, calls, patience)
    keys = HttpBillingKeys(setting.gateway_url, setting.gateway_secret, calls, patience)
    seals = Seals(setting.payload_keys)
    providers = {GATEWAY: Provider(gateway, keys, Pace(setting.gateway_per_second))}
    providers |= {name: Provider(BankFiles(engine), keys) for name in BY_FILE}
    if setting.stripe_url:
        stripe = HttpStripe(setting.stripe_url, setting.stripe_secret, calls, patience)
        providers[STRIPE] = Provider(stripe, stripe, Pace(setting.stripe_per_second))
    bills, refunds = BillingActivities(engine), RefundActivities(engine, gateway, providers)
    files = TransferActivities(engine, HttpBank(setting.bank_url, setting.systems_token, calls), seals)
    deposits = DepositActivities(engine)
    collecting, asking = CollectionActivities(engine), AskingActivities(engine, providers, seals)
    payments, methods = (
        PaymentActivities(engine, gateway, keys, seals, providers),
        MethodActivities(engine, keys, seals, providers),
    )
    return {
        DESK_QUEUE: [
            bills.issue, bills.settle, bills.settle_nothing, bills.cancel, bills.clear_suspense, bills.record,
            payments.open, payments.begin, payments.record, refunds.begin_refund, refunds.record_refund,
            methods.record_method, collecting.record_collection, files.record_batch,
            deposits.allocate_deposit, deposits.return_deposit, deposits.wait_deposit,
        ],
        PAYMENTS_QUEUE: [
            payments.charge, payments.look_up, refunds.give_back, refunds.look_up_refund,
            methods.keep_method, methods.drop_method,
        ],
        BATCH_QUEUE: [
            collecting.begin_collection, collecting.write_attempts, collecting.collection_left,
            collecting.give_up_asking, asking.ask_slice, asking.look_up_slice, files.plan_batch,
            files.fill_batch, files.miss_batch,
        ],
        BANK_QUEUE: [files.hand_in_batch, files.fetch_result],
    }  # fmt: skip


def overdue(engine: AsyncEngine) -> Acts:
    """Accounts that do not pay."""
    cases, gone = DunningActivities(engine), WriteOffActivities(engine)
    return {
        DESK_QUEUE: [cases.look, cases.take, cases.record, gone.write_off],
        BATCH_QUEUE: [cases.open_cases],
    }


def runs(engine: AsyncEngine) -> Acts:
    """Bill runs: slices where nobody waits for them, a person's own account at the desk."""
    bills, again = BillRunActivities(engine), BillAgainActivities(engine)
    return {
        BATCH_QUEUE: [bills.plan_run, bills.bill_slice],
        DESK_QUEUE: [
            bills.progress, bills.record_run, bills.slices_to_write, again.take_back, again.bill_account,
        ],
    }  # fmt: skip


def books(engine: AsyncEngine, setting: Settings, calls: CallLog) -> Acts:
    """The close of a month, over the ERP's line."""
    tryton = HttpTryton(
        setting.accounting_url, setting.accounting_database, setting.accounting_user,
        setting.accounting_password, calls,
    )  # fmt: skip
    close = CloseActivities(engine, tryton)
    return {
        DESK_QUEUE: [close.begin_close, close.acknowledge, close.accept_difference, close.record_close],
        BATCH_QUEUE: [
            close.check_before_close, close.lock_period, close.defer, close.tie_out, close.sum_up,
        ],
        ACCOUNTING_QUEUE: [close.draft_posting, close.post_draft],
    }  # fmt: skip


def evidence(engine: AsyncEngine, setting: Settings, calls: CallLog) -> Acts:
    """What the tax office is told, over the agency's line."""
    tax = TaxActivities(
        engine, HttpTaxOffice(setting.tax_url, setting.systems_token, calls), Pace(setting.gateway_per_second)
    )
    return {
        DESK_QUEUE: [tax.left, tax.again, tax.wait], BATCH_QUEUE: [tax.write],
        TAX_QUEUE: [tax.issue, tax.look_up],
    }  # fmt: skip


def people(engine: AsyncEngine, setting: Settings, calls: CallLog) -> Acts:
    """Letters, invitations, signup, privacy, and the CRM that campaigns run in."""
    mail = HttpMail(setting.mail_url, setting.systems_token, calls)
    sms = HttpSms(setting.sms_url, setting.systems_token, calls)
    crm = HttpMarketing(setting.marketing_url, setting.systems_token, calls)
    secret, here = setting.secret_key, setting.public_url
    talk = HttpAlimTalk(setting.alimtalk_url, setting.systems_token, calls)
    addresses = Addresses(secret, setting.mail_addresses)
    links = Links(secret, here)
    letters = LetterActivities(engine, mail, sms, links, setting.desk_address, talk=talk, addresses=addresses)
    staff, day = StaffActivities(engine, mail, secret, here), PeopleDayActivities(engine)
    feed = PeopleFeedActivities(
        engine, HttpHr(setting.hr_url, setting.systems_token, calls), setting.hr_most_leavers
    )
    signup = SignupActivities(engine, mail, sms, secret, here)
    privacy = PrivacyActivities(engine, mail, sms, crm, setting.files_dir, here, secret)
    merges, pairs = MergeActivities(engine), PairActivities(engine)
    return {
        DESK_QUEUE: [
            signup.note, signup.end_code, signup.recognise, signup.join, signup.forget,
            signup.consent_version, privacy.export, privacy.delete_file, privacy.close, privacy.erase,
            privacy.methods_alive, day.turn_day, day.retarget, PersonNewsActivities(engine).take_person_news,
            merges.weigh, merges.record, pairs.search, pairs.end_scan,
        ],
        MAIL_QUEUE: [
            letters.send, BillLetterActivities(engine, letters).write_bills, staff.invite, signup.send_code,
            signup.remind, signup.welcome, privacy.tell,
        ],
        HR_QUEUE: [feed.take_news],
        BATCH_QUEUE: [NoticeActivities(engine, letters).tell_slice, merges.merge, merges.undo, pairs.scan],
        MARKETING_QUEUE: [HandoverActivities(engine, crm).hand_over, privacy.forget_contact],
    }  # fmt: skip


def sales(engine: AsyncEngine, setting: Settings, calls: CallLog) -> Acts:
    """Orders and contracts; warehouse, carrier and credit bureau, each over its own line."""
    token = setting.systems_token
    orders, contracts = OrderActivities(engine), SubscriptionActivities(engine)
    off = SuspensionActivities(engine, HttpService(setting.service_url, token, calls))
    stock = HttpStock(setting.stock_url, token, calls)
    carrier = HttpCarrier(setting.carrier_url, token, calls)
    goods = FulfilmentActivities(engine, stock, carrier, HttpCreditBureau(setting.credit_url, token, calls))
    returns, back = ReturnActivities(engine), GoodsBackActivities(engine, stock, carrier)
    return {
        DESK_QUEUE: [
            orders.open, orders.record, orders.ticket_number, orders.scan, orders.device_to_install,
            orders.contracts, orders.move_to, orders.forget_carts,
            contracts.activate, contracts.deactivate, contracts.open, contracts.record, contracts.charge,
            contracts.apply, contracts.call_off, contracts.wake, contracts.exchange_device,
            returns.open, returns.record, returns.scan, returns.settle, back.replace,
            back.exchanged_devices, off.suspend, off.to_switch_on, off.resume, off.draft_dismissals,
        ],
        SERVICE_QUEUE: [off.switch],
        STOCK_QUEUE: [goods.reserve, goods.pack, goods.release, goods.restock, back.restock],
        CARRIER_QUEUE: [goods.hand_over, goods.redirect, goods.recall, back.fetch, back.stop],
        CREDIT_QUEUE: [goods.check_credit, goods.free_credit],
    }  # fmt: skip


def requests(engine: AsyncEngine, setting: Settings, calls: CallLog) -> Acts:
    """What employees ask for: rows, letters, and operations over the line of each outside system."""
    token = setting.systems_token
    lives = RequestActivities(engine)
    mail = HttpMail(setting.mail_url, token, calls)
    letters = RequestLetterActivities(engine, mail, Links(setting.secret_key, setting.public_url))
    systems = CallActivities(
        engine, ScimDirectory(setting.directory_url, token, calls),
        HttpOffice(setting.office_url, token, calls), HttpStock(setting.stock_url, token, calls),
    )  # fmt: skip
    return {
        DESK_QUEUE: [
            lives.open, lives.begin, lives.look_again, lives.ask, lives.record, lives.version,
            systems.call,
        ],
        MAIL_QUEUE: [letters.write],
        DIRECTORY_QUEUE: [systems.call],
        OFFICE_QUEUE: [systems.call],
        STOCK_QUEUE: [systems.call],
        BATCH_QUEUE: [SimulationActivities(engine).simulate],
    }  # fmt: skip


def knowledge(engine: AsyncEngine, setting: Settings, calls: CallLog) -> Acts:
    """Articles: who is reminded to look at them again, and what is forgotten; partners and their papers."""
    mail = HttpMail(setting.mail_url, setting.systems_token, calls)
    articles, lives = KnowledgeActivities(engine, mail, setting.public_url), PartnerActivities(engine)
    papers = PartnerLetterActivities(engine, mail, setting.public_url)
    return {
        DESK_QUEUE: [articles.due, articles.forget, lives.outlook, lives.check_papers, lives.record],
        MAIL_QUEUE: [articles.remind, papers.warn],
    }


def activities(engine: AsyncEngine, setting: Settings) -> Acts:
    """Every activity by the queue it is taken from."""
    calls = CallLog(engine)
    queues: Acts = {SMS_QUEUE: [], BATCH_QUEUE: []}
    groups = (
        service(engine, setting), money(engine, setting, calls), runs(engine), people(engine, setting, calls),
        sales(engine, setting, calls), books(engine, setting, calls), overdue(engine),
        evidence(engine, setting, calls),
        requests(engine, setting, calls),
        knowledge(engine, setting, calls),
    )  # fmt: skip
    for group in groups:
        for queue, acts in group.items():
            queues.setdefault(queue, []).extend(acts)
    return queues


async def main() -> None:
    """Work until asked to stop."""
    setting = settings("DATABASE_WORKER_URL")
    log_as_json(setting.log_level)
    engine = engine_for(setting.database_url, pool_size=setting.pool_size, application="ieum-worker")
    client = await connect(setting, converter(setting.payload_keys))
    await keep_schedules(client, SCHEDULES)
    running = workers(client, WORKFLOWS, activities(engine, setting))
    await run_until_stopped(running, Relay(engine, client).run(), HistoryKeeper(engine, client).run())
    await engine.dispose()


def leave() -> None:
    """End at once: threads of the Temporal client that outlive it abort a Python that is being taken down."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
    leave()
