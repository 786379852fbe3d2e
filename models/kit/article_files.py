"""An article's file: a head in YAML, then a part of Markdown for each language; read again it is the same."""

import re
from typing import Any

from models.kit import markdown, yaml_texts
from models.messages.knowledge import LANGUAGES, USUAL_DAYS, Article, Audience, Flaw, Topic
from models.rules import knowledge as rules

LONGEST_FILE = 60_000
KNOWN = ("key", "audience", "topic", "products", "keywords", "review_days", "summaries")
PART = re.compile(r"^<!-- (ko|en) -->[ \t]*$", re.M)


def read(text: str) -> Article | tuple[Flaw, ...]:
    """The article that a file says, or why it cannot be read."""
    if len(text) > LONGEST_FILE:
        return (Flaw("line 1", "too_large", 1, {"most": f"{LONGEST_FILE:,}"}),)
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    head, separator, rest = text.removeprefix("---\n").partition("\n---\n")
    if not text.startswith("---\n") or not separator:
        return (Flaw("line 1", "no_head", 1),)
    document = yaml_texts.read(head)
    if document.fault is not None or not isinstance(document.data, dict):
        line, _, values = document.fault or (1, "", {"detail": "?"})
        detail = values.get("detail") or next(iter(values.values()), "?")
        return (Flaw(f"line {line + 1}", "bad_head", line + 1, {"detail": detail}),)
    parts = _parts(rest)
    flaws = [*_head_flaws(document.data, document.lines), *_part_flaws(parts)]
    return tuple(flaws) if flaws else _article(document.data, parts)


def write(article: Article) -> str:
    """The article as a file."""
    head: dict[str, Any] = {
        "key": article.key, "audience": article.audience.value, "topic": article.topic.value,
        "products": list(article.products), "keywords": list(article.keywords),
        "review_days": article.review_days,
        "summaries": {one: article.summaries.get(one, "") for one in LANGUAGES},
    }  # fmt: skip
    parts = (
        f"<!-- {one} -->\n# {article.titles.get(one, '')}\n\n{article.bodies.get(one, '').strip()}\n"
        for one in LANGUAGES
    )
    return f"---\n{yaml_texts.write(head).strip()}\n---\n\n" + "\n".join(parts)


def examine(article: Article, known: rules.Known) -> tuple[Flaw, ...]:
    """Everything that is wrong with an article today."""
    marks = {one: markdown.marks_of(article.bodies.get(one, "")) for one in LANGUAGES}
    return rules.flaws_of(article, marks, known)


def pictures_of(article: Article) -> list[str]:
    """The pictures that its bodies show."""
    return markdown.pictures_of(*(article.bodies.get(one, "") for one in LANGUAGES))


def search_of(article: Article) -> str:
    """All its words as they are searched."""
    bodies = (markdown.plain_of(article.bodies.get(one, "")) for one in LANGUAGES)
    words = (*article.keywords, *article.titles.values(), *article.summaries.values(), *bodies)
    return rules.folded(" ".join(words))


def _parts(text: str) -> dict[str, tuple[str, str]]:
    """Title and body by language."""
    found: dict[str, tuple[str, str]] = {}
    pieces = PART.split(text)
    for language, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        first, _, body = piece.strip("\n").partition("\n")
        title = first.removeprefix("# ").strip() if first.startswith("# ") else ""
        found.setdefault(language, (title, body.strip()))
    return found


def _head_flaws(head: dict[str, Any], lines: dict[str, int]) -> list[Flaw]:
    def flaw(place: str, code: str, **values: str) -> Flaw:
        line = lines.get(place, 0) + 1
        return Flaw(f"line {line}", code, line, values)

    flaws = [flaw(name, "unknown_key", name=str(name)[:60]) for name in head if name not in KNOWN]
    flaws += [flaw(name, "missing", name=name) for name in ("key", "audience", "topic") if not head.get(name)]
    if head.get("key") and not rules.KEY.match(str(head["key"])):
        flaws.append(flaw("key", "bad_key"))
    for name, words in (("audience", Audience), ("topic", Topic)):
        if head.get(name) and head[name] not in list(words):
            flaws.append(flaw(name, "unknown_word", word=str(head[name])[:60], words=", ".join(words)))
    for name, kind in (("products", list), ("keywords", list), ("review_days", int), ("summaries", dict)):
        if head.get(name) is not None and not isinstance(head[name], kind):
            flaws.append(flaw(name, "bad_head", detail=name))
    return flaws


def _part_flaws(parts: dict[str, tuple[str, str]]) -> list[Flaw]:
    missing = [Flaw("line 1", "no_language", 1, {"language": one}) for one in LANGUAGES if one not in parts]
    untitled = [one for one in LANGUAGES if one in parts and not parts[one][0] and parts[one][1]]
    return [*missing, *(Flaw("line 1", "no_title", 1, {"language": one}) for one in untitled)]


def _article(head: dict[str, Any], parts: dict[str, tuple[str, str]]) -> Article:
    summaries = head.get("summaries") or {}
    days = head.get("review_days")
    return Article(
        str(head["key"]), Audience(head["audience"]), Topic(head["topic"]),
        {one: parts[one][0] for one in LANGUAGES},
        {one: str(summaries.get(one) or "").strip() for one in LANGUAGES},
        {one: parts[one][1] for one in LANGUAGES},
        tuple(str(one) for one in head.get("products") or ()),
        tuple(str(one) for one in head.get("keywords") or ()),
        days if isinstance(days, int) else USUAL_DAYS,
    )  # fmt: skip
