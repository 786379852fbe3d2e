"""Every page, for everybody who may see it: open to all, within the screen, nothing from elsewhere."""

import json
import os
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.browser.house import House, Tongue
from tests.browser.people import Person
from tests.browser.places import PHONE, Tour, tours, unseen
from tests.browser.test_look import RULES, WIDER

LOGINS = {
    "agent": "agent@ieum.example", "finance": "finance@ieum.example", "admin": "admin@ieum.example",
    "partner": "partner@ieum.example", "employee": "employee@ieum.example",
    "customer": "mina@customer.example", "tec_kim": "technician@ieum.example", "tec_lee": "lee@ieum.example",
    "tec_park": "park@ieum.example", "tec_cole": "cole@ieum.example", "manager": "manager@ieum.example",
    "workplace": "workplace@ieum.example",
}  # fmt: skip
# Each page is drawn in each language and in each light; ALL_LOOKS=1 draws each in both of both.
LOOKS = (("ko", "light"), ("en", "dark"), ("ko", "dark"), ("en", "light"))[
    : 4 if os.environ.get("ALL_LOOKS") else 2
]
ROUNDS = (
    "agent", "finance", "admin", "technician", "partner", "customer", "employee", "manager", "workplace", "",
)  # fmt: skip


@pytest.fixture(scope="session")
def rounds(lived: House) -> dict[str, Tour]:
    """Everybody's addresses in a house that has lived."""
    return tours(lived)


def test_somebody_looks_at_every_page(rounds: dict[str, Tour]) -> None:
    assert unseen(rounds) == []


@pytest.mark.parametrize("role", ROUNDS, ids=[one or "visitor" for one in ROUNDS])
def test_pages_keep_nobody_out(
    lived: House, rounds: dict[str, Tour], new_context: Callable[..., BrowserContext],
    clean_console: Callable[[Page], Page], role: str,
) -> None:  # fmt: skip
    who = next(one for one in rounds if one.startswith("tec_")) if role == "technician" else role
    tour = rounds[who]
    options = {"is_mobile": True, "has_touch": True} if tour.width == PHONE else {}
    context = new_context(viewport={"width": tour.width, "height": 860}, **options)
    strangers, broken = listen(context, lived)
    person = Person(clean_console(context.new_page()), lived, Tongue("ko"))
    if who:
        person.sign_in(LOGINS[who])
    wrong: list[str] = []
    for address in tour.addresses:
        wrong += looked_at(person.page, lived, address, tour.width)

    assert not wrong, json.dumps(wrong, ensure_ascii=False, indent=1)
    assert strangers == []
    assert broken == []


def looked_at(page: Page, house: House, address: str, width: int) -> list[str]:
    """What is wrong with one page, in both languages and both lights."""
    wrong: list[str] = []
    for language, light in LOOKS:
        page.emulate_media(color_scheme=light)  # type: ignore[arg-type]
        answer = page.goto(f"{house.app}{address}{'&' if '?' in address else '?'}lang={language}")
        assert answer is not None
        assert answer.ok, f"{address}: {answer.status}"
        expect(page.locator("html")).to_have_attribute("lang", language)
        page.evaluate("document.fonts.ready")
        if page.evaluate("document.documentElement.scrollWidth") > width or page.evaluate(WIDER, width):
            wrong.append(f"{address} {language}: wider than {width}: {page.evaluate(WIDER, width)}")
        for one in Axe().run(page, options=RULES).response["violations"]:
            nodes = [(node["target"], node.get("failureSummary")) for node in one["nodes"][:3]]
            wrong.append(f"{address} {language} {light}: {one['impact']} {one['id']} {nodes}")
    return wrong


def listen(context: BrowserContext, house: House) -> tuple[list[str], list[str]]:
    """What a page asks of other hosts, and what it asked in vain."""
    strangers: list[str] = []
    broken: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((house.app + "/", "data:", "blob:")):
            strangers.append(request.url)

    def failed(request: Request) -> None:
        if "ERR_ABORTED" not in (request.failure or ""):  # leaving a page ends its stream
            broken.append(f"{request.url}: {request.failure}")

    context.on("request", asked)
    context.on("requestfailed", failed)
    return strangers, broken
