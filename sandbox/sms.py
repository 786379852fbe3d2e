"""An SMS system: takes a text over HTTP and delivers it into its outbox."""

from fastapi import APIRouter, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.post import Post, router_for


class SmsIn(BaseModel):
    """One text to be sent."""

    model_config = ConfigDict(extra="forbid")

    to: str
    text: str = Field(min_length=1, max_length=2000)


def sms(post: Post) -> APIRouter:
    """The SMS system."""
    router = router_for("sms", post)

    @router.post("/messages")
    async def send(
        request: Request, message: SmsIn, idempotency_key: str = Header(max_length=300)
    ) -> Response:
        return post.take("sms", request.headers, {"receiver": message.to, "text": message.text})

    return router
