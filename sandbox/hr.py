"""An HR system: who works here, who is away, who answers for a cost centre, told as a feed of news.

It tells like real ones do: twice, late and in the wrong order; a record's `seq` says which is newer."""

import hmac
import json
import random
from datetime import date
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from sandbox.book import Book
from sandbox.gateway import Input

TABLES = """
create table if not exists hr_records (
  kind text, id text, seq integer, data text, primary key (kind, id));
create table if not exists hr_news (
  position integer primary key, kind text, id text, seq integer, data text);
create table if not exists hr_held (kind text, id text, seq integer, data text);
"""
Kind = Literal["employee", "absence", "cost_centre"]
MOST = 200


class EmployeeIn(Input):
    """How one person stands."""

    name: str = Field(min_length=1, max_length=80)
    email: str = Field(max_length=200)
    phone: str = ""
    department: str = ""
    title: str = ""
    site: str = ""
    cost_centre: str = ""
    manager_id: str = ""
    starts_on: date
    ends_on: date | None = None
    is_withdrawn: bool = False  # signed, and will not come


class AbsenceIn(Input):
    """Days on which somebody is away; why stays in the HR system."""

    employee_id: str
    from_on: date
    until_on: date
    is_cancelled: bool = False


class CostCentreIn(Input):
    """Who answers for one cost centre."""

    name: str
    owner_id: str


class Disorder(Input):
    """How badly the feed tells: shares of records told twice and told late, and shuffled pages."""

    twice: float = Field(0, ge=0, le=1)
    late: float = Field(0, ge=0, le=1)
    is_shuffled: bool = False
    seed: int = 0


class PersonnelOffice:
    """Every record as it is, and the news of it in the order in which they are told."""

    def __init__(self, book: Book) -> None:
        self.book = book
        book.base.executescript(TABLES)

    def keep(self, kind: Kind, record_id: str, asked: Input) -> int:
        """Write a record down and tell it, as well or badly as the office tells."""
        seq = int(self.book.setting("hr_seq", "0")) + 1
        self.book.remember("hr_seq", str(seq))
        row = {"kind": kind, "id": record_id, "seq": seq, "data": asked.model_dump_json()}
        self.book.base.execute("delete from hr_records where kind = ? and id = ?", (kind, record_id))
        self.book.write("hr_records", **row)
        how, chance = self.disorder(), random.Random(f"{self.disorder().seed}:{seq}")
        if chance.random() < how.late:
            self.book.write("hr_held", **row)
            return seq
        for _ in range(2 if chance.random() < how.twice else 1):
            self.book.write("hr_news", **row)
        if not how.late or chance.random() < 0.5:
            self.tell_held(how)
        return seq

    def tell_held(self, how: Disorder) -> None:
        """Tell what was held back: behind newer news, the newest first."""
        for row in self.book.rows("select * from hr_held order by seq desc"):
            for _ in range(1 + (how.twice > 0)):
                self.book.write("hr_news", **row)
        self.book.base.execute("delete from hr_held")

    def changes(self, since: int, limit: int) -> dict[str, Any]:
        """The next page of news behind a position."""
        rows = self.book.rows(
            "select * from hr_news where position > ? order by position limit ?", since, limit
        )
        until = rows[-1]["position"] if rows else since
        more = self.book.row("select 1 as one from hr_news where position > ?", until) is not None
        how = self.disorder()
        if how.is_shuffled:
            random.Random(f"{how.seed}:{since}").shuffle(rows)
        records = [{**json.loads(row["data"]), **_plain(row)} for row in rows]
        return {"records": records, "next": str(until), "more": more}

    def disorder(self) -> Disorder:
        """How badly it tells at the moment."""
        return Disorder.model_validate_json(self.book.setting("hr_disorder", "{}"))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("kind", "id", "seq")}


def hr(book: Book, token: str) -> APIRouter:
    """The HR system's API."""
    router = APIRouter(prefix="/hr")
    office, wanted = PersonnelOffice(book), f"Bearer {token}".encode()

    @router.get("/changes")
    async def changes(request: Request, since: int = 0, limit: int = MOST) -> Response:
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), wanted):
            return JSONResponse({"code": "UNAUTHORIZED"}, 401)
        return JSONResponse(office.changes(since, min(limit, MOST)))

    router.include_router(controls(book, office))
    return router


def controls(book: Book, office: PersonnelOffice) -> APIRouter:
    """What its own people write, and what a judge may look at and turn."""
    router = APIRouter()

    @router.put("/control/employees/{record_id}")
    async def employee(record_id: str, asked: EmployeeIn) -> dict[str, int]:
        with book.page():
            return {"seq": office.keep("employee", record_id, asked)}

    @router.put("/control/absences/{record_id}")
    async def absence(record_id: str, asked: AbsenceIn) -> dict[str, int]:
        with book.page():
            return {"seq": office.keep("absence", record_id, asked)}

    @router.put("/control/cost-centres/{record_id}")
    async def cost_centre(record_id: str, asked: CostCentreIn) -> dict[str, int]:
        with book.page():
            return {"seq": office.keep("cost_centre", record_id, asked)}

    @router.put("/control/disorder")
    async def disorder(asked: Disorder) -> Disorder:
        """Tell badly from now on; what was held back is told when it tells well again."""
        with book.page():
            book.remember("hr_disorder", asked.model_dump_json())
            if not asked.late:
                office.tell_held(asked)
        return asked

    @router.get("/control/book")
    async def show() -> list[dict[str, Any]]:
        rows = book.rows("select * from hr_records order by kind, id")
        return [{**json.loads(row["data"]), **_plain(row)} for row in rows]

    @router.get("/control/news")
    async def news() -> list[dict[str, Any]]:
        return book.rows("select position, kind, id, seq from hr_news order by position")

    return router
