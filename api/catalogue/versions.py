"""The life of a version: draft, review, published by somebody else, retired; each act is written down."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import func, text, update
from sqlmodel import SQLModel, col

from api.catalogue.plan_form import MaybeDay, Number
from api.catalogue.shelf import today
from api.kit import signing
from api.kit.desk import DeskAt
from api.kit.forms import Input
from api.kit.language import gettext as _
from models.catalogue import Bundle, BundleVersion, Plan, PlanVersion
from models.kit.refusals import Refusal
from models.messages.catalogue import VersionStatus
from models.staff import Account

Version = PlanVersion | BundleVersion
# From which step a version may come to which one.
STEPS = {
    VersionStatus.REVIEW: {VersionStatus.DRAFT},
    VersionStatus.DRAFT: {VersionStatus.REVIEW},
    VersionStatus.PUBLISHED: {VersionStatus.REVIEW},
    VersionStatus.RETIRED: {VersionStatus.PUBLISHED},
}


class Moved(Input):
    """Where a version shall go; `seq` says which state of it was seen."""

    status: VersionStatus
    seq: Number


class Dates(Input):
    """Until when a published version is sold."""

    effective_until: MaybeDay = None
    seq: Number


class From(Input):
    """Which version a new draft starts from."""

    version: Number


@dataclass(frozen=True)
class Thing:
    """A plan or a bundle: the same life, other terms."""

    word: str
    parent: type[SQLModel]
    model: type[SQLModel]
    key: str

    def path(self, thing_id: str, version: int | None = None) -> str:
        """The address of its page."""
        page = f"/catalogue/{self.word}s/{thing_id}"
        return page if version is None else f"{page}/versions/{version}"


PLAN = Thing("plan", Plan, PlanVersion, "plan_id")
BUNDLE = Thing("bundle", Bundle, BundleVersion, "bundle_id")


@dataclass(frozen=True)
class VersionLine:
    """One version in the list of its plan or bundle."""

    version: int
    status: VersionStatus
    effective_from: date
    effective_until: date | None
    note: str
    author: str
    reviewer: str
    published_at: datetime | None
    is_sold_today: bool
    href: str


async def versions_of(desk: DeskAt, thing: Thing, thing_id: str) -> list[Any]:
    """Every version that the reader may see, the newest first."""
    model: Any = thing.model
    query = desk.visible(model).where(getattr(model, thing.key) == thing_id).order_by(model.version.desc())
    return list(await desk.session.scalars(query.limit(200)))


def sold_now(versions: list[Any]) -> int | None:
    """The number of the version that is sold today."""
    day = today()
    numbers = [
        one.version for one in versions
        if one.status is VersionStatus.PUBLISHED and one.effective_from <= day
        and (one.effective_until is None or one.effective_until > day)
    ]  # fmt: skip
    return max(numbers, default=None)


async def lines(desk: DeskAt, thing: Thing, thing_id: str, versions: list[Any]) -> tuple[VersionLine, ...]:
    """The versions with the names of who wrote and who published them."""
    accounts = {one.author_id for one in versions} | {one.reviewer_id or "" for one in versions}
    query = desk.visible(Account).with_only_columns(col(Account.id), col(Account.name))
    rows = await desk.session.execute(query.where(col(Account.id).in_(accounts)))
    names, sold = {line[0]: line[1] for line in rows}, sold_now(versions)
    return tuple(
        VersionLine(
            one.version, one.status, one.effective_from, one.effective_until, one.note,
            names.get(one.author_id, "–"), names.get(one.reviewer_id, ""), one.published_at,
            one.version == sold, thing.path(thing_id, one.version),
        )
        for one in versions
    )  # fmt: skip


async def move(desk: DeskAt, thing: Thing, thing_id: str, number: int, wish: Moved) -> None:
    """Take a version one step further, or back to its author; whoever wrote it never publishes it."""
    found: Any = await desk.one(thing.model, (thing_id, number))
    if found.seq != wish.seq:
        raise Refusal("changed_meanwhile")
    if found.status not in STEPS[wish.status]:
        is_final = found.status in (VersionStatus.PUBLISHED, VersionStatus.RETIRED)
        raise Refusal("version_final" if is_final else "version_wrong_step")
    changes: dict[str, Any] = {"status": wish.status}
    if wish.status is VersionStatus.PUBLISHED:
        if found.author_id == desk.person.id:
            raise Refusal("own_review")
        changes |= {"reviewer_id": desk.person.id, "published_at": datetime.now(UTC)}
    await store(desk, thing, found, changes)
    await noted(desk, thing, thing_id, number, f"to_{wish.status}", was=found.status)
    await desk.commit()


async def set_dates(desk: DeskAt, thing: Thing, thing_id: str, number: int, wish: Dates) -> str:
    """Say until when a published version is sold; a sentence when that does not fit."""
    found: Any = await desk.one(thing.model, (thing_id, number))
    if found.status is not VersionStatus.PUBLISHED:
        raise Refusal("version_wrong_step")
    if wish.effective_until is not None and wish.effective_until <= found.effective_from:
        return _("This day has to be after the first one.")
    if found.seq != wish.seq:
        raise Refusal("changed_meanwhile")
    await store(desk, thing, found, {"effective_until": wish.effective_until})
    await noted(desk, thing, thing_id, number, "dates", until=str(wish.effective_until or ""))
    await desk.commit()
    return ""


async def store(desk: DeskAt, thing: Thing, found: Any, changes: dict[str, Any]) -> None:
    """Change a version if nobody else has meanwhile."""
    model: Any = thing.model
    mine = (
        getattr(model, thing.key) == getattr(found, thing.key),
        model.version == found.version, model.seq == found.seq,
    )  # fmt: skip
    statement = update(model).where(*mine).values(**changes, seq=found.seq + 1)
    done: Any = await desk.session.execute(statement.execution_options(synchronize_session=False))
    if done.rowcount != 1:
        raise Refusal("changed_meanwhile")


async def draft_from(desk: DeskAt, thing: Thing, thing_id: str, number: int) -> int:
    """Start a new draft with the terms of another version; answers its number."""
    await desk.one(thing.parent, thing_id)
    source: Any = await desk.one(thing.model, (thing_id, number))
    await lock(desk, thing, thing_id)
    model: Any = thing.model
    key = getattr(model, thing.key)
    newest = desk.visible(model).with_only_columns(func.max(model.version)).where(key == thing_id)
    fresh = int(await desk.session.scalar(newest) or 0) + 1
    await add_draft(desk, thing, thing_id, fresh, {**source.terms, "version": fresh})
    await noted(desk, thing, thing_id, fresh, "drafted", source=number)
    await desk.commit()
    return fresh


async def lock(desk: DeskAt, thing: Thing, thing_id: str) -> None:
    """Two who start a draft at once get two numbers."""
    name = f"{thing.word}:{thing_id}"
    await desk.session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:name, 11))"), {"name": name}
    )


async def add_draft(desk: DeskAt, thing: Thing, thing_id: str, number: int, terms: dict[str, Any]) -> None:
    """Store a fresh draft of the asker's; it is sold from tomorrow on at the earliest."""
    row: Any = thing.model(
        **{thing.key: thing_id}, version=number, terms=terms, author_id=desk.person.id,
        effective_from=today() + timedelta(days=1), created_at=datetime.now(UTC),
    )  # fmt: skip
    desk.session.add(row)
    await desk.session.flush()


async def noted(desk: DeskAt, thing: Thing, thing_id: str, number: int, act: str, **details: object) -> None:
    """One line in the audit log."""
    who, subject = desk.person, f"{thing.word}:{thing_id}:{number}"
    await signing.note(desk.session, who.id, who.address, f"catalogue.{thing.word}.{act}", subject, **details)


async def editable(desk: DeskAt, thing: Thing, thing_id: str, number: int) -> Any:
    """A draft of one's own; anything else is refused: what one wrote oneself, one may not publish."""
    found: Any = await desk.one(thing.model, (thing_id, number))
    if found.status in (VersionStatus.PUBLISHED, VersionStatus.RETIRED):
        raise Refusal("version_final")
    if found.status is not VersionStatus.DRAFT:
        raise Refusal("version_wrong_step")
    if found.author_id != desk.person.id:
        raise Refusal("draft_of_another")
    return found
