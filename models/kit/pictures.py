"""Pictures from outside: looked at by content and drawn anew, so that nothing that hid in them is kept."""

import hashlib
import io
import unicodedata
from dataclasses import dataclass

import puremagic
from PIL import Image, ImageOps, UnidentifiedImageError

from models.kit.refusals import Refusal

MOST_BYTES = 8 * 1024 * 1024
MOST_OF_TICKET = 60  # files of one ticket, whoever sends them
MOST_PIXELS = 50_000_000
LONGEST_EDGE = 2560
KINDS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}


@dataclass(frozen=True)
class Photo:
    """One picture as we drew it anew; nothing else of the sent file is kept."""

    name: str
    media_type: str
    data: bytes

    @property
    def sha256(self) -> str:
        """What was stored, for the record."""
        return hashlib.sha256(self.data).hexdigest()


def plain_name(name: str | None) -> str:
    """A file's name as data: no invisible or control characters, no folders, not endless."""
    text = unicodedata.normalize("NFKC", name or "")
    text = "".join(letter for letter in text if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co"))
    text = text.replace("\\", "/").rpartition("/")[2].strip(" .")
    return text[:120] or "photo"


def drawn_anew(data: bytes, name: str, longest_edge: int = LONGEST_EDGE) -> Photo:
    """Decode and encode a picture: what hid behind it, and where it was taken, is gone."""
    kind = sniffed(data)
    try:
        with Image.open(io.BytesIO(data), formats=[KINDS[kind]]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise Refusal("file_too_large")
            upright = ImageOps.exif_transpose(picture)
            upright.thumbnail((longest_edge, longest_edge))
            keeps_clear = kind != "image/jpeg" and "A" in upright.getbands()
            fresh = upright.convert("RGBA" if keeps_clear else "RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise Refusal("file_not_allowed") from error
    fresh.info.clear()
    packed = io.BytesIO()
    fresh.save(packed, KINDS[kind], quality=85)
    return Photo(name, kind, packed.getvalue())


def sniffed(data: bytes) -> str:
    """The media type by content; only pictures that we can draw anew are allowed."""
    try:
        kind = str(puremagic.from_string(data, mime=True))
    except (puremagic.PureError, ValueError) as error:
        raise Refusal("file_not_allowed") from error
    if kind not in KINDS:
        raise Refusal("file_not_allowed")
    return kind
