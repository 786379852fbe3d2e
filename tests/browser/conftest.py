"""A real browser: Debian's Chromium, Korean, Seoul; any script error or CSP violation fails the test."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from ops import bills, books
from ops.money import let_money_come, prepare_bank_file
from ops.seed import walk_all
from tests.browser.house import House, start

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
]
DESKTOP = {"width": 1440, "height": 900}
# A pass never waits; machines that share two cores are slow.
expect.set_options(timeout=int(os.environ.get("UI_TIMEOUT_MS", "15000")))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield started
        started.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Make browser contexts, one per person; all are closed at the end."""
    made: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        usual = {
            "locale": "ko-KR",
            "timezone_id": "Asia/Seoul",
            "viewport": DESKTOP,
            "reduced_motion": "reduce",
            "service_workers": "block",
        }
        context = browser.new_context(**{**usual, **options})
        context.set_default_timeout(30_000)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture
def clean_console(request: pytest.FixtureRequest) -> Iterator[Callable[[Page], Page]]:
    """Watch pages: any script error, console error or CSP violation fails the test at its end."""
    bad: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            bad.append(f"{message.type}: {message.text}")

    def watch(page: Page) -> Page:
        page.on("pageerror", lambda error: bad.append(f"pageerror: {error}"))
        page.on("console", heard)
        return page

    yield watch
    assert request.node.get_closest_marker("allow_console") or not bad, bad


@pytest.fixture
def page(new_context: Callable[..., BrowserContext], clean_console: Callable[[Page], Page]) -> Page:
    """A watched page on a desktop screen."""
    return clean_console(new_context().new_page())


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where screenshots go (SHOTS, else test-results)."""
    folder = Path(os.environ.get("SHOTS", "test-results"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The whole house, running for all browser tests."""
    with pytest.MonkeyPatch.context() as patch:
        running, found = start(tmp_path_factory.mktemp("house"), patch)
        yield found
        running.house.stop()


async def live(house: House) -> None:
    """What the demo lives through before somebody looks at it."""
    bills.sign(house.worker_url, bills.today())
    await walk_all(house.keys, house.app, house.sandbox, house.letterbox)
    await books.close_month(house.app, house.keys.tokens["finance"], house.erp_url)
    await let_money_come(house.app, house.sandbox, house.keys.tokens["customer"], *house.temporal)
    await prepare_bank_file(house.worker_url)
    until = time.monotonic() + 60
    while not house.asked("finance", "/payments/transfers")["batches"]:
        assert time.monotonic() < until, "no file for the bank"
        await asyncio.sleep(0.5)


@pytest.fixture(scope="session")
def lived(house: House) -> House:
    """The house after its sample stories: tickets at every stage."""
    with ThreadPoolExecutor(1) as elsewhere:  # this thread's loop belongs to the browser
        elsewhere.submit(lambda: asyncio.run(live(house))).result(600)
    return house


@pytest.fixture
def sit_down(
    new_context: Callable[..., BrowserContext], clean_console: Callable[[Page], Page]
) -> Callable[..., Page]:
    """Give somebody a browser of their own."""

    def sit(language: str, **options: object) -> Page:
        locale = "ko-KR" if language == "ko" else "en-GB"
        return clean_console(new_context(locale=locale, **options).new_page())

    return sit
