"""The service behind the contracts: devices and content that are really switched on and off."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from sandbox.book import Book
from sandbox.counter import Answer, Key, Window
from sandbox.gateway import Input

TABLES = """
create table if not exists switched (
  reference text primary key, state text, version integer, at real);
create table if not exists switchings (
  id integer primary key, reference text, state text, version integer, key text, at real);
"""


class SwitchIn(Input):
    """Switch what this contract promises."""

    reference: str = Field(min_length=1, max_length=64)
    state: Literal["on", "off"]
    version: int = Field(ge=0)


class Switches:
    """How every contract stands, as the book knows it; everything is on until somebody switches it off."""

    def __init__(self, book: Book) -> None:
        self.book = book
        book.base.executescript(TABLES)

    def switch(self, reference: str, asked: SwitchIn, key: str) -> Answer:
        """Take the newest word; a late one is answered with how it stands."""
        if asked.reference != reference:
            return 422, {"reference": reference, "code": "REFERENCE_DIFFERS"}
        now = self.book.now()
        self.book.write(
            "switchings", reference=reference, state=asked.state, version=asked.version, key=key, at=now
        )
        self.book.base.execute(
            "insert into switched (reference, state, version, at) values (?, ?, ?, ?) on conflict (reference)"
            " do update set state = excluded.state, version = excluded.version, at = excluded.at"
            " where excluded.version >= switched.version",
            (reference, asked.state, asked.version, now),
        )
        found = self.book.row("select state from switched where reference = ?", reference) or {}
        return 200, {"reference": reference, "state": found["state"]}


def service(book: Book, token: str) -> APIRouter:
    """The service's API, and what a judge may look at."""
    router = APIRouter(prefix="/service")
    house, once = Switches(book), Window(book, token).once

    @router.post("/contracts/{reference}/switch")
    async def switch(request: Request, reference: str, asked: SwitchIn, key: Key) -> Response:
        return once(request, key, lambda: house.switch(reference, asked, key))

    @router.get("/control/book")
    async def show() -> dict[str, list[dict[str, Any]]]:
        return {
            "switched": book.rows("select * from switched order by 1"),
            "switchings": book.rows("select * from switchings order by 1"),
        }

    return router
