"""The door of signup: known and unknown people are answered alike, guessing is counted, and codes run out."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import event, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

from api.kit.throttles import Limits
from models.kit.codes import code_hash, one_time_code
from tests.api.web import SECRET, Web

KNOWN, UNKNOWN = "xone@example.com", "nobody@example.com"
SAME_ORIGIN = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
OWN = re.compile(r"no\*+@|xo\*+@|[a-z]{1,2}\*+@[^<\"]*|value=\"[^\"]*@[^\"]*\"")


@pytest.fixture
async def browser(own_web: Web) -> AsyncIterator[AsyncClient]:
    own_web.app.state.limits = Limits(guesses=10_000, signups=10_000, codes=10_000, everybody=10_000)
    async with own_web.client() as client:
        client.headers.update(SAME_ORIGIN)
        yield client


async def rows(engine: AsyncEngine, statement: str, **values: Any) -> list[Any]:
    async with engine.begin() as connection:
        result = await connection.execute(text(statement), values)
        return list(result.all()) if result.returns_rows else []


async def ask(browser: AsyncClient, contact: str, return_to: str = "") -> Response:
    return await browser.post("/signup", data={"contact": contact, "return_to": return_to})


async def send_code(engine: AsyncEngine, minutes: int = 10, number: int = 1) -> str:
    """What the worker does: the newest signup gets its code; answers with it."""
    ((key,),) = await rows(engine, "select id from signups order by created_at desc limit 1")
    code = one_time_code(SECRET, key, number)
    await rows(
        engine,
        "update signups set code_hash = :h, code_number = :n,"
        " code_expires_at = now() + make_interval(mins => :m) where id = :k",
        h=code_hash(SECRET, key, code), n=number, m=minutes, k=key,
    )  # fmt: skip
    return code


async def guess(browser: AsyncClient, code: str) -> Response:
    return await browser.post("/signup/code", data={"code": code})


def wrong_for(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def shape(answer: Response) -> tuple[int, str, dict[str, str]]:
    """An answer without what this asker typed and without the cookie's random value."""
    kept = {
        name: re.sub(r"ieum_signup=[^;]*", "ieum_signup=", value)
        for name, value in answer.headers.items()
        if name not in ("date", "x-request-id", "content-length", "server-timing")
    }
    return answer.status_code, OWN.sub("WHO", answer.text), kept


async def test_known_and_unknown_addresses_are_answered_with_the_same_bytes(
    browser: AsyncClient, worker_engine: AsyncEngine
) -> None:
    seen = {}
    for who in (KNOWN, UNKNOWN):
        browser.cookies.clear()
        asked = await ask(browser, who)
        page = await browser.get("/signup/code")
        code = await send_code(worker_engine)
        no = await guess(browser, wrong_for(code))
        again = await browser.post("/signup/code/again")
        seen[who] = [shape(one) for one in (asked, page, no, again)]

    assert seen[KNOWN] == seen[UNKNOWN]
    told = await rows(
        worker_engine,
        "select workflow, count(*) from outbox where workflow = 'Signup' group by workflow",
    )
    assert [tuple(row) for row in told] == [("Signup", 2)]
    letters = await rows(
        worker_engine, "select channel, sends, customer_id from signups where id like 'sgn_%'"
    )
    assert {tuple(row) for row in letters} == {("mail", 1, None)}


async def test_nobody_is_looked_up_before_the_proof(
    browser: AsyncClient, app_engine: AsyncEngine, worker_engine: AsyncEngine
) -> None:
    """Then there is nothing that could take longer for somebody whom we know."""
    asked: list[str] = []
    event.listen(
        app_engine.sync_engine, "before_cursor_execute", lambda c, k, statement, *_: asked.append(statement)
    )
    for who in (KNOWN, UNKNOWN):
        await ask(browser, who)
        await guess(browser, wrong_for(await send_code(worker_engine)))

    assert len(asked) > 10
    assert not [one for one in asked if re.search(r"\b(customers|accounts)\b", one)]


async def test_five_wrong_codes_lock_even_the_right_one(
    browser: AsyncClient, worker_engine: AsyncEngine
) -> None:
    await ask(browser, KNOWN)
    code = await send_code(worker_engine)

    answers = [(await guess(browser, wrong_for(code))).status_code for _ in range(5)]
    right = await guess(browser, code)
    await rows(worker_engine, "update signups set sent_at = now() - interval '1 minute'")
    again = await browser.post("/signup/code/again")
    await rows(worker_engine, "update signups set locked_until = now() - interval '1 second'")
    later = await guess(browser, code)

    assert answers == [422, 422, 422, 422, 429]
    assert right.status_code == 429
    assert again.status_code == 429
    assert later.status_code == 303


async def test_an_address_bears_twenty_wrong_codes_a_day_whoever_asks(
    browser: AsyncClient, worker_engine: AsyncEngine
) -> None:
    for _ in range(4):
        browser.cookies.clear()
        await ask(browser, KNOWN)
        code = await send_code(worker_engine)
        for _ in range(5):
            await guess(browser, wrong_for(code))
    browser.cookies.clear()
    await ask(browser, KNOWN)
    code = await send_code(worker_engine)

    assert (await guess(browser, code)).status_code == 429
    browser.cookies.clear()
    await ask(browser, UNKNOWN)
    assert (await guess(browser, await send_code(worker_engine))).status_code == 303


async def test_a_code_that_is_over_does_not_open(browser: AsyncClient, worker_engine: AsyncEngine) -> None:
    await ask(browser, KNOWN)
    code = await send_code(worker_engine, minutes=-1)

    assert (await guess(browser, code)).status_code == 422


async def test_a_code_opens_only_the_browser_that_asked(
    browser: AsyncClient, own_web: Web, worker_engine: AsyncEngine
) -> None:
    await ask(browser, KNOWN)
    code = await send_code(worker_engine)

    async with own_web.client() as other:
        other.headers.update(SAME_ORIGIN)
        answer = await guess(other, code)

    assert answer.headers["location"] == "/signup"


async def test_codes_are_resent_after_half_a_minute_and_five_times(
    browser: AsyncClient, worker_engine: AsyncEngine
) -> None:
    await ask(browser, KNOWN)
    early = await browser.post("/signup/code/again")
    later = []
    for _ in range(6):
        await rows(worker_engine, "update signups set sent_at = now() - interval '31 seconds'")
        later.append((await browser.post("/signup/code/again")).status_code)

    assert early.status_code == 429
    assert later == [303, 303, 303, 303, 303, 429]
    told = await rows(worker_engine, "select count(*) from outbox where name = 'code_asked'")
    assert told[0][0] == 5


async def test_one_address_gets_few_codes_and_one_sender_asks_for_few(
    browser: AsyncClient, own_web: Web, worker_engine: AsyncEngine
) -> None:
    own_web.app.state.limits = Limits(codes=3, signups=6)

    to_one = [(await ask(browser, KNOWN)).status_code for _ in range(4)]
    by_one = [(await ask(browser, f"n{number}@example.com")).status_code for number in range(3)]

    assert to_one == [303, 303, 303, 429]
    assert by_one == [303, 303, 429]


@pytest.mark.parametrize("wish", ["https://evil.example/", "//evil.example", "/\\evil.example", "/sign-out"])
async def test_one_is_led_back_to_our_own_pages_only(
    browser: AsyncClient, worker_engine: AsyncEngine, wish: str
) -> None:
    await ask(browser, UNKNOWN, wish)
    ((kept,),) = await rows(worker_engine, "select return_to from signups order by created_at desc limit 1")

    assert kept == ""
    page = await browser.get("/signup", params={"return_to": wish})
    assert 'name="return_to" value=""' in page.text


async def test_an_unfinished_signup_lets_nobody_in(browser: AsyncClient, worker_engine: AsyncEngine) -> None:
    await ask(browser, KNOWN)
    await guess(browser, await send_code(worker_engine))
    early = await browser.post("/signup/details", data={"name": "x", "terms": "yes", "privacy": "yes"})
    entry = await browser.post("/signup/entry")

    assert early.headers["location"] == "/signup/code"
    assert entry.headers["location"] == "/signup/code"
    assert "ieum=" not in entry.headers.get("set-cookie", "")


async def test_who_has_told_everything_waits_on_a_page_that_goes_on_by_itself(
    browser: AsyncClient, worker_engine: AsyncEngine
) -> None:
    await ask(browser, UNKNOWN)
    await guess(browser, await send_code(worker_engine))
    await rows(worker_engine, "update signups set status = 'proved' where id like 'sgn_%'")
    assert 'action="/signup/details"' in (await browser.get("/signup/code")).text

    told = {"name": "김하나", "terms": "yes", "privacy": "yes"}
    taken = await browser.post("/signup/details", data=told)
    page = await browser.get("/signup/code")
    part = await browser.get("/signup/code", headers={"HX-Request": "true", "HX-Target": "signup_step"})

    assert taken.headers["location"] == "/signup/code"
    for shown in (page.text, part.text):
        assert 'action="/signup/details"' not in shown
        assert "계정을 준비하고 있습니다." in shown
        assert 'hx-get="/signup/code" hx-trigger="every 2s"' in shown
    assert "<html" not in part.text

    refuse = "update outbox set status = 'refused', refusal = 'already_over' where key like 'sgn_%.finished'"
    await rows(worker_engine, refuse)
    assert 'action="/signup/details"' in (await browser.get("/signup/code")).text


async def test_needed_consents_are_asked_for_and_a_weak_password_is_told(
    browser: AsyncClient, worker_engine: AsyncEngine
) -> None:
    await ask(browser, UNKNOWN)
    await guess(browser, await send_code(worker_engine))
    await rows(worker_engine, "update signups set status = 'proved' where id like 'sgn_%'")
    details = {"name": "김하나", "terms": "yes"}

    without = await browser.post("/signup/details", data=details)
    weak = await browser.post(
        "/signup/details", data={**details, "privacy": "yes", "new_password": "1234567890"}
    )

    assert without.status_code == weak.status_code == 422
    assert 'id="e_privacy"' in without.text
    assert "김하나" in without.text
    assert 'id="e_new_password"' in weak.text
    assert "1234567890" not in weak.text
    assert "consents" not in str(await rows(worker_engine, "select choices from signups"))


@pytest.mark.parametrize("path", ["/my/products", "/my/profile", "/my/consents", "/my/privacy"])
async def test_own_pages_are_for_customers_and_show_their_own(own_web: Web, path: str) -> None:
    mine = await own_web.get(path, who="customer_own")
    theirs = await own_web.get(path, who="customer_other")

    assert (mine.status_code, theirs.status_code) == (200, 200)
    assert "c_two" not in mine.text
    assert "+821020000002" not in mine.text
    assert (await own_web.get(path, who="agent")).status_code == 403
    assert (await own_web.get(path)).status_code == 303


async def test_a_customers_file_is_nobody_elses(own_web: Web, worker_engine: AsyncEngine) -> None:
    await rows(
        worker_engine,
        "update privacy_requests set status = 'done', file_id = 'f', file_until = now() + interval '1 day'",
    )
    folder = own_web.app.state.settings.files_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "f").write_bytes(b"PK")

    assert (await own_web.get("/my/privacy/pv1/file", who="customer_own")).content == b"PK"
    assert (await own_web.get("/my/privacy/pv1/file", who="customer_other")).status_code == 404
    assert (await own_web.get("/my/privacy/pv1/file", who="admin")).status_code == 403
    listed = await own_web.get("/customers/privacy-requests", who="agent")
    assert "/customers/c_one" in listed.text


async def test_the_hash_of_a_waiting_password_is_nobodys_to_read(
    own_web: Web, app_engine: AsyncEngine
) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        await rows(app_engine, "select password_hash from signups")
