"""A credit bureau: answers yes, grey or no by the end of the telephone number, or as it was told."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from sandbox.book import Book
from sandbox.counter import Answer, Key, Window
from sandbox.gateway import Input

TABLES = """
create table if not exists checks (
  reference text primary key, answer text, monthly integer, is_free integer default 0);
"""
ENDS = {"7777": "grey", "6666": "no"}  # the last four digits of a telephone decide; everybody else may rent


class Check(Input):
    """May this person rent for so much a month?"""

    reference: str = Field(min_length=1, max_length=64)
    name: str
    phone: str
    monthly_minor: int = Field(ge=0)


class Nothing(Input):
    """A call that says everything by its address."""


class Bureau:
    """Checks, as the book knows them."""

    def __init__(self, book: Book) -> None:
        self.book = book
        book.base.executescript(TABLES)

    def check(self, asked: Check) -> Answer:
        """Answer once for each reference."""
        if self.book.row("select 1 from checks where reference = ?", asked.reference) is None:
            told = self.book.setting("credit_answer", "")
            answer = told or ENDS.get(asked.phone[-4:], "yes")
            self.book.write("checks", reference=asked.reference, answer=answer, monthly=asked.monthly_minor)
        found = self.book.row("select answer from checks where reference = ?", asked.reference) or {}
        return 200, {"reference": asked.reference, "answer": found["answer"]}

    def free(self, reference: str) -> Answer:
        """Forget a check; one that comes later is free at once."""
        if self.book.row("select 1 from checks where reference = ?", reference) is None:
            self.book.write("checks", reference=reference, answer="no", monthly=0)
        self.book.base.execute("update checks set is_free = 1 where reference = ?", (reference,))
        return 200, {"reference": reference, "state": "free"}


def credit(book: Book, token: str) -> APIRouter:
    """The bureau's API, and what a judge may look at and turn."""
    router = APIRouter(prefix="/credit")
    house, once = Bureau(book), Window(book, token).once

    @router.post("/checks")
    async def check(request: Request, asked: Check, key: Key) -> Response:
        return once(request, key, lambda: house.check(asked))

    @router.post("/checks/{reference}/release")
    async def free(request: Request, reference: str, asked: Nothing, key: Key) -> Response:
        return once(request, key, lambda: house.free(reference))

    @router.put("/control/answer")
    async def answer(says: Literal["yes", "grey", "no", ""] = "") -> dict[str, str]:
        """Answer everybody the same; nothing: by their telephone again."""
        book.remember("credit_answer", says)
        return {"answer": says}

    @router.get("/control/book")
    async def show() -> list[dict[str, Any]]:
        return book.rows("select * from checks order by 1")

    return router
