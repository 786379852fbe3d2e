"""A CRM: knows contacts by the house's own ids, and ignores news older than what it knows."""

import hmac
import json

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.book import Book


class ContactIn(BaseModel):
    """How one contact stands."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=0)
    is_subscribed: bool
    name: str = ""
    email: str = ""
    phone: str = ""
    locale: str = "ko"


def marketing(book: Book, token: str) -> APIRouter:
    """The CRM's API, and a page of what it knows."""
    router = APIRouter(prefix="/marketing")
    wanted = f"Bearer {token}".encode()

    def refused(request: Request) -> Response | None:
        said = request.headers.get("authorization", "").encode()
        return None if hmac.compare_digest(said, wanted) else JSONResponse({"code": "UNAUTHORIZED"}, 401)

    @router.put("/contacts/{contact_id}")
    async def upsert(request: Request, contact_id: str, contact: ContactIn) -> Response:
        if (no := refused(request)) is not None:
            return no
        with book.page():
            known = book.setting(f"contact:{contact_id}", "")
            if not known or json.loads(known)["version"] <= contact.version:
                book.remember(f"contact:{contact_id}", contact.model_dump_json())
        return JSONResponse({"id": contact_id})

    @router.delete("/contacts/{contact_id}")
    async def forget(request: Request, contact_id: str) -> Response:
        if (no := refused(request)) is not None:
            return no
        with book.page():
            book.base.execute("delete from settings where name = ?", (f"contact:{contact_id}",))
        return JSONResponse({"id": contact_id})

    @router.get("/contacts")
    async def listed() -> list[dict[str, object]]:
        rows = book.rows("select name, value from settings where name like 'contact:%' order by name")
        return [{"id": str(row["name"]).removeprefix("contact:"), **json.loads(row["value"])} for row in rows]

    return router
