"""Articles as people meet them: help that everybody reads, and the pages of those who write it."""

from api.knowledge import articles, beside, files, finding, gaps, help, keeping, of_items, versions, words
from api.knowledge.routing import router

__all__ = [
    "articles", "beside", "files", "finding", "gaps", "help", "keeping", "of_items", "router", "versions",
    "words",
]  # fmt: skip

# What is spelled out goes before what is only named: "/knowledge/gaps" is no article's key.
router.routes.sort(key=lambda route: [part.startswith("{") for part in getattr(route, "path", "").split("/")])
