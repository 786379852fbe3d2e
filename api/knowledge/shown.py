"""An article's Markdown as it is shown: rendered, then cleaned by the one way of the house."""

from functools import lru_cache

from markupsafe import Markup

from api.kit.cleaning import clean
from models.kit import markdown
from models.rules.knowledge import is_safe_link

TAGS = {
    "a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol", "p", "pre",
    "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt"}, "ol": {"start"}}


@lru_cache(maxsize=500)
def shown(text: str) -> Markup:
    """The text as safe HTML."""
    # Every tag and address in it went through the cleaner.
    return Markup(clean(markdown.html_of(text), TAGS, ATTRIBUTES, _allow, {"img": {"loading": "lazy"}}))  # noqa: S704


def _allow(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        id = value.removeprefix(markdown.PICTURES)
        return value if id != value and id.isascii() and id.replace("_", "").isalnum() else None
    if tag == "a" and name == "href":
        return value if is_safe_link(value) else None
    return value
