"""A bank that takes files: fixed records of 120 bytes, results when they are due, and ways to lie."""

import hmac
import json
import secrets
from typing import Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.book import Book
from sandbox.webhooks import Webhooks

WIDTH = 120
RESULT_OF = {"EB13": "EB14", "EB21": "EB22"}
# What an account says by its last four digits; everything else pays.
ANSWERS = {"0021": "0021", "0012": "0012", "0017": "0017"}


class Lies(BaseModel):
    """How results come out of the bank."""

    model_config = ConfigDict(extra="forbid")

    half_first: bool = False  # the first time only every other row is there
    garbage_row: bool = False
    unknown_row: bool = False
    is_late: bool = False  # nothing is there yet
    is_closed: bool = False  # the cut-off has passed


class Deposit(BaseModel):
    """Money that somebody pays into an account of ours."""

    model_config = ConfigDict(extra="forbid")

    account_number: str = Field(min_length=4, max_length=40)
    amount: int = Field(gt=0, strict=True)
    payer: str = Field("", max_length=60)


class Files:
    """The files that were handed in, and what became of their rows."""

    def __init__(self, book: Book) -> None:
        self.book, self.lies = book, Lies()
        self.fetched: dict[str, int] = {}

    def take(self, name: str, text: str) -> tuple[int, dict[str, Any]]:
        """Keep the first file of a name; the same one again is the same."""
        kept = self.book.row("select * from bank_files where name = ?", name)
        if kept is not None:
            is_same = kept["body"] == text
            return (200 if is_same else 409), {
                "reference": name,
                "code": "OK" if is_same else "OTHER_CONTENT",
            }
        if self.lies.is_closed:
            return 409, {"reference": name, "code": "CUT_OFF"}
        if (fault := wrong(text)) is not None:
            return 422, {"reference": name, "code": fault}
        self.book.write("bank_files", name=name, body=text, at=self.book.now())
        for row in rows_of(text):
            if row["account"][-4:] not in ANSWERS and row["amount"]:
                self.book.write("bank_moves", name=name, number=row["number"], amount=row["amount"],
                                account=row["account"], at=self.book.now())  # fmt: skip
        return 201, {"reference": name, "code": "OK"}

    def result(self, name: str) -> str | None:
        """The result of a file, with whatever lies are switched on."""
        kept = self.book.row("select * from bank_files where name = ?", name)
        if kept is None or self.lies.is_late:
            return None
        times = self.fetched[name] = self.fetched.get(name, 0) + 1
        rows = rows_of(kept["body"])
        lines = [line_of(row) for row in rows]
        total = sum(row["amount"] for row in rows)
        if self.lies.half_first and times == 1:
            lines = lines[::2]
        if self.lies.garbage_row:
            lines.insert(1, "R0000??01 this is no record")
        if self.lies.unknown_row:
            lines.append(line_of({**rows[0], "number": 88_888_888}))
        head = kept["body"].splitlines()[0]
        kind = head[19:23]
        head = f"{head[:19]}{RESULT_OF[kind]}{head[23:29]}"
        trailer = f"T99999999{head[9:19]}{len(rows):08d}{total:013d}"
        return "".join(f"{line:<{WIDTH}}\n" for line in (head, *lines, trailer))


def wrong(text: str) -> str | None:
    """Why a file is not taken: its trailer has to count and sum its rows."""
    lines = text.splitlines()
    if len(lines) < 2 or any(len(line) != WIDTH for line in lines) or lines[0][19:23] not in RESULT_OF:
        return "BAD_RECORD"
    rows, trailer = rows_of(text), lines[-1]
    wanted = f"T99999999{lines[0][9:19]}{len(rows):08d}{sum(row['amount'] for row in rows):013d}"
    return None if trailer.rstrip() == wanted else "BAD_TRAILER"


def rows_of(text: str) -> list[dict[str, Any]]:
    """The data records of a file."""
    return [
        {"number": int(line[1:9]), "account": line[26:42].strip(), "amount": int(line[42:55]),
         "reference": line[55:95].strip(), "line": line} for line in text.splitlines() if line[0] == "R"
    ]  # fmt: skip


def line_of(row: dict[str, Any]) -> str:
    """The record of a result: the row with its code, the account left out of what travels back."""
    code = ANSWERS.get(row["account"][-4:], "0000")
    return f"R{row['number']:08d}{row['line'][9:26]}{'':<16}{row['amount']:013d}{row['reference']:<40}{code}"


def bank(book: Book, webhooks: Webhooks, token: str) -> APIRouter:
    """The bank's file server, and what a judge may look at and turn."""
    router, files = APIRouter(prefix="/bank"), Files(book)

    def is_known(given: str | None) -> bool:
        return hmac.compare_digest((given or "").encode(), f"Bearer {token}".encode())

    @router.put("/files/{name}")
    async def take(name: str, request: Request, authorization: str | None = Header(None)) -> Response:
        if not is_known(authorization):
            return JSONResponse({"code": "UNAUTHORIZED_KEY"}, 401)
        text = (await request.body()).decode("ascii", "replace")
        with book.page():
            status, said = files.take(name, text)
        return JSONResponse(said, status)

    @router.get("/files/{name}/result")
    async def result(name: str, authorization: str | None = Header(None)) -> Response:
        if not is_known(authorization):
            return JSONResponse({"code": "UNAUTHORIZED_KEY"}, 401)
        text = files.result(name)
        return JSONResponse({"code": "NOT_YET"}, 404) if text is None else PlainTextResponse(text)

    turn(router, files, webhooks)
    return router


def turn(router: APIRouter, files: Files, webhooks: Webhooks) -> None:
    """What a judge may look at and turn."""
    book = files.book

    @router.put("/control/lies")
    async def lie(lies: Lies) -> Lies:
        files.lies, files.fetched = lies, {}
        return lies

    @router.get("/control/moves")
    async def moves() -> list[dict[str, Any]]:
        return book.rows("select name, number, amount from bank_moves order by id")

    @router.get("/control/files")
    async def shown() -> list[dict[str, Any]]:
        return book.rows("select name, length(body) as bytes, at from bank_files order by at")

    @router.post("/control/deposits")
    async def deposit(given: Deposit) -> dict[str, str]:
        """Somebody pays into a virtual account: the bank tells, signed, as often as it is told to."""
        notice = "dep_" + secrets.token_hex(8)
        data = {**given.model_dump(), "notice_id": notice}
        with book.page():
            book.write("bank_deposits", notice=notice, account=given.account_number, amount=given.amount,
                       at=book.now())  # fmt: skip
            webhooks.tell(f"evt_{notice}", {"type": "DEPOSIT", "data": data})
        return {"notice_id": notice}

    @router.get("/control/deposits")
    async def deposits() -> list[dict[str, Any]]:
        return book.rows("select notice, account, amount from bank_deposits order by id")

    @router.put("/control/webhook")
    async def webhook(hook: dict[str, Any]) -> dict[str, str]:
        given = {"duplicates": 0, "shuffle_seconds": 0, "seed": 0, **hook}
        webhooks.register(json.dumps(given))
        return {"state": "registered"}
