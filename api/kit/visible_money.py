"""Who may see bill runs, how a customer is billed, and what was metered; the database says the same."""

from sqlalchemy import true
from sqlmodel import SQLModel, col

from api.kit.people import Kind, Person
from api.kit.seeing import Condition, Rule, has, ids, sells, when
from models.billing import BillingAccount, BillRun, BillSkip, BillSlice, TaxPaper, UsageRecord
from models.messages.staff import Role
from models.subscriptions import Subscription


def _finance(person: Person) -> Condition:
    return when((has(person, Role.FINANCE, Role.ADMIN), true()))


def _accounts(person: Person) -> Condition:
    return when(
        (sells(person), true()),
        (person.kind is Kind.CUSTOMER, col(BillingAccount.customer_id) == person.customer_id),
    )


def _sellers(person: Person) -> Condition:
    return when((sells(person), true()))


def _usage(person: Person) -> Condition:
    return col(UsageRecord.subscription_id).in_(ids(person, Subscription, Subscription.id))


RULES_OF_MONEY: dict[type[SQLModel], Rule] = {
    BillRun: _finance,
    BillSlice: _finance,
    BillSkip: _sellers,
    BillingAccount: _accounts,
    UsageRecord: _usage,
    TaxPaper: _sellers,
}
