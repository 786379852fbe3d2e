"""One mail, read: who claims to write, what they say, which files came along, and whether a machine wrote."""

import email
import email.policy
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any, BinaryIO

import nh3

from activities.kit.reading.files import File, Files
from activities.kit.reading.hypertext import readable
from activities.kit.reading.letters import (
    addresses,
    decoded,
    header,
    headers,
    message_ids,
    one_line,
    printable,
)
from activities.kit.reading.parts import REPORTS, Part, leaves

MOST_TEXT = 50_000  # of what somebody says; the original has all of it
MOST_HTML = 400_000
MOST_TAGS = 10_000
MOST_READ = 2_000_000  # bytes of one text part that are decoded at all
RECEIVERS = (
    "To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To",
)  # fmt: skip
MACHINE = {
    "auto_submitted": "Auto-Submitted", "precedence": "Precedence", "suppress": "X-Auto-Response-Suppress",
    "list_id": "List-Id", "unsubscribe": "List-Unsubscribe", "autoreply": "X-Autoreply",
    "autorespond": "X-Autorespond", "vacation": "X-Vacation", "loop": "X-Loop",
    "return_path": "Return-Path", "feedback": "Feedback-ID",
}  # fmt: skip


@dataclass
class Mail:
    """What is told of a mail: plain words, lists and numbers."""

    header_id: str = ""
    references: list[str] = field(default_factory=list)  # In-Reply-To last
    sender: str = ""
    sender_name: str = ""
    receivers: list[str] = field(default_factory=list)
    subject: str = ""
    text: str = ""
    html: str = ""
    files: list[dict[str, Any]] = field(default_factory=list)
    held_back: list[str] = field(default_factory=list)
    machine: dict[str, str] = field(default_factory=dict)
    vouched: list[str] = field(default_factory=list)  # Authentication-Results, the newest first
    is_report: bool = False
    reported: list[str] = field(default_factory=list)  # Message-IDs that a delivery report is about
    actions: list[str] = field(default_factory=list)  # what it says became of them: failed, delayed
    is_whole: bool = True  # False: only its head could be read


def read_head(file: BinaryIO) -> Mail:
    """Only the head of a mail, for one whose parts are beyond reading."""
    mail = _head(BytesHeaderParser(policy=email.policy.compat32).parsebytes(file.read(400_000)))
    mail.is_whole = False
    return mail


def read(file: BinaryIO) -> tuple[Mail, list[bytes]]:
    """A whole mail and the contents of its files, in the order of `files`.

    compat32 on purpose: the newer policies raise on real mail and take quadratic time on long headers."""
    message = email.message_from_binary_file(file, policy=email.policy.compat32)
    mail = _head(message)
    kept = Files()
    texts: list[Part] = []
    pages: list[Part] = []
    others: list[Part] = []
    for part in leaves(message):
        if part.kind in REPORTS or part.kind in ("text/rfc822-headers", "message/rfc822"):
            mail.reported += reported(part)
        if part.kind == "message/delivery-status":
            mail.actions += actions(part)
        is_file = part.disposition == "attachment" or bool(part.name)
        if part.kind == "text/plain" and not is_file:
            texts.append(part)
        elif part.kind == "text/html" and not is_file:
            pages.append(part)
        else:
            kept.take(part)
            others += [part] if part.kind == "text/plain" else []
    mail.text, mail.html = said(texts or ([] if pages else others[:1]), pages)
    mail.files, mail.held_back = [asdict(one) for one in kept.kept], kept.held_back
    mail.is_report = message.get_content_type() == "multipart/report" and bool(mail.actions)
    mail.reported += message_ids([mail.text[-20_000:]])  # reports of old servers are only text
    mail.reported = list(dict.fromkeys(mail.reported))[-40:]
    return mail, kept.contents


def _head(message: Message) -> Mail:
    """What stands above the parts."""
    writers = addresses(headers(message, "From")) or addresses(headers(message, "Sender"))
    name, address = writers[0] if writers else ("", "")
    own = message_ids(headers(message, "Message-ID"))
    answered = message_ids(headers(message, "In-Reply-To"))
    return Mail(
        header_id=own[0] if own else "",
        references=[*message_ids(headers(message, "References")), *answered][-60:],
        sender=address,
        sender_name=name,
        receivers=[one for _, one in addresses(v for name in RECEIVERS for v in headers(message, name))],
        subject=one_line(header(message, "Subject")),
        machine={
            key: one_line(header(message, name), 200)
            for key, name in MACHINE.items()
            if message.get(name) is not None
        },
        vouched=[one_line(one, 1000) for one in headers(message, "Authentication-Results")],
    )


def said(texts: Iterable[Part], pages: Iterable[Part]) -> tuple[str, str]:
    """What somebody says as text, and the page it came as, if it did."""
    plain = "\n\n".join(filter(None, (_text(part) for part in texts))).strip()
    page = "\n".join(filter(None, (_text(part) for part in pages)))[:MOST_HTML]
    if page.count("<") > MOST_TAGS:  # cleaning takes longer the deeper it is, and more than its share
        plain, page = plain or readable(page), ""
    if page and not plain:
        plain = readable(nh3.clean(page, attributes={"img": {"alt"}}, link_rel=None))
    elif page:
        nh3.clean(page)  # a page that ends the cleaner ends this process, and no other
    return cut(printable(plain)), printable(page)


def _text(part: Part) -> str:
    return decoded(part.content(MOST_READ)[:MOST_READ], part.charset)


def cut(text: str) -> str:
    """As much as fits a message."""
    text = text.strip()
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "\n[…]"


def reported(part: Part) -> list[str]:
    """Message-IDs of ours that a report or a returned mail names."""
    head = part.content(200_000)
    inner = BytesHeaderParser(policy=email.policy.compat32).parsebytes(head.lstrip()[:100_000])
    named = [*headers(inner, "Message-ID"), *headers(inner, "Original-Message-ID")]
    for block in head[:50_000].replace(b"\r\n", b"\n").split(b"\n\n")[:20]:
        fields = BytesHeaderParser(policy=email.policy.compat32).parsebytes(block + b"\n")
        named += headers(fields, "Original-Message-ID") + headers(fields, "X-Original-Message-ID")
    return message_ids(named)


def actions(part: Part) -> list[str]:
    """What a delivery report says became of a mail, receiver by receiver."""
    text = decoded(part.content(50_000), None)
    return [one.lower() for one in re.findall(r"^Action:\s*(\w+)", text, re.I | re.M)][:20]


__all__ = ["File", "Mail", "read", "read_head"]
