"""Files that come with a mail: looked at by content, pictures drawn anew, what runs is held back."""

import re
from dataclasses import dataclass

import puremagic

from activities.kit.reading.parts import Part
from models.kit.pictures import KINDS, MOST_BYTES, drawn_anew, plain_name
from models.kit.refusals import Refusal

MOST_FILES = 20
MOST_TOGETHER = 24 * 1024 * 1024
# What a colleague might run or a browser might show as a page; the original still has it.
RUNS = re.compile(
    r"\.(?:exe|com|scr|pif|bat|cmd|ps1|vbs?|vbe|jse?|wsf|wsh|hta|msi|msp|msix|appx|jar|cpl|dll|sys|lnk|url|reg|"
    r"inf|scf|chm|html?|xhtml|shtml|svgz?|mht|mhtml|xml|xsl|php\d?|phtml|asp|aspx|jsp|sh|bash|py|pl|rb|app|dmg|"
    r"deb|rpm|apk|iso|img|vhdx?|docm|dotm|xlsm|xltm|xlam|pptm|potm|ppam|ppsm|sldm|one|library-ms|settingcontent-ms)"
    r"\.?$",
    re.I,
)
RUNNING = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"PK\x03\x04META-INF")
MARKUP = re.compile(rb"^\s*(?:<\?xml|<!doctype|<html|<svg|<script|<head|<body|<iframe)", re.I)
ENDINGS = {
    "application/pdf": ".pdf", "message/rfc822": ".eml", "application/pkcs7-mime": ".p7m",
    "application/pkcs7-signature": ".p7s", "application/ms-tnef": ".dat", "text/calendar": ".ics",
    "text/plain": ".txt", "image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp",
}  # fmt: skip


@dataclass(frozen=True)
class File:
    """One file that is kept."""

    name: str
    media_type: str  # by its content
    size: int
    content_id: str = ""


class Files:
    """The files of one mail, until one of the limits is reached."""

    def __init__(self) -> None:
        self.kept: list[File] = []
        self.contents: list[bytes] = []
        self.held_back: list[str] = []

    def take(self, part: Part) -> None:
        """Keep one file, or hold it back by name."""
        name = plain_name(part.name) if part.name else "mail" + ENDINGS.get(part.kind, "")
        data = part.content(MOST_BYTES)
        together = sum(len(one) for one in self.contents) + len(data)
        if not data:
            return
        is_over = len(data) > MOST_BYTES or len(self.kept) >= MOST_FILES or together > MOST_TOGETHER
        if is_over or runs(name, data):
            if len(self.held_back) < 100:
                self.held_back.append(name)
            return
        self.keep(name, part, data)

    def keep(self, name: str, part: Part, data: bytes) -> None:
        """A picture is drawn anew; one that cannot be drawn is an ordinary file."""
        kind = sniffed(data)
        if kind in KINDS:
            try:
                photo = drawn_anew(data, name)
            except Refusal:
                kind = "application/octet-stream"
            else:
                self.add(File(photo.name, photo.media_type, len(photo.data), part.content_id), photo.data)
                return
        self.add(File(name, kind, len(data), part.content_id), data)

    def add(self, file: File, data: bytes) -> None:
        """Put one to the others."""
        self.kept.append(file)
        self.contents.append(data)


def runs(name: str, data: bytes) -> bool:
    """Whether a file could do something when it is opened, by what it is called and by how it begins."""
    return bool(RUNS.search(name) or MARKUP.match(data[:400])) or data.startswith(RUNNING)


def sniffed(data: bytes) -> str:
    """The media type by content; what nobody knows is only bytes."""
    try:
        return str(puremagic.from_string(data[:65_536], mime=True)) or "application/octet-stream"
    except (puremagic.PureError, ValueError, IndexError):
        return "application/octet-stream"
