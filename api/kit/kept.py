"""Words that somebody searched for, kept for a day under an id that says nothing: the address holds the id.

Words may be somebody's name or number, and addresses end up in histories, bookmarks and logs. A list takes
them as `words: Kept` and its form sends them to /home/words. Whoever else opens such an address sees the list
without them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query
from sqlalchemy import delete, insert
from sqlmodel import col

from api.kit.desk import Desk, DeskAt
from api.kit.finding import tidy
from models.kit import ids
from models.staff import KeptWords

KEPT_FOR = timedelta(days=1)


NUMBER = re.compile(r"[A-Za-z]{1,3}[0-9][0-9A-Za-z.-]*|[a-z]{1,4}_[0-9a-z_]+|20[0-9]{2}-[0-9]+|[0-9a-f]{16}")


class Words(str):
    """The words of a list, with the id that stands for them in an address.

    A number of ours is nobody's: it stands there itself, so that such an address can be passed on."""

    id: str = ""

    @classmethod
    def of(cls, said: object) -> "Words":
        """Words as they are; any other text only if an address may show it."""
        return said if isinstance(said, Words) else cls(said if is_number(str(said)) else "")

    def address(self, path: str, **others: object) -> str:
        """Where the list stands, narrowed by these words and by whatever else is not empty; several values of
        one name stand there one after the other."""
        said = {"kept": self.id} if self.id else {"q": self} if is_number(self) else {}
        pairs = {
            name: [str(one) for one in value] if isinstance(value, tuple) else str(value)
            for name, value in {**others, **said}.items()
            if value
        }
        return f"{path}?{urlencode(pairs, doseq=True)}" if pairs else path


NOTHING = Words()


def is_number(words: str) -> bool:
    """Whether these words are one of our own numbers or ids, and nothing that belongs to a person."""
    return NUMBER.fullmatch(words) is not None and not is_card(words)


def is_card(words: str) -> bool:
    """Whether these words may be the number of a card, by its check digit."""
    if not words.isascii() or not words.isdigit():
        return False
    doubled = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(words))]
    return sum(one - 9 * (one > 9) for one in doubled) % 10 == 0


async def keep(desk: DeskAt, typed: str) -> Words:
    """Keep somebody's words and forget their older ones; a number of ours needs no keeping."""
    words, now = Words(tidy(typed)), datetime.now(UTC)
    if not words.isprintable() or desk.person.account_id is None:
        return Words()
    if not words or is_number(words):
        return words
    mine = col(KeptWords.account_id) == desk.person.account_id
    await desk.session.execute(delete(KeptWords).where(mine, col(KeptWords.made_at) < now - KEPT_FOR))
    words.id = ids.fresh("kw")
    row = {"id": words.id, "account_id": desk.person.account_id, "words": str(words), "made_at": now}
    await desk.session.execute(insert(KeptWords).values(row).inline())
    await desk.commit()
    return words


async def kept_words(
    desk: Desk,
    kept: Annotated[str, Query(max_length=64)] = "",
    q: Annotated[str, Query(max_length=100)] = "",
) -> Words:
    """The words behind `?kept=`, or the number in `?q=`; nothing when somebody else's or forgotten."""
    if not kept or not kept.isprintable():
        return Words(q.strip() if is_number(q.strip()) else "")
    is_fresh = col(KeptWords.made_at) >= datetime.now(UTC) - KEPT_FOR
    known = desk.visible(KeptWords).with_only_columns(col(KeptWords.words)).where(col(KeptWords.id) == kept)
    words = Words(await desk.session.scalar(known.where(is_fresh)) or "")
    words.id = kept if words else ""
    return words


Kept = Annotated[Words, Depends(kept_words)]
"""What a list takes: `async def index(request: Request, desk: Desk, words: Kept)`."""
