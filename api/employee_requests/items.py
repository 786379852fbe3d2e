"""The list of what employees can ask for, as its keepers see it, and how a new item begins."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Request
from pydantic import AfterValidator, Field
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests import item_reading as reading
from api.employee_requests.routing import router
from api.employee_requests.teams import team_names
from api.kit import signing
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.kept import Kept
from api.kit.language import gettext as _
from api.kit.rendering import answer, move_on
from api.kit.routes import ADMINS, STAFF
from api.kit.texts import storable
from models.employee_requests import EmployeeRequest
from models.employee_requests.items import RequestItem, RequestItemVersion
from models.kit import item_files
from models.kit.records import from_record, to_record
from models.messages.catalogue import VersionStatus
from models.messages.employee_requests.items import LONGEST_FILE, Item
from models.messages.employee_requests.requests import RequestStatus


def one_sort_of_line_end(text: str) -> str:
    """Browsers send text areas with their own ends of lines."""
    return storable(text).replace("\r\n", "\n")


FileText = Annotated[str, AfterValidator(one_sort_of_line_end), Field(max_length=LONGEST_FILE)]


class NewItem(Input):
    """A file, typed or chosen; chosen it counts."""

    text: FileText = ""


@dataclass(frozen=True)
class Line:
    """One item in the list."""

    key: str
    name: str
    icon: str
    category: str
    team: str
    version: int
    status: VersionStatus
    draft: int  # the version that is being written or reviewed; 0: none
    draft_status: VersionStatus | None
    running: int
    is_mine: bool


@dataclass(frozen=True)
class ItemsPage:
    """All items."""

    items: tuple[Line, ...]
    q: str
    may_add: bool


@dataclass(frozen=True)
class NewPage:
    """The file of a new item."""

    text: str
    problems: tuple[reading.Told, ...] = ()


@router.get("/employee-requests/items", may=STAFF)
async def items(request: Request, desk: Desk, words: Kept) -> Response:
    """Show every item with its version, what is being written, and how many requests run."""
    lines = [one for one in await _lines(desk) if words.lower() in f"{one.key} {one.name}".lower()]
    may_add = bool(ADMINS & desk.person.roles)
    return answer(request, "employee_requests/items.html", ItemsPage(tuple(lines), words, may_add))


@router.get("/employee-requests/items/new", may=ADMINS)
async def begin_item(request: Request, desk: Desk) -> Response:
    """Show the form for a new item, with an example to begin from."""
    return answer(request, "employee_requests/item_new.html", NewPage(EXAMPLE))


@router.post("/employee-requests/items", may=ADMINS)
async def create_item(request: Request, desk: Desk, sent: Typed[NewItem] = typed(NewItem)) -> Response:
    """Begin an item with its first draft; the file may have faults, but it has to say which item it is."""
    form, text = sent.form, await chosen_file(sent) or (sent.value.text if sent.value else "")
    problems: tuple[reading.Told, ...] = ()
    if sent.value is not None:
        found = item_files.from_yaml(text)
        if isinstance(found, Item) and await _store(desk, found, text):
            await desk.commit()
            return move_on(
                request, f"/employee-requests/items/{found.key}/versions/1", data={"key": found.key}
            )
        if isinstance(found, Item):
            form = sent.wrong("text", _("There is such an item already; write a new version of it."))
        else:
            problems = reading.told(found, text)
            form = sent.wrong("text", _("This file cannot be read yet; see below."))
    page = NewPage(text, problems)
    return answer(request, "employee_requests/item_new.html", page, form=form, status=422)


async def chosen_file(sent: Typed[Any]) -> str:
    """The text of a file that was chosen, if one was; what is no text becomes signs that no file has."""
    for upload in sent.files.get("file", []):
        return one_sort_of_line_end(
            (await upload.read(LONGEST_FILE * 4)).decode("utf-8", "replace").replace("\0", "\ufffd")
        )
    return ""


async def _store(desk: DeskAt, item: Item, text: str) -> bool:
    now = datetime.now(UTC)
    teams = await team_names(desk)
    row = {
        "key": item.key, "created_by": desk.person.id, "created_at": now,
        "owner_team": item.owner_team if item.owner_team in teams else desk.person.team_id or min(teams),
    }  # fmt: skip
    new = insert(RequestItem).values(row).on_conflict_do_nothing().returning(col(RequestItem.key))
    if (await desk.session.execute(new)).first() is None:
        return False
    await desk.session.execute(insert(RequestItemVersion).values(draft_row(desk, item.key, 1, text)))
    await noted(desk, item.key, 1, "created")
    return True


def draft_row(
    desk: DeskAt, key: str, version: int, text: str, made_from: int | None = None
) -> dict[str, Any]:
    """The row of a new draft."""
    now = datetime.now(UTC)
    return {
        "item_key": key, "version": version, "status": VersionStatus.DRAFT, "text": text,
        "definition": defined(text, version), "checksum": item_files.checksum(text), "note": "",
        "made_from": made_from, "writers": [desk.person.id], "review_note": "", "created_at": now,
        "written_at": now, "seq": 0,
    }  # fmt: skip


def defined(text: str, version: int) -> dict[str, Any] | None:
    """The definition that is stored beside a file; none while it cannot be read."""
    found = item_files.from_yaml(text)
    return {**to_record(found), "version": version} if isinstance(found, Item) else None


async def noted(desk: DeskAt, key: str, version: int, act: str, **details: object) -> None:
    """One line in the audit log."""
    who, subject = desk.person, f"request_item:{key}:{version}"
    await signing.note(desk.session, who.id, who.address, f"employee_requests.item.{act}", subject, **details)


async def _lines(desk: DeskAt) -> list[Line]:
    stored = {one.key: one for one in await desk.session.scalars(desk.visible(RequestItem).limit(1_000))}
    newest: dict[str, list[RequestItemVersion]] = {}
    query = desk.visible(RequestItemVersion).order_by(col(RequestItemVersion.version).desc())
    for row in await desk.session.scalars(query.limit(5_000)):
        newest.setdefault(row.item_key, []).append(row)
    teams, running = await team_names(desk), await _running(desk)
    lines = []
    for key, item in sorted(stored.items()):
        versions = newest.get(key, [])
        published = next((one for one in versions if one.status is VersionStatus.PUBLISHED), None)
        draft = next((one for one in versions if one.status in OPEN), None)
        shown = published or (versions[0] if versions else None)
        definition = shown.definition if shown and shown.definition else None
        known = from_record(Item, definition) if definition else None
        lines.append(
            Line(
                key, reading.said(known.names) if known else key, known.icon if known else "file-text",
                known.category.value if known else "", teams.get(item.owner_team, "–"),
                shown.version if shown else 0, shown.status if shown else VersionStatus.DRAFT,
                draft.version if draft else 0, draft.status if draft else None, running.get(key, 0),
                reading.owns(desk.person, item),
            )
        )  # fmt: skip
    return lines


OPEN = (VersionStatus.DRAFT, VersionStatus.REVIEW)


async def _running(desk: DeskAt) -> dict[str, int]:
    """How many requests run of each item, of those that the reader may see."""
    query = (
        desk.visible(EmployeeRequest)
        .with_only_columns(col(EmployeeRequest.item_key), func.count())
        .where(col(EmployeeRequest.status) == RequestStatus.OPEN)
        .group_by(col(EmployeeRequest.item_key))
    )
    return {row[0]: int(row[1]) for row in await desk.session.execute(query)}


EXAMPLE = """format: 1
key: my_item
names: {ko: 이름, en: Name}
descriptions: {ko: 무엇을 신청하는지 적어 주십시오., en: Say what is asked for.}
category: it
icon: file-text
owner_team: tm_it
sla_hours: 16
form:
  - id: reason
    kind: long_text
    labels: {ko: 사유, en: Reason}
steps:
  - id: approved
    kind: approval
    names: {ko: 팀장 승인, en: The manager's approval}
    approvers: [{kind: manager}]
  - id: work
    kind: task
    names: {ko: 처리, en: Work}
    team: tm_it
    titles: {ko: 처리, en: Do it}
"""
