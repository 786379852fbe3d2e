"""The one way in which HTML becomes safe to show: known tags, plain addresses, nothing that runs."""

from collections.abc import Callable, Mapping

import nh3

LINKS = ("http://", "https://", "mailto:", "tel:")
DROPPED = {"script", "style", "title", "template", "noscript", "iframe", "object"}
NUMBERS = ("width", "height", "colspan", "rowspan", "start")
Allow = Callable[[str, str, str], str | None]


def clean(
    html: str,
    tags: set[str],
    attributes: Mapping[str, set[str]],
    allow: Allow,
    values: Mapping[str, Mapping[str, str]],
) -> str:
    """What of it is safe; `allow` says what an address becomes, `values` what every tag carries."""

    def kept(tag: str, name: str, value: str) -> str | None:
        if name in NUMBERS:
            return value if value.isdigit() and len(value) < 5 else None
        return allow(tag, name, value)

    return nh3.clean(
        html,
        tags=tags,
        attributes={tag: set(names) for tag, names in attributes.items()},
        attribute_filter=kept,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={tag: dict(given) for tag, given in values.items()},
        clean_content_tags=DROPPED,
    )


def is_plain_link(value: str) -> bool:
    """Whether an address leads somewhere by a known way and hides nothing."""
    return value.isprintable() and value.lower().startswith(LINKS)
