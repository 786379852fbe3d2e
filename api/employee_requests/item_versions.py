"""One version of an item: written as a draft, compared, published by somebody else, taken up again."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Request
from pydantic import Field
from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests import item_reading as reading
from api.employee_requests import item_trials as trials
from api.employee_requests.items import OPEN, FileText, chosen_file, defined, draft_row, noted
from api.employee_requests.routing import router
from api.kit.comparing import DiffPage, compared
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import answer, move_on
from api.kit.routes import STAFF
from api.kit.texts import MaybeLine
from models.employee_requests.items import RequestItem, RequestItemVersion
from models.kit import item_files
from models.kit.refusals import Refusal
from models.messages.catalogue import VersionStatus
from models.messages.employee_requests.items import Item

Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
PAGE = "/employee-requests/items/{item_key}/versions/{version}"
# From which step a version may come to which one.
STEPS = {
    VersionStatus.REVIEW: {VersionStatus.DRAFT},
    VersionStatus.DRAFT: {VersionStatus.REVIEW},
    VersionStatus.PUBLISHED: {VersionStatus.REVIEW},
    VersionStatus.RETIRED: {VersionStatus.PUBLISHED},
}


class Written(Input):
    """The file of a draft; `seq` says which state of it was seen."""

    seq: Number
    text: FileText = ""
    note: MaybeLine = ""


class Moved(Input):
    """Where a version shall go, and why."""

    status: VersionStatus
    seq: Number
    note: MaybeLine = ""


class From(Input):
    """The version that a new draft begins as; the newest but one is a roll back."""

    version: Number


@dataclass(frozen=True)
class Line:
    """One version in the history."""

    version: int
    status: VersionStatus
    writers: str
    reviewer: str
    written_at: datetime
    published_at: datetime | None
    note: str
    review_note: str
    made_from: int | None


@dataclass(frozen=True)
class VersionPage:
    """One version: its file, what is wrong with it, what it would do, and all versions beside it."""

    key: str
    name: str
    row: RequestItemVersion
    item: Item | None
    problems: tuple[reading.Told, ...]
    stages: tuple[reading.Stage, ...]
    versions: tuple[Line, ...]
    is_mine: bool  # keeps the item
    is_writer: bool
    has_draft: bool
    trial: trials.Trial | None
    impact: trials.Impact | None

    @property
    def next_steps(self) -> tuple[VersionStatus, ...]:
        """Where this version may go from here."""
        return tuple(to for to, since in STEPS.items() if self.row.status in since)

    @property
    def path(self) -> str:
        """The address of this version."""
        return PAGE.format(item_key=self.key, version=self.row.version)


@router.get("/employee-requests/items/{item_key}", may=STAFF, row="request_item")
async def show_item(request: Request, desk: Desk, item_key: str) -> Response:
    """Go to what is being written, else to what is published."""
    await desk.one(RequestItem, item_key)
    versions = await reading.versions_of(desk, item_key)
    if not versions:
        raise Refusal("not_found")
    wanted = next((one for one in versions if one.status in (*OPEN, VersionStatus.PUBLISHED)), versions[0])
    path = PAGE.format(item_key=item_key, version=wanted.version)
    return move_on(request, path, data={"key": item_key, "version": wanted.version})


@router.get(PAGE, may=STAFF, row="request_item")
async def show_version(request: Request, desk: Desk, item_key: str, version: Number) -> Response:
    """Show one version with everything that can be known about it."""
    return answer(request, "employee_requests/item.html", await version_page(desk, item_key, version))


@router.get(f"{PAGE}/file", may=STAFF, row="request_item")
async def export_item(request: Request, desk: Desk, item_key: str, version: Number) -> Response:
    """Hand the file out as the house writes it, for a repository of its own."""
    row = await desk.one(RequestItemVersion, (item_key, version))
    name = quote(f"{row.item_key}.yaml")
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(reading.canonical(row.text), media_type="application/yaml", headers=headers)


@router.get(f"{PAGE}/changes", may=STAFF, row="request_item")
async def compare_versions(
    request: Request, desk: Desk, item_key: str, version: Number, against: Number = 0
) -> Response:
    """Show what changed since another version, by itself the one that it began as."""
    new = await desk.one(RequestItemVersion, (item_key, version))
    rows = await reading.versions_of(desk, item_key)
    since = against or new.made_from or max((one.version for one in rows if one.version < version), default=0)
    old = await desk.one(RequestItemVersion, (item_key, since)) if since else None
    lines = compared(reading.canonical(old.text if old else ""), reading.canonical(new.text))
    page = DiffPage(item_key, since, version, tuple(one.version for one in rows), lines)
    return answer(request, "employee_requests/item_changes.html", page)


@router.post("/employee-requests/items/{item_key}/versions", may=STAFF, row="request_item")
async def take_up(request: Request, desk: Desk, item_key: str, sent: Typed[From] = typed(From)) -> Response:
    """Begin a new draft as an older version stands; of one that was replaced it is a roll back."""
    await reading.kept(desk, item_key)
    if sent.value is None:
        raise Refusal("invalid_form")
    await desk.session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"request_item:{item_key}"}
    )
    rows = await reading.versions_of(desk, item_key)
    if any(one.status in OPEN for one in rows):
        raise Refusal("item_draft_open")
    old = await desk.one(RequestItemVersion, (item_key, sent.value.version))
    number = rows[0].version + 1
    row = draft_row(desk, item_key, number, old.text, old.version)
    await desk.session.execute(insert(RequestItemVersion).values(row))
    await noted(desk, item_key, number, "draft", made_from=old.version)
    await desk.commit()
    path = PAGE.format(item_key=item_key, version=number)
    return move_on(request, path, data={"key": item_key, "version": number})


@router.post(PAGE, may=STAFF, row="request_item")
async def write_version(
    request: Request, desk: Desk, item_key: str, version: Number, sent: Typed[Written] = typed(Written)
) -> Response:
    """Store a draft, faults and all: they are shown at their lines, and nothing faulty is published."""
    await reading.kept(desk, item_key)
    row = await desk.one(RequestItemVersion, (item_key, version))
    if sent.value is None:
        page = await version_page(desk, item_key, version)
        return answer(request, "employee_requests/item.html", page, form=sent.form, status=422)
    if row.status is not VersionStatus.DRAFT:
        raise Refusal("version_wrong_step" if row.status is VersionStatus.REVIEW else "version_final")
    written = await chosen_file(sent) or sent.value.text
    writers = row.writers if desk.person.id in row.writers else [*row.writers, desk.person.id]
    changes = {
        "text": written, "definition": defined(written, version), "writers": writers,
        "checksum": item_files.checksum(written), "note": sent.value.note, "written_at": datetime.now(UTC),
    }  # fmt: skip
    await store(desk, row, sent.value.seq, changes)
    await noted(desk, item_key, version, "edited", checksum=changes["checksum"])
    _, problems = await reading.examined(desk, written, item_key)
    await desk.commit()
    told = [{"place": one.place, "code": one.code} for one in problems]
    path = PAGE.format(item_key=item_key, version=version)
    return move_on(request, path, data={"version": version, "problems": told})


@router.post(f"{PAGE}/status", may=STAFF, row="request_item")
async def move_version(
    request: Request, desk: Desk, item_key: str, version: Number, sent: Typed[Moved] = typed(Moved)
) -> Response:
    """Take a version one step further; no writer of it publishes it, and nothing with faults goes on."""
    await reading.kept(desk, item_key)
    row = await desk.one(RequestItemVersion, (item_key, version))
    if sent.value is None:
        raise Refusal("invalid_form")
    wish = sent.value
    if row.status not in STEPS[wish.status]:
        is_final = row.status in (VersionStatus.PUBLISHED, VersionStatus.RETIRED)
        raise Refusal("version_final" if is_final else "version_wrong_step")
    changes: dict[str, Any] = {"status": wish.status}
    if wish.status in (VersionStatus.REVIEW, VersionStatus.PUBLISHED):
        _, problems = await reading.examined(desk, row.text, item_key)
        if problems:
            raise Refusal("item_has_problems")
    if wish.status is VersionStatus.PUBLISHED:
        changes |= await published(desk, row)
    elif wish.status is VersionStatus.RETIRED:
        changes["retired_at"] = datetime.now(UTC)
    if row.status is VersionStatus.REVIEW:
        changes["review_note"] = wish.note
    await store(desk, row, wish.seq, changes)
    await noted(desk, item_key, version, f"to_{wish.status}", note=wish.note)
    await desk.commit()
    path = PAGE.format(item_key=item_key, version=version)
    return move_on(request, path, data={"status": wish.status})


async def published(desk: DeskAt, row: RequestItemVersion) -> dict[str, Any]:
    """What publishing changes: the version before it is retired, and new requests take this one."""
    if desk.person.id in row.writers:
        raise Refusal("own_review")
    now = datetime.now(UTC)
    mine = col(RequestItemVersion.item_key) == row.item_key
    before = col(RequestItemVersion.status) == VersionStatus.PUBLISHED
    retired = {"status": VersionStatus.RETIRED, "retired_at": now, "seq": RequestItemVersion.seq + 1}
    quietly = {"synchronize_session": False}
    statement = update(RequestItemVersion).where(mine, before).values(retired)
    await desk.session.execute(statement, execution_options=quietly)
    team = (row.definition or {})["owner_team"]
    owner = update(RequestItem).where(col(RequestItem.key) == row.item_key).values(owner_team=team)
    await desk.session.execute(owner, execution_options=quietly)
    return {"reviewer_id": desk.person.id, "published_at": now}


async def store(desk: DeskAt, row: RequestItemVersion, seq: int, changes: dict[str, Any]) -> None:
    """Change a version if nobody else has meanwhile."""
    mine = (
        col(RequestItemVersion.item_key) == row.item_key, col(RequestItemVersion.version) == row.version,
        col(RequestItemVersion.seq) == seq,
    )  # fmt: skip
    statement = update(RequestItemVersion).where(*mine).values(**changes, seq=seq + 1)
    done: Any = await desk.session.execute(statement.execution_options(synchronize_session=False))
    if done.rowcount != 1:
        raise Refusal("changed_meanwhile")


async def version_page(desk: DeskAt, item_key: str, version: int) -> VersionPage:
    """One version with all that is shown of it."""
    item = await desk.one(RequestItem, item_key)
    row = await desk.one(RequestItemVersion, (item_key, version))
    known, problems = await reading.examined(desk, row.text, item_key)
    rows = await reading.versions_of(desk, item_key)
    impact = await trials.impact_of(desk, row, known) if known else None
    return VersionPage(
        item_key, reading.said(known.names) if known else item_key, row, known,
        reading.told(problems, row.text), reading.outline(known) if known else (), await lines_of(desk, rows),
        reading.owns(desk.person, item), desk.person.id in row.writers,
        any(one.status in OPEN for one in rows), await trials.newest_of(desk, row), impact,
    )  # fmt: skip


async def lines_of(desk: DeskAt, rows: list[RequestItemVersion]) -> tuple[Line, ...]:
    """The versions with the names of who wrote and who published them."""
    hands = {name for one in rows for name in (*one.writers, one.reviewer_id or "")}
    names = await reading.names_of(desk, hands)
    return tuple(
        Line(
            one.version, one.status, ", ".join(names.get(name, "–") for name in one.writers),
            names.get(one.reviewer_id or "", ""), one.written_at, one.published_at, one.note, one.review_note,
            one.made_from,
        )
        for one in rows
    )  # fmt: skip
