"""A closed month of the books as the tables hold it."""

from datetime import date, datetime

from sqlmodel import SQLModel

from models.billing import (
    AccountingPeriod,
    CloseCheck,
    ContractDeferral,
    ErpBatch,
    ErpPosting,
    LedgerEntry,
    LedgerTransaction,
)
from models.messages.billing.close import BatchStatus, Check, CheckStatus, PeriodStatus
from models.messages.billing.invoices import LedgerAccount

LEAP = "2024-02"
LINE = f"{LEAP}.1-receivable-debit"


def a_closed_month(word: str, now: datetime) -> list[list[SQLModel]]:
    """February 2024 with one invoice of customer one, in the order in which the tables take it."""
    key, day = f"ieum:{LEAP}.1", date(2024, 2, 29)
    sides: list[SQLModel] = [
        LedgerTransaction(id=1, source="invoice:I1-1", purpose="cancel", customer_id="c_one", posted_on=day,
                          posted_at=now),
        LedgerEntry(transaction_id=1, position=1, account=LedgerAccount.RECEIVABLE, debit_minor=110),
        LedgerEntry(transaction_id=1, position=2, account=LedgerAccount.REVENUE, credit_minor=110),
    ]  # fmt: skip
    month = AccountingPeriod(
        id=LEAP, from_on=date(2024, 2, 1), until_on=date(2024, 3, 1), status=PeriodStatus.CLOSED, locked_id=1,
        created_at=now, closed_at=now, seq=4, reopen_asked_by="a_finance", reopen_reason=word,
    )  # fmt: skip
    found: list[SQLModel] = [
        CloseCheck(period_id=LEAP, round=1, code=Check.UNKNOWN, status=CheckStatus.ACCEPTED, count=1,
                   amount_minor=110, samples=[["I1-1.1", 110]], accepted_by="a_finance", reason=word,
                   at=now),
        ContractDeferral(period_id=LEAP, subscription_id="S1-1", billed_minor=110, earned_minor=10),
        ErpBatch(key=key, period_id=LEAP, round=1, from_id=0, until_id=1, status=BatchStatus.ACKNOWLEDGED,
                 transactions=1, document_id=7, document_number="2024-7", created_at=now,
                 acknowledged_at=now),
    ]  # fmt: skip
    lines: list[SQLModel] = [
        ErpPosting(id=LINE, batch_key=key, period_id=LEAP, account=LedgerAccount.RECEIVABLE, code="108",
                   debit_minor=110, count=1),
        ErpPosting(id=f"{LEAP}.1-revenue-credit", batch_key=key, period_id=LEAP,
                   account=LedgerAccount.REVENUE, code="412", credit_minor=110, count=1),
    ]  # fmt: skip
    return [sides, [month], found, lines]
