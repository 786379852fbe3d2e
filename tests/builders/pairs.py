"""The sample company's two customers as a pair, and a merge of them that somebody refused."""

from datetime import datetime

from sqlmodel import SQLModel

from models.customers import CustomerMerge, CustomerPair
from models.messages.customers import MergeStatus

PAIR = "pair_one"


def alike(word: str, now: datetime) -> list[SQLModel]:
    """Two records that look like one customer."""
    pair = CustomerPair(
        id=PAIR, first_id="c_one", second_id="c_two", score=70, reasons=["phone_same", "name_differs"],
        likeness="k", found_at=now, found_by="night",
    )  # fmt: skip
    merges = [
        CustomerMerge(
            id=f"mrg{n}", pair_id=PAIR, survivor_id="c_one", loser_id="c_two", taken=[], versions=[1, 1],
            reason=word, status=MergeStatus.REFUSED, asked_by="a_agent", asked_at=now,
        )
        for n in (1, 2)
    ]  # fmt: skip
    return [pair, *merges]
