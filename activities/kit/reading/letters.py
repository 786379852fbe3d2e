"""Bytes of a mail as text: charsets that lie, headers that are not ASCII, addresses that are none."""

import codecs
import re
import unicodedata
from collections.abc import Iterable
from email.errors import HeaderParseError
from email.header import Header, decode_header
from email.message import Message
from email.utils import getaddresses

LONGEST_HEADER = 8_000  # of one header we read so much; the original has all of it
MOST_ADDRESSES = 100
MOST_IDS = 60
# What mail programs write, and what they mean.
ALIASES = {
    "ks_c_5601-1987": "cp949", "ksc5601": "cp949", "ks_c_5601": "cp949", "euc-kr": "cp949", "euckr": "cp949",
    "x-windows-949": "cp949", "iso-8859-8-i": "iso-8859-8", "x-unknown": "utf-8", "unknown-8bit": "utf-8",
    "gb2312": "gb18030", "gbk": "gb18030", "us-ascii": "utf-8", "ascii": "utf-8", "x-sjis": "cp932",
    "utf8mb4": "utf-8", "unicode-1-1-utf-7": "utf-7",
}  # fmt: skip
GUESSES = ("utf-8", "cp949")
ADDRESS = re.compile(r"[^@\s<>()\[\],;:\"\\]{1,64}@[^@\s<>()\[\],;:\"\\]{1,255}")
MESSAGE_ID = re.compile(r"<([^<>\s]{1,250})>")
HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn")


def decoded(data: bytes, charset: str | None) -> str:
    """Bytes in the charset that they claim, else in one that fits, else with marks for what is broken."""
    name = (charset or "").strip("\"' ").lower()
    name = ALIASES.get(name, name)
    for one in (name, *GUESSES):
        if is_text_charset(one):
            try:
                return data.decode(one)
            except (UnicodeError, ValueError):
                continue
    return data.decode(name if is_text_charset(name) else "utf-8", "replace")


def is_text_charset(name: str) -> bool:
    """Whether Python knows this charset, and it makes text of bytes (there are codecs that unpack)."""
    try:
        return bool(name) and codecs.lookup(name)._is_text_encoding
    except (LookupError, ValueError):
        return False


def printable(text: str) -> str:
    """Text without what no table and no page takes: NUL, lone surrogates, other control characters."""
    kept = (
        sign for sign in unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
        if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cs", "Co", "Cn")
    )  # fmt: skip
    return "".join(kept)


def one_line(text: str, most: int = 300) -> str:
    """Text for a heading or a name: one line, nothing invisible, not endless."""
    seen = "".join(" " if sign.isspace() else sign for sign in text)
    seen = "".join(sign for sign in seen if unicodedata.category(sign) not in HIDDEN)
    return " ".join(seen.split())[:most]


def header(message: Message, name: str) -> str:
    """One header as text, whatever it is made of; nothing when it is not there."""
    return plain_header(message.get(name))


def headers(message: Message, name: str) -> list[str]:
    """Every header of a name, at most twenty of them."""
    return [plain_header(value) for value in (message.get_all(name) or [])[:20]]


def plain_header(value: object) -> str:
    """A raw header value with its encoded words decoded; what cannot be decoded stays as it is."""
    if value is None:
        return ""
    if isinstance(value, Header):  # 8-bit bytes that no header may hold
        raw = b"".join(
            part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
            for part, _ in value._chunks  # type: ignore[attr-defined]
        )
        text = decoded(raw, None)
    else:
        text = str(value)
    text = decoded(text[:LONGEST_HEADER].encode("utf-8", "surrogateescape"), None)
    if "=?" not in text:
        return text
    try:
        parts = decode_header(text)
    except (HeaderParseError, ValueError):
        return text
    return "".join(decoded(part, charset) if isinstance(part, bytes) else part for part, charset in parts)


def addresses(values: Iterable[str]) -> list[tuple[str, str]]:
    """(name, address in lower case) of everybody in these headers; only what is an address."""
    try:
        found = getaddresses([value.replace("\n", " ") for value in values][:20])
    except (ValueError, IndexError, TypeError):
        found = []
    kept = [(one_line(name, 120), address.strip().lower()) for name, address in found]
    good = [(name, address) for name, address in kept if ADDRESS.fullmatch(address) and address.isprintable()]
    if not good:  # a header that no parser takes may still hold one
        good = [("", match.lower()) for value in values for match in ADDRESS.findall(value)]
    return good[:MOST_ADDRESSES]


def message_ids(values: Iterable[str]) -> list[str]:
    """The Message-IDs in these headers, without their brackets, the last ones first kept."""
    found = [one for value in values for one in MESSAGE_ID.findall(value) if one.isprintable()]
    return list(dict.fromkeys(found))[-MOST_IDS:]
