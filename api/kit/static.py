"""Our own CSS and JavaScript and the vendor files: read once, named by content, kept by browsers for ever."""

import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

STATIC = Path(__file__).resolve().parent.parent.parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
}
STYLES = ("tokens", "base", "shell", "components", "timeline", "forms", "console", "portal", "field", "print")
"""Files of static/css in the order in which they are joined to app.css."""
QUARTERS = 44
"""Quarter hours on the dispatch board from 8:00, placed by the classes gs1… (start) and gw1… (width)."""
FOREVER = "public, max-age=31536000, immutable"
THEMES = ("light", "dark")


@dataclass(frozen=True)
class File:
    """One file as it is sent."""

    body: bytes
    packed: bytes
    kind: str
    digest: str


def _file(name: str, body: bytes) -> File:
    suffix = Path(name).suffix
    packed = b"" if suffix in {".woff2", ".png"} else gzip.compress(body, 9, mtime=0)
    return File(body, packed, TYPES[suffix], hashlib.sha256(body).hexdigest()[:10])


class Statics:
    """Every static file in memory, under its plain name and under its hashed name."""

    def __init__(self, folder: Path = STATIC) -> None:
        self.folder = folder
        self.files: dict[str, File] = {}
        self.urls: dict[str, str] = {}
        vendor = folder / "vendor"
        if not (vendor / "htmx.min.js").exists():
            raise RuntimeError("static/vendor is empty: run python -m ops.assets")
        for path in [*sorted(vendor.iterdir()), *sorted(folder.iterdir())]:
            if path.suffix in TYPES and path.suffix != ".js":
                self._add(path.name, path.read_bytes())
        self._add("htmx.js", (vendor / "htmx.min.js").read_bytes())
        self._add("app.css", self._styles())
        self.icons = frozenset(re.findall(rb'<symbol id="([^"]+)"', self.files["icons.svg"].body))
        for path in sorted(folder.glob("*.js")):
            self._script(path.name)

    def _add(self, name: str, body: bytes) -> None:
        file = _file(name, body)
        stem, suffix = name.rsplit(".", 1)
        hashed = f"{stem}.{file.digest}.{suffix}"
        self.files[name] = self.files[hashed] = file
        self.urls[name] = f"/static/{hashed}"

    def _styles(self) -> bytes:
        parts = [(self.folder / "css" / f"{name}.css").read_text("utf8") for name in STYLES]
        slots = range(1, QUARTERS + 1)
        places = [f".gs{at}{{grid-column-start:{at}}}.gw{at}{{grid-column-end:span {at}}}" for at in slots]
        parts.append(f"@layer utilities{{{''.join(places)}}}")
        return re.sub(
            r'url\("([\w.-]+)"\)', lambda at: f'url("{self.urls[at[1]]}")', "\n".join(parts)
        ).encode()

    def _script(self, name: str) -> str:
        """Add a script after the modules that it imports, whose hashed names it then carries."""
        if name not in self.urls and name != "sw.js":
            source = (self.folder / name).read_text("utf8")
            source = re.sub(r"(['\"])\./([\w-]+\.js)\1", lambda at: f"'{self._script(at[2])}'", source)
            self._add(name, source.encode())
        return self.urls.get(name, "/sw.js")

    def url(self, name: str) -> str:
        """The address of a file; it changes when the file changes."""
        return self.urls[name]

    def service_worker(self) -> bytes:
        """The worker of the technician's page with today's addresses; a deployment makes a new cache."""
        names = ("app.css", "htmx.js", "icons.svg", "noto-sans-kr.woff2", "inter.woff2", "icon.svg")
        kept = [self.urls[name] for name in names]
        kept += [self.urls[path.name] for path in sorted(self.folder.glob("*.js")) if path.name != "sw.js"]
        version = hashlib.sha256("".join(kept).encode()).hexdigest()[:10]
        source = (self.folder / "sw.js").read_text("utf8")
        return source.replace("__KEPT__", json.dumps(kept)).replace("__VERSION__", version).encode()

    def answer(self, request: Request) -> Response:
        """One static file; only names that were read at start exist, so no path can lead elsewhere."""
        name = request.path_params["name"]
        file = self.files.get(name)
        if file is None:
            return Response(status_code=404)
        forever = f".{file.digest}." in name
        headers = {
            "Cache-Control": FOREVER if forever else "no-cache",
            "ETag": f'"{file.digest}"',
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        if file.packed and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(
                file.packed, media_type=file.kind, headers={**headers, "Content-Encoding": "gzip"}
            )
        return Response(file.body, media_type=file.kind, headers=headers)


def theme(request: Request) -> Response:
    """Remember light, dark or the system's choice, and go back to where the reader was."""
    chosen = request.path_params["name"]
    back = request.query_params.get("back", "/")
    safe = back if re.match(r"^/(?![/\\])", back) else "/"
    response = RedirectResponse(safe, 303)
    if chosen in THEMES:
        response.set_cookie("theme", chosen, max_age=31536000, samesite="lax")
    else:
        response.delete_cookie("theme", samesite="lax")
    return response


def manifest(statics: Statics) -> JSONResponse:
    """What a phone needs to put the technician's page on its home screen."""
    icon = {"src": statics.url("icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
    return JSONResponse(
        {
            "name": "Ieum",
            "short_name": "Ieum",
            "start_url": "/home",
            "scope": "/",
            "display": "standalone",
            "background_color": "#ffffff",
            "theme_color": "#ffffff",
            "lang": "ko",
            "icons": [icon],
        },
        media_type="application/manifest+json",
        headers={"Cache-Control": "no-cache"},
    )


def routes(statics: Statics) -> list[Route]:
    """Static files, service worker, manifest, icon and the theme switch; nobody needs to be signed in."""

    async def file(request: Request) -> Response:
        return statics.answer(request)

    async def worker(request: Request) -> Response:
        headers = {"Cache-Control": "no-cache"}
        return Response(statics.service_worker(), media_type="text/javascript", headers=headers)

    async def web_manifest(request: Request) -> Response:
        return manifest(statics)

    async def favicon(request: Request) -> Response:
        return RedirectResponse(statics.url("icon.svg"), 301)

    async def set_theme(request: Request) -> Response:
        return theme(request)

    return [
        Route("/static/{name}", file),
        Route("/sw.js", worker),
        Route("/manifest.webmanifest", web_manifest),
        Route("/favicon.ico", favicon),
        Route("/theme/{name}", set_theme),
    ]


class Compression(GZipMiddleware):
    """Gzip for everything but live updates, which must leave at once."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Compress one answer."""
        if scope["type"] == "http" and scope["path"].startswith(("/events", "/static/")):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
