"""The outside world's own pages: plain, self-contained, in Korean and English."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from sandbox.words import words

HERE = Path(__file__).parent / "templates"
POLICY = "default-src 'none'; style-src 'self'; frame-src 'self'; img-src data:; base-uri 'none'"
LINK = re.compile(r"https?://[^\s<>\"]+")


def moment(at: float) -> str:
    """A time on a Korean clock."""
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo("Asia/Seoul")).strftime("%Y-%m-%d %H:%M:%S")


def linked(text: str) -> Markup:
    """A text whose links can be followed; everything else in it stays text."""
    parts: list[Markup] = []
    end = 0
    for found in LINK.finditer(text):
        parts += [escape(text[end : found.start()]), Markup('<a href="{0}">{0}</a>').format(found[0])]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


ENVIRONMENT = Environment(
    loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
ENVIRONMENT.filters.update(moment=moment, linked=linked, grouped=lambda amount: f"{amount:,}")


def page(name: str, locale: str, **values: Any) -> HTMLResponse:
    """One page in one language."""
    chosen = locale if locale in ("ko", "en") else "ko"
    text = ENVIRONMENT.get_template(name).render(locale=chosen, w=words(chosen), **values)
    return HTMLResponse(text, headers={"content-security-policy": POLICY, "referrer-policy": "no-referrer"})
