"""What banks and collections left behind: one of each for a customer of the small company."""

from datetime import date, datetime, timedelta

from sqlmodel import SQLModel

from models.messages.payments.deposits import DepositStatus
from models.messages.payments.transfers import BatchKind
from models.payments import (
    Collection,
    CollectionRules,
    Deposit,
    Mandate,
    TransferBatch,
    TransferOddity,
    TransferRow,
    VirtualAccount,
)


def banked(n: int, customer: str, word: str, now: datetime) -> list[SQLModel]:
    """A collection, a file with a row, a mandate, an account to pay into and a deposit nobody claims."""
    day = date(2026, 1, n)
    return [
        Collection(id=f"2026-01-0{n}", day=day, started_at=now,
                   policy={"retry_after_days": [1, 3], "version": 1}),
        CollectionRules(version=n + 10, terms={}, created_at=now),
        TransferBatch(id=f"EB21260{n}", kind=BatchKind.DEBIT, day=day, cut_off=now, begun_at=now,
                      result_due=now + timedelta(days=1)),
        TransferRow(batch_id=f"EB21260{n}", number=1, method_id=f"pm{n}", customer_id=customer,
                    amount_minor=110),
        TransferOddity(batch_id=f"EB21260{n}", kind="unknown_row", place=9, code="0000", found_at=now),
        Mandate(method_id=f"pm{n}", customer_id=customer, bank="004", consent="2026-11", consented_at=now),
        VirtualAccount(customer_id=customer, number=f"5620000000000{n}", issued_at=now),
        Deposit(id=f"dep{n}", account=f"5620000000009{n}", payer=word, amount_minor=110, received_at=now,
                status=DepositStatus.SUSPENSE),
    ]  # fmt: skip
