"""How often is too often: counted by address, by link and all together, in the table of the door's tries."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from api.kit.people import Kind, Person
from models.kit.refusals import Refusal

WINDOW_MINUTES = 10

COUNT = text(
    """insert into sign_in_throttles as t (bucket, window_start, tries)
    select bucket, now(), 1 from unnest(cast(:buckets as text[])) bucket order by bucket
    on conflict (bucket) do update set
      tries = case when t.window_start < now() - make_interval(mins => :minutes) then 1 else t.tries + 1 end,
      window_start = case when t.window_start < now() - make_interval(mins => :minutes) then now()
                          else t.window_start end
    returning bucket, tries"""
)


@dataclass(frozen=True)
class Limits:
    """So many in ten minutes; the app has one of these."""

    guesses: int = 30  # links that were none, from one address
    acts: int = 60  # changes by one link
    reports: int = 10  # reports without signing in, from one address; refused ones count too
    signups: int = 30  # codes asked for from one network address
    codes: int = 6  # codes asked for to one telephone number or e-mail address
    everybody: int = 3_000  # of each of these, from everywhere
    carts: int = 200  # changes of carts, from one address
    helps: int = 120  # what strangers leave at articles, from one address: looks, words, verdicts
    calls: int = 600  # of one program
    chats: int = 10  # begun without signing in, from one address
    telemetry: int = 1_200  # batches of one device key

    def calling(self, hashed: str) -> dict[str, int]:
        """A program with its key."""
        return {f"api:{hashed[:32]}": self.calls}

    def chatting(self, address: str) -> dict[str, int]:
        """Who begins a chat without signing in."""
        return {f"chat:{address}": self.chats, "chat": self.everybody}

    def measuring(self, key_id: str) -> dict[str, int]:
        """A device, or a gateway of devices, with its key."""
        return {f"device:{key_id}": self.telemetry}

    def guessing(self, address: str) -> dict[str, int]:
        """Who only tries links out."""
        return {f"guess:{address}": self.guesses, "guess": self.everybody}

    def reporting(self, address: str) -> dict[str, int]:
        """Who reports without signing in."""
        return {f"report:{address}": self.reports, "report": self.everybody}

    def shopping(self, address: str) -> dict[str, int]:
        """Who puts things into a cart, with or without signing in."""
        return {f"cart:{address}": self.carts}

    def helping(self, address: str) -> dict[str, int]:
        """Who reads, searches or judges articles without signing in."""
        return {f"help:{address}": self.helps, "help": self.everybody}

    def signing_up(self, address: str, whom: str) -> dict[str, int]:
        """Who asks for a code; whom to is counted without being kept."""
        hashed = hashlib.sha256(whom.encode()).hexdigest()[:32]
        return {f"signup:{address}": self.signups, f"code:{hashed}": self.codes, "signup": self.everybody}

    def acting(self, link: str) -> dict[str, int]:
        """Who changes something by a link."""
        return {f"link:{link[:32]}": self.acts, "link": self.everybody}


async def count(session: AsyncSession, limits: Mapping[str, int]) -> None:
    """Count one try in every bucket with one statement, and refuse when one is full; commits."""
    counted = await session.execute(COUNT, {"buckets": list(limits), "minutes": WINDOW_MINUTES})
    is_full = any(tries > limits[bucket] for bucket, tries in counted.all())
    await session.commit()
    if is_full:
        raise Refusal("too_many_tries")


async def slow_links(engine: AsyncEngine, limits: Limits, person: Person, method: str) -> None:
    """Looking at a link's page is free; changes by it, and links that are none, are counted."""
    if person.kind is not Kind.LINK:
        buckets = limits.guessing(person.address)
    elif method in ("GET", "HEAD"):
        return
    else:
        buckets = limits.acting(person.token_hash)
    async with AsyncSession(engine) as session:
        await count(session, buckets)
