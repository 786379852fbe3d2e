"""An agency for tax invoices and cash receipts: a key is taken once, later askers are told so."""

import hmac
from typing import Any, Literal

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse
from pydantic import Field

from sandbox.book import Book
from sandbox.gateway import Input

TABLES = """
create table if not exists tax_documents (
  key text primary key, kind text, original text, buyer_number text, written_on text, net integer,
  tax integer, total integer, number text);
"""
CLOSED = "9999999999"  # a business that has closed down
Said = tuple[int, dict[str, Any]]


class Paper(Input):
    """A document that somebody wants."""

    key: str = Field(min_length=1, max_length=24)
    kind: Literal["tax_invoice", "cash_receipt"]
    buyer_number: str = Field(min_length=10, max_length=13)
    written_on: str
    net: int = Field(ge=0, strict=True)
    tax: int = Field(ge=0, strict=True)
    total: int = Field(gt=0, strict=True)


class Agency:
    """Documents, as the book knows them."""

    def __init__(self, book: Book) -> None:
        self.book = book
        book.base.executescript(TABLES)

    def issue(self, asked: Paper, original: str = "") -> Said:
        """Issue once; whoever asks with the same key again is told that it is there."""
        if self.book.row("select 1 from tax_documents where key = ?", asked.key):
            return 409, {"key": asked.key, "code": "DUPLICATE_KEY"}
        if asked.net + asked.tax != asked.total:
            return 422, {"key": asked.key, "code": "BAD_SUM"}
        if asked.buyer_number == CLOSED:
            return 422, {"key": asked.key, "code": "BUYER_CLOSED"}
        if original and not self._may_take_back(original, asked.total):
            return 422, {"key": asked.key, "code": "BAD_ORIGINAL"}
        number = f"{asked.written_on.replace('-', '')}-{asked.key}"
        self.book.write("tax_documents", original=original, number=number, **asked.model_dump())
        return 201, self.told(asked.key)

    def _may_take_back(self, original: str, total: int) -> bool:
        found = self.book.row("select total from tax_documents where key = ? and original = ''", original)
        back = self.book.row(
            "select coalesce(sum(total), 0) as n from tax_documents where original = ?", original
        )
        return found is not None and back is not None and back["n"] + total <= found["total"]

    def told(self, key: str) -> dict[str, Any]:
        """A document as it is shown."""
        found = self.book.row("select * from tax_documents where key = ?", key) or {}
        return {"key": key, "number": found["number"], "total": found["total"], "kind": found["kind"]}

    def show(self, key: str) -> Said:
        """What is there under a key."""
        if self.book.row("select 1 from tax_documents where key = ?", key) is None:
            return 404, {"key": key, "code": "NOT_FOUND"}
        return 200, self.told(key)


def tax(book: Book, token: str) -> APIRouter:
    """The agency's API, and what a judge may look at."""
    router, house = APIRouter(prefix="/tax"), Agency(book)

    def answer(said: Said) -> JSONResponse:
        return JSONResponse(said[1], said[0])

    def is_known(given: str | None) -> bool:
        return hmac.compare_digest((given or "").encode(), f"Bearer {token}".encode())

    @router.post("/documents")
    async def issue(asked: Paper, authorization: str | None = Header(None)) -> JSONResponse:
        if not is_known(authorization):
            return JSONResponse({"code": "UNAUTHORIZED_KEY"}, 401)
        with book.page():
            return answer(house.issue(asked))

    @router.post("/documents/{original}/amendments")
    async def amend(original: str, asked: Paper, authorization: str | None = Header(None)) -> JSONResponse:
        if not is_known(authorization):
            return JSONResponse({"code": "UNAUTHORIZED_KEY"}, 401)
        with book.page():
            return answer(house.issue(asked, original))

    @router.get("/documents/{key}")
    async def show(key: str, authorization: str | None = Header(None)) -> JSONResponse:
        if not is_known(authorization):
            return JSONResponse({"code": "UNAUTHORIZED_KEY"}, 401)
        return answer(house.show(key))

    @router.get("/control/book")
    async def kept() -> list[dict[str, Any]]:
        return book.rows("select * from tax_documents order by 1")

    return router
