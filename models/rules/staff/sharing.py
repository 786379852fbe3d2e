"""Who may put something before their whole team."""

from collections.abc import Iterable

from models.messages.staff import Role

SHARE_VIEWS = frozenset({Role.DISPATCHER, Role.ADMIN})
"""Whose views of the queue a whole team may see: whoever leads it. Everybody keeps views of their own."""


def may_share_views(roles: Iterable[Role], team_id: str | None) -> bool:
    """Whether somebody may share a view with their team; without a team there is nobody to share it with."""
    return team_id is not None and bool(SHARE_VIEWS & set(roles))
