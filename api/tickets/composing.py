"""What stands around the composer of a ticket: what waits to leave, who follows, what is asked at the end."""

from dataclasses import dataclass

from api.kit.desk import DeskAt
from api.tickets.closing import Ending, ending_of
from api.tickets.drafts import drafts_count, stamp_now
from api.tickets.filling import Choice, choice_of
from api.tickets.following import Follower, followers_of
from api.tickets.held import Held, held_of
from api.tickets.page import TicketPage


@dataclass(frozen=True)
class Composing:
    """Everything of writing that a ticket's page shows."""

    held: tuple[Held, ...]
    followers: tuple[Follower, ...]
    ending: Ending
    other_drafts: int
    stamp: str  # of one's own draft here
    is_following: bool
    template: Choice | None = None  # what the text in the composer is made from

    @property
    def seen(self) -> str:
        """What colleagues are sending, as the form says that this page knows it."""
        return ",".join(one.id for one in self.held if not one.is_mine)


async def composing_of(desk: DeskAt, ticket: TicketPage, template: str = "") -> Composing:
    """Read it for the asking person."""
    followers = await followers_of(desk, ticket.id)
    return Composing(
        await held_of(desk, ticket.id),
        followers,
        await ending_of(desk, ticket.id),
        await drafts_count(desk, ticket.id),
        await stamp_now(desk, ticket.id),
        any(one.account_id == desk.person.id for one in followers),
        await choice_of(desk, ticket.id, template) if template else None,
    )
