"""What people attach: only pictures, drawn anew, under names that say nothing, never run by a browser."""

import io
import re
import struct
import zlib
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from httpx import Response
from PIL import Image, ImageFile
from sqlalchemy.ext.asyncio import AsyncEngine

from models.kit.pictures import MOST_BYTES, MOST_OF_TICKET, drawn_anew, plain_name
from models.kit.refusals import Refusal
from tests.api.web import Web, web_on
from tests.builders.company import Company
from tests.conftest import Database

SCRIPT = b"<script>alert(1)</script><?php system($_GET[0]); ?>"


def picture(kind: str = "JPEG", size: tuple[int, int] = (64, 48), **more: object) -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(packed, kind, **more)  # type: ignore[arg-type]
    return packed.getvalue()


def located() -> bytes:
    """A photo that knows where it was taken, with a note in it."""
    exif = Image.Exif()
    exif[0x010E] = "secret-note"
    exif.get_ifd(0x8825).update({1: "N", 2: (37.0, 33.0, 59.0), 3: "E", 4: (126.0, 58.0, 40.0)})
    return picture(exif=exif.tobytes())


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is enormous."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def desk(own_company: Company, app_engine: AsyncEngine, tmp_path: Path) -> Web:
    return web_on(app_engine, own_company, files_dir=tmp_path / "files")


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


async def send(web: Web, *files: tuple[str, bytes]) -> Response:
    fault = {
        "submission_key": uuid4().hex, "subject": "s", "description": "d", "name": "n",
        "phone": "010-7777-1234",
    }  # fmt: skip
    sent = [("photos", (name, data, "image/jpeg")) for name, data in files]
    return await web.post("/report", data=fault, files=sent, headers={"Accept": "application/json"})


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<html>" + SCRIPT, b"%PDF-1.7\n1 0 obj", b"MZ\x90\x00" + bytes(100), b"PK\x03\x04" + bytes(100),
        b"GIF89a" + SCRIPT, b"\xff\xd8\xff\xe0" + SCRIPT, b"\x89PNG\r\n\x1a\n" + SCRIPT,
        b"RIFF\x00\x00\x00\x00WEBP",
        b"\x00" * 500, b"BM" + bytes(200), picture("GIF"), picture("TIFF"), picture("BMP"), picture()[:200],
        bomb(60_000, 60_000), bomb(2**31 - 1, 2**31 - 1), bomb(0, 0), bomb(10_001, 5_000),
    ],
    ids=lambda data: repr(data[:14]),
)  # fmt: skip
async def test_what_is_no_plain_picture_is_refused_and_not_stored(
    desk: Web, tmp_path: Path, data: bytes
) -> None:
    answer = await send(desk, ("photo.jpg", data))

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]["photos"]
    assert not (tmp_path / "files").exists() or not list((tmp_path / "files").iterdir())


async def test_an_empty_file_is_refused_or_is_nothing(desk: Web, tmp_path: Path) -> None:
    answer = await send(desk, ("photo.jpg", b""))

    assert answer.status_code in (201, 422)
    assert not (tmp_path / "files").exists() or not list((tmp_path / "files").iterdir())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_hides_behind_a_picture(kind: str) -> None:
    shown = drawn_anew(picture(kind) + SCRIPT + b"PK\x03\x04", "x.jpg")

    assert b"script" not in shown.data
    assert b"PK\x03\x04" not in shown.data
    assert Image.open(io.BytesIO(shown.data)).size == (64, 48)


def test_a_photo_forgets_where_it_was_taken() -> None:
    sent = located()
    assert Image.open(io.BytesIO(sent)).getexif().get_ifd(0x8825)

    kept = Image.open(io.BytesIO(drawn_anew(sent, "x.jpg").data))

    assert not kept.getexif()
    assert b"secret-note" not in drawn_anew(sent, "x.jpg").data
    assert not kept.info.get("exif")


def test_a_broken_picture_is_not_half_taken() -> None:
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    with pytest.raises(Refusal):
        drawn_anew(picture(size=(400, 400))[:-300], "x.jpg")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("사진.jpg", "사진.jpg"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("../../../etc/passwd", "passwd"),
        ("/etc/passwd\x00.jpg", "passwd.jpg"),
        ("a\u202egpj.exe", "agpj.exe"),
        (".ht\u200baccess", "htaccess"),
        ("a\r\nSet-Cookie: x=1", "aSet-Cookie: x=1"),
        ("\u3002\uff0e\uff0f\uff0e\uff0e\uff0fx", "x"),
        ("..", "photo"),
        ("", "photo"),
        (None, "photo"),
        ("x" * 500, "x" * 120),
    ],
)
def test_a_files_name_is_only_words(name: str | None, kept: str) -> None:
    assert plain_name(name) == kept


async def test_stored_names_are_random_and_outside_of_what_is_served(
    desk: Web, database: Database, tmp_path: Path
) -> None:
    answer = await send(desk, ("../../a\u202egpj.php", located()), ("<img src=x>.jpg", picture("PNG")))

    assert answer.status_code == 201, answer.text
    with psycopg.connect(database.worker_url) as worker:
        rows = worker.execute(
            "select name, stored_as, media_type from attachments where id like 'att_%'"
        ).fetchall()
    assert len(rows) == 2
    assert {name for name, *_ in rows} == {"agpj.php", "<img src=x>.jpg"}
    assert all(re.fullmatch(r"[0-9a-f]{32}", stored) for _, stored, _ in rows)
    assert names_in(tmp_path) == {stored for _, stored, _ in rows}
    assert not (tmp_path / "files").is_relative_to(Path(__file__).parents[2] / "static")


async def test_a_file_is_served_so_that_no_browser_runs_it(desk: Web, database: Database) -> None:
    ticket = (await send(desk, ('a";\r\n<b>.jpg', picture()))).json()["ticket_id"]
    with psycopg.connect(database.worker_url) as worker:
        row = worker.execute("select id from attachments where ticket_id = %s", (ticket,)).fetchone()
    assert row

    shown = await desk.get(f"/tickets/{ticket}/attachments/{row[0]}", who="agent")
    taken = await desk.get(f"/tickets/{ticket}/attachments/{row[0]}?download=1", who="agent")

    assert shown.status_code == 200
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert shown.headers["cross-origin-resource-policy"] == "same-origin"
    assert shown.headers["cache-control"].startswith("private")
    assert taken.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert not set(taken.headers["content-disposition"]) & set('"<>\r\n')


async def test_too_many_and_too_large_are_refused(desk: Web) -> None:
    many = await send(desk, *[(f"{n}.jpg", picture()) for n in range(6)])
    large = await send(desk, ("x.jpg", picture() + bytes(MOST_BYTES)))
    flood = await send(desk, *[(f"{n}.jpg", b"x") for n in range(300)])

    assert (many.status_code, large.status_code) == (422, 422)
    assert 400 <= flood.status_code < 500


async def test_a_ticket_holds_only_so_many_files(desk: Web, database: Database) -> None:
    with psycopg.connect(database.worker_url) as worker:
        worker.execute("update visits set status = 'working' where id = 'V1-1'")
        worker.execute(
            "insert into attachments (id, ticket_id, slot, name, media_type, size, sha256, stored_as,"
            " created_at) select 'full' || n, 'T1', '', 'x', 'image/png', 1, 's', 'full' || n, now()"
            " from generate_series(1, %s) n", (MOST_OF_TICKET,),
        )  # fmt: skip
    answer = await desk.post(
        "/field-service/visits/V1-1/photos", who="technician_assigned", data={"slot": "before"},
        files={"photo": ("x.jpg", picture(), "image/jpeg")}, headers={"Accept": "application/json"},
    )  # fmt: skip

    assert answer.json()["code"] == "too_many_files"
