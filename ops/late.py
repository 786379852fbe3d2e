"""Two customers of the sample company who pay late: a policy, old invoices, and the sweep that finds them."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.billing import BillingActivities
from activities.dunning import DunningActivities
from activities.kit.transactions import transaction
from models.dunning import DunningPolicy
from models.kit.records import to_record
from models.messages.billing.invoices import InvoiceOrder, IssueInvoice, LineKind, PricedLine
from models.messages.catalogue import VersionStatus
from models.messages.dunning import PolicyStep, PolicyTerms, StepKind
from models.rules.billing.invoices import on_day, split_vat

POLICY = PolicyTerms(
    (
        PolicyStep(1, StepKind.RETRY),
        PolicyStep(3, StepKind.NOTIFY, channel="kakao", letter="reminder"),
        PolicyStep(7, StepKind.NOTIFY, letter="warning"),
        PolicyStep(10, StepKind.CALL, minimum_minor=30_000),
        PolicyStep(14, StepKind.SUSPEND),
        PolicyStep(30, StepKind.NOTIFY, letter="last_notice"),
        PolicyStep(45, StepKind.TERMINATE),
        PolicyStep(60, StepKind.RETRIEVE),
        PolicyStep(90, StepKind.AGENCY),
        PolicyStep(180, StepKind.WRITE_OFF),
    )
)
# customer, what for, how much (won, VAT included), days overdue
DEBTS = (
    ("cus_jung", "정수기 필터 세트", "Set of water filters", 84_000, 12),
    ("cus_dal", "매장 장비 점검", "Check of the store's equipment", 231_000, 5),
)
PROMISES = "cus_dal"


async def set_policy(engine: AsyncEngine) -> None:
    """Publish what happens to those who pay late."""
    now = datetime.now(UTC)
    async with transaction(engine) as session:
        await session.merge(
            DunningPolicy(
                version=1, status=VersionStatus.PUBLISHED, terms=to_record(POLICY), author_id="acc_fin",
                effective_from=date(2026, 1, 1), reviewer_id="acc_admin", created_at=now, published_at=now,
            )
        )  # fmt: skip


def debts(engine: AsyncEngine) -> list[tuple[date, Callable[[], Awaitable[None]]]]:
    """Invoices that were due some days ago, each with the day on which it was issued."""
    now = datetime.now(UTC)
    found: list[tuple[date, Callable[[], Awaitable[None]]]] = []
    for number, (customer, name_ko, name_en, gross, days) in enumerate(DEBTS, 1):
        line = PricedLine(LineKind.PRODUCT, name_ko, name_en, 1, gross, *split_vat(gross))
        order = InvoiceOrder(
            f"ISAMPLE{number}", "", customer, (), case_id=f"SAMPLE{number}", lines=(line,)
        )  # fmt: skip
        due = now - timedelta(days=days)
        issued = on_day(due - timedelta(days=order.due_days))
        found.append((issued, partial(owe, engine, order, due)))
    return found


async def sweep(engine: AsyncEngine) -> None:
    """Look for who is late, as every morning."""
    await DunningActivities(engine).open_cases(datetime.now(UTC))


async def owe(engine: AsyncEngine, order: InvoiceOrder, due: datetime) -> None:
    """An invoice that was due on that day."""
    issued = due - timedelta(days=order.due_days)
    await BillingActivities(engine).issue(IssueInvoice(order, issued))
