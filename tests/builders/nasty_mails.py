"""Mails that nobody should have sent, each with a name."""

import base64
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from tests.builders.mails import DESK

HEAD = f"From: eve@evil.test\r\nTo: {DESK}\r\nSubject: nasty\r\nMIME-Version: 1.0\r\n".encode()


def of(kind: str, body: bytes, more: str = "") -> bytes:
    return HEAD + f"Content-Type: {kind}\r\n{more}\r\n".encode() + body


def nested(depth: int) -> bytes:
    """Multiparts in multiparts."""
    opened = b"".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n'.encode() for n in range(depth)
    )
    closed = b"".join(f"\r\n--b{n}--\r\n".encode() for n in reversed(range(depth)))
    return HEAD + opened + b"Content-Type: text/plain\r\n\r\ndeep down" + closed


def letters_in_letters(depth: int) -> bytes:
    return HEAD + b"".join(b"Content-Type: message/rfc822\r\n\r\n" for _ in range(depth)) + b"\r\nend\r\n"


def bomb() -> bytes:
    """A picture of a few bytes that says it is enormous."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        packed = kind + data
        return struct.pack(">I", len(data)) + packed + struct.pack(">I", zlib.crc32(packed))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    picture = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(10_000)))
    return of(
        "image/png",
        base64.encodebytes(picture + chunk(b"IEND", b"")),
        "Content-Transfer-Encoding: base64\r\n",
    )


def many_parts(count: int) -> bytes:
    parts = b"".join(
        f"--b\r\nContent-Type: text/plain; name=f{n}.txt\r\n\r\n{n}\r\n".encode() for n in range(count)
    )
    return of('multipart/mixed; boundary="b"', parts + b"--b--\r\n")


def nasty() -> Iterator[tuple[str, bytes]]:
    """All of them."""
    yield "empty", b""
    yield "one line end", b"\r\n"
    yield "only a head", HEAD
    yield "no head", b"\r\n\r\njust words\r\n"
    yield "binary", bytes(range(256)) * 40
    yield "zeros", bytes(5_000)
    yield "nested 1000", nested(1_000)
    yield "nested 90", nested(90)
    yield "letters in letters", letters_in_letters(1_500)
    yield "10000 heads", HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\nhello\r\n"
    yield (
        "10000 receivers",
        HEAD + b"Cc: " + b", ".join(b"a%d@b.test" % n for n in range(10_000)) + b"\r\n\r\nhi",
    )
    yield "10000 parts", many_parts(10_000)
    yield "one head of a megabyte", HEAD + b"X-Long: " + b"a" * (1 << 20) + b"\r\n\r\nhello\r\n"
    yield "folded for ever", HEAD + b"X-Folded: a\r\n" + b" b\r\n" * 50_000 + b"\r\nhello\r\n"
    yield "brackets", HEAD.replace(b"eve@evil.test", b"<" * 5_000 + b"eve@evil.test") + b"\r\nhello"
    yield "comments", HEAD.replace(b"eve@evil.test", b"(" * 3_000 + b" eve@evil.test") + b"\r\nhello"
    yield "quotes", HEAD.replace(b"eve@evil.test", b'"' * 999 + b" <eve@evil.test>") + b"\r\nhello"
    yield "encoded words", HEAD.replace(b"nasty", b"=?utf-8?q?=?=" * 3_000) + b"\r\nhello"
    yield "a codec that unpacks", HEAD.replace(b"nasty", b"=?zlib?q?abc?=") + b"\r\nhello"
    yield "unknown charset", of("text/plain; charset=klingon-8", b"nuqneH \xff\xfe")
    yield "charset that is none", of("text/plain; charset=base64", b"aGVsbG8=")
    yield "charset of nothing", of('text/plain; charset=""', "안녕".encode("euc-kr"))
    yield (
        "raw euc-kr head",
        HEAD.replace(b"nasty", "고장 신고".encode("euc-kr")) + b"\r\n" + "안녕".encode("euc-kr"),
    )
    yield "iso-2022-kr", of("text/plain; charset=iso-2022-kr", "안녕".encode("iso2022_kr"))
    yield "utf-7", of("text/plain; charset=utf-7", b"+ADw-script+AD4-")
    yield (
        "base64 garbage",
        of("text/plain", b"!!!!" * 9_000 + b"aGk", "Content-Transfer-Encoding: base64\r\n"),
    )
    yield "base64 of one letter", of("text/plain", b"a", "Content-Transfer-Encoding: base64\r\n")
    yield (
        "quoted garbage",
        of("text/plain", b"=Z=Z==\r\n=" * 999, "Content-Transfer-Encoding: quoted-printable\r\n"),
    )
    yield (
        "uu garbage",
        of("text/plain", b"begin 644 x\r\n!!!\r\nend", "Content-Transfer-Encoding: x-uuencode\r\n"),
    )
    yield "unknown encoding", of("text/plain", b"hello", "Content-Transfer-Encoding: rot13\r\n")
    yield "no boundary", of("multipart/mixed", b"--b\r\n\r\nhello\r\n--b--\r\n")
    yield "unclosed", of('multipart/mixed; boundary="b"', b"--b\r\nContent-Type: text/plain\r\n\r\nhalf")
    yield (
        "boundary of signs",
        of('multipart/mixed; boundary="(.*)+$"', b"--(.*)+$\r\n\r\nhello\r\n--(.*)+$--"),
    )
    yield "type of nothing", of(";;;", b"hello")
    yield "type twice", of("text/plain\r\nContent-Type: text/html", b"<b>hello</b>")
    yield "two senders", HEAD + b"From: other@evil.test\r\n\r\nhello"
    yield "sender of line ends", HEAD.replace(b"eve@", b"eve\r\n @") + b"\r\nhello"
    yield "no sender", HEAD.replace(b"From: eve@evil.test\r\n", b"") + b"\r\nhello"
    yield "sender that is none", HEAD.replace(b"eve@evil.test", b"<>") + b"\r\nhello"
    yield (
        "name of a file",
        of("text/plain; name*=utf-8''%FF%FE%00", b"x", "Content-Disposition: attachment\r\n"),
    )
    yield (
        "names of files",
        of("text/plain; name*0=a; name*2=c; name*x=y", b"x", "Content-Disposition: attachment\r\n"),
    )
    yield (
        "path of a file",
        of('text/plain; name="../../etc/passwd\\0"', b"x", "Content-Disposition: attachment\r\n"),
    )
    yield "a picture bomb", bomb()
    yield (
        "half a picture",
        of("image/png; name=a.png", b"\x89PNG\r\n\x1a\n", "Content-Transfer-Encoding: 8bit\r\n"),
    )
    yield "deep page", of("text/html", b"<div>" * 60_000 + b"deep")
    yield "page of comments", of("text/html", b"<!--" * 40_000)
    yield "page of declarations", of("text/html", b"<![x[" * 10_000 + b"<!a" * 10_000)
    yield "page of attributes", of("text/html", b"<a " + b"x=1 " * 50_000 + b">y</a>")
    yield "only a script", of("text/html", b"<script>alert(1)</script>")
    yield "quoted for ever", of("text/plain", (b"> " * 50 + b"x\r\n") * 3_000)
    yield "nearly announced", of("text/plain", b"On " + b"a" * 40_000 + b"\r\n> x")
    yield "text of nulls", of("text/plain", b"a\x00b" * 2_000)
    yield "surrogates", of("text/plain; charset=utf-8", b"\xed\xa0\x80 \xed\xbf\xbf")
    yield "right to left", HEAD.replace(b"nasty", "\u202egnp.exe\u200b".encode()) + b"\r\nhello"
    yield "winmail", of("application/ms-tnef; name=winmail.dat", b"\x78\x9f\x3e\x22" + bytes(500))
    yield "smime", of("application/pkcs7-mime; smime-type=enveloped-data", b"0\x80" + bytes(300))
    yield "a calendar", of("text/calendar; method=REQUEST", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    yield "lone carriage returns", HEAD.replace(b"\r\n", b"\r") + b"\rhello"
    yield "bare line feeds", HEAD.replace(b"\r\n", b"\n") + b"\nhello\n"
    yield "a line of two megabytes", HEAD + b"\r\n" + b"x" * (2 << 20)
    yield "big text", of("text/plain", b"hello world\r\n" * 200_000)
    yield (
        "zip",
        of(
            "application/zip; name=a.zip", base64.encodebytes(_zip()), "Content-Transfer-Encoding: base64\r\n"
        ),
    )


def _zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(1 << 20))
    return packed.getvalue()
