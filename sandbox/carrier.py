"""A carrier: collects parcels and scans them; scans are told by signed webhooks, as badly as one likes."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from sandbox.book import Book
from sandbox.counter import Answer, Key, Window
from sandbox.gateway import Hook, Input
from sandbox.webhooks import Webhooks

TABLES = """
create table if not exists parcels (
  reference text primary key, tracking text, state text, receiver text, address text, at real);
create table if not exists scans (id integer primary key, reference text, status text, at real, place text);
"""
WAY = ("collected", "in_transit", "out_for_delivery", "delivered")
PLACES = {
    "collected": "서울 강서 터미널", "in_transit": "대전 허브", "out_for_delivery": "지역 대리점",
    "delivered": "", "failed": "지역 대리점", "returned": "서울 강서 터미널",
}  # fmt: skip


class To(Input):
    """Where a parcel goes."""

    name: str
    phone: str
    postcode: str
    address: str
    region: str = ""


class ParcelIn(Input):
    """A parcel to be collected."""

    reference: str = Field(min_length=1, max_length=64)
    to: To


class Fetch(Input):
    """Goods that a customer sends back."""

    reference: str = Field(min_length=1, max_length=64)
    origin: To


class Redirect(Input):
    """The parcel goes elsewhere."""

    to: To


class Nothing(Input):
    """A call that says everything by its address."""


class Carrier:
    """Parcels and their scans, as the book knows them."""

    def __init__(self, book: Book, hooks: Webhooks) -> None:
        self.book, self.hooks = book, hooks
        book.base.executescript(TABLES)

    def parcel(self, reference: str) -> dict[str, Any] | None:
        """One parcel as it stands now: scans of later have not happened."""
        found = self.book.row("select * from parcels where reference = ?", reference)
        if found is not None and found["state"] == "ready":
            query = "select status from scans where reference = ? and at <= ? order by at desc, id desc"
            last = self.book.row(query, reference, self.book.now())
            found["state"] = last["status"] if last else "ready"
        return found

    def collect(self, asked: ParcelIn) -> Answer:
        """Take the order; one that was recalled before it came is not collected."""
        if (known := self.parcel(asked.reference)) is None:
            tracking = "TR" + asked.reference[1:].replace("-", "")
            self.book.write(
                "parcels", reference=asked.reference, tracking=tracking, state="ready",
                receiver=asked.to.name, address=asked.to.address, at=self.book.now(),
            )  # fmt: skip
            known = self.parcel(asked.reference)
            self.send_on_its_way(asked.reference)
        assert known is not None
        return 200, {
            "reference": asked.reference, "carrier": "hanil", "tracking": known["tracking"],
            "state": known["state"],
        }  # fmt: skip

    def fetch(self, asked: Fetch) -> Answer:
        """Take the order for the way back; the driver brings the label."""
        to = ParcelIn(reference=asked.reference, to=asked.origin)
        return self.collect(to)

    def redirect(self, reference: str, to: To) -> Answer:
        """Send a parcel elsewhere while it is here."""
        known = self.parcel(reference)
        if known is not None and known["state"] != "ready":
            return 409, {"reference": reference, "code": "ALREADY_COLLECTED"}
        self.book.base.execute(
            "update parcels set receiver = ?, address = ? where reference = ?",
            (to.name, to.address, reference),
        )
        return 200, {"reference": reference, "state": "ready"}

    def recall(self, reference: str) -> Answer:
        """Stop a parcel while it is here; one that we do not know yet will never be collected."""
        known = self.parcel(reference)
        if known is None:
            self.book.write(
                "parcels", reference=reference, tracking=f"TX{reference}", state="recalled", receiver="",
                address="", at=self.book.now(),
            )  # fmt: skip
        elif known["state"] not in ("ready", "recalled"):
            return 409, {"reference": reference, "code": "ALREADY_COLLECTED"}
        else:
            self.book.base.execute("update parcels set state = 'recalled' where reference = ?", (reference,))
            self.forget_what_comes(reference)
        return 200, {"reference": reference, "state": "recalled"}

    def forget_what_comes(self, reference: str) -> None:
        """No scan of later happens any more."""
        later = "select id from scans where reference = ? and at > ?"
        for scan in self.book.rows(later, reference, self.book.now()):
            self.book.base.execute("delete from deliveries where event_id = ?", (f"scan-{scan['id']}",))
            self.book.base.execute("delete from scans where id = ?", (scan["id"],))

    def pick_up(self, reference: str) -> Answer:
        """Fetch a parcel that has left; it comes back some time later."""
        if self.parcel(reference) is None:
            return 404, {"reference": reference, "code": "NOT_FOUND_PARCEL"}
        self.book.base.execute("update parcels set state = 'fetching' where reference = ?", (reference,))
        self.forget_what_comes(reference)
        if self.pace() is not None:
            self.scan(reference, "returned", (self.pace() or 0) * 2)
        return 200, {"reference": reference, "state": "fetching"}

    def pace(self) -> float | None:
        """Seconds between two scans when parcels travel by themselves; None: a judge moves them."""
        said = self.book.setting("carrier_pace", "")
        return float(said) if said else None

    def send_on_its_way(self, reference: str) -> None:
        """With a pace, the whole way is scanned; the first scan collects the parcel."""
        pace = self.pace()
        for step, status in enumerate(WAY if pace is not None else ()):
            self.scan(reference, status, (pace or 0) * (step + 1))

    def scan(self, reference: str, status: str, after: float = 0.0) -> None:
        """Scan a parcel and tell the house; nothing is scanned any more that was recalled."""
        known = self.parcel(reference)
        if known is None or known["state"] == "recalled":
            return
        at = self.book.now() + after
        number = self.book.write(
            "scans", reference=reference, status=status, at=at, place=PLACES.get(status, "")
        )
        data = {
            "event_id": f"scan-{number}", "reference": reference, "status": status, "at": at,
            "place": PLACES.get(status, ""),
        }  # fmt: skip
        self.hooks.tell(f"scan-{number}", {"type": "PARCEL_SCANNED", "data": data}, after)


def carrier(book: Book, hooks: Webhooks, token: str) -> APIRouter:
    """The carrier's API."""
    router = APIRouter(prefix="/carrier")
    house, once = Carrier(book, hooks), Window(book, token).once

    @router.post("/parcels")
    async def collect(request: Request, asked: ParcelIn, key: Key) -> Response:
        return once(request, key, lambda: house.collect(asked))

    @router.post("/returns")
    async def fetch(request: Request, asked: Fetch, key: Key) -> Response:
        return once(request, key, lambda: house.fetch(asked))

    @router.post("/parcels/{reference}/address")
    async def redirect(request: Request, reference: str, asked: Redirect, key: Key) -> Response:
        return once(request, key, lambda: house.redirect(reference, asked.to))

    @router.post("/parcels/{reference}/recall")
    async def recall(request: Request, reference: str, asked: Nothing, key: Key) -> Response:
        return once(request, key, lambda: house.recall(reference))

    @router.post("/parcels/{reference}/pick-up")
    async def pick_up(request: Request, reference: str, asked: Nothing, key: Key) -> Response:
        return once(request, key, lambda: house.pick_up(reference))

    router.include_router(controls(book, house))
    return router


def controls(book: Book, house: Carrier) -> APIRouter:
    """What a judge may look at and turn, and where a customer follows a parcel."""
    router = APIRouter()

    @router.put("/control/webhook")
    async def webhook(hook: Hook) -> dict[str, str]:
        house.hooks.register(hook.model_dump_json())
        return {"state": "registered"}

    @router.put("/control/pace")
    async def pace(seconds: float | None = None) -> dict[str, float | None]:
        """How fast parcels travel by themselves; nothing: only when they are moved."""
        book.remember("carrier_pace", "" if seconds is None else str(seconds))
        return {"seconds": seconds}

    @router.post("/control/parcels/{reference}/{status}")
    async def move(reference: str, status: str) -> dict[str, str]:
        with book.page():
            house.scan(reference, status)
        return {"reference": reference, "status": status}

    @router.get("/track/{tracking}")
    async def track(tracking: str) -> dict[str, Any]:
        query = "select s.status, s.place, s.at from scans s join parcels p using (reference)"
        found = book.rows(f"{query} where p.tracking = ? and s.at <= ? order by s.at", tracking, book.now())
        return {"tracking": tracking, "scans": found}

    @router.get("/control/book")
    async def show() -> dict[str, Any]:
        return {name: book.rows(f"select * from {name} order by 1") for name in ("parcels", "scans")}  # noqa: S608

    return router
