"""Markdown of articles: as HTML still to be cleaned, as plain text, and what stands in it line by line."""

from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from models.rules.knowledge import KEY, Marks

PICTURES, ARTICLES = "/help/pictures/", "/help/"
# CommonMark with tables and no HTML: what looks like a tag is text.
SHOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
# The same with every tag and every address seen, so that they can be named.
LOOKED = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
LOOKED.validateLink = lambda url: True  # type: ignore[method-assign]
BREAKS = ("softbreak", "hardbreak")


def html_of(text: str) -> str:
    """The text as HTML; it goes through api/kit/cleaning.py before anybody sees it."""
    tokens = SHOWN.parse(text)
    for token in _all(tokens):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{max(2, int(token.tag[1]))}"  # the first is the page's own title
        elif token.type == "link_open":
            token.attrSet("href", _prefixed(str(token.attrGet("href") or ""), "article:", ARTICLES))
        elif token.type == "image":
            token.attrSet("src", _prefixed(str(token.attrGet("src") or ""), "image:", PICTURES))
    return str(SHOWN.renderer.render(tokens, SHOWN.options, {}))


def plain_of(text: str) -> str:
    """The words alone, paragraph by paragraph, as they go into a reply or a search."""
    parts: list[str] = []
    numbers: list[int] = []
    mark = ""
    for token in SHOWN.parse(text):
        if token.type in ("ordered_list_open", "bullet_list_open"):
            numbers.append(int(token.attrGet("start") or 1) if token.type[0] == "o" else 0)
        elif token.type in ("ordered_list_close", "bullet_list_close"):
            numbers.pop()
            parts.append("")
        elif token.type == "list_item_open":
            mark = f"{'  ' * (len(numbers) - 1)}{f'{numbers[-1]}.' if numbers[-1] else '-'} "
            numbers[-1] += bool(numbers[-1])
        elif token.type == "inline":
            parts.append(mark + _words(token))
            mark = ""
        elif token.type in ("fence", "code_block"):
            parts.append(token.content.rstrip("\n"))
        elif token.type in ("paragraph_close", "heading_close", "table_close") and not numbers:
            parts.append("")
    return "\n".join(parts).strip()


def marks_of(text: str) -> Marks:
    """What stands in it beside words."""
    headings: list[tuple[int, int]] = []
    links: list[tuple[str, int]] = []
    pictures: list[tuple[str, str, int]] = []
    html: list[int] = []
    for token in LOOKED.parse(text):
        line = (token.map or [0])[0] + 1
        if token.type == "heading_open":
            headings.append((int(token.tag[1]), line))
        elif token.type == "html_block":
            html.append(line)
        for child in token.children or ():
            if child.type in BREAKS:
                line += 1
            elif child.type == "link_open":
                links.append((str(child.attrGet("href") or ""), line))
            elif child.type == "image":
                pictures.append((str(child.attrGet("src") or ""), _words(child), line))
            elif child.type == "html_inline":
                html.append(line)
    return Marks(tuple(headings), tuple(links), tuple(pictures), tuple(html))


def pictures_of(*texts: str) -> list[str]:
    """The ids of our own pictures that texts show, each once."""
    targets = (target for text in texts for target, _, _ in marks_of(text).pictures)
    ours = (one.removeprefix("image:") for one in targets if one.startswith("image:"))
    return list(dict.fromkeys(ours))


def _all(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or [])


def _prefixed(target: str, scheme: str, place: str) -> str:
    name = target.removeprefix(scheme)
    return place + name if name != target and KEY.match(name) else target


def _words(token: Token) -> str:
    """The text of an inline token, of a picture what it shows; an address that leads out stands behind it."""
    parts, target = [], ""
    for child in token.children or ():
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in BREAKS:
            parts.append("\n")
        elif child.type == "image":
            parts.append(_words(child))
        elif child.type == "link_open":
            target = str(child.attrGet("href") or "")
        elif child.type == "link_close":
            if target.startswith(("http://", "https://")):
                parts.append(f" ({target})")
            target = ""
    return "".join(parts)
