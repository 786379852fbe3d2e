"""What keeps people out of a page, once nothing on it moves."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.test_look import RULES

# Pages cross-fade, and colours do when the light changes; what has half faded has no colours of its own.
SETTLED = """new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame)).then(
  () => Promise.all(document.getAnimations()
    .filter(one => one.effect.getComputedTiming().iterations !== Infinity)
    .map(one => one.finished.catch(() => null))))"""


def barriers(page: Page) -> list[dict[str, Any]]:
    """What axe finds."""
    page.evaluate(SETTLED)
    return list(Axe().run(page, options=RULES).response["violations"])


def by_day_and_night(page: Page) -> list[tuple[str, str, list[str]]]:
    """The same in the dark and in the light: which light, which rule, which elements."""
    wrong: list[tuple[str, str, list[str]]] = []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        wrong += [(scheme, one["id"], [node["html"] for node in one["nodes"]]) for one in barriers(page)]
    return wrong
