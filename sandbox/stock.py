"""The warehouse of an ERP: articles on shelves, set aside, packed, and taken back; its book ties out."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.book import Book
from sandbox.counter import Answer, Key, Window
from sandbox.gateway import Hook
from sandbox.webhooks import Webhooks

TABLES = """
create table if not exists articles (sku text primary key, stocked integer, next_serial integer default 1);
create table if not exists reservations (
  reference text, line integer, sku text, wanted integer, reserved integer, packed integer default 0,
  is_released integer default 0, primary key (reference, line));
create table if not exists released (reference text primary key);
create table if not exists stock_parcels (
  reference text, line integer, sku text, quantity integer, serials text, is_restocked integer default 0,
  primary key (reference, line));
create table if not exists arrivals (id integer primary key, sku text, at real);
create table if not exists restocked (reference text primary key);
create table if not exists stock_returns (
  reference text, line integer, sku text, quantity integer, serials text, is_sound integer,
  primary key (reference, line));
"""
PLENTY = 100_000  # on the shelf of an article that nobody counted


class Input(BaseModel):
    """What a call may say, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class Wanted(Input):
    """So many of one article."""

    line: int
    sku: str
    quantity: int = Field(gt=0)


class Reservation(Input):
    """Goods to be set aside."""

    reference: str = Field(min_length=1, max_length=64)
    lines: list[Wanted]


class Packed(Input):
    """So many of one line out of a reservation."""

    line: int
    quantity: int = Field(gt=0)
    reservation: str


class Parcel(Input):
    """Goods to be packed."""

    reference: str = Field(min_length=1, max_length=64)
    lines: list[Packed]


class Nothing(Input):
    """A call that says everything by its address."""


class Back(Input):
    """So many of one article that a customer sent back."""

    line: int
    sku: str
    quantity: int = Field(gt=0)
    serials: list[str]
    is_sound: bool


class GoodsBack(Input):
    """What came back together."""

    reference: str = Field(min_length=1, max_length=64)
    lines: list[Back]


class Warehouse:
    """Shelves, reservations and parcels, as the book knows them."""

    def __init__(self, book: Book) -> None:
        self.book = book
        book.base.executescript(TABLES)

    def free(self, sku: str) -> int:
        """What is on the shelf and not promised to anybody."""
        found = self.book.row("select stocked from articles where sku = ?", sku)
        if found is None:
            self.book.write("articles", sku=sku, stocked=PLENTY)
        stocked = int(found["stocked"]) if found else PLENTY
        held = self.book.row(
            "select coalesce(sum(reserved - packed), 0) as n from reservations"
            " where sku = ? and not is_released",
            sku,
        )
        gone = self.book.row(
            "select coalesce(sum(quantity), 0) as n from stock_parcels where sku = ? and not is_restocked",
            sku,
        )
        back = self.book.row(
            "select coalesce(sum(quantity), 0) as n from stock_returns where sku = ? and is_sound", sku
        )
        return stocked - int((held or {})["n"]) - int((gone or {})["n"]) + int((back or {})["n"])

    def reserve(self, asked: Reservation) -> Answer:
        """Set aside what there is; a reservation that was released before it came gets nothing."""
        barred = self.book.row("select 1 from released where reference = ?", asked.reference) is not None
        for one in asked.lines:
            key = (asked.reference, one.line)
            if self.book.row("select 1 from reservations where reference = ? and line = ?", *key) is None:
                given = 0 if barred else max(0, min(one.quantity, self.free(one.sku)))
                self.book.write(
                    "reservations", reference=asked.reference, line=one.line, sku=one.sku,
                    wanted=one.quantity, reserved=given, is_released=int(barred),
                )  # fmt: skip
        query = "select line, reserved from reservations where reference = ?"
        return 200, {"reference": asked.reference, "lines": self.book.rows(query, asked.reference)}

    def release(self, reference: str) -> Answer:
        """Put back what is set aside and not packed, for good."""
        self.book.base.execute("insert or ignore into released values (?)", (reference,))
        self.book.base.execute("update reservations set is_released = 1 where reference = ?", (reference,))
        return 200, {"reference": reference, "state": "released"}

    def pack(self, asked: Parcel) -> Answer:
        """Take goods out of their reservations and give every unit its serial number."""
        if self.book.row("select 1 from restocked where reference = ?", asked.reference):
            return 409, {"reference": asked.reference, "code": "RESTOCKED"}
        lines: list[dict[str, Any]] = []
        for one in asked.lines:
            held = self.book.row(
                "select * from reservations where reference = ? and line = ? and not is_released",
                one.reservation, one.line,
            )  # fmt: skip
            if held is None or held["reserved"] - held["packed"] < one.quantity:
                return 409, {"reference": asked.reference, "code": "NOT_RESERVED"}
            lines.append({"line": one.line, "serials": self._take(asked.reference, one, held["sku"])})
        return 200, {"reference": asked.reference, "lines": lines}

    def _take(self, parcel: str, one: Packed, sku: str) -> list[str]:
        first = int(
            (self.book.row("select next_serial from articles where sku = ?", sku) or {})["next_serial"]
        )
        serials = [f"{sku}-{first + n:06}" for n in range(one.quantity)]
        self.book.base.execute(
            "update articles set next_serial = next_serial + ? where sku = ?", (one.quantity, sku)
        )
        self.book.base.execute(
            "update reservations set packed = packed + ? where reference = ? and line = ?",
            (one.quantity, one.reservation, one.line),
        )
        self.book.write(
            "stock_parcels", reference=parcel, line=one.line, sku=sku, quantity=one.quantity,
            serials=" ".join(serials),
        )  # fmt: skip
        return serials

    def restock(self, parcel: str) -> Answer:
        """Take a parcel's goods back onto the shelf; a parcel that comes later is not packed any more."""
        self.book.base.execute("insert or ignore into restocked values (?)", (parcel,))
        self.book.base.execute("update stock_parcels set is_restocked = 1 where reference = ?", (parcel,))
        return 200, {"reference": parcel, "state": "restocked"}

    def take_back(self, asked: GoodsBack) -> Answer:
        """Whole goods go onto the shelf, others aside; what came back once does not come again."""
        known = self.book.row("select 1 from stock_returns where reference = ?", asked.reference)
        for one in () if known else asked.lines:
            self.book.write(
                "stock_returns", reference=asked.reference, line=one.line, sku=one.sku,
                quantity=one.quantity, serials=" ".join(one.serials), is_sound=int(one.is_sound),
            )  # fmt: skip
        return 200, {"reference": asked.reference, "state": "taken"}


def stock(book: Book, hooks: Webhooks, token: str) -> APIRouter:
    """The warehouse's API."""
    router = APIRouter(prefix="/stock")
    house, once = Warehouse(book), Window(book, token).once

    @router.post("/reservations")
    async def reserve(request: Request, asked: Reservation, key: Key) -> Response:
        return once(request, key, lambda: house.reserve(asked))

    @router.post("/reservations/{reference}/release")
    async def release(request: Request, reference: str, asked: Nothing, key: Key) -> Response:
        return once(request, key, lambda: house.release(reference))

    @router.post("/parcels")
    async def pack(request: Request, asked: Parcel, key: Key) -> Response:
        return once(request, key, lambda: house.pack(asked))

    @router.post("/parcels/{reference}/restock")
    async def restock(request: Request, reference: str, asked: Nothing, key: Key) -> Response:
        return once(request, key, lambda: house.restock(reference))

    @router.post("/returns")
    async def take_back(request: Request, asked: GoodsBack, key: Key) -> Response:
        return once(request, key, lambda: house.take_back(asked))

    router.include_router(controls(book, house, hooks))
    return router


def controls(book: Book, house: Warehouse, hooks: Webhooks) -> APIRouter:
    """What a judge may look at and turn."""
    router = APIRouter()

    @router.put("/control/articles")
    async def count(levels: dict[str, int]) -> dict[str, int]:
        """Say how much of an article there is in all; what is more than before has arrived."""
        with book.page():
            for sku, stocked in levels.items():
                free = house.free(sku)
                book.base.execute("update articles set stocked = ? where sku = ?", (stocked, sku))
                if house.free(sku) > free:
                    number = book.write("arrivals", sku=sku, at=book.now())
                    data = {"sku": sku, "at": book.now()}
                    hooks.tell(f"arrival-{number}", {"type": "GOODS_ARRIVED", "data": data})
        return levels

    @router.put("/control/webhook")
    async def webhook(hook: Hook) -> dict[str, str]:
        """Where the news of arrivals go."""
        hooks.register(hook.model_dump_json())
        return {"state": "registered"}

    @router.get("/control/book")
    async def show() -> dict[str, Any]:
        tables = ("articles", "reservations", "stock_parcels", "stock_returns")
        return {name: book.rows(f"select * from {name} order by 1, 2") for name in tables}  # noqa: S608

    return router
