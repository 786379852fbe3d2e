"""Articles on their pages: written, reviewed by somebody else, read, searched, judged, put into replies."""

import io
import re
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.kit.throttles import Limits
from models.kit import article_files
from models.messages.knowledge import LANGUAGES, Article
from tests.api.web import Web
from tests.builders.knowledge import an_article

JSON = {"Accept": "application/json"}
FIRST = "/knowledge/spin/versions/1"


def a_form(article: Article | None = None, **changes: object) -> dict[str, str]:
    one = article or an_article()
    form = {
        "audience": one.audience.value, "topic": one.topic.value, "products": ", ".join(one.products),
        "keywords": ", ".join(one.keywords), "review_days": str(one.review_days), "note": "",
        **{f"title_{lang}": one.titles[lang] for lang in LANGUAGES},
        **{f"summary_{lang}": one.summaries[lang] for lang in LANGUAGES},
        **{f"body_{lang}": one.bodies[lang] for lang in LANGUAGES},
    }  # fmt: skip
    return form | {name: str(value) for name, value in changes.items()}


async def rows(engine: AsyncEngine, query: str) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(query))).all()]


async def begun(web: Web, **changes: object) -> None:
    answer = await web.post("/knowledge", who="agent", headers=JSON, data=a_form(key="spin", **changes))
    assert answer.status_code == 201, answer.text


async def moved(web: Web, who: str, status: str, seq: int, path: str = FIRST) -> tuple[int, str]:
    answer = await web.post(f"{path}/status", who=who, headers=JSON, data={"status": status, "seq": str(seq)})
    return answer.status_code, answer.json().get("code", "")


async def published(web: Web, **changes: object) -> None:
    await begun(web, **changes)
    assert await moved(web, "agent", "review", 0) == (200, "")
    assert await moved(web, "agent_other_team", "published", 1) == (200, "")


def a_picture() -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(held, "PNG")
    return held.getvalue()


async def test_an_article_is_published_by_somebody_who_did_not_write_it(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await begun(own_web)
    assert await moved(own_web, "agent", "published", 0) == (409, "version_wrong_step")
    assert (await own_web.get("/help/spin", headers=JSON)).status_code == 404
    assert await moved(own_web, "agent", "review", 0) == (200, "")
    assert await moved(own_web, "agent", "published", 1) == (409, "own_review")
    assert await moved(own_web, "finance", "published", 1) == (200, "")

    stored = "select status, writers, reviewer_id from article_versions where article_key = 'spin'"
    assert await rows(worker_engine, stored) == [("published", ["a_agent"], "a_finance")]
    again = "select review_on - current_date from articles where key = 'spin'"
    assert (await rows(worker_engine, again))[0][0] in (89, 90, 91)
    acts = "select action from audit_entries where subject = 'article:spin:1' order by id"
    assert [row[0] for row in await rows(worker_engine, acts)] == [
        "knowledge.draft", "knowledge.to_review", "knowledge.to_published",
    ]  # fmt: skip
    read = await own_web.get("/help/spin", headers=JSON | {"Accept-Language": "en"})
    assert read.json()["title"] == "The washer does not spin"


async def test_a_published_version_never_changes_and_an_older_one_comes_back(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await published(own_web)
    written = await own_web.post(FIRST, who="agent", headers=JSON, data=a_form(seq=2, title_ko="다름"))
    assert (written.status_code, written.json()["code"]) == (409, "version_final")
    async with worker_engine.connect() as worker:
        with pytest.raises(Exception, match=r"permission denied|never changes|only a draft"):
            await worker.execute(text("update article_versions set body_ko = 'x' where article_key = 'spin'"))

    await own_web.post("/knowledge/spin/versions", who="agent", headers=JSON, data={"version": "1"})
    twice = await own_web.post("/knowledge/spin/versions", who="agent", headers=JSON, data={"version": "1"})
    assert twice.json()["code"] == "article_draft_open"
    second = "/knowledge/spin/versions/2"
    await own_web.post(second, who="agent", headers=JSON, data=a_form(seq=0, title_ko="새 제목"))
    late = await own_web.post(second, who="agent", headers=JSON, data=a_form(seq=0, title_ko="늦음"))
    assert late.json()["code"] == "changed_meanwhile"
    changes = (await own_web.get(f"{second}/changes", who="agent", headers=JSON)).json()["lines"]
    assert {("+", "# 새 제목"), ("-", "# 세탁기가 탈수하지 않을 때")} <= {
        (one["sign"], one["text"]) for one in changes
    }
    assert await moved(own_web, "agent", "review", 1, second) == (200, "")
    assert await moved(own_web, "admin", "published", 2, second) == (200, "")
    assert (await own_web.get("/help/spin", headers=JSON)).json()["title"] == "새 제목"

    back = await own_web.post("/knowledge/spin/versions", who="agent", headers=JSON, data={"version": "1"})
    assert back.json()["version"] == 3
    assert await moved(own_web, "agent", "review", 0, "/knowledge/spin/versions/3") == (200, "")
    assert await moved(own_web, "admin", "published", 1, "/knowledge/spin/versions/3") == (200, "")
    assert (await own_web.get("/help/spin", headers=JSON)).json()["title"] == "세탁기가 탈수하지 않을 때"
    stored = "select status from article_versions where article_key = 'spin' order by version"
    assert [row[0] for row in await rows(worker_engine, stored)] == ["retired", "retired", "published"]


async def test_what_is_wrong_stands_at_its_place_and_goes_no_further(own_web: Web) -> None:
    await begun(own_web, body_en="# Wrong\n\n[x](article:kb_ours) <b>bold</b>", title_en="")

    page = await own_web.get(f"{FIRST}?lang=en", who="agent")
    assert "Line 1" in page.text
    assert "&lt;b&gt;bold" in page.text
    assert "<b>bold" not in page.text
    told = (await own_web.get(FIRST, who="agent", headers=JSON)).json()["preview"]["problems"]
    assert {(one["place"], one["code"], one["line"]) for one in told} >= {
        ("title_en", "empty", 0), ("body_en", "first_level", 1), ("body_en", "narrower_article", 3),
        ("body_en", "html", 3),
    }  # fmt: skip
    assert await moved(own_web, "agent", "review", 0) == (409, "article_has_flaws")
    looked = await own_web.post(f"{FIRST}/preview", who="agent", headers=JSON, data=a_form(seq=0))
    assert looked.json()["problems"] == []
    fresh = (await own_web.get(FIRST, who="agent", headers=JSON)).json()["preview"]["problems"]
    assert fresh == told  # looking keeps nothing


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("anonymous", {"kb_one"}), ("customer_own", {"kb_one"}), ("partner_own", {"kb_one", "kb_partners"}),
        ("technician_other", {"kb_one", "kb_partners"}), ("employee", {"kb_one", "kb_work"}),
        ("agent", {"kb_one", "kb_partners", "kb_work", "kb_ours"}),
    ],
)  # fmt: skip
async def test_everybody_finds_what_is_meant_for_them(web: Web, who: str, seen: set[str]) -> None:
    found = (await web.get("/help?q=kb_", who=who, headers=JSON)).json()["found"]
    opened = {
        key for key in ("kb_one", "kb_partners", "kb_work", "kb_ours", "kb_draft")
        if (await web.get(f"/help/{key}", who=who, headers=JSON)).status_code == 200
    }  # fmt: skip

    assert {one["key"] for one in found} == seen
    assert opened == seen


FOUND = ("탈수하", "탈수 배수", "SPIN", "탈 수", "spinn", "세탁기가탈수하지")
NOT_FOUND = ("tv x' or 1=1 --", "100%", "\\", "_")


@pytest.mark.parametrize("asked", [*FOUND, *NOT_FOUND])
async def test_parts_of_words_find_an_article_and_signs_mean_nothing(own_web: Web, asked: str) -> None:
    await published(own_web)

    found = (await own_web.get("/help", params={"q": asked}, headers=JSON)).json()["found"]

    assert ("spin" in {one["key"] for one in found[:1]}) is (asked in FOUND)


async def test_what_helped_comes_first(own_web: Web, worker_engine: AsyncEngine) -> None:
    await published(own_web)
    other = a_form(an_article("spun"), key="spun")
    await own_web.post("/knowledge", who="agent", headers=JSON, data=other)
    await moved(own_web, "agent", "review", 0, "/knowledge/spun/versions/1")
    await moved(own_web, "admin", "published", 1, "/knowledge/spun/versions/1")

    async def order() -> list[str]:
        found = (await own_web.get("/help?q=탈수", headers=JSON)).json()["found"]
        return [one["key"] for one in found]

    assert await order() == ["spin", "spun"]
    for who in ("customer_own", "customer_other", "employee"):
        await own_web.post(
            "/help/spun/feedback", who=who, headers=JSON, data={"version": "1", "helped": "yes"}
        )
    assert await order() == ["spun", "spin"]


async def test_a_verdict_counts_once_for_each_person_and_names_nobody(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    said = {"version": "1", "helped": "yes", "comment": "good"}
    for _ in range(2):
        answer = await own_web.post("/help/kb_one/feedback", who="customer_own", headers=JSON, data=said)
        assert answer.status_code == 200
    await own_web.post(
        "/help/kb_one/feedback", who="customer_own", headers=JSON, data={"version": "1", "helped": "no"}
    )
    for browser in ("a", "a", "b"):
        headers = JSON | {"User-Agent": browser, "Sec-Fetch-Site": "same-origin"}
        await own_web.post("/help/kb_one/feedback", headers=headers, data=said)

    kept = "select by_whom, is_helpful, comment from article_feedback"
    kept += " where article_key = 'kb_one' and by_whom <> 'v_kb_one'"
    found = await rows(worker_engine, kept)
    assert sorted((row[1], row[2]) for row in found) == [(False, "good"), (True, "good"), (True, "good")]
    assert all(re.fullmatch("[0-9a-f]{32}", row[0]) for row in found)
    hidden = await own_web.post("/help/kb_ours/feedback", who="customer_own", headers=JSON, data=said)
    assert hidden.status_code == 404
    older = await own_web.post(
        "/help/kb_one/feedback", who="customer_own", headers=JSON, data=said | {"version": "9"}
    )
    assert older.json()["code"] == "changed_meanwhile"


async def test_strangers_are_slowed_down_and_still_read(own_web: Web, worker_engine: AsyncEngine) -> None:
    own_web.app.state.limits = Limits(helps=2)
    headers = JSON | {"Sec-Fetch-Site": "same-origin"}
    for _ in range(4):
        assert (await own_web.get("/help?q=zzzzqq", headers=headers)).status_code == 200

    counted = await rows(worker_engine, "select times from article_searches where words = 'zzzzqq'")
    assert counted == [(2,)]
    said = {"version": "1", "helped": "yes"}
    assert (await own_web.post("/help/kb_one/feedback", headers=headers, data=said)).status_code == 429


async def test_a_search_in_vain_is_kept_without_numbers_and_becomes_a_draft(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    for q in ("제습기물통 010-1234-5678", "제습기물통 010-9999-0000"):
        await own_web.get("/help", params={"q": q}, headers=JSON)
    listed = (await own_web.get("/knowledge/gaps", who="agent", headers=JSON)).json()["searches"]
    [asked] = [one for one in listed if "제습기" in one["words"]]
    assert (asked["words"], asked["times"], asked["places"]) == ("제습기물통 …", 2, ["help"])

    act = {"words": asked["words"], "act": "draft"}
    made = await own_web.post("/knowledge/gaps", who="agent", headers=JSON, data=act)
    key = made.json()["key"]
    again = await own_web.post("/knowledge/gaps", who="agent", headers=JSON, data=act)
    assert again.json()["code"] == "already_over"
    stored = f"select title_ko, status from article_versions where article_key = '{key}'"
    assert await rows(worker_engine, stored) == [("제습기물통 …", "draft")]
    left = (await own_web.get("/knowledge/gaps", who="agent", headers=JSON)).json()["searches"]
    assert not [one for one in left if "제습기" in one["words"]]


async def test_whoever_is_about_to_report_sees_what_may_help(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await published(own_web)
    headers = {"Sec-Fetch-Site": "same-origin", "HX-Request": "true", "HX-Target": "fitting"}

    shown_ = await own_web.post(
        "/help/suggestions", headers=headers, data={"subject": "세탁기가 탈수를 안 해요"}
    )
    nothing = await own_web.post(
        "/help/suggestions", headers=headers, data={"subject": "피아노", "is_done": "true"}
    )
    solved = await own_web.post(
        "/help/spin/solved", headers=JSON | {"Sec-Fetch-Site": "same-origin"}, data={"version": "1"}
    )

    assert "/help/spin" in shown_.text
    assert "<html" not in shown_.text
    assert "/help/" not in nothing.text.replace("/help/suggestions", "")
    assert solved.json() == {"helped": True}
    assert await rows(worker_engine, "select use, times from article_uses where article_key = 'spin'") == [
        ("deflected", 1)
    ]
    assert await rows(worker_engine, "select place from article_searches where words = '피아노'") == [
        ("report",)
    ]
    assert "/help/suggestions" in (await own_web.get("/report")).text


async def test_beside_a_ticket_stands_what_fits_and_goes_into_the_reply(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await published(own_web)
    async with worker_engine.begin() as worker:
        await worker.execute(
            text("update tickets set subject = '탈수가 안 됩니다', status = 'open' where id = 'T1'")
        )
        await worker.execute(text("delete from ticket_drafts"))
    listed = await own_web.get("/knowledge/tickets/T1", who="agent", headers=JSON)
    assert [one["key"] for one in listed.json()["found"]] == ["spin"]
    assert "/knowledge/tickets/T1" in (await own_web.get("/tickets/T1", who="agent")).text

    put = {"article_key": "spin", "how": "link"}
    link = await own_web.post("/knowledge/tickets/T1/insertions", who="agent", headers=JSON, data=put)
    assert link.json()["text"].endswith("/help/spin?lang=ko")
    words = await own_web.post(
        "/knowledge/tickets/T1/insertions", who="agent", headers=JSON, data=put | {"how": "text"}
    )
    assert words.json()["text"] == "세탁기가 탈수하지 않을 때\n\n확인\n\n- 세탁물"
    assert await rows(worker_engine, "select count(*) from ticket_drafts") == [(0,)]
    for _ in range(2):  # without scripts the server puts it behind what is there
        plain = await own_web.post("/knowledge/tickets/T1/insertions", who="agent", data=put)
        assert (plain.status_code, plain.headers["location"]) == (303, "/tickets/T1#reply")
    [(body,)] = await rows(worker_engine, "select body from ticket_drafts")
    assert body.count("/help/spin") == 2
    secret = await own_web.post(
        "/knowledge/tickets/T1/insertions", who="agent", headers=JSON, data={"article_key": "kb_ours"}
    )
    assert secret.json()["code"] == "article_internal"


async def test_a_ticket_without_an_article_is_marked_and_written_about(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await own_web.post("/knowledge/tickets/T4/gap", who="agent", headers=JSON, data={"words": "제빙기 물통"})
    listed = (await own_web.get("/knowledge/gaps", who="agent", headers=JSON)).json()["tickets"]
    [gap] = [one for one in listed if one["ticket_id"] == "T4"]
    assert gap["words"] == "제빙기 물통"
    assert "T2" not in {one["ticket_id"] for one in listed}  # of a ticket that this agent may not see

    made = await own_web.post(
        f"/knowledge/gaps/{gap['id']}", who="agent", headers=JSON, data={"act": "draft"}
    )
    key = made.json()["key"]
    stored = await rows(
        worker_engine, f"select status, article_key from article_gaps where id = '{gap['id']}'"
    )
    assert stored == [("drafted", key)]
    assert (await own_web.get(f"/knowledge/{key}/versions/1", who="agent")).status_code == 200


async def test_a_picture_is_drawn_anew_and_seen_with_the_version_that_shows_it(own_web: Web) -> None:
    await begun(own_web)
    sent = {"pictures": ("x.png", a_picture(), "image/png")}
    added = await own_web.post(f"{FIRST}/pictures", who="agent", headers=JSON, files=sent)
    [id] = added.json()["ids"]
    page = {"pictures": ("x.png", b"<svg onload=alert(1)>", "image/png")}
    refused = await own_web.post(f"{FIRST}/pictures", who="agent", headers=JSON, files=page)
    assert refused.status_code == 422
    assert (await own_web.get(f"/help/pictures/{id}", who="agent")).status_code == 200
    assert (await own_web.get(f"/help/pictures/{id}", headers=JSON)).status_code == 404

    body = f"## 확인\n\n![배수 필터](image:{id})"
    await own_web.post(FIRST, who="agent", headers=JSON, data=a_form(seq=0, body_ko=body))
    assert (await own_web.get(f"/help/pictures/{id}", headers=JSON)).status_code == 404
    await moved(own_web, "agent", "review", 1)
    await moved(own_web, "admin", "published", 2)
    shown_ = await own_web.get(f"/help/pictures/{id}")
    assert (shown_.status_code, shown_.headers["content-type"]) == (200, "image/png")
    assert f'src="/help/pictures/{id}"' in (await own_web.get("/help/spin")).text


async def test_files_go_out_and_come_in_as_drafts(own_web: Web) -> None:
    await published(own_web)
    file = (await own_web.get(f"{FIRST}/file", who="agent")).content
    changed, other = (file.replace("탈수하지".encode(), word.encode()) for word in ("돌지", "멈추지"))
    fresh = article_files.write(an_article("quite_new", products=("nothing_like_it",))).encode()
    sent = [
        ("files", (f"{n}.md", data, "text/markdown"))
        for n, data in enumerate((file, changed, other, fresh, b"x"))
    ]

    taken = (await own_web.post("/knowledge/files", who="agent", headers=JSON, files=sent)).json()["taken"]

    assert [one["outcome"] for one in taken] == ["same", "draft", "waits", "new", "faulty"]
    assert [one["code"] for one in taken[3]["problems"]] == ["unknown_product"]
    packed = await own_web.get("/knowledge/files/all", who="agent")
    assert b"spin.md" in packed.content
    assert b"quite_new.md" not in packed.content
