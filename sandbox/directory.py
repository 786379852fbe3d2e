"""The accounts of everybody who works here: the independent scim2-server behind the sandbox's own door.

What it answers is its own; the sandbox gives it an address, a token, groups to begin with, and a memory."""

import json
from typing import Any

from fastapi import APIRouter
from scim2_models import UnauthorizedException
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage, InMemoryStorage
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.utils import load_default_provider

from sandbox.book import Book

GROUPS = ("everybody", "management", "engineering", "sales", "finance", "service", "people", "legal")
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


class Directory(ASGIApplication):
    """A SCIM server that lets in who knows the token, and finds its accounts again after a restart."""

    def __init__(self, book: Book, token: str) -> None:
        self.book, self.token, self.kept = book, token, "never read"
        self.memory = InMemoryStorage()
        super().__init__(AsyncInMemoryStorage(self.memory), load_default_provider())

    def check_auth(self, request: ScimRequest) -> None:
        """Refuse everybody else."""
        if request.header("Authorization") != f"Bearer {self.token}":
            raise UnauthorizedException

    async def dispatch_request(self, request: ScimRequest) -> ScimResponse:
        """Answer from what the book holds, and write down what has changed."""
        self.remember()
        response = await super().dispatch_request(request)
        if request.method != "GET":
            self.write_down()
        return response

    def remember(self) -> None:
        """Read the book again when somebody emptied it; an empty one holds the usual groups."""
        said = self.book.setting("directory", "")
        if said == self.kept and said:
            return
        groups = [
            {
                "schemas": [GROUP], "id": f"group-{name}", "displayName": name,
                "meta": {"resourceType": "Group", "version": 'W/"0"'},
            }
            for name in GROUPS
        ]  # fmt: skip
        kinds: dict[str, Any] = {name: self.provider.model_for(name) for name in ("User", "Group")}
        self.memory.resources = [
            kinds["Group" if GROUP in one["schemas"] else "User"].model_validate(one)
            for one in (json.loads(said) if said else groups)
        ]
        self.write_down()

    def write_down(self) -> None:
        """Keep every account and group."""
        self.kept = json.dumps(self.shown())
        self.book.remember("directory", self.kept)

    def shown(self) -> list[dict[str, object]]:
        """Every account and group as it stands."""
        return [one.model_dump() for one in self.memory.resources]


def controls(directory: Directory) -> APIRouter:
    """What a judge may look at."""
    router = APIRouter(prefix="/directory")

    @router.get("/control/book")
    async def show() -> list[dict[str, object]]:
        directory.remember()
        return directory.shown()

    return router
