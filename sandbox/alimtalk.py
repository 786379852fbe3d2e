"""A system for KakaoTalk messages: approved templates only, no advertising, at most 1,000 characters."""

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.post import Post, router_for

APPROVED = ("dunning_",)  # what the beginning of a template's name must be


class TalkIn(BaseModel):
    """One message by a template that was approved before."""

    model_config = ConfigDict(extra="forbid")

    to: str
    template: str = Field(min_length=1, max_length=64)
    text: str = Field(min_length=1, max_length=1000)


class ClosingIn(BaseModel):
    """The key of a message about which somebody is unsure."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=300)


def alimtalk(post: Post) -> APIRouter:
    """The KakaoTalk system."""
    router = router_for("alimtalk", post)

    @router.post("/messages")
    async def send(
        request: Request, message: TalkIn, idempotency_key: str = Header(max_length=300)
    ) -> Response:
        if not message.template.startswith(APPROVED):
            return JSONResponse({"code": "INVALID_RECEIVER"}, 400)
        return post.take("alimtalk", request.headers, {"receiver": message.to, "text": message.text})

    @router.post("/closings")
    async def close(
        request: Request, asked: ClosingIn, idempotency_key: str = Header(max_length=300)
    ) -> Response:
        """Say whether a message was sent; one that was not is never sent any more."""
        return post.close("alimtalk", request.headers, asked.key)

    return router
