"""Overdue accounts as the tables hold them: a policy, unpaid invoices, a case that the sweep has opened."""

from datetime import UTC, date, datetime, timedelta
from itertools import count

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.billing import BillingActivities
from activities.dunning import DunningActivities
from activities.kit.transactions import transaction
from models.dunning import DunningPolicy
from models.kit.ids import attempt_id
from models.kit.records import to_record
from models.messages.billing.invoices import InvoiceOrder, IssueInvoice, PaymentReceived, SettleInvoice
from models.messages.catalogue import VersionStatus
from models.messages.dunning import DunningOrder, PolicyStep, PolicyTerms, StepKind
from models.messages.payments import AttemptStatus
from models.payments import PaymentAttempt
from tests.builders.billing import a_line

K = StepKind
STEPS = (
    PolicyStep(2, K.RETRY),  # invoices of tests were due yesterday: whatever the hour, no step is due at once
    PolicyStep(3, K.NOTIFY, letter="reminder"),
    PolicyStep(7, K.NOTIFY, letter="warning", channel="kakao"),
    PolicyStep(10, K.CALL, minimum_minor=30_000),
    PolicyStep(14, K.SUSPEND),
    PolicyStep(30, K.NOTIFY, letter="last_notice", channel="sms"),
    PolicyStep(45, K.TERMINATE),
    PolicyStep(60, K.RETRIEVE),
    PolicyStep(90, K.AGENCY),
    PolicyStep(180, K.WRITE_OFF),
)
TERMS = PolicyTerms(STEPS)
_numbers = count(1)


def a_policy(version: int = 1, terms: PolicyTerms = TERMS, since: date = date(2020, 1, 1)) -> DunningPolicy:
    """A published policy."""
    now = datetime.now(UTC)
    return DunningPolicy(
        version=version, status=VersionStatus.PUBLISHED, terms=to_record(terms), effective_from=since,
        author_id="acc_a", reviewer_id="acc_b", created_at=now, published_at=now,
    )  # fmt: skip


async def an_unpaid_invoice(
    engine: AsyncEngine, customer_id: str, gross: int = 55_000, days: int = 1, at: datetime | None = None
) -> str:
    """An invoice that should have been paid so many days ago."""
    number = next(_numbers)
    order = InvoiceOrder(
        f"IO9{number:05d}-1", "", customer_id, (), case_id=f"O9{number:05d}", lines=(a_line(gross),)
    )  # fmt: skip
    issued = (at or datetime.now(UTC)) - timedelta(days=days + order.due_days)
    await BillingActivities(engine).issue(IssueInvoice(order, issued))
    return order.invoice_id


async def pay(engine: AsyncEngine, invoice_id: str, at: datetime, amount: int | None = None) -> None:
    """Money for an invoice, booked as the gateway's news are."""
    async with transaction(engine) as session:
        found = await session.execute(
            text(
                "select i.customer_id, i.total_minor, (select count(*) from payment_attempts a"
                " where a.invoice_id = i.id) + 1 from invoices i where i.id = :id"
            ),
            {"id": invoice_id},
        )
        customer, total, ordinal = found.one()
        attempt = attempt_id(invoice_id, ordinal)
        paid = total if amount is None else amount
        session.add(
            PaymentAttempt(
                id=attempt, invoice_id=invoice_id, ordinal=ordinal, customer_id=customer, payment_key="pk",
                amount_minor=paid, status=AttemptStatus.SUCCEEDED, created_at=at, settled_at=at,
                provider_id=f"tx_{attempt}",
            )
        )  # fmt: skip
    await BillingActivities(engine).settle(
        SettleInvoice(invoice_id, "", PaymentReceived(attempt, paid, at), 9, at)
    )


async def a_case(engine: AsyncEngine, customer_id: str, at: datetime | None = None) -> str:
    """The case that the sweep opens for a customer; the policy is there already."""
    await DunningActivities(engine).open_cases(at or datetime.now(UTC))
    async with transaction(engine) as session:
        asked = text("select id from dunning_cases where customer_id = :id and status = 'open'")
        return str((await session.execute(asked, {"id": customer_id})).scalar_one())


def an_order(case_id: str, customer_id: str, since: date, terms: PolicyTerms = TERMS) -> DunningOrder:
    """What starts the life of a case."""
    return DunningOrder(case_id, customer_id, 1, terms, since)
