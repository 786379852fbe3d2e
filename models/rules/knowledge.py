"""What is decided about articles: what is wrong with one, which one fits, when its owner is reminded."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from models.messages.knowledge import (
    LANGUAGES,
    LEAST_DAYS,
    LONGEST_BODY,
    LONGEST_SUMMARY,
    LONGEST_TITLE,
    LONGEST_WORD,
    MOST_DAYS,
    MOST_PRODUCTS,
    MOST_WORDS,
    Article,
    Audience,
    Flaw,
)

KEY = re.compile(r"[a-z][a-z0-9_]{0,59}\Z")
OUTSIDE = ("http://", "https://", "mailto:", "tel:")
LONGEST_SEARCH = 60  # signs of a stranger's search that are kept
ROUND_DAYS = 7  # a review that is late is reminded of again each week
ENGLISH = (
    "the a an is are was be to of in on at for and or not it my we you i me with do does can has have no "
    "what how when why this that there from after before very please hello"
)
KOREAN = "있습니다 없습니다 합니다 입니다 그리고 그런데 안녕하세요 감사합니다 어떻게 자꾸 너무 계속"
STOP = frozenset((*ENGLISH.split(), *KOREAN.split()))  # words that tell nothing
# What hangs on the end of a Korean word, the longest first.
LONG_ENDINGS = "했습니다 됩니다 합니다 입니다 습니다 에서는 으로는 에서도"
MIDDLE_ENDINGS = "에서 에게 으로 부터 까지 이나 라고 이고 하고 하는 해서 되는 지만 는데 해요 어요 아요 나요"
SHORT_ENDINGS = "은 는 이 가 을 를 에 의 로 와 과 도 만 요 고"
ENDINGS = (*LONG_ENDINGS.split(), *MIDDLE_ENDINGS.split(), *SHORT_ENDINGS.split())


@dataclass(frozen=True)
class Marks:
    """What stands in a Markdown text beside its words, each with its line."""

    headings: tuple[tuple[int, int], ...] = ()  # level, line
    links: tuple[tuple[str, int], ...] = ()  # target, line
    pictures: tuple[tuple[str, str, int], ...] = ()  # target, what it shows, line
    html: tuple[int, ...] = ()


@dataclass(frozen=True)
class Known:
    """What is there on the day: published articles with their audiences, pictures of this one, products."""

    articles: Mapping[str, Audience] = field(default_factory=dict)
    pictures: frozenset[str] = frozenset()
    products: frozenset[str] | None = None  # ids and categories; None: whatever is written


@dataclass(frozen=True)
class Candidate:
    """An article that may fit, with all that speaks for it."""

    key: str
    titles: str
    summaries: str
    keywords: tuple[str, ...]
    search: str
    products: tuple[str, ...] = ()
    helped: int = 0
    failed: int = 0


# --- what is wrong with an article --------------------------------------------------------------------


def flaws_of(article: Article, marks: Mapping[str, Marks], known: Known) -> tuple[Flaw, ...]:
    """Everything that has to be mended before somebody reviews it."""
    return (
        *_head(article, known),
        *(one for lang in LANGUAGES for one in _part(article, lang, marks, known)),
    )


def _head(article: Article, known: Known) -> Iterator[Flaw]:
    if not KEY.match(article.key):
        yield Flaw("key", "bad_key")
    if not LEAST_DAYS <= article.review_days <= MOST_DAYS:
        yield Flaw("review_days", "wrong_days", 0, {"least": str(LEAST_DAYS), "most": str(MOST_DAYS)})
    if len(article.keywords) > MOST_WORDS:
        yield Flaw("keywords", "too_many", 0, {"most": str(MOST_WORDS)})
    if any(len(word) > LONGEST_WORD for word in article.keywords):
        yield Flaw("keywords", "too_long", 0, {"most": str(LONGEST_WORD)})
    if len(article.products) > MOST_PRODUCTS:
        yield Flaw("products", "too_many", 0, {"most": str(MOST_PRODUCTS)})
    for product in article.products:
        if known.products is not None and product not in known.products:
            yield Flaw("products", "unknown_product", 0, {"name": product[:60]})


def _part(article: Article, lang: str, marks: Mapping[str, Marks], known: Known) -> Iterator[Flaw]:
    for name, texts, most in (
        ("title", article.titles, LONGEST_TITLE), ("summary", article.summaries, LONGEST_SUMMARY),
        ("body", article.bodies, LONGEST_BODY),
    ):  # fmt: skip
        text = texts.get(lang, "")
        if not text.strip():
            yield Flaw(f"{name}_{lang}", "empty")
        if len(text) > most:
            yield Flaw(f"{name}_{lang}", "too_long", 0, {"most": f"{most:,}"})
    yield from _body(article.audience, f"body_{lang}", marks.get(lang, Marks()), known)


def _body(audience: Audience, place: str, marks: Marks, known: Known) -> Iterator[Flaw]:
    before = 1
    for level, line in marks.headings:
        if level == 1:
            yield Flaw(place, "first_level", line)
        elif level > before + 1:
            yield Flaw(place, "skipped_level", line, {"had": "#" * before, "got": "#" * level})
        before = max(level, 1)
    for line in marks.html:
        yield Flaw(place, "html", line)
    for target, line in marks.links:
        yield from _link(audience, place, target, line, known)
    for target, shows, line in marks.pictures:
        name = target.removeprefix("image:")
        if name == target:
            yield Flaw(place, "foreign_picture", line, {"target": target[:60]})
        elif name not in known.pictures:
            yield Flaw(place, "unknown_picture", line, {"name": name[:60]})
        if not shows.strip():
            yield Flaw(place, "no_alt", line)


def _link(audience: Audience, place: str, target: str, line: int, known: Known) -> Iterator[Flaw]:
    key = target.removeprefix("article:")
    if key == target:
        if not is_safe_link(target):
            yield Flaw(place, "bad_link", line, {"target": target[:60]})
    elif key not in known.articles:
        yield Flaw(place, "unknown_article", line, {"name": key[:60]})
    elif not reads(audience, known.articles[key]):
        yield Flaw(place, "narrower_article", line, {"name": key[:60]})


def is_safe_link(target: str) -> bool:
    """Whether an address is one that people may be led to: a known way out, or a page of ours."""
    if not target.isprintable() or "\\" in target or " " in target:
        return False
    is_ours = target.startswith("/") and not target.startswith("//")
    return is_ours or any(target.lower().startswith(way) and len(target) > len(way) for way in OUTSIDE)


def reads(readers: Audience, wanted: Audience) -> bool:
    """Whether everybody for whom one article is meant may also read the other."""
    return wanted is Audience.CUSTOMERS or readers is wanted or readers is Audience.AGENTS


# --- finding -------------------------------------------------------------------------------------------


def folded(text: str) -> str:
    """A text as it is searched: composed, in small letters, its spaces joined."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def asked_words(text: str) -> tuple[str, ...]:
    """The words of a search, at most eight."""
    return tuple(dict.fromkeys(folded(text).split()))[:8]


def terms(text: str, most: int = 24) -> tuple[str, ...]:
    """The words of a longer text that may tell what it is about, without their endings."""
    found = re.findall(r"[0-9a-z]+|[가-힣]+", folded(text))
    kept = (stem(word) for word in found if len(word) > 1 and word not in STOP)
    return tuple(dict.fromkeys(word for word in kept if not word.isdigit()))[:most]


def stem(word: str) -> str:
    """A word without what hangs on its end; of a Korean word at least two syllables stay."""
    if word[:1].isascii():
        return word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            return word.removesuffix(ending)
    return word


def score(one: Candidate, words: Iterable[str], products: frozenset[str] = frozenset()) -> float:
    """How well an article fits: its words by where they stand, its product, and whether it helped others."""
    wanted = tuple(words)
    titles, summaries = folded(one.titles), folded(one.summaries)
    points = 0.0
    for word in wanted:
        if any(word in folded(known) or folded(known) in word for known in one.keywords if known.strip()):
            points += 5
        if word in titles:
            points += 4
        elif word in summaries:
            points += 2
        elif word in one.search:
            points += 1
    text = points / len(wanted) if wanted else 0.0
    product = 3.0 if products & set(one.products) else 0.0
    return text + product + 2 * helpfulness(one.helped, one.failed) - 1


def fits(one: Candidate, words: Iterable[str]) -> bool:
    """Whether an article is worth showing unasked: one word of its name, or three of its text."""
    wanted = tuple(words)
    names = folded(f"{one.titles} {' '.join(one.keywords)}")
    return any(word in names for word in wanted) or sum(word in one.search for word in wanted) >= 3


def helpfulness(helped: int, failed: int) -> float:
    """Between 0 and 1; nobody's word counts as half, so that one single voice does not decide."""
    return (helped + 1) / (helped + failed + 2)


def ranked(
    found: Iterable[Candidate], words: Iterable[str], products: frozenset[str] = frozenset()
) -> list[Candidate]:
    """The best first; equal ones by key, so that the order never wavers."""
    wanted = tuple(words)
    return sorted(found, key=lambda one: (-score(one, wanted, products), one.key))


def masked(text: str) -> str:
    """A search as it may be kept: folded, cut, without what looks like somebody's number or address."""
    words = (
        "…" if "@" in word or sum(letter.isdigit() for letter in word) >= 4 else word
        for word in folded(text).split()
    )
    kept = re.sub(r"(\d[\s\-.()]*){4,}", "… ", " ".join(words))
    return " ".join(kept.split())[:LONGEST_SEARCH].strip()


# --- keeping it true -----------------------------------------------------------------------------------


def review_round(due_on: date, today: date) -> int:
    """At which reminder an article stands: 0 before its day, 1 on it, one more for each week too late."""
    return 0 if today < due_on else (today - due_on).days // ROUND_DAYS + 1


def is_to_be_reminded(due_on: date, reminded_on: date | None, today: date) -> bool:
    """Whether its owner hears of it today: once for each round."""
    now = review_round(due_on, today)
    return now > 0 and (reminded_on is None or review_round(due_on, reminded_on) < now)


def key_from(title: str) -> str:
    """A key made of a title; empty when the title has no Latin letters."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:50].strip("_")
    return made if KEY.match(made) and len(made) > 3 else ""
