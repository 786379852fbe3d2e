"""A mail system: takes a message over HTTP and delivers it into its outbox."""

from fastapi import APIRouter, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.post import Post, router_for


class MailIn(BaseModel):
    """One mail to be sent."""

    model_config = ConfigDict(extra="forbid")

    to: str
    subject: str = Field(min_length=1, max_length=998)
    text: str
    html: str = ""
    headers: dict[str, str] = {}


def mail(post: Post) -> APIRouter:
    """The mail system."""
    router = router_for("mail", post)

    @router.post("/messages")
    async def send(
        request: Request, message: MailIn, idempotency_key: str = Header(max_length=300)
    ) -> Response:
        headers = "\n".join(f"{name}: {value}" for name, value in message.headers.items())
        values = {"receiver": message.to, "subject": message.subject, "text": message.text}
        return post.take("mail", request.headers, {**values, "html": message.html, "headers": headers})

    return router
