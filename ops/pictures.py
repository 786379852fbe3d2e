"""The README's pictures, taken from a running sample company: `make up`, then `python -m ops.pictures`.

Reads RUN_DIR/demo.json; writes docs/pictures/*.png, each small enough to be read on a train."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal
from urllib.request import Request, urlopen

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from ops.browsers import chromium
from ops.plan import ROOT, run_folder

INTO = ROOT / "docs" / "pictures"
MOST_BYTES = 250_000
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True}
Light = Literal["light", "dark"]
LINK = re.compile(r"https?://\S+/links/[0-9a-f]{64}")
AT_WORK, UNPAID = "결제 단말기", "does not drain"


@dataclass
class Company:
    """A running sample company: where it is, and how one gets in."""

    app: str
    sandbox: str
    temporal_ui: str
    sign_ins: dict[str, dict[str, str]]
    tokens: dict[str, str]

    def asked(self, who: str, path: str) -> Any:
        """What the app tells a program of this person."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}", "Accept": "application/json"}
        return self.read(Request(self.app + path, headers=headers))

    def read(self, request: Request | str) -> Any:
        """One JSON answer."""
        with urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def ticket(self, words: str) -> str:
        """The open ticket whose subject says this."""
        rows = self.asked("agent", "/tickets?view=open")["rows"]
        return str(next(row["id"] for row in rows if words in row["subject"]))

    def link(self, ending: str, about: str = "") -> str:
        """The link in the newest mail of this name."""
        for mail in self.read(f"{self.sandbox}/mail/messages"):
            if mail["key"].endswith(ending) and about in mail["key"] and (found := LINK.search(mail["text"])):
                return found[0]
        raise SystemExit(f"No mail {ending} was sent: run `make up` with the sample company first.")

    def technician_of(self, visit: str) -> str:
        """Who works on this visit."""
        for who in [name for name in self.tokens if name.startswith("tec_")]:
            day = self.asked(who, "/field-service")
            if any(row["id"] == visit for row in day["today"] + day["later"]):
                return who
        raise SystemExit(f"Nobody works on {visit}.")


def known() -> Company:
    """The company that `make up` left."""
    place = run_folder() / "demo.json"
    if not place.exists():
        raise SystemExit("Nothing is running: `make up` first.")
    told = json.loads(place.read_text())
    people = {person["role"]: person for person in told["sign_ins"]}
    where = told["addresses"]
    return Company(where["app"], where["sandbox"], where["temporal_ui"], people, told["tokens"])


@contextmanager
def seat(
    browser: Browser, company: Company, who: str, screen: dict[str, Any], light: Light
) -> Iterator[Page]:
    """A browser in which somebody is signed in; nobody's is a customer's with a link."""
    context = browser.new_context(
        locale="ko-KR", timezone_id="Asia/Seoul", color_scheme=light, reduced_motion="reduce",
        service_workers="block", **screen,
    )  # fmt: skip
    page = context.new_page()
    if who:
        page.goto(f"{company.app}/sign-in?lang=ko")
        page.fill("[name=login]", company.sign_ins[who]["login"])
        page.fill("[name=password]", company.sign_ins[who]["password"])
        page.click("#sign_in_form button.primary")
        page.wait_for_url(lambda url: "/sign-in" not in url)
    yield page
    context.close()


def take(page: Page, address: str, name: str, before: Callable[[Page], None] | None = None) -> None:
    """One picture, with as few colours as it needs to stay small."""
    page.goto(address)
    page.evaluate("document.fonts.ready")
    if before is not None:
        before(page)
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
    for colours in (256, 128, 64, 32):
        into = BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(into, "PNG", optimize=True)
        if into.tell() <= MOST_BYTES:
            break
    (INTO / f"{name}.png").write_bytes(into.getvalue())
    print(f"{name}.png  {into.tell() // 1000} KB", file=sys.stderr)


def at_the_desk(browser: Browser, company: Company) -> None:
    """The agent's pages, the command centre and the journey as Temporal tells it."""
    ticket = company.ticket(AT_WORK)
    with seat(browser, company, "agent", DESK, "light") as page:
        take(page, f"{company.app}/tickets/{ticket}?queue=open&lang=ko", "ticket")
        take(page, f"{company.app}/tickets?view=open&lang=ko", "queue")
    with seat(browser, company, "agent_en", DESK, "dark") as page:
        take(page, f"{company.app}/tickets/{ticket}?queue=open&lang=en", "ticket-dark")
    with seat(browser, company, "admin", DESK, "light") as page:
        take(page, f"{company.app}/journeys?lang=ko", "centre")
        chosen = {"endpoint": f"{company.app}/codec", "includeCredentials": True,
                  "overrideRemoteCodecConfiguration": True}  # fmt: skip
        lines = "".join(f"localStorage.setItem({key!r}, {json.dumps(json.dumps(value))});"
                        for key, value in chosen.items())  # fmt: skip
        page.add_init_script(f"if (location.origin === {company.temporal_ui!r}) {{{lines}}}")
        page.set_viewport_size({"width": 1440, "height": 1240})
        run = f"{company.temporal_ui}/namespaces/default/workflows/ticket:{ticket}"
        take(
            page,
            run,
            "temporal",
            before=lambda shown: shown.get_by_text("ticket_id").first.wait_for(timeout=15000),
        )


def on_phones(browser: Browser, company: Company) -> None:
    """The technician at work, and what customers see by link."""
    visit = f"V{company.ticket(AT_WORK)[1:]}-1"
    who = company.technician_of(visit)
    with seat(browser, company, "", PHONE, "light") as page:
        page.set_extra_http_headers({"Authorization": f"Bearer {company.tokens[who]}"})
        take(page, f"{company.app}/field-service/visits/{visit}?lang=ko", "technician")
    with seat(browser, company, "", PHONE, "light") as page:
        take(page, company.link("choose_slot") + "/slot?lang=ko", "slots")
        unpaid = f"I{company.ticket(UNPAID)[1:]}-"
        take(page, company.link("invoice", unpaid) + "/pay?lang=ko", "invoice")


def main() -> None:
    """Take them all."""
    INTO.mkdir(parents=True, exist_ok=True)
    company = known()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGS)
        at_the_desk(browser, company)
        on_phones(browser, company)
        browser.close()


if __name__ == "__main__":
    main()
