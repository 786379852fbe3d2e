"""Notes about customers, words that somebody searched for, and a rule of tiers that no longer counts."""

from datetime import datetime

from sqlmodel import SQLModel

from models.customers import CustomerNote, TierRule
from models.messages.customers import Tier
from models.staff import KeptWords


def noted(word: str, now: datetime) -> list[SQLModel]:
    """A note about each customer, and words of two agents."""
    return [
        CustomerNote(id="nt1", customer_id="c_one", author_id="a_agent", body=word, made_at=now),
        CustomerNote(
            id="nt2", customer_id="c_two", author_id="a_admin", body=word, is_pinned=True, made_at=now
        ),
        KeptWords(id="kw1", account_id="a_agent", words=word, made_at=now),
        KeptWords(id="kw2", account_id="a_admin", words=word, made_at=now),
        TierRule(version=0, tier=Tier.GOLD, paid_minor=1, months=1, made_by=word, made_at=now),
    ]
