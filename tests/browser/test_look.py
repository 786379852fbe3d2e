"""The look: every component, in both languages and both lights, on every screen, by mouse and by keyboard."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.gallery import Server

Newcomer = Callable[..., BrowserContext]
CONSOLE = ["/gallery", "/gallery/ticket", "/gallery/command"]
SMALL = ["/gallery/portal", "/field-service/visits/V1", "/gallery/error/404"]
PAGES = CONSOLE + SMALL
WIDTHS = [320, 390, 768, 1280, 1920]
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}}
WIDER = """width => [...document.querySelectorAll('button,a,h1,h2,.badge,input,textarea')].filter(e => {
  const r = e.getBoundingClientRect();
  if (!r.width || e.closest('.sr,.skip') || !e.checkVisibility({visibilityProperty: true})) return false;
  for (let p = e.parentElement; p; p = p.parentElement) {
    const o = getComputedStyle(p).overflowX;
    if (/(auto|scroll)/.test(o)) return false;
    if (/(hidden|clip)/.test(o)) {
      return r.right > p.getBoundingClientRect().right + 1 && !p.matches(".slot,.trunc,.lane");
    }
  }
  return r.right > width + 1 || r.left < -1;
}).map(e => e.outerHTML.slice(0, 140))"""


@pytest.fixture(scope="session")
def gallery() -> Iterator[Server]:
    """The gallery, served for the whole run."""
    server = Server().start()
    yield server
    server.stop()


@pytest.mark.parametrize("path", PAGES)
def test_nothing_keeps_people_out(page: Page, gallery: Server, shots: Path, path: str) -> None:
    if "field-service" in path:
        page.set_viewport_size({"width": 390, "height": 844})
    elif path == "/gallery":
        page.set_viewport_size({"width": 1440, "height": 3300})
    for language, light in (("ko", "light"), ("en", "dark"), ("ko", "dark"), ("en", "light")):
        page.emulate_media(color_scheme=light)  # type: ignore[arg-type]
        page.goto(f"{gallery.url}{path}?lang={language}")
        page.wait_for_load_state("load")
        page.evaluate("document.fonts.ready")

        found = Axe().run(page, options=RULES).response["violations"]

        page.screenshot(path=shots / f"{path.strip('/').replace('/', '-')}-{language}-{light}.png")
        told = [
            (
                one["id"],
                one["impact"],
                [(node["target"], node.get("failureSummary")) for node in one["nodes"][:4]],
            )
            for one in found
        ]
        assert not told, json.dumps(told, ensure_ascii=False, indent=1)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_nothing_is_wider_than_the_screen(page: Page, gallery: Server, path: str, language: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 860})
        page.goto(f"{gallery.url}{path}?lang={language}")

        assert page.evaluate(WIDER, width) == [], width
        # Not innerWidth: a phone's layout viewport silently grows with its content.
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_palette_opens_under_a_korean_layout(page: Page, gallery: Server) -> None:
    page.goto(f"{gallery.url}/gallery/ticket")
    key = """document.dispatchEvent(new KeyboardEvent('keydown',
      {code: 'KeyK', key: 'ㅏ', ctrlKey: true, bubbles: true}))"""

    page.evaluate(key)

    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.type("청구")
    expect(page.locator("#palette [aria-selected=true]")).to_contain_text("청구서")


def test_a_syllable_being_composed_runs_nothing(page: Page, gallery: Server) -> None:
    page.goto(f"{gallery.url}/gallery/ticket")
    composing = """document.dispatchEvent(new KeyboardEvent('keydown',
      {code: 'KeyK', key: 'k', ctrlKey: true, isComposing: true, bubbles: true}))"""
    page.evaluate(composing)
    expect(page.locator("#palette")).to_be_hidden()

    page.keyboard.press("Control+KeyK")
    page.evaluate("""document.querySelector('#palette input').dispatchEvent(
      new KeyboardEvent('keydown', {key: 'Enter', code: 'Enter', isComposing: true, bubbles: true}))""")

    expect(page.locator("#palette")).to_be_visible()


def test_keys_lead_to_rows_and_buttons(page: Page, gallery: Server) -> None:
    page.goto(f"{gallery.url}/gallery/ticket")
    expect(page.locator("html[data-ready]")).to_be_attached()

    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('li').id") == "q_T20491"
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.closest('li').id") == "q_T20483"
    page.keyboard.press("r")
    assert page.evaluate("document.activeElement.id") == "reply"
    page.locator("#reply").blur()
    page.keyboard.press("Shift+Slash")
    expect(page.locator("#shortcuts")).to_contain_text("고객에게 답변")
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()
    page.keyboard.press("e")

    expect(page.locator("#notice")).to_contain_text("이미 종료된 티켓입니다.")


def test_a_malformed_form_keeps_what_was_typed(page: Page, gallery: Server) -> None:
    page.goto(f"{gallery.url}/gallery/ticket")

    page.fill("#reply", "네")
    page.click("#composer .primary")

    expect(page.locator("#e_body")).to_contain_text("5자 이상")
    expect(page.locator("#reply")).to_have_value("네")
    expect(page.locator("#reply")).to_be_focused()


def test_a_reply_appears_once_and_empties_the_composer(page: Page, gallery: Server) -> None:
    page.goto(f"{gallery.url}/gallery/ticket")
    before = page.locator("#timeline .ev").count()

    page.fill("#reply", "기사님이 15:10에 도착합니다.")
    page.keyboard.press("Control+Enter")

    expect(page.locator("#timeline .ev")).to_have_count(before + 1)
    expect(page.locator(".toast")).to_contain_text("답변을 보냈습니다")
    expect(page.locator("#reply")).to_have_value("")


def test_a_draft_is_kept_two_seconds_after_typing(page: Page, gallery: Server) -> None:
    page.goto(f"{gallery.url}/gallery/ticket")

    page.fill("#reply", "아직 쓰는 중입니다")

    expect(page.locator("[data-draft-state]")).to_have_text("임시 저장됨")
    assert gallery.site.drafts[-1] == "아직 쓰는 중입니다"


def test_forms_work_without_javascript(new_context: Callable[..., BrowserContext], gallery: Server) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(f"{gallery.url}/gallery/ticket")

    page.fill("#reply", "Sent with no JavaScript at all")
    page.click("#composer .primary")

    expect(page.locator("#timeline")).to_contain_text("Sent with no JavaScript at all")


def test_live_updates_keep_nodes_focus_and_text(
    new_context: Callable[..., BrowserContext], clean_console: Callable[[Page], Page], gallery: Server
) -> None:
    context = new_context()
    first, second = (clean_console(context.new_page()) for _ in range(2))
    before = gallery.site.streams
    for page in (first, second):
        page.goto(f"{gallery.url}/gallery/ticket")
    expect(first.locator("body[data-live=on]")).to_be_attached()
    second.fill("#reply", "작성 중인 글")
    second.focus("#q_T20491 a")
    second.evaluate("document.querySelector('#q_T20477').same = 1")
    was = second.locator("#q_T20477 .sub .end").inner_text()

    first.request.post(f"{gallery.url}/gallery/announce")

    expect(second.locator("#q_T20477 .sub .end")).not_to_have_text(was)
    assert second.evaluate("document.querySelector('#q_T20477').same") == 1
    assert second.evaluate("document.activeElement.closest('li').id") == "q_T20491"
    expect(second.locator("#reply")).to_have_value("작성 중인 글")
    assert gallery.site.streams == before + 1  # two tabs, one stream


def sign(page: Page) -> None:
    """Draw on the signature pad."""
    page.locator("#signature").scroll_into_view_if_needed()
    box = page.locator("#signature").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    for step in range(20):
        page.mouse.move(box["x"] + 40 + step * 9, box["y"] + 60 + (18 if step % 2 else -18))
    page.mouse.up()


def test_an_answer_is_taken_in_when_what_asked_for_it_is_gone(page: Page, gallery: Server) -> None:
    """A live update removes the pressed button, because somebody is quicker than our own answer."""
    told = '<p id="state">done</p><p id="beside" hx-swap-oob="true">told</p>'
    said = {"HX-Trigger": json.dumps({"toast": {"msg": "Taken"}})}
    waiting: list[Route] = []
    page.route("**/gallery/slow", lambda route: waiting.append(route))
    page.goto(f"{gallery.url}/gallery/ticket")
    page.evaluate(
        """html => {
          document.querySelector('main').insertAdjacentHTML('beforeend', html);
          htmx.process(document.querySelector('#gone'));
        }""",
        '<p id="state">before</p><p id="beside">before</p><div id="gone"><form hx-post="/gallery/slow"'
        ' hx-target="#state" hx-swap="morph"><button>Press</button></form></div>',
    )
    page.get_by_role("button", name="Press").click()
    while not waiting:
        page.wait_for_timeout(20)

    page.evaluate("document.querySelector('#gone').remove()")
    waiting[0].fulfill(body=told, headers=said, content_type="text/html")

    expect(page.locator("#state")).to_have_text("done")
    expect(page.locator("#beside")).to_have_text("told")
    expect(page.locator("#toasts")).to_contain_text("Taken")
    expect(page.get_by_role("button", name="Press", include_hidden=True)).to_have_count(0)


def test_short_fields_share_a_row_where_there_is_room(page: Page, gallery: Server) -> None:
    page.goto(f"{gallery.url}/gallery")
    tops = (
        "['f_name', 'f_phone', 'f_body'].map(id => document.getElementById(id).getBoundingClientRect().top)"
    )

    name, phone, body = page.evaluate(tops)
    assert name == phone < body
    page.set_viewport_size({"width": 800, "height": 900})
    name, phone, body = page.evaluate(tops)
    assert name < phone < body


def test_files_are_chosen_in_our_words(page: Page, gallery: Server, new_context: Newcomer) -> None:
    """The browser's own button speaks the browser's language; without scripts it has to do."""
    page.goto(f"{gallery.url}/gallery")
    papers = page.get_by_label("서류 (선택)")
    files = [{"name": name, "mimeType": "text/plain", "buffer": b"x"} for name in ("a.txt", "b.txt")]
    expect(page.get_by_text("선택한 서류가 없습니다.")).to_be_visible()
    with page.expect_file_chooser():
        page.get_by_text("서류 고르기").click()
    papers.set_input_files(files)  # type: ignore[arg-type]
    expect(page.get_by_text("a.txt, b.txt")).to_be_visible()
    assert papers.evaluate("e => getComputedStyle(e).opacity") == "0"

    bare = new_context(java_script_enabled=False).new_page()
    bare.goto(f"{gallery.url}/gallery")
    expect(bare.get_by_text("서류 고르기")).to_be_hidden()
    expect(bare.locator("#f_papers")).to_be_visible()


def test_the_phone_keeps_and_sends_in_order_exactly_once(
    new_context: Callable[..., BrowserContext], gallery: Server, shots: Path
) -> None:
    small = {"width": 390, "height": 844}
    context = new_context(viewport=small, has_touch=True, is_mobile=True, service_workers="allow")
    page = context.new_page()
    page.goto(f"{gallery.url}/field-service/visits/V1")
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()
    expect(page.locator("html[data-field]")).to_be_attached()
    start = len(gallery.site.received)
    pill = page.locator("#sync_state")

    context.set_offline(True)
    page.locator("[data-step=a]").check()
    page.locator("[data-step=b]").check()
    sign(page)
    page.fill("[name=note]", "펌웨어 4.2.3")
    page.click("#done")
    expect(pill).to_have_attribute("data-waiting-count", "3")
    expect(pill).to_contain_text("오프라인")
    page.screenshot(path=shots / "field-offline.png")
    page.reload()
    expect(page.locator("html[data-field]")).to_be_attached()
    expect(pill).to_have_attribute("data-waiting-count", "3")
    assert page.locator("[data-step=b]").is_checked()
    assert page.evaluate("document.querySelector('.sig .ph').hidden")
    assert len(gallery.site.received) == start
    context.set_offline(False)

    expect(pill).to_have_attribute("data-waiting-count", "0")
    sent = gallery.site.received[start:]
    assert [one.get("step", "finish") for one in sent] == ["a", "b", "finish"]
    assert len({one["key"] for one in sent}) == 3
    assert re.fullmatch(r"(M\d+ \d+(L\d+ \d+)+)+", sent[2]["signature"])
    assert sent[2]["note"] == "펌웨어 4.2.3"


@pytest.mark.allow_console
def test_what_the_server_refuses_stays_on_the_phone(page: Page, gallery: Server) -> None:
    page.goto(f"{gallery.url}/field-service/visits/V1")
    expect(page.locator("html[data-field]")).to_be_attached()

    page.locator("[data-step=refused]").check()

    expect(page.locator("#sync_state")).to_have_attribute("data-refused-count", "1")
    expect(page.locator("#outbox_refused")).to_be_visible()


def test_photos_are_shrunk_before_they_leave(page: Page, gallery: Server, tmp_path: Path) -> None:
    from PIL import Image

    large = tmp_path / "large.png"
    Image.effect_noise((3200, 2400), 80).save(large)
    start = len(gallery.site.received)
    page.goto(f"{gallery.url}/field-service/visits/V1")
    expect(page.locator("html[data-field]")).to_be_attached()

    page.locator("[data-slot=before]").set_input_files(large)

    expect(page.locator("#sync_state")).to_have_attribute("data-waiting-count", "0")
    page.wait_for_timeout(1500)
    sent = gallery.site.received[start:]
    assert sent[0]["slot"] == "before"
    assert 0 < int(sent[0]["photo_bytes"]) < large.stat().st_size / 3
