"""Photos that people attach: looked at by content, drawn anew, stored under a random name."""

from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import FileResponse, Response

from api.kit.desk import Desk, DeskAt
from api.kit.routes import AGENTS, ANY_LINK, CUSTOMERS
from api.kit.texts import Key
from api.tickets.routing import router
from models.kit.pictures import KINDS, MOST_BYTES, Photo, drawn_anew, plain_name
from models.kit.refusals import Refusal
from models.tickets import Attachment

MOST_FILES = 5
MOST_BODY = (MOST_FILES + 1) * MOST_BYTES
CAREFUL = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=3600",
}


async def photos(uploads: list[UploadFile]) -> list[Photo]:
    """The pictures in an upload; anything that is not one is refused, whatever it is called."""
    if len(uploads) > MOST_FILES:
        raise Refusal("too_many_files")
    found = []
    for upload in uploads:
        data = await upload.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise Refusal("file_too_large")
        found.append(await run_in_threadpool(drawn_anew, data, plain_name(upload.filename)))
    return found


async def stored(folder: Path, photo: Photo) -> str:
    """Write a picture under a random name without an ending; the name is returned."""
    name = uuid4().hex

    def write() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(photo.data)

    await run_in_threadpool(write)
    return name


@router.get("/tickets/{ticket_id}/attachments/{attachment_id}", may=AGENTS | CUSTOMERS, row="ticket")
async def attachment(
    request: Request, desk: Desk, ticket_id: Key, attachment_id: Key, download: bool = False
) -> Response:
    """Show or send one attached picture to whoever may see its ticket."""
    return await sent(request, desk, ticket_id, attachment_id, download)


@router.get("/links/{token}/attachments/{attachment_id}", may=ANY_LINK, row="attachment")
async def linked(
    request: Request, desk: Desk, token: str, attachment_id: Key, download: bool = False
) -> Response:
    """The same for the customer behind a link."""
    return await sent(request, desk, desk.person.ticket_id or "", attachment_id, download)


async def sent(
    request: Request, desk: DeskAt, ticket_id: str, attachment_id: str, download: bool
) -> Response:
    """The file itself, under headers that keep a browser from running anything in it."""
    found = await desk.one(Attachment, attachment_id)
    path = request.app.state.settings.files_dir / found.stored_as
    if found.ticket_id != ticket_id or not await run_in_threadpool(path.is_file):
        raise Refusal("not_found")
    way = "attachment" if download or found.media_type not in KINDS else "inline"
    disposition = f"{way}; filename*=UTF-8''{quote(found.name, safe='')}"
    media_type = found.media_type if found.media_type in KINDS else "application/octet-stream"
    return FileResponse(path, media_type=media_type, headers={**CAREFUL, "Content-Disposition": disposition})
