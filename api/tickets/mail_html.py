"""A mail's own page, cleaned whenever it is shown: nothing in it runs, nothing of it is fetched."""

import base64
from collections.abc import Mapping

from markupsafe import escape

from api.kit.cleaning import clean, is_plain_link

TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "center", "code", "dd", "del", "div", "dl", "dt", "em",
    "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "li", "ol", "p", "pre", "q", "s", "small",
    "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"}, "img": {"src", "alt", "width", "height"}, "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"}, "ol": {"start"},
}  # fmt: skip
MOST_PICTURES = 3 * 1024 * 1024
# The page is no page of ours: it has no origin, no scripts, no styles, and shows only what it carries.
POLICY = (
    "default-src 'none'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
AROUND = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def cleaned(html: str, pictures: Mapping[str, tuple[str, bytes]]) -> str:
    """The part of it that is safe; `pictures` by content id are put in, all others are left out."""
    shown = _inline(pictures)

    def allow(tag: str, name: str, value: str) -> str | None:
        if tag == "img" and name == "src":
            return shown.get(value.removeprefix("cid:").strip("<> ")) if value.startswith("cid:") else None
        if tag == "a" and name == "href":
            return value if is_plain_link(value) else None
        return value

    return clean(html, TAGS, ATTRIBUTES, allow, {"a": {"target": "_blank"}})


def _inline(pictures: Mapping[str, tuple[str, bytes]]) -> dict[str, str]:
    """The pictures as addresses that hold them, until there are too many bytes."""
    left, shown = MOST_PICTURES, {}
    for name, (kind, data) in pictures.items():
        left -= len(data)
        if left < 0:
            break
        shown[name] = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return shown


def page(title: str, html: str, pictures: Mapping[str, tuple[str, bytes]]) -> str:
    """A whole document around what was cleaned."""
    return (
        '<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title></head><body>{cleaned(html, pictures)}</body></html>"
    )
