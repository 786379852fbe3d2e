"""Employees' requests as people meet them: asking, following, approving, working on them."""

from api.employee_requests import (
    acts,
    amending,
    approvals,
    asking,
    deciding,
    files,
    filling,
    handover,
    item_trials,
    item_versions,
    item_words,
    items,
    journeys,
    mine,
    people,
    readers,
    shelf,
    show,
    somewhere,
    table,
    tasks,
    words,
)
from api.employee_requests.routing import router

__all__ = [
    "acts", "amending", "approvals", "asking", "deciding", "files", "filling", "handover", "item_trials",
    "item_versions", "item_words", "items", "journeys", "mine", "people", "readers", "router", "shelf",
    "show", "somewhere", "table", "tasks", "words",
]  # fmt: skip

# What is spelled out goes before what is only named: "/employee-requests/mine" is no request's id.
router.routes.sort(key=lambda route: [part.startswith("{") for part in getattr(route, "path", "").split("/")])
