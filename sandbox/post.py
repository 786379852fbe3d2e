"""What the mail and the SMS system share: an outbox which anybody at this machine may read."""

import hmac
import re
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import HTMLResponse, JSONResponse, Response

from sandbox.book import Book
from sandbox.pages import page

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


class Post:
    """Takes messages in, once per key, and shows what was sent."""

    def __init__(self, book: Book, token: str) -> None:
        self.book, self.wanted = book, f"Bearer {token}".encode()

    def take(self, kind: str, headers: Mapping[str, str], message: dict[str, Any]) -> Response:
        """Send one message; the same key again gets the first answer."""
        if not hmac.compare_digest(headers.get("authorization", "").encode(), self.wanted):
            return JSONResponse({"code": "UNAUTHORIZED"}, 401)
        key = headers.get("idempotency-key")
        scope = f"{key}\nPOST\n/{kind}/messages"
        with self.book.page():
            if key is not None and (said := self.book.answered(scope)):
                return JSONResponse(said[1], said[0], {"idempotent-replayed": "true"})
            status, answer = self._send(kind, key or "", message)
            if key is not None:
                self.book.answer(scope, status, answer)
        return JSONResponse(answer, status)

    def close(self, kind: str, headers: Mapping[str, str], key: str) -> Response:
        """The message of a key, or that it will never be one."""
        if not hmac.compare_digest(headers.get("authorization", "").encode(), self.wanted):
            return JSONResponse({"code": "UNAUTHORIZED"}, 401)
        scope = f"{key}\nPOST\n/{kind}/messages"
        with self.book.page():
            said = self.book.answered(scope)
            if said is None:
                self.book.answer(scope, 409, {"code": "CLOSED"})
        if said is not None and said[0] == 202:
            return JSONResponse({"state": "sent", "id": said[1]["id"]})
        return JSONResponse({"state": "closed"})

    def _send(self, kind: str, key: str, message: dict[str, Any]) -> tuple[int, dict[str, str]]:
        shape = ADDRESS if kind == "mail" else PHONE
        has_app = kind != "alimtalk" or not message["receiver"].endswith("0000")  # not everybody uses it
        if not shape.fullmatch(message["receiver"]) or not has_app:
            return 400, {"code": "INVALID_RECEIVER"}
        number = self.book.write("messages", kind=kind, key=key, at=self.book.now(), **message)
        return 202, {"id": f"{kind}_{number}"}

    def sent(self, kind: str, to: str | None, since: float, limit: int = 500) -> list[dict[str, Any]]:
        """What was sent, newest first."""
        query = """select * from messages where kind = ? and (? is null or receiver = ?) and at > ?
                   order by id desc limit ?"""
        return self.book.rows(query, kind, to, to, since, limit)

    def one(self, kind: str, number: int) -> dict[str, Any]:
        """One sent message, or 404."""
        found = self.book.row("select * from messages where kind = ? and id = ?", kind, number)
        if found is None:
            raise HTTPException(404)
        return found


def router_for(kind: str, post: Post) -> APIRouter:
    """The API of one system, and its pages for people who want to see what arrived."""
    router = APIRouter(prefix=f"/{kind}")

    @router.get("/messages")
    async def listed(to: str | None = None, since: float = Query(0.0)) -> list[dict[str, Any]]:
        return post.sent(kind, to, since)

    @router.get("")
    async def outbox(locale: str = "ko", to: str | None = None) -> HTMLResponse:
        return page("outbox.html", locale, kind=kind, messages=post.sent(kind, to, 0, 200))

    @router.get("/{number}")
    async def show(number: int, locale: str = "ko") -> HTMLResponse:
        return page("message.html", locale, kind=kind, message=post.one(kind, number))

    @router.get("/{number}/html")
    async def html(number: int) -> HTMLResponse:
        """The mail as its reader sees it; it may neither run nor load anything."""
        may = "allow-popups allow-top-navigation-by-user-activation"
        policy = f"default-src 'none'; style-src 'unsafe-inline'; sandbox {may}"
        text = str(post.one(kind, number)["html"]).replace("<head>", '<head><base target="_top">', 1)
        return HTMLResponse(text, headers={"content-security-policy": policy})

    return router
