"""What surrounds every answer: security headers, host check, request number, log line, metrics."""

import secrets
import time
from urllib.parse import urlsplit

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; object-src 'none'"
)
ALWAYS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()",
    "X-Frame-Options": "DENY",
}
HSTS = "max-age=31536000; includeSubDomains"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
REQUESTS = Counter("ieum_requests_total", "Answered requests", ["method", "route", "status"])
SECONDS = Histogram("ieum_request_seconds", "Time to the first byte of an answer that ends", ["route"])
STREAM = "text/event-stream"  # open as long as its page is, so it says nothing about how quick we are
log = structlog.get_logger()


class Surroundings:
    """The outermost middleware: no answer leaves without its headers, errors included."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self.app = app
        self.is_secure = public_url.startswith("https://")
        self.hosts = LOOPBACK | {_host(urlsplit(public_url).netloc)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, dressed."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = number
        scope["state"]["began"] = time.time()
        started, status = time.perf_counter(), 0

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status, headers = message["status"], MutableHeaders(scope=message)
                self.dress(headers, number)
                if not headers.get("content-type", "").startswith(STREAM):
                    SECONDS.labels(route_of(scope)).observe(time.perf_counter() - started)
            await send(message)

        structlog.contextvars.bind_contextvars(request=number)
        try:
            if _host(Headers(scope=scope).get("host", "")) in self.hosts:
                await self.app(scope, receive, dressed)
            else:
                await PlainTextResponse("Unknown host", 400)(scope, receive, dressed)
        finally:
            report(scope, status, time.perf_counter() - started)
            structlog.contextvars.unbind_contextvars("request")

    def dress(self, headers: MutableHeaders, number: str) -> None:
        """Add what every answer carries; a route may set a stricter policy of its own."""
        for name, value in ALWAYS.items():
            headers.setdefault(name, value)
        if self.is_secure:
            headers.setdefault("Strict-Transport-Security", HSTS)
        headers.setdefault("Cache-Control", "no-store")
        headers["X-Request-Id"] = number


def _host(netloc: str) -> str:
    """The host without its port, in lower case."""
    if netloc.startswith("["):
        return netloc.partition("]")[0].lower() + "]"
    return netloc.partition(":")[0].lower()


def route_of(scope: Scope) -> str:
    """The pattern of the route that answers: real paths may hold tokens."""
    return getattr(scope.get("route"), "path", "unknown")


def report(scope: Scope, status: int, seconds: float) -> None:
    """One log line and one count, by the route's pattern."""
    route = route_of(scope)
    REQUESTS.labels(scope["method"], route, str(status)).inc()
    person = scope.get("state", {}).get("person")
    log.info(
        "request",
        method=scope["method"],
        route=route,
        status=status,
        millis=round(seconds * 1000, 1),
        actor=getattr(person, "id", ""),
    )
