"""The look: every component, in both languages and both lights, on every screen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.gallery import Server

PAGES = [
    "/gallery",
    "/gallery/ticket",
    "/gallery/command",
    "/gallery/portal",
    "/field-service/visits/V1",
    "/gallery/error/404",
]


@pytest.fixture(scope="session")
def gallery() -> Iterator[Server]:
    """The gallery, served for the whole run."""
    server = Server().start()
    yield server
    server.stop()


def test_shots(page: Page, gallery: Server, shots: Path) -> None:
    for path in PAGES:
        for lang, scheme in (("ko", "light"), ("en", "dark")):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(
                {"width": 1440, "height": 900} if "field" not in path else {"width": 390, "height": 844}
            )
            page.goto(f"{gallery.url}{path}?lang={lang}")
            page.wait_for_timeout(300)
            page.screenshot(
                path=shots / f"{path.strip('/').replace('/', '-')}-{lang}.png", full_page=path == "/gallery"
            )
