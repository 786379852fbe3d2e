"""Walks journeys as people do, over HTTP: the desk by token, customers by link, technicians by phone.

The demo's sample company, the fault tests and the journey benchmark all walk the same way."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
from PIL import Image

LINK = re.compile(r"/links/([0-9a-f]{64})")
CSRF = re.compile(r'<meta name="csrf" content="([0-9a-f]+)"')
SPOKEN = ("accept", "decline", "depart", "arrive", "start", "finish")  # lines that a workflow hears
STROKES = "M10 60L120 20L200 90L320 30L480 70"


class Stuck(Exception):
    """Something did not happen in time; the text says what."""


class Said(Exception):
    """The house answered with a refusal."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


@dataclass
class Mailbox:
    """Everything that mail and SMS have delivered, found by letter name and by what the key names."""

    http: httpx.AsyncClient
    sandbox: str
    since: float = 0.0
    letters: dict[str, str] = field(default_factory=dict)  # what they say, by key
    receivers: dict[str, str] = field(default_factory=dict)
    read_to: dict[str, float] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    read_at: float = 0.0

    async def refresh(self) -> None:
        """Read what is new in both systems, at most twice a second however many ask."""
        async with self.lock:
            if time.monotonic() - self.read_at < 0.5:
                return
            self.read_at = time.monotonic()
            for kind in ("mail", "sms"):
                since = self.read_to.get(kind, self.since)
                try:
                    answer = await self.http.get(f"{self.sandbox}/{kind}/messages", params={"since": since})
                except httpx.HTTPError:
                    return  # it is busy; half a second later it is asked again
                for message in reversed(answer.json()):  # it shows the newest first
                    self.read_to[kind] = message["at"]
                    self.letters[message["key"]] = message["text"]
                    self.receivers[message["key"]] = message["receiver"]

    async def find(self, about: str, letter: str, seconds: float, seen: int = 0) -> str:
        """The key of the newest letter of this name about something, once there are more than `seen`."""
        until = time.monotonic() + seconds
        while True:
            await self.refresh()
            found = [key for key in self.letters if about in key and key.endswith(letter)]
            if len(found) > seen:
                return found[-1]
            if time.monotonic() > until:
                raise Stuck(f"no letter {letter} about {about}")
            await asyncio.sleep(0.3)

    async def link(self, about: str, letter: str, seconds: float, seen: int = 0) -> str:
        """The token in that letter."""
        key = await self.find(about, letter, seconds, seen)
        if match := LINK.search(self.letters[key]):
            return match[1]
        raise Stuck(f"no link in {key}")


def forget(kind: str, key: str) -> None:
    """Nobody keeps a list of what was acknowledged."""


@dataclass
class Walker:
    """One who plays every part; `patience` is how long each thing may take."""

    app: str
    sandbox: str
    tokens: dict[str, str]  # by role, technicians by id
    phones: dict[str, str]  # whose phone it is: technicians' ids by number
    acknowledge: Callable[[str, str], None] = forget  # called after each 2xx
    watch: Callable[[str], Awaitable[str]] | None = None  # how a ticket stands, if not asked of the app
    patience: float = 60.0
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=20))
    mailbox: Mailbox = field(init=False)

    def __post_init__(self) -> None:
        self.mailbox = Mailbox(self.http, self.sandbox)

    async def close(self) -> None:
        """Let the connections go."""
        await self.http.aclose()

    # --- asking ---------------------------------------------------------------------------------------

    async def ask(self, who: str, method: str, path: str, **sent: Any) -> Any:
        """One request as somebody with a token, sent again while the house is away; a refusal is raised."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Accept": "application/json"}
        return await self._patiently(lambda: self._send(method, path, headers, sent))

    async def settled(self, command_id: str, act: Callable[[], Awaitable[Any]]) -> Any:
        """Do something until it is done: what was only accepted is asked for again under the same id."""
        until = time.monotonic() + self.patience
        while True:
            answer = await act()
            if command_id:
                self.acknowledge("command", command_id)
            if not isinstance(answer, dict) or answer.get("status") != "accepted":
                return answer
            if time.monotonic() > until:
                raise Stuck(f"{command_id} was accepted and is not done")
            await asyncio.sleep(1)

    async def by_link(self, token: str, page: str, path: str, **values: str) -> Any:
        """One press on a link's page: read the page for its token against forgery, then send the form."""

        async def press() -> Any:
            page_url = f"{self.app}/links/{token}{page}"
            answer = await self.http.get(page_url, headers={"Accept": "text/html"}, follow_redirects=True)
            answer.raise_for_status()
            found = CSRF.search(answer.text)
            headers = {
                "X-CSRF-Token": found[1] if found else "", "Sec-Fetch-Site": "same-origin",
                "Accept": "application/json",
            }  # fmt: skip
            return await self._send("POST", f"/links/{token}{path}", headers, {"data": values})

        if "command_id" not in values:
            return await self._patiently(press)
        return await self.settled(values["command_id"], lambda: self._patiently(press))

    async def _send(self, method: str, path: str, headers: dict[str, str], sent: dict[str, Any]) -> Any:
        answer = await self.http.request(method, self.app + path, headers=headers, **sent)
        if answer.status_code >= 500:
            answer.raise_for_status()
        if answer.status_code >= 400:
            kind = answer.headers.get("content-type", "")
            code = answer.json().get("code", "") if kind.startswith("application/json") else answer.text[:200]
            raise Said(answer.status_code, code)
        return answer.json() if answer.content and answer.status_code != 303 else None

    async def _patiently(self, act: Callable[[], Awaitable[Any]]) -> Any:
        until = time.monotonic() + self.patience
        while True:
            try:
                return await act()
            except (httpx.HTTPError, ValueError) as error:
                if time.monotonic() > until:
                    raise Stuck(f"no answer: {error!r}") from error
                await asyncio.sleep(0.5)
            except Said as said:
                if said.status != 429 or time.monotonic() > until:
                    raise
                await asyncio.sleep(1)

    async def until(self, ticket: str, *statuses: str) -> str:
        """Wait until the ticket stands like this."""
        limit = time.monotonic() + self.patience
        while (status := await self.status(ticket)) not in statuses:
            if time.monotonic() > limit:
                raise Stuck(f"{ticket} is {status}, not {' or '.join(statuses)}")
            await asyncio.sleep(0.4)
        return status

    async def status(self, ticket: str) -> str:
        """How the ticket stands, as the desk sees it."""
        if self.watch is not None:
            return await self.watch(ticket)
        shown = await self.ask("agent", "GET", f"/tickets/{ticket}")
        return str(shown["head"]["status"])

    # --- the customer ---------------------------------------------------------------------------------

    async def report(self, **fault: str) -> str:
        """Somebody calls the desk; the same key again is the same ticket."""
        fault.setdefault("submission_key", uuid4().hex)
        answer = await self.ask("agent", "POST", "/tickets", data=fault)
        self.acknowledge("ticket", str(answer["ticket_id"]))
        return str(answer["ticket_id"])

    async def choose_time(self, ticket: str, visit: str, nth: int = 0) -> None:
        """The customer opens the link and takes the n-th free time; one that was just taken is left."""
        token = await self.mailbox.link(f"visit:{visit}", "choose_slot", self.patience)
        for _ in range(12):
            shown = await self._patiently(
                lambda: self._send("GET", f"/links/{token}/slot", {"Accept": "application/json"}, {})
            )
            times = [slot["starts_at"] for _, slots in shown["days"] for slot in slots]
            if not times:
                raise Stuck(f"no free time for {visit}")
            wanted = {"command_id": uuid4().hex, "starts_at": times[min(nth, len(times) - 1)]}
            try:
                await self.by_link(token, "/slot", "/slot", **wanted)
                return
            except Said as said:
                if said.code != "slot_taken":
                    raise
        raise Stuck(f"every time of {visit} was taken")

    async def confirm(self, ticket: str, seen: int = 0) -> None:
        """It works again; `seen` letters asked the same before."""
        token = await self.mailbox.link(f"ticket:{ticket}/", "confirm", self.patience, seen)
        await self.by_link(token, "", "/confirmation", command_id=uuid4().hex)

    async def reopen(self, ticket: str, body: str) -> None:
        """It does not."""
        token = await self.mailbox.link(f"ticket:{ticket}/", "confirm", self.patience)
        await self.by_link(token, "", "/reopening", command_id=uuid4().hex, body=body)

    async def rate(self, ticket: str, stars: int, comment: str = "") -> None:
        """How good was it?"""
        token = await self.mailbox.link(f"ticket:{ticket}/", "closed", self.patience)
        try:
            await self.by_link(token, "", "/rating", stars=str(stars), comment=comment)
        except Said as said:  # our own first try may have been heard without an answer
            if said.code != "rating_given":
                raise

    async def pay(self, ticket: str, card: str = "approve") -> bool:
        """Through the gateway's own page, as a browser would, and back to the house; True when nothing is
        left to pay."""
        return await self.pay_by_letter(f"I{ticket[1:]}-", card)

    async def pay_by_letter(self, about: str, card: str = "approve") -> bool:
        """The same for the invoice of anything, by the link in its letter."""
        token = await self.mailbox.link(about, "invoice", self.patience)
        shown = await self.payable(token)
        if shown["state"] != "due":
            return True
        asked = dict(httpx.URL(shown["checkout"]).params)
        at = str(httpx.URL(shown["checkout"]).copy_with(query=None))
        answer = await self._patiently(lambda: self._checkout(at, {**asked, "card": card, "action": "pay"}))
        back = dict(httpx.URL(answer).params)
        if "payment_key" in back:
            query = f"?payment_key={back['payment_key']}&order_id={back['order_id']}&amount={back['amount']}"
            await self.by_link(token, "/payment" + query, "/payment", **back)
            self.acknowledge("attempt", back["order_id"])
        return False

    async def payable(self, token: str) -> Any:
        """The page of an invoice that can be paid, or is paid; an earlier try may still be under way."""
        until = time.monotonic() + self.patience
        while True:
            shown = await self._patiently(
                lambda: self._send("GET", f"/links/{token}/pay", {"Accept": "application/json"}, {})
            )
            if shown["state"] != "under_way":
                return shown
            if time.monotonic() > until:
                raise Stuck("an earlier payment is still under way")
            await asyncio.sleep(1)

    async def _checkout(self, address: str, choice: dict[str, str]) -> str:
        answer = await self.http.post(address, data=choice)
        if answer.status_code != 303:
            answer.raise_for_status()
            raise httpx.HTTPError(f"the gateway's page answered {answer.status_code}")
        return answer.headers["location"]

    # --- the desk -------------------------------------------------------------------------------------

    async def command(self, ticket: str, noun: str, who: str = "agent", **values: str) -> Any:
        """One of the desk's commands on a ticket."""
        sent = {"command_id": uuid4().hex, **values}
        return await self.settled(
            sent["command_id"], lambda: self.ask(who, "POST", f"/tickets/{ticket}/{noun}", data=sent)
        )

    # --- the technician -------------------------------------------------------------------------------

    async def offered(self, visit: str) -> str:
        """Wait for the message with an offer; whose phone it rings."""
        key = await self.mailbox.find(f"visit:{visit}:", ":offer", self.patience)
        return self.phones[self.mailbox.receivers[key]]

    async def line(self, who: str, visit: str, kind: str, **values: Any) -> None:
        """One line of a phone's outbox, with the phone's own id and time."""
        line = {"id": uuid4().hex, "kind": kind, "device_at": datetime.now(UTC).isoformat(), **values}
        path = f"/field-service/visits/{visit}/actions"

        async def say() -> Any:
            answer = await self.ask(who, "POST", path, json={"lines": [line]})
            said = answer["answers"][0]
            if said["answer"] == "refused":
                raise Said(409, f"{kind}: {said['refusal']}")
            return {"status": said["answer"]}

        await self.settled(line["id"] if kind in SPOKEN else "", say)

    async def photo(self, who: str, visit: str, slot: str) -> None:
        """One picture of the device."""
        picture = BytesIO()
        Image.new("RGB", (320, 240), (90, 120, 160) if slot == "before" else (90, 160, 120)).save(
            picture, "JPEG"
        )
        sent = {"photo": (f"{slot}.jpg", picture.getvalue(), "image/jpeg")}
        fields = {"slot": slot, "request_key": uuid4().hex}
        await self.ask(who, "POST", f"/field-service/visits/{visit}/photos", data=fields, files=sent)

    async def repair(self, who: str, visit: str, steps: tuple[str, ...], parts: tuple[str, ...] = ()) -> None:
        """The whole visit on the phone, from setting off to the customer's signature."""
        for kind in ("depart", "arrive", "start"):
            await self.line(
                who, visit, kind, **({"position": "37.4979,127.0276"} if kind == "arrive" else {})
            )
        await self.photo(who, visit, "before")
        for step in steps:
            await self.line(who, visit, "tick", step=step)
        for part in parts:
            await self.line(who, visit, "part", part_id=part)
        await self.photo(who, visit, "after")
        await self.line(who, visit, "sign", signature=STROKES, signer="고객")
        await self.line(
            who, visit, "finish", outcome="repaired", labour_minutes=50, note="부품을 교체했습니다."
        )
