"""Contracts as people meet them: what runs, what it costs, and every change with its money before it."""

from api.subscriptions import changes, finding, show, wishes, words
from api.subscriptions.routing import router

__all__ = ["changes", "finding", "router", "show", "wishes", "words"]

# "/subscriptions/changes/C1" is no contract: fixed addresses are tried before those with a placeholder.
router.routes.sort(key=lambda route: getattr(route, "path", "").replace("{", "~"))
