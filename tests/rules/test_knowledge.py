"""What is decided about articles: flaws, what fits, what is kept of a search, who is reminded."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.messages.knowledge import Audience
from models.rules import knowledge as rules
from models.rules.knowledge import Candidate, Known, Marks
from tests.builders.knowledge import an_article

DAY = date(2026, 11, 23)


def codes(marks: Marks, known: Known | None = None, **changes: object) -> list[tuple[str, str, int]]:
    found = rules.flaws_of(an_article(**changes), {"ko": marks}, known or Known())
    return [(one.place, one.code, one.line) for one in found]


def a_candidate(key: str, title: str, search: str = "", **more: object) -> Candidate:
    return Candidate(key, title, "", (), search or title, **more)  # type: ignore[arg-type]


def test_a_whole_article_has_no_flaw() -> None:
    assert codes(Marks(headings=((2, 1), (3, 4), (2, 9)))) == []


@pytest.mark.parametrize(
    ("marks", "code"),
    [
        (Marks(headings=((1, 3),)), "first_level"),
        (Marks(headings=((2, 1), (4, 3))), "skipped_level"),
        (Marks(html=(3,)), "html"),
        (Marks(links=(("javascript:alert(1)", 3),)), "bad_link"),
        (Marks(links=(("//evil.example", 3),)), "bad_link"),
        (Marks(links=(("article:nowhere", 3),)), "unknown_article"),
        (Marks(links=(("article:secret", 3),)), "narrower_article"),
        (Marks(pictures=(("https://evil.example/x.png", "x", 3),)), "foreign_picture"),
        (Marks(pictures=(("image:af_gone", "x", 3),)), "unknown_picture"),
        (Marks(pictures=(("image:af_there", " ", 3),)), "no_alt"),
    ],
)
def test_what_is_wrong_is_told_at_its_line(marks: Marks, code: str) -> None:
    known = Known({"secret": Audience.AGENTS}, frozenset({"af_there"}))

    assert codes(marks, known) == [("body_ko", code, 3)]


def test_both_languages_are_asked_for() -> None:
    empty = {"ko": "있음", "en": " "}

    assert codes(Marks(), titles=empty, bodies=empty) == [("title_en", "empty", 0), ("body_en", "empty", 0)]


@pytest.mark.parametrize("readers", list(Audience))
def test_nobody_is_led_to_what_they_may_not_read(readers: Audience) -> None:
    allowed = {one for one in Audience if rules.reads(readers, one)}

    assert Audience.CUSTOMERS in allowed
    assert allowed - {Audience.CUSTOMERS, readers} == (
        set(Audience) - {Audience.CUSTOMERS, readers} if readers is Audience.AGENTS else set()
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("세탁기가 탈수를 하지 않습니다", {"세탁기", "탈수"}),
        ("쇼케이스 온도가 올라갑니다", {"쇼케이스", "온도"}),
        ("The washer does not drain after every wash", {"washer", "drain", "wash"}),
        ("", set()),
    ],
)
def test_words_lose_their_endings(text: str, wanted: set[str]) -> None:
    assert wanted <= set(rules.terms(text))


def test_a_name_counts_more_than_a_text_and_help_decides_between_equals() -> None:
    named = a_candidate("named", "세탁기 탈수")
    told = a_candidate("told", "다른 것", "여기 탈수 이야기")
    liked = a_candidate("liked", "세탁기 탈수", helped=9)
    hated = a_candidate("hated", "세탁기 탈수", failed=9)

    found = rules.ranked([told, hated, named, liked], ["탈수"])

    assert [one.key for one in found] == ["liked", "named", "hated", "told"]


def test_one_voice_does_not_decide() -> None:
    assert rules.helpfulness(0, 0) == 0.5
    assert rules.helpfulness(1, 0) < rules.helpfulness(9, 0)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.text("abc 가나", max_size=8), st.integers(0, 50), st.integers(0, 50)), max_size=8)
)
def test_the_order_never_depends_on_the_order_before(rows: list[tuple[str, int, int]]) -> None:
    found = [a_candidate(str(at), title, helped=h, failed=f) for at, (title, h, f) in enumerate(rows)]

    assert rules.ranked(found, ["a", "가"]) == rules.ranked(reversed(found), ["a", "가"])


@pytest.mark.parametrize(
    "text",
    ["제 번호는 010-1234-5678 입니다", "call 010 1234 5678", "kim@example.com 세탁기", "주민 900101-1234567"],
)
def test_a_kept_search_shows_nobodys_number_or_address(text: str) -> None:
    kept = rules.masked(text)

    assert "@" not in kept
    assert not any(run in kept.replace(" ", "").replace("-", "") for run in ("1234", "5678", "900101"))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_whatever_is_searched_is_kept_short_and_stays_the_same(text: str) -> None:
    kept = rules.masked(text)

    assert len(kept) <= rules.LONGEST_SEARCH
    assert rules.terms(text) == rules.terms(text)
    assert kept == kept.strip()


@pytest.mark.parametrize(
    ("late", "before", "is_told"),
    [
        (-1, None, False),
        (0, None, True),
        (0, 0, False),
        (3, 0, False),
        (7, 0, True),
        (8, 7, False),
        (30, 7, True),
    ],
)
def test_an_owner_is_reminded_on_the_day_and_then_each_week(
    late: int, before: int | None, is_told: bool
) -> None:
    reminded = DAY + timedelta(days=before) if before is not None else None

    assert rules.is_to_be_reminded(DAY, reminded, DAY + timedelta(days=late)) is is_told


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("The washer does not spin!", "the_washer_does_not_spin"),
        ("세탁기", ""),
        ("42", ""),
        ("  Ärger? ", "arger"),
    ],
)
def test_a_key_is_made_of_a_title(title: str, key: str) -> None:
    assert rules.key_from(title) == key


@pytest.mark.parametrize("target", ["/report", "https://example.com", "mailto:a@b.c", "tel:+8210"])
def test_plain_ways_are_safe(target: str) -> None:
    assert rules.is_safe_link(target)


@pytest.mark.parametrize(
    "target", ["//x", "/\\x", "javascript:x", "data:x", "", "http://", "/a b", "/a\x00", "x"]
)
def test_other_ways_are_not(target: str) -> None:
    assert not rules.is_safe_link(target)
