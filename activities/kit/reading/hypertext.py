"""HTML of a mail as readable text."""

import re
from contextlib import suppress
from html.parser import HTMLParser

BLOCKS = frozenset(
    {"p", "div", "br", "tr", "li", "ul", "ol", "table", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6",
     "pre", "hr", "section", "article", "header", "footer"}
)  # fmt: skip
SILENT = frozenset({"script", "style", "head", "title", "template", "noscript", "svg", "math"})
MOST = 400_000


class Reader(HTMLParser):
    """Collects what a person would read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A block begins a line; what nobody reads is skipped until it ends."""
        if not self.silent and tag in SILENT:
            self.silent = tag
        if tag == "body":
            self.silent = ""
        if tag in BLOCKS:
            self.parts.append("\n- " if tag == "li" else "\n")
        if tag == "img" and not self.silent:
            name = dict(attrs).get("alt")
            self.parts.append(f"[{name}]" if name else "")

    def handle_endtag(self, tag: str) -> None:
        """A block ends its line."""
        if tag == self.silent:
            self.silent = ""
        if tag in BLOCKS and tag != "br":
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        """What stands between the tags."""
        if not self.silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def readable(html: str) -> str:
    """The text of a page, block by block."""
    reader = Reader()
    with suppress(AssertionError):  # what it says to marked sections that it does not know
        reader.feed(html[:MOST])
        reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
