"""Who may see what is sold: catalogue drafts, orders, contracts, consents, methods of payment."""

from typing import Any

from sqlalchemy import and_, false, or_, select, true
from sqlmodel import SQLModel, col

from api.kit.people import Kind, Person
from api.kit.seeing import Condition, Rule, has, ids, of_case, sells, when
from models.billing import CreditNote, Invoice
from models.catalogue import Bundle, BundleVersion, CrossSell, Plan, PlanVersion
from models.customers import Consent, KnownSerial, PrivacyRequest, Signup
from models.dunning import (
    DunningCase,
    DunningHold,
    DunningPolicy,
    DunningStep,
    PromiseToPay,
    WriteOff,
)
from models.messages.catalogue import VersionStatus
from models.messages.staff import Role
from models.orders import (
    Order,
    OrderAddress,
    OrderLine,
    OrderReservation,
    OrderStep,
    Return,
    ReturnLine,
    ReturnScan,
    Shipment,
    ShipmentEvent,
)
from models.payments import (
    Collection,
    CollectionRules,
    Deposit,
    Mandate,
    PaymentMethod,
    Refund,
    TransferBatch,
    TransferOddity,
    TransferRow,
    VirtualAccount,
)
from models.subscriptions import (
    Subscription,
    SubscriptionChange,
    SubscriptionCharge,
    SubscriptionPause,
    SubscriptionSuspension,
)


def _published(status: Any) -> Rule:
    """Drafts are our own; everybody sees what is or was sold."""
    sold = col(status).in_([VersionStatus.PUBLISHED, VersionStatus.RETIRED])
    return lambda person: true() if person.kind is Kind.STAFF else sold


def _owned_by(customer: Any) -> Rule:
    return lambda person: when(
        (sells(person), true()), (person.kind is Kind.CUSTOMER, col(customer) == person.customer_id)
    )


def _orders(person: Person) -> Condition:
    return of_case(person, Order.id, Order.customer_id)


def _of_order(column: Any) -> Rule:
    return lambda person: col(column).in_(ids(person, Order, Order.id))


def _shipment_events(person: Person) -> Condition:
    return col(ShipmentEvent.shipment_id).in_(ids(person, Shipment, Shipment.id))


def _returns(person: Person) -> Condition:
    """Also by a link to the order that they are about."""
    of_order = and_(col(Return.order_id) == person.case_id, col(Return.customer_id) == person.customer_id)
    return or_(
        of_case(person, Return.id, Return.customer_id),
        of_order if person.kind is Kind.LINK and person.case_id is not None else false(),
    )


def _of_return(column: Any) -> Rule:
    return lambda person: col(column).in_(ids(person, Return, Return.id))


def _changes(person: Person) -> Condition:
    """A transfer is seen by both sides."""
    mine = or_(
        col(SubscriptionChange.customer_id) == person.customer_id,
        col(SubscriptionChange.other_customer_id) == person.customer_id,
    )
    return when(
        (sells(person), true()),
        (person.kind is Kind.CUSTOMER, mine),
        (
            person.kind is Kind.LINK and person.case_id is not None,
            and_(col(SubscriptionChange.id) == person.case_id, mine),
        ),
    )


def _subscriptions(person: Person) -> Condition:
    named = select(col(SubscriptionChange.subscription_id)).where(
        col(SubscriptionChange.id) == person.case_id,
        col(SubscriptionChange.customer_id) == person.customer_id,
    )
    return when(
        (sells(person), true()),
        (person.kind is Kind.CUSTOMER, col(Subscription.customer_id) == person.customer_id),
        (
            person.kind is Kind.LINK and person.case_id is not None,
            and_(col(Subscription.customer_id) == person.customer_id, col(Subscription.id).in_(named)),
        ),
    )


def _of_subscription(column: Any) -> Rule:
    return lambda person: col(column).in_(ids(person, Subscription, Subscription.id))


def _signups(person: Person) -> Condition:
    """Addresses of people who are not customers yet: administrators only."""
    return when((has(person, Role.ADMIN), true()))


def _of_invoice(column: Any) -> Rule:
    return lambda person: col(column).in_(ids(person, Invoice, Invoice.id))


def _everybody(_: Person) -> Condition:
    return true()


def _ours(person: Person) -> Condition:
    """What we do about an overdue account: the desk and finance."""
    return true() if sells(person) else false()


def _staffs(person: Person) -> Condition:
    return true() if person.kind is Kind.STAFF else false()


def _finance(person: Person) -> Condition:
    return when((has(person, Role.FINANCE, Role.ADMIN), true()))


RULES_OF_SALE: dict[type[SQLModel], Rule] = {
    Plan: _everybody,
    Bundle: _everybody,
    CrossSell: _everybody,
    PlanVersion: _published(PlanVersion.status),
    BundleVersion: _published(BundleVersion.status),
    Order: _orders,
    OrderLine: _of_order(OrderLine.order_id),
    OrderStep: _of_order(OrderStep.order_id),
    OrderReservation: _of_order(OrderReservation.order_id),
    OrderAddress: _of_order(OrderAddress.order_id),
    Shipment: _of_order(Shipment.order_id),
    ShipmentEvent: _shipment_events,
    Return: _returns,
    ReturnLine: _of_return(ReturnLine.return_id),
    ReturnScan: _of_return(ReturnScan.return_id),
    Subscription: _subscriptions,
    SubscriptionPause: _of_subscription(SubscriptionPause.subscription_id),
    SubscriptionChange: _changes,
    SubscriptionCharge: _of_subscription(SubscriptionCharge.subscription_id),
    Signup: _signups,
    KnownSerial: lambda _: false(),  # only a door compares with it
    Consent: _owned_by(Consent.customer_id),
    PrivacyRequest: _owned_by(PrivacyRequest.customer_id),
    PaymentMethod: _owned_by(PaymentMethod.customer_id),
    Refund: _of_invoice(Refund.invoice_id),
    Collection: _finance,
    CollectionRules: _finance,
    TransferBatch: _finance,
    TransferRow: _finance,
    TransferOddity: _finance,
    Deposit: _finance,
    Mandate: _owned_by(Mandate.customer_id),
    VirtualAccount: _owned_by(VirtualAccount.customer_id),
    CreditNote: _of_invoice(CreditNote.invoice_id),
    DunningPolicy: _staffs,
    DunningCase: _owned_by(DunningCase.customer_id),
    DunningStep: _ours,
    PromiseToPay: _owned_by(PromiseToPay.customer_id),
    DunningHold: _ours,
    WriteOff: _ours,
    SubscriptionSuspension: _owned_by(SubscriptionSuspension.customer_id),
}
