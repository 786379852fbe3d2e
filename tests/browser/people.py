"""People at their browsers: each presses what they see, by role, name and label, and looks what comes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.house import House, Tongue


def picture(name: str, colour: tuple[int, int, int]) -> FilePayload:
    """A photo as a phone would take it."""
    image = Image.new("RGB", (640, 480), colour)
    ImageDraw.Draw(image).text((40, 40), name, fill="white")
    into = BytesIO()
    image.save(into, "JPEG")
    return {"name": name, "mimeType": "image/jpeg", "buffer": into.getvalue()}


@dataclass
class Person:
    """Somebody at a browser, who reads one language."""

    page: Page
    house: House
    say: Tongue

    def go(self, path: str) -> None:
        """Open an address of the house in one's own language."""
        address = path if path.startswith("http") else self.house.app + path
        self.page.goto(f"{address}{'&' if '?' in address else '?'}lang={self.say.language}")

    def sign_in(self, login: str) -> None:
        """Through the door that everybody uses."""
        self.go("/sign-in")
        address, password = self.house.sign_in_of(login)
        self.page.get_by_label(self.say("E-mail address")).fill(address)
        self.page.get_by_label(self.say("Password")).fill(password)
        self.button("Sign in").click()
        expect(self.page).not_to_have_url(re.compile("/sign-in"))

    def button(self, text: str, **values: object) -> Locator:
        """The button that says this."""
        return self.page.get_by_role("button", name=self.say(text, **values), exact=True)

    def link(self, text: str, **values: object) -> Locator:
        """The link that says this."""
        return self.page.get_by_role("link", name=self.say(text, **values), exact=True)

    def field(self, label: str) -> Locator:
        """What this label belongs to."""
        return self.page.get_by_label(self.say(label))

    def heading(self, text: str) -> Locator:
        """The heading that says this."""
        return self.page.get_by_role("heading", name=self.say(text))

    def menu(self, text: str) -> None:
        """Open what folds out under this name."""
        self.page.locator("summary").filter(has_text=self.say(text)).first.click()

    def reads(self, text: str, **values: object) -> None:
        """This text is on the page."""
        said = self.say(text, **values)
        expect(self.page.locator("main").get_by_text(said).first).to_be_visible()

    def opens_letter(self, kind: str, about: str, name: str) -> None:
        """Read a letter in the sandbox's own mailbox and follow its link."""
        number = self.house.letter(kind, about, name)
        self.page.goto(f"{self.house.sandbox}/{kind}?locale={self.say.language}")
        address = self.house.link_in(kind, number)
        if kind == "mail":
            self.page.locator(f'a[href^="/mail/{number}?"]').click()
        self.page.locator(f'a[href="{address}"]').first.click()
        expect(self.page).to_have_url(re.compile("/links/"))


class Customer(Person):
    """Somebody with a broken thing and a phone."""

    def reports(self, *, name: str, phone: str, email: str, subject: str, story: str, product: str = "",
                serial: str = "") -> str:  # fmt: skip
        """Fill the form that needs no login, and press twice, as impatient people do."""
        self.go("/report")
        expect(self.heading("What is broken?")).to_be_visible()
        self.field("Your name").fill(name)
        self.field("Telephone").fill(phone)
        self.field("E-mail").fill(email)
        if product:
            self.field("Product").select_option(label=product)
            self.field("Serial number").fill(serial)
        self.field("In a few words").fill(subject)
        self.field("What happens, and since when?").fill(story)
        self.field("Photos").set_input_files(picture("fault.jpg", (90, 60, 60)))
        self.button("Send report").dblclick()
        expect(self.heading("We have your report.")).to_be_visible()
        number = self.page.locator("main b.mono").inner_text()
        assert self.house.number_of(subject) == number  # one ticket, and it is this one
        return number

    def chooses_time(self, nth: int = 0) -> None:
        """Take a free time."""
        self.reads("When may we come?")
        self.page.locator("#slot label").nth(nth).click()
        self.button("Take this time").click()
        expect(self.heading("Your appointment")).to_be_visible()

    def confirms(self) -> None:
        """It works again."""
        expect(self.heading("Does it work again?")).to_be_visible()
        self.button("Yes, it works again").click()
        expect(self.heading("Does it work again?")).to_be_hidden()

    def pays(self, card: str = "approve", *, comes_back: bool = True) -> None:
        """On the gateway's own page."""
        self.page.locator("#payment_state").get_by_role("link", name=re.compile("₩")).click()
        expect(self.page).to_have_url(re.compile("/gateway/checkout"))
        self.page.locator(f"input[value={card}]").check()
        self.page.locator("button[value=pay]").click()
        if comes_back:
            expect(self.page).to_have_url(re.compile("/links/"))

    def looks_again_until(self, text: str) -> None:
        """Without JavaScript the page does not change by itself."""
        told = self.page.get_by_text(self.say(text))
        for _ in range(200):
            expect(told.or_(self.link("Check again"))).to_be_visible()
            if told.is_visible():
                return
            self.link("Check again").click()
        raise AssertionError(f"never read: {self.say(text)}")

    def rates(self, stars: int, words: str) -> None:
        """How was it?"""
        expect(self.heading("How was the repair?")).to_be_visible()
        self.page.locator(f"label[for=f_stars_{stars}]").click()
        self.field("Would you like to add something?").fill(words)
        self.button("Send rating").click()
        expect(self.heading("Your rating")).to_be_visible()


class Agent(Person):
    """Somebody at the desk."""

    def watches(self, view: str = "unassigned") -> None:
        """Keep the queue open and wait for the stream to stand."""
        self.go(f"/tickets?view={view}")
        expect(self.page.locator("body[data-live=on]")).to_be_attached()
        self.page.evaluate("window.wasHere = true")

    def sees_new(self, subject: str) -> None:
        """The ticket comes by itself: into an empty list, announced above a list that is being read."""
        row = self.page.get_by_role("link", name=subject)
        news = self.page.locator("#queue_news").get_by_role("link", name=self.say("Show"))
        expect(row.or_(news).first).to_be_visible()
        assert self.page.evaluate("window.wasHere") is True  # nobody reloaded
        if news.is_visible():
            news.click()
        expect(row).to_be_visible()

    def takes(self, number: str) -> None:
        """Make the ticket one's own."""
        self.go(f"/tickets/{number}")
        self.button("Take").click()
        expect(self.button("Take")).to_be_hidden()

    def answers(self, text: str) -> None:
        """Write to the customer."""
        self.page.get_by_role("textbox", name=self.say("Reply"), exact=True).fill(text)
        self.button("Send").click()
        # It may be taken back for ten seconds, and leaves then.
        expect(self.page.locator("#timeline")).to_contain_text(text, timeout=40_000)

    def resolves(self, done: str) -> None:
        """Solved without a visit."""
        self.menu("Resolve")
        self.field("What was done?").fill(done)
        self.button("Resolve and ask the customer").click()
        expect(self.page.locator("#ticket_head")).to_contain_text(self.say("Resolved"), timeout=40_000)

    def sends_visit(self, technician: str = "") -> None:
        """Look for a technician, one asked first or whoever fits best."""
        self.menu("Send a technician")
        if technician:
            self.field("Ask first").select_option(label=technician)
        self.button("Look for a technician").click()
        expect(self.page.locator("#ticket_head")).to_contain_text(self.say("Visit under way"))


class Technician(Person):
    """Somebody in a van."""

    @property
    def sync(self) -> Locator:
        """What the pill in the header says."""
        return self.page.locator("#sync_state")

    def is_sent(self) -> None:
        """Everything on the phone has arrived."""
        expect(self.page.locator("html[data-field]")).to_be_attached()
        expect(self.sync).to_have_attribute("data-waiting-count", "0")
        expect(self.sync).to_have_attribute("data-refused-count", "0")

    def accepts(self, visit: str) -> None:
        """Take an offer that appeared by itself."""
        offer = self.page.locator(f"#offer_{visit} a")
        expect(offer).to_be_visible()
        offer.click()
        expect(self.page.locator("html[data-field]")).to_be_attached()
        self.button("Accept").click()
        expect(self.page).to_have_url(re.compile(f"/field-service/visits/{visit}$"))
        self.is_sent()

    def opens(self, visit: str) -> None:
        """The page of one job."""
        self.go(f"/field-service/visits/{visit}")
        expect(self.page.locator("html[data-field]")).to_be_attached()

    def presses(self, text: str, then: str) -> None:
        """The one large button, and what the visit is called then."""
        self.button(text).click()
        expect(self.page.locator("#visit")).to_contain_text(self.say(then))
        self.is_sent()

    def ticks(self) -> None:
        """Everything on the checklist."""
        boxes = self.page.locator("#checklist input[type=checkbox]")
        for number in range(boxes.count()):
            boxes.nth(number).check()

    def photographs(self, label: str, colour: tuple[int, int, int]) -> None:
        """One picture before or after."""
        slot = "before" if "before" in label else "after"
        self.field(label).set_input_files(picture(f"{slot}.jpg", colour))

    def uses(self, part: str) -> None:
        """A part from the van."""
        self.page.locator("#part").get_by_role("combobox").select_option(label=part)
        self.button("Add").click()

    def gets_signature(self, meanwhile: Callable[[], None] | None = None) -> None:
        """The customer draws on the glass; what is sent meanwhile draws the page anew around it."""
        pad = self.page.locator("#signature")
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + 40, box["y"] + 60)
        self.page.mouse.down()
        for step in range(16):
            self.page.mouse.move(box["x"] + 40 + step * 12, box["y"] + 60 + (16 if step % 2 else -16))
        self.page.mouse.up()
        if meanwhile is not None:
            meanwhile()
            self.is_sent()
        self.button("Save the signature").click()

    def finishes(self, note: str) -> None:
        """The work is done."""
        self.page.get_by_role("radio", name=self.say("Repaired"), exact=True).check()
        self.field("Working time in minutes").fill("50")
        self.field("What was done").fill(note)
        self.button("Finish the visit").click()
