"""The parts of a mail, walked without trust: never too deep, never too many, whatever their headers claim."""

import binascii
import quopri
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Any

from activities.kit.reading.letters import one_line, plain_header

DEEPEST = 30
MOST_PARTS = 400
REPORTS = ("message/delivery-status", "message/disposition-notification")


@dataclass(frozen=True)
class Part:
    """One leaf of a mail."""

    kind: str  # its media type as it claims
    charset: str | None
    name: str
    content_id: str
    disposition: str
    message: Message
    is_alternative: bool = False  # stands beside others that say the same

    def content(self, most: int) -> bytes:
        """Its bytes, decoded as far as they can be; one byte more than `most` says that there is more."""
        # Not get_payload(): it puts marks where bytes are that the claimed charset does not know.
        payload: Any = self.message._payload  # type: ignore[attr-defined]
        if isinstance(payload, list):
            inner = [part.as_bytes() for part in payload if isinstance(part, Message)]
            return b"".join(inner)[: most + 1]
        # Encoded it is larger, by a half at most in mails that are meant to be read.
        raw = str(payload or "")[: 2 * most + 4096].encode("utf-8", "surrogateescape")
        encoding = plain_header(self.message.get("content-transfer-encoding")).strip().lower()
        if encoding == "base64":
            return _base64(raw)[: most + 1]
        if encoding == "quoted-printable":
            return quopri.decodestring(raw)[: most + 1]
        if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
            decoded = self.message.get_payload(decode=True)
            return decoded[: most + 1] if isinstance(decoded, bytes) else raw[: most + 1]
        return raw[: most + 1]


def _base64(raw: bytes) -> bytes:
    """What can be decoded of it: everything else than its letters is passed over, a broken end is cut."""
    kept = raw.translate(None, delete=bytes(set(range(256)) - _LETTERS))
    end = len(kept) // 4 * 4
    rest = kept[end:]
    try:
        tail = binascii.a2b_base64(rest + b"=" * (-len(rest) % 4)) if len(rest) > 1 else b""
        return binascii.a2b_base64(kept[:end]) + tail
    except binascii.Error:
        return raw


_LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def leaves(message: Message) -> Iterator[Part]:
    """Every leaf, in order; a mail in the mail and a report are leaves, too. Stops at the limits."""
    left = [(message, 0, False)]
    seen = 0
    while left:
        part, depth, is_alternative = left.pop()
        seen += 1
        if seen > MOST_PARTS or depth > DEEPEST:
            return
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            beside = part.get_content_subtype() == "alternative"
            left += [(one, depth + 1, beside) for one in reversed(payload) if isinstance(one, Message)]
            continue
        kind = kind_of(part)
        is_torn = kind.startswith("multipart/")  # without a boundary it is one text
        yield Part(
            "text/plain" if is_torn else kind, parameter(part, "charset"), file_name(part),
            one_line(plain_header(part.get("content-id")), 250).strip("<> "),
            plain_header(part.get("content-disposition")).partition(";")[0].strip().lower(),
            part, is_alternative,
        )  # fmt: skip


def kind_of(part: Message) -> str:
    """The media type that it claims."""
    return one_line(part.get_content_type(), 100).lower()


def parameter(part: Message, name: str) -> str | None:
    """One parameter of the content type, however it is written."""
    try:
        value = part.get_param(name)
    except (ValueError, LookupError, AttributeError):
        return None
    if isinstance(value, tuple):
        value = value[2]
    return plain_header(value).strip() or None


def file_name(part: Message) -> str:
    """The name that it claims for a file."""
    try:
        name = part.get_filename()
    except (ValueError, LookupError, AttributeError, TypeError):
        name = None
    return one_line(plain_header(name), 200)
