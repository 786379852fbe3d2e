"""Whatever authors write: shown cleanly, said again by its file, quickly; and the house's own articles."""

import re

import nh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.knowledge.shown import ATTRIBUTES, TAGS, shown
from models.kit import article_files, markdown
from models.messages.knowledge import LANGUAGES, Article, Audience, Topic
from models.rules.knowledge import Known
from ops.knowledge import read_all
from tests.builders.knowledge import an_article

NASTY = (
    "[x](javascript:alert(1))", "![x](javascript:alert(1))", "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>", "[x](data:text/html;base64,PHNjcmlwdD4=)", "[x](//evil.example)",
    "![x](https://evil.example/t.png)", "[x](/\\evil.example)", '<https://ok.example/"onmouseover=alert(1)>',
    "[x]: javascript:alert(1)\n\n[x]", "`<script>alert(1)</script>`", "[x](java\nscript:alert(1))",
    "&#106;avascript:alert(1)", "[a](<javascript:alert(1)>)", "![x](image:../../etc/passwd)",
    "[x](article:../../sign-out)", "> <iframe src=x>", "|a|\n|-|\n|<script>|",
)  # fmt: skip
ASTRAY = re.compile(
    r"<(script|svg|iframe)|<[^>]* on\w+=|src=\"(?!/help/pictures/)|\.\./"
    r"|href=\"(?!/(?!/)|https?:|mailto:|tel:)"
)


@pytest.mark.parametrize("nasty", NASTY)
def test_no_text_runs_or_leads_astray(nasty: str) -> None:
    html = str(shown(nasty))

    tags = "".join(re.findall(r"<[^>]*>", html))
    assert not ASTRAY.search(tags)
    assert not re.search(r'="[^"]*//evil', tags)
    allowed = {tag: set(names) for tag, names in ATTRIBUTES.items()}
    allowed["img"] = allowed["img"] | {"loading"}
    assert nh3.clean(html, tags=TAGS, attributes=allowed, link_rel="noopener noreferrer nofollow") == html


@settings(max_examples=60, deadline=2_000)
@given(st.text(st.sampled_from("#*_`[]()!<>|-\n \"'&;:/\\ajx가1."), max_size=300))
def test_whatever_is_written_is_shown_cleanly_and_quickly(written: str) -> None:
    html = str(shown(written))

    assert not re.search(r"<(script|style|iframe|object|svg)", html)
    assert nh3.is_html(html) or html.strip() == "" or "<" not in html
    markdown.plain_of(written)
    article = an_article(bodies={"ko": written, "en": written})
    article_files.examine(article, Known())


def both(letters: str, least: int = 0) -> st.SearchStrategy[dict[str, str]]:
    """A text in each language, without what a file would trim."""
    one = st.text(letters, min_size=least, max_size=60).map(str.strip)
    return st.fixed_dictionaries({name: one.filter(bool) if least else one for name in LANGUAGES})


WORDS = st.lists(st.text("가나 yn1:", min_size=1, max_size=9).map(str.strip).filter(bool), max_size=3).map(
    tuple
)
WRITTEN = st.builds(
    Article, st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True), st.sampled_from(Audience),
    st.sampled_from(Topic), both("abc가나 :'\"#", 1), both("abc가나 :'\"-{}"), both("abc가\n#-* "), WORDS,
    WORDS, st.integers(7, 730),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(WRITTEN)
def test_a_file_says_what_the_article_says(article: Article) -> None:
    found = article_files.read(article_files.write(article))

    assert found == article


@pytest.mark.parametrize("depth", [50, 20_000])
def test_a_deep_or_long_text_takes_no_time(depth: int) -> None:
    for sign in (">", "[", "*", "- ", "![", "`"):
        assert len(str(shown((sign * depth)[:20_000]))) >= 0


def test_the_articles_of_the_house_have_no_flaw() -> None:
    found = read_all()
    known = Known(
        {one.key: one.audience for one in found},
        frozenset(),
        frozenset({"tv", "washer", "fridge", "pos", "cooler"}),
    )

    assert len(found) >= 12
    assert {one.audience for one in found} == set(Audience)
    assert [(one.key, flaw) for one in found for flaw in article_files.examine(one, known)] == []
    for one in found:
        assert 0.4 < len(one.bodies["ko"]) / len(one.bodies["en"]) < 1.2  # both say as much
