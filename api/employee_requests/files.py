"""Files in the forms of requests: taken in with the form, read by whoever may read the answer."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from fastapi import Request
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import FileResponse, Response

from api.employee_requests.fields import MOST_FILES, Attached
from api.employee_requests.hats import hats_of
from api.employee_requests.people import myself
from api.employee_requests.reading import life_of
from api.employee_requests.routing import PORTAL, router
from api.kit.desk import Desk, DeskAt
from api.kit.language import gettext as _
from api.kit.texts import Key
from api.tickets.files import CAREFUL, stored
from models.employee_requests import EmployeeRequest, RequestFile
from models.kit import ids
from models.kit.papers import KINDS, paper
from models.kit.pictures import MOST_BYTES
from models.kit.refusals import REFUSALS, Refusal
from models.messages.employee_requests.items import Field, FieldKind
from models.rules.employee_requests.rights import fields_of, may_read

MOST_A_DAY = 100  # of one person


async def taken_in(
    desk: DeskAt, folder: Path, fields: Iterable[Field], uploads: Mapping[str, list[UploadFile]]
) -> tuple[dict[str, str], dict[str, str]]:
    """Keep what was chosen: the ids by field as they would be typed, and a sentence for each wrong field."""
    typed: dict[str, str] = {}
    errors: dict[str, str] = {}
    for field in fields:
        sent = uploads.get(f"answers.{field.id}", []) if field.kind is FieldKind.FILE else []
        try:
            kept = [await _keep(desk, folder, field.id, one) for one in _not_too_many(sent)]
        except Refusal as refusal:
            errors[f"answers.{field.id}"] = _(REFUSALS[refusal.code][1])
            continue
        if kept:
            typed[field.id] = ",".join(kept)
    return typed, errors


def _not_too_many(sent: list[UploadFile]) -> list[UploadFile]:
    if len(sent) > MOST_FILES:
        raise Refusal("too_many_files")
    return sent


async def _keep(desk: DeskAt, folder: Path, field_id: str, upload: UploadFile) -> str:
    data = await upload.read(MOST_BYTES + 1)
    found = await run_in_threadpool(paper, data, upload.filename)
    today = desk.visible(RequestFile).where(
        col(RequestFile.uploaded_by) == desk.person.id,
        col(RequestFile.created_at) > func.now() - func.make_interval(0, 0, 0, 1),
    )
    count = await desk.session.scalar(select(func.count()).select_from(today.subquery()))
    if (count or 0) >= MOST_A_DAY:
        raise Refusal("too_many_files")
    same = (
        col(RequestFile.sha256) == found.sha256, col(RequestFile.field_id) == field_id,
        col(RequestFile.request_id).is_(None), col(RequestFile.uploaded_by) == desk.person.account_id,
    )  # fmt: skip
    before: RequestFile | None = await desk.session.scalar(desk.visible(RequestFile).where(*same).limit(1))
    if before is not None:
        return before.id  # the form is kept as a draft while it is filled in: each time with the file
    row = {
        "id": ids.fresh("rf"), "request_id": None, "field_id": field_id, "uploaded_by": desk.person.id,
        "name": found.name, "media_type": found.media_type, "size": len(found.data),
        "sha256": found.sha256, "stored_as": await stored(folder, found), "created_at": datetime.now(UTC),
    }  # fmt: skip
    await desk.session.execute(insert(RequestFile).values(row).inline())
    return str(row["id"])


def joined(before: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """What was typed, with the files that came in now behind those that were there."""
    found = dict(before)
    for name, value in new.items():
        known = [one for one in f"{found.get(name, '')},{value}".split(",") if one]
        found[name] = ",".join(dict.fromkeys(known))
    return found


def left_out(typed: Mapping[str, str], without: Mapping[str, str]) -> dict[str, str]:
    """What was typed, less the files that are not to be sent after all."""
    gone = {id for id, said in without.items() if said and id.startswith("rf_")}
    return {
        name: ",".join(one for one in value.split(",") if one.strip() not in gone) if gone else value
        for name, value in typed.items()
    }


def chosen(typed: str, files: Mapping[str, Attached]) -> tuple[Attached, ...]:
    """The files that a typed answer names."""
    return tuple(files[one] for one in typed.split(",") if one in files)


async def mine(desk: DeskAt, typed: Iterable[str]) -> dict[str, Attached]:
    """Of the ids in what was typed, the files that I have chosen and nobody has sent yet."""
    wanted = {one.strip() for text in typed for one in text.split(",")[:MOST_FILES]}
    wanted = {one for one in wanted if one.startswith("rf_") and one.isprintable()}
    if not wanted:
        return {}
    query = desk.visible(RequestFile).where(
        col(RequestFile.id).in_(wanted), col(RequestFile.uploaded_by) == desk.person.account_id,
        col(RequestFile.request_id).is_(None),
    )  # fmt: skip
    return {one.id: Attached(one.id, one.name) for one in await desk.session.scalars(query)}


async def belong_to(desk: DeskAt, request_id: str, answers: Mapping[str, object]) -> None:
    """From now on these files are part of a request, for whoever may read their answers."""
    named = [str(one) for value in answers.values() if isinstance(value, list) for one in value]
    chosen = col(RequestFile.id).in_(named), col(RequestFile.uploaded_by) == desk.person.account_id
    if named:
        free = update(RequestFile).where(*chosen, col(RequestFile.request_id).is_(None))
        await desk.session.execute(free.values(request_id=request_id))


async def files_of(desk: DeskAt, request_id: str) -> dict[str, Attached]:
    """The files of a request by their ids."""
    query = desk.visible(RequestFile).where(col(RequestFile.request_id) == request_id)
    place = f"/employee-requests/{request_id}/files"
    return {
        one.id: Attached(one.id, one.name, f"{place}/{one.id}") for one in await desk.session.scalars(query)
    }


@router.get(
    "/employee-requests/{employee_request_id}/files/{request_file_id}", may=PORTAL, row="employee_request"
)
async def request_file(
    request: Request, desk: Desk, employee_request_id: Key, request_file_id: Key
) -> Response:
    """One file, for whoever may read the answer that it belongs to (C6)."""
    row = await desk.one(EmployeeRequest, employee_request_id)
    found = await desk.one(RequestFile, request_file_id)
    life = await life_of(desk, row)
    if found.request_id != row.id or life is None:
        raise Refusal("not_found")
    hats = hats_of(desk.person, await myself(desk), life)
    asked = [one for one in fields_of(life.item) if one.id == found.field_id]
    path = request.app.state.settings.files_dir / found.stored_as
    if not any(may_read(one, hats) for one in asked) or not await run_in_threadpool(path.is_file):
        raise Refusal("not_found")
    is_picture = found.media_type in KINDS
    disposition = f"{'inline' if is_picture else 'attachment'}; filename*=UTF-8''{quote(found.name, safe='')}"
    media_type = found.media_type if is_picture else "application/octet-stream"
    return FileResponse(path, media_type=media_type, headers={**CAREFUL, "Content-Disposition": disposition})
