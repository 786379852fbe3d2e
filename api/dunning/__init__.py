"""Overdue accounts as people meet them: the board, one case, what is said to it, policies, and what I owe."""

from api.dunning import acts, board, mine, policies, show, words
from api.dunning.routing import router

__all__ = ["acts", "board", "mine", "policies", "router", "show", "words"]

# "/dunning/policies" is no case: fixed addresses are tried before those with a placeholder.
router.routes.sort(key=lambda route: getattr(route, "path", "").replace("{", "~"))
