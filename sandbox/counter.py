"""The counter of an outside system: lets in who knows the token; a key gets its first answer again."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header, Request
from fastapi.responses import JSONResponse

from sandbox.book import Book

Answer = tuple[int, dict[str, Any]]
Key = Annotated[str, Header(alias="idempotency-key", max_length=300)]


@dataclass(frozen=True)
class Window:
    """One system's counter."""

    book: Book
    token: str

    def once(self, request: Request, key: str, act: Callable[[], Answer]) -> JSONResponse:
        """Act once for each key and address; afterwards say what was said before."""
        wanted = f"Bearer {self.token}".encode()
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), wanted):
            return JSONResponse({"code": "UNAUTHORIZED_KEY"}, 401)
        scope = f"{key}\n{request.method}\n{request.url.path}"
        with self.book.page():
            if said := self.book.answered(scope):
                return JSONResponse(said[1], said[0], {"idempotent-replayed": "true"})
            status, body = act()
            self.book.answer(scope, status, body)
        return JSONResponse(body, status)
