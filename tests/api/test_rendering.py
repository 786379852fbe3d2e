"""One page, three answers; refusals, forms, languages; static files."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from api.kit import formats, language
from tests.browser.gallery import Site, make

FRAGMENT = {"HX-Request": "true"}
PROGRAM = {"Accept": "application/json"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """The gallery without a browser."""
    transport = httpx.ASGITransport(make(Site()))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as made:
        yield made


async def test_a_browser_gets_the_page_and_htmx_the_block_that_it_names(client: httpx.AsyncClient) -> None:
    whole = await client.get("/gallery/ticket")
    part = await client.get("/gallery/ticket", headers={**FRAGMENT, "HX-Target": "rows"})

    assert whole.text.startswith("<!doctype html>")
    assert part.text.startswith('<ul id="rows"')
    assert "HX-Target" in part.headers["vary"]
    assert whole.headers["cache-control"] == "no-store"


async def test_a_program_gets_what_the_page_shows(client: httpx.AsyncClient) -> None:
    told = (await client.get("/gallery/ticket", headers=PROGRAM)).json()

    assert told["minor"] == 4_850_000
    assert told["steps"][0]["name"] == "접수"


async def test_a_refusal_is_one_sentence_in_three_forms(client: httpx.AsyncClient) -> None:
    words = {"body": "refuse me"}
    part = await client.post("/gallery/reply", data=words, headers=FRAGMENT)
    told = await client.post("/gallery/reply", data=words, headers=PROGRAM)
    whole = await client.post("/gallery/reply", data=words)

    assert (part.status_code, told.status_code, whole.status_code) == (409, 409, 409)
    assert part.headers["hx-retarget"] == "#notice"
    assert "이미 종료된 티켓입니다." in part.text
    assert "<!doctype" not in part.text
    assert told.json() == {"code": "already_closed", "message": "이미 종료된 티켓입니다."}
    assert "<!doctype" in whole.text


async def test_a_malformed_form_answers_422_at_the_field(client: httpx.AsyncClient) -> None:
    part = await client.post("/gallery/reply", data={"body": "<b>"}, headers=FRAGMENT)
    told = await client.post("/gallery/reply", data={"body": "<b>"}, headers=PROGRAM)

    assert part.status_code == told.status_code == 422
    assert 'aria-invalid="true"' in part.text
    assert "&lt;b&gt;" in part.text
    assert told.json()["errors"] == {"body": "5자 이상 입력해 주십시오."}


async def test_a_reply_brings_the_composer_and_the_timeline(client: httpx.AsyncClient) -> None:
    part = await client.post("/gallery/reply", data={"body": "도착합니다"}, headers=FRAGMENT)
    plain = await client.post("/gallery/reply", data={"body": "도착합니다"})

    assert 'id="timeline" hx-swap-oob="morph"' in part.text
    assert part.headers["hx-trigger"].isascii()
    assert (plain.status_code, plain.headers["location"]) == (303, "/gallery/ticket")


async def test_language_is_asked_kept_accepted_and_korean_in_the_end(client: httpx.AsyncClient) -> None:
    asked = await client.get("/gallery?lang=en")
    kept = await client.get("/gallery")
    client.cookies.clear()
    accepted = await client.get("/gallery", headers={"Accept-Language": "de, en-GB;q=0.8, ko;q=0.2"})
    neither = await client.get("/gallery", headers={"Accept-Language": "de"})

    assert ['lang="en"' in one.text[:60] for one in (asked, kept, accepted, neither)] == [
        True,
        True,
        True,
        False,
    ]


def test_the_accounts_language_stands_before_the_cookie() -> None:
    class English:
        locale = "en"

    assert language.wanted("", English(), "ko", "ko") == "en"
    assert language.wanted("lang=ko", English(), "en", "en") == "ko"


async def test_pages_carry_no_inline_script_or_style(client: httpx.AsyncClient) -> None:
    for path in ("/gallery", "/gallery/ticket", "/gallery/portal", "/field-service/visits/V1"):
        text = (await client.get(path)).text

        assert " style=" not in text
        assert "<script>" not in text
        assert " onclick=" not in text
        assert "http://" not in text.replace("http://www.w3.org", "")


async def test_files_are_named_by_content_and_kept_for_ever(client: httpx.AsyncClient) -> None:
    page = (await client.get("/gallery")).text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    style = await client.get(address, headers={"Accept-Encoding": "gzip"})
    plain = await client.get("/static/app.css")
    again = await client.get("/static/app.css", headers={"If-None-Match": plain.headers["etag"]})

    assert "immutable" in style.headers["cache-control"]
    assert style.headers["content-encoding"] == "gzip"
    assert plain.headers["cache-control"] == "no-cache"
    assert again.status_code == 304
    for font in ("inter", "noto-sans-kr"):
        assert f"/static/{font}." in style.text


@pytest.mark.parametrize(
    "path", ["../app.py", "..%2fapp.py", "%2e%2e/pyproject.toml", ".stamp.json", "NOTICE", "sw.js"]
)
async def test_no_path_leads_out_of_the_static_files(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"/static/{path}")).status_code == 404


@pytest.mark.parametrize("back", ["//evil.test", "https://evil.test", "/\\evil.test", ""])
async def test_the_theme_switch_leads_nowhere_else(client: httpx.AsyncClient, back: str) -> None:
    answer = await client.get("/theme/dark", params={"back": back})

    assert answer.headers["location"] == "/"


def test_money_moments_and_phones_are_written_for_their_readers() -> None:
    at = datetime(2025, 6, 3, 5, 10, tzinfo=UTC)
    language.speak("ko")
    korean = [formats.money(4_850_000), formats.money(123_450, "USD"), formats.moment(at), formats.exact(at),
              formats.weekday(at), formats.short_day(at.date()), formats.duration(timedelta(hours=25)),
              formats.masked_phone("+821041238821"), formats.phone("0212345678")]  # fmt: skip
    language.speak("en")
    english = [formats.money(-4_850_000), formats.moment(at), formats.weekday(at), formats.duration(4800)]
    language.speak("ko")

    assert korean == ["₩4,850,000", "US$1,234.50", "2025년 6월 3일 14:10", "2025년 6월 3일 (화) 14:10:00 KST",
                      "2025년 6월 3일 화요일", "6월 3일 (화)", "1일 1시간", "010-4•••-8821",
                      "02-1234-5678"]  # fmt: skip
    assert english == ["-₩4,850,000", "3 Jun 2025 14:10", "Tuesday, 3 June 2025", "1 h 20 min"]
    with pytest.raises(ValueError, match="time zone"):
        formats.moment(at.replace(tzinfo=None))


async def test_a_field_keeps_its_default_and_its_attributes(client: httpx.AsyncClient) -> None:
    text = (await client.get("/gallery")).text

    assert 'name="phone" type="tel" value="010-1234-5678"' in text
    assert 'autocomplete="name"' in text
