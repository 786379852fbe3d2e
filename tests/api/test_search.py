"""The one search: what somebody types is found within what they may see, and stands in no address."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.kit.kept import is_number
from models.messages.staff import STAFF_ROLES
from tests.api.web import Web, web_on
from tests.builders.company import ACCOUNTS, Company, build

JSON = {"Accept": "application/json"}
KOREAN = text(
    "insert into customers (id, kind, name, phone, email, locale, tier, postcode, address, region,"
    " is_verified, created_at, version)"
    " select 'k' || n, 'person', name, phone, mail, 'ko', 'gold', '', '', '', true, now(), 1"
    " from (values (1, '김민준', '+821012345678', 'minjun.kim@example.com'),"
    " (2, '박민준', '+821087654321', 'park@mail.example.org'), (3, '이음 전자', '+82212345679', null))"
    " as one (n, name, phone, mail)"
)


@pytest.fixture
async def house(worker_engine: AsyncEngine, app_engine: AsyncEngine) -> Web:
    company: Company = await build(worker_engine, word="Sample")
    async with worker_engine.begin() as connection:
        await connection.execute(KOREAN)
    return web_on(app_engine, company)


async def found(web: Web, words: str, who: str = "agent") -> dict[str, list[str]]:
    """The ids of each kind."""
    answer = await web.post("/home/search", who=who, headers=JSON, data={"q": words})
    assert answer.status_code == 200, answer.text
    return {group["name"]: [hit["id"] for hit in group["hits"]] for group in answer.json()["groups"]}


CUSTOMERS = {
    "김민준": ["k1"], "민준": ["k1", "k2"], "김": ["k1"], "민": ["k1", "k2"],
    "ㄱㅁㅈ": ["k1"], "ㅁㅈ": ["k1", "k2"], "ㅇㅇㅈㅈ": ["k3"], "０１０１２３４５６７８": ["k1"],
    "김밈준": ["k1"], "rlaalswns": ["k1"], "이음전자": ["k3"], "음 전": ["k3"],
    "5678": ["k1"], "010-1234-5678": ["k1"], "1234-5678": ["k1"], "+82 10 1234 5678": ["k1"], "4321": ["k2"],
    "02-1234-5679": ["k3"], "12345": ["k1", "k3"],
    "minjun": ["k1"], "jun.kim": ["k1"], "MINJUN.KIM@EXAMPLE.COM": ["k1"], "@mail.example": ["k2"],
    "\u1100\u1175\u11b7민준": ["k1"],  # typed letter by letter
}  # fmt: skip
NASTY = [
    "%", "_", "\\", "'", "%_%", "a" * 200, "😀", "\u3164", "\u061c", "김%", "\u1100\u1161", "1" * 100, "+",
    "-", "@", "..", "T", "2026-", "김\x00", "@.", "ㄳ", "ㅏ",
]  # fmt: skip


async def test_customers_are_found_by_what_one_remembers_of_them(house: Web) -> None:
    wrong = {
        words: have
        for words, wanted in CUSTOMERS.items()
        if sorted(have := (await found(house, words)).get("customer", [])) != wanted
    }

    assert wrong == {}


async def test_things_are_found_by_their_numbers(house: Web) -> None:
    for words, kind, id in (
        ("t1", "ticket", "T1"), ("1", "ticket", "T1"), ("O1", "order", "O1"),
        ("s1-1", "subscription", "S1-1"), ("2026-000001", "invoice", "I1-1"), ("Sample1", "product", "op1"),
    ):  # fmt: skip
        assert id in (await found(house, words)).get(kind, []), words


async def test_articles_are_found_by_all_of_their_words_in_any_order(house: Web) -> None:
    assert (await found(house, "제목 kb_ours"))["article"] == ["kb_ours"]
    every = (await found(house, "body 제목"))["article"]
    assert set(every) >= {"kb_one", "kb_partners", "kb_work", "kb_ours"}
    assert "kb_draft" not in (await found(house, "kb_"))["article"]
    assert "article" not in await found(house, "제목 nowhere")


async def test_nobody_finds_what_they_may_not_see(house: Web, worker_engine: AsyncEngine) -> None:
    """T2 is confidential of team two, T3 of team one; both are looked for by number and by subject."""
    async with worker_engine.begin() as connection:
        await connection.execute(text("update tickets set subject = '비밀 이야기' where is_confidential"))
    sees = {"agent": ["T3"], "agent_other_team": ["T2"], "agent_no_team": [], "dispatcher": ["T3"]}

    for who, tickets in {**sees, "admin": [], "finance": []}.items():
        assert (await found(house, "비밀 이야기", who)).get("ticket", []) == tickets, who
        for number in ("T2", "T3"):
            assert (number in (await found(house, number, who)).get("ticket", [])) == (number in tickets), who


async def test_the_functions_tell_nothing_to_anybody_else(house: Web, app_engine: AsyncEngine) -> None:
    async with app_engine.connect() as connection:
        for kind in ("", "customer", "technician", "partner", "employee", "link", "intake", "door"):
            await connection.execute(text("select set_config('ieum.kind', :kind, true)"), {"kind": kind})
            for name, words in (("customers", "김민준"), ("tickets", "Sample"), ("products", "sample")):
                asked = text(f"select count(*) from ieum_find_{name}(:words, 50)")
                assert await connection.scalar(asked, {"words": words}) == 0, (kind, name)


@pytest.mark.parametrize("who", sorted({*ACCOUNTS, "anonymous"}))
async def test_only_our_people_may_search(web: Web, who: str) -> None:
    answer = await web.post("/home/search", who=who, headers=JSON, data={"q": "one"})
    is_ours = bool(web.company.persons[who].roles & STAFF_ROLES)

    assert (answer.status_code == 200) == is_ours


async def test_any_words_at_all_are_answered(house: Web) -> None:
    for words in NASTY:
        for path in ("/home/search", "/customers/search", "/home/words"):
            sent = {"q": words, "to": "/customers"} if path == "/home/words" else {"q": words}
            answer = await house.post(path, who="agent", data=sent)
            assert answer.status_code in (200, 303, 422), (path, words)
            if answer.status_code == 303:
                assert (await house.get(answer.headers["location"], who="agent")).status_code == 200
    assert await found(house, "%") == {}


async def test_a_whole_number_leads_straight_to_its_page(house: Web) -> None:
    number = await house.post("/home/search", who="agent", data={"q": " o1 "})
    name = await house.post("/home/search", who="agent", data={"q": "김민준"})

    page = await house.get(name.headers["location"], who="agent")
    assert number.headers["location"] == "/orders/O1"
    assert name.headers["location"].startswith("/home/search?kept=kw_")
    assert "010-****-5678" in page.text
    assert "minjun.kim@example.com" not in page.text


async def test_words_are_forgotten_after_a_day(house: Web, worker_engine: AsyncEngine) -> None:
    led = (await house.post("/home/search", who="agent", data={"q": "김민준"})).headers["location"]
    async with worker_engine.begin() as connection:
        await connection.execute(text("update kept_words set made_at = now() - interval '25 hours'"))

    later = await house.get(led, who="agent", headers=JSON)
    await house.post("/home/search", who="agent", data={"q": "박민준"})

    async with worker_engine.connect() as connection:
        mine = text("select words from kept_words where account_id = 'a_agent'")
        left = (await connection.scalars(mine)).all()
    assert later.json() == {"q": "", "groups": []}
    assert left == ["박민준"]


LISTS = (
    "/customers", "/orders", "/orders/returns", "/dunning", "/billing/invoices", "/people",
    "/employee-requests/items",
)  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
async def test_what_narrows_a_list_stands_in_its_address_only_if_nobody_s(web: Web, path: str) -> None:
    async def led(words: str) -> str:
        sent = {"q": words, "to": path, "more.status": "open", "more.after": ""}
        answer = await web.post("/home/words", who="agent_and_finance", data=sent)
        page = await web.get(answer.headers["location"], who="agent_and_finance")
        assert page.status_code == 200
        assert words in page.text
        return str(answer.headers["location"])

    assert await led("O100001") == f"{path}?status=open&q=O100001"
    for words in ("홍길동", "01012345678", "gildong@example.com", "5678"):
        address = await led(words)
        assert address.startswith(f"{path}?status=open&kept=kw_")
        assert words not in address


async def test_an_old_address_with_a_name_in_it_narrows_nothing(web: Web) -> None:
    page = await web.get("/orders", who="agent", params={"q": "홍길동"})

    assert page.status_code == 200
    assert "홍길동" not in page.text


def test_only_numbers_of_ours_are_numbers() -> None:
    ours = ("T100123", "O100001", "S100001-2", "IO100001-1", "2026-000017", "cus_7k2m", "D100001", "1" * 16)
    theirs = (
        "",
        "홍길동",
        "5678",
        "010-1234-5678",
        "+821012345678",
        "hong@example.com",
        "hong",
        "4242" * 4,
        "kim_minsu@x",
        "TV 1",
    )

    assert [words for words in ours if not is_number(words)] == []
    assert [words for words in theirs if is_number(words)] == []


async def test_a_list_is_led_to_on_our_own_pages_only(web: Web) -> None:
    for to in ("//elsewhere.example", "https://elsewhere.example/", "javascript:alert(1)", "elsewhere"):
        answer = await web.post("/home/words", who="agent", data={"q": "x", "to": to})
        assert answer.status_code == 422, to
