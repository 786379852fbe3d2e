"""Documents from outside: taken by what they are, not by what they are called; pictures are drawn anew."""

import io
import zipfile

from models.kit.pictures import KINDS, MOST_BYTES, Photo, drawn_anew, plain_name
from models.kit.refusals import Refusal

PDF = "application/pdf"
OFFICE = {
    "word/document.xml": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/workbook.xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
ACTIVE = ("vbaproject.bin", "activex", "oleobject")  # parts that do something when the paper is opened
MOST_PARTS, LONGEST_PAPER = 5_000, 2_560


def paper(data: bytes, name: str | None) -> Photo:
    """A picture drawn anew, a PDF, or a text or table without macros; anything else is refused."""
    if len(data) > MOST_BYTES:
        raise Refusal("file_too_large")
    plain = plain_name(name)
    if data.startswith(b"%PDF-") and b"%%EOF" in data[-2_048:]:
        return Photo(plain, PDF, data)
    if data.startswith(b"PK\x03\x04"):
        return Photo(plain, _office(data), data)
    return drawn_anew(data, plain, LONGEST_PAPER)


def _office(data: bytes) -> str:
    """Which kind of paper a package is, by its parts."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            parts = [one.lower() for one in package.namelist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise Refusal("file_not_allowed") from error
    found = [kind for part, kind in OFFICE.items() if part in parts]
    is_active = any(word in part for part in parts for word in ACTIVE)
    if len(found) != 1 or "[content_types].xml" not in parts or is_active or len(parts) > MOST_PARTS:
        raise Refusal("file_not_allowed")
    return found[0]


__all__ = ["KINDS", "OFFICE", "PDF", "paper"]
