"""A small site that shows every component; only the tests serve it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kit import labels
from api.kit.language import Language
from api.kit.rendering import TEMPLATES, Form, Pages, answer, move_on, notice, toast
from api.kit.static import Compression, routes
from ops.postgres import free_port

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; object-src 'none'"
)
labels.register(
    "gallery",
    {
        "new": labels.Label("New", "blue"),
        "working": labels.Label("In progress", "indigo"),
        "waiting": labels.Label("Waiting", "amber"),
        "on_site": labels.Label("On site", "violet", "truck"),
        "done": labels.Label("Done", "green"),
    },
)


@dataclass(frozen=True)
class Step:
    name: str
    state: str
    icon: str
    sub: str = ""
    at: str = ""


@dataclass(frozen=True)
class GalleryPage:
    """What the gallery shows, and its JSON."""

    now: datetime
    title: str = "강남점 POS 결제 단말기가 간헐적으로 끊깁니다"
    minor: int = 4_850_000
    steps: tuple[Step, ...] = (
        Step("접수", "done", "message-circle", "KakaoTalk", "12:06"),
        Step("진단", "done", "phone", "통화 7분", "12:31"),
        Step("부품 예약", "done", "package", "VX-820 ×1", "13:02"),
        Step("출동 중", "now", "truck", "김도윤", "14:05"),
        Step("고객 확인", "next", "pen-line", "", "~15:50"),
        Step("청구", "next", "receipt", "계약 포함"),
    )
    queue: tuple[tuple[str, str, str, str], ...] = (
        ("T20483", "강남점 POS 결제 단말기가 간헐적으로 끊깁니다", "orange", "한빛리테일 · 강남점"),
        ("T20491", "VPN connection drops every 10 minutes after update", "blue", "Aurora Labs"),
        ("T20477", "물류센터 스캐너 12대 재고 동기화 실패", "red", "세종로지스 · 이천센터"),
        ("T20469", "Invoice PDF shows wrong VAT for October", "gray", "Northwind Korea"),
    )
    tones: tuple[str, ...] = labels.TONES


@dataclass
class Site:
    """What people send to the gallery, and what the tests look at afterwards."""

    replies: list[str] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)
    listeners: list[asyncio.Queue[str]] = field(default_factory=list)
    streams: int = 0
    serial: int = 1

    def page(self) -> GalleryPage:
        return GalleryPage(datetime.now(UTC))

    async def reply(self, request: Request) -> Response:
        sent = await request.form()
        text = str(sent["body"])
        if len(text) < 5:
            form = Form(dict(sent), {"body": "5자 이상 입력해 주십시오."})
            return answer(
                request,
                "gallery_ticket.html",
                GalleryPage(datetime.now(UTC)),
                block="composer",
                status=422,
                form=form,
            )
        if text == "refuse me":
            return notice(request, "이미 종료된 티켓입니다.", code="already_closed")
        self.replies.append(text)
        if request.headers.get("hx-request") != "true" and "json" not in request.headers.get("accept", ""):
            return move_on(request, "/gallery/ticket")
        done = toast("답변을 보냈습니다")
        return answer(
            request, "gallery_ticket.html", self.page(), block="composer", oob=("timeline",), trigger=done
        )

    async def draft(self, request: Request) -> Response:
        self.drafts.append(str((await request.form())["body"]))
        return Response(status_code=204)

    async def report(self, request: Request) -> Response:
        sent = await request.form()
        known = {name: value for name, value in sent.items() if isinstance(value, str)}
        photo = sent.get("photo")
        if photo is not None and not isinstance(photo, str):
            known["photo_bytes"] = str(len(await photo.read()))
        self.received.append({**known, "key": request.headers["idempotency-key"]})
        if known.get("step") == "refused":
            return notice(request, "이 단계는 기록할 수 없습니다.", code="not_possible")
        return JSONResponse({"ok": True})

    async def events(self, request: Request) -> Response:
        queue: asyncio.Queue[str] = asyncio.Queue()

        async def stream() -> AsyncIterator[str]:
            self.listeners.append(queue)
            self.streams += 1
            yield "retry: 500\n\n"
            while True:
                yield f"event: {await queue.get()}\ndata: 1\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream")

    async def announce(self, request: Request) -> Response:
        self.serial += 1
        for queue in self.listeners:
            queue.put_nowait("tickets")
        return Response(status_code=204)


class Guest:
    """Middleware: a signed-in person for every request, and the security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            roles = frozenset({"agent", "lead", "dispatcher", "admin"})
            person = SimpleNamespace(
                id="P1", name="최유나", roles=roles, locale=None, account_id="P1", is_desk=True
            )
            scope.setdefault("state", {}).update(person=person, csrf="c0ffee")

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"content-security-policy", CSP.encode()))
            await send(message)

        await self.app(scope, receive, guarded)


def shown(template: str) -> Any:
    """A handler that shows one page of the gallery."""

    async def handler(request: Request) -> Response:
        return answer(request, template, GalleryPage(datetime.now(UTC)))

    return handler


def failed(status: int) -> Any:
    """A handler that shows one error page."""

    async def handler(request: Request) -> Response:
        return notice(request, "", code="x", status=status, reference="R-1234")

    return handler


def make(site: Site) -> Starlette:
    """The gallery as an application."""
    pages = Pages(folders=(TEMPLATES, Path(__file__).parent))
    pages.environment.globals.update(site=site, hours=lambda number: timedelta(hours=number))
    app = Starlette(
        routes=[
            Route("/gallery", shown("gallery_components.html")),
            Route("/gallery/ticket", shown("gallery_ticket.html")),
            Route("/gallery/command", shown("gallery_command.html")),
            Route("/gallery/portal", shown("gallery_portal.html")),
            Route("/field-service/visits/V1", shown("gallery_field.html")),
            Route("/gallery/reply", site.reply, methods=["POST"]),
            Route("/gallery/draft", site.draft, methods=["POST"]),
            Route("/field-service/visits/V1/report", site.report, methods=["POST"]),
            Route("/gallery/announce", site.announce, methods=["POST"]),
            Route("/events", site.events),
            *(Route(f"/gallery/error/{status}", failed(status)) for status in (403, 404, 409, 422, 500, 503)),
            *routes(pages.statics),
        ]
    )
    app.state.pages = pages
    app.add_middleware(Compression)
    app.add_middleware(Language)
    app.add_middleware(Guest)
    return app


class Server:
    """The gallery on a free port, in a thread."""

    def __init__(self) -> None:
        self.site, self.port = Site(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            make(self.site), port=self.port, log_level="warning", timeout_graceful_shutdown=1
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def start(self) -> "Server":
        """Return once it answers."""
        self.thread.start()
        while not self.server.started:
            self.thread.join(0.02)
            assert self.thread.is_alive()
        return self

    def stop(self) -> None:
        """End it."""
        self.server.should_exit = True
        self.thread.join(10)
