"""Collections as finance sees them: how far each one is, what was paid, refused or is unclear; rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from fastapi import Request
from markupsafe import Markup
from pydantic import field_validator
from sqlalchemy import func, select
from sqlmodel import col
from starlette.responses import Response

from api.billing.invoices import say
from api.kit import charts, labels
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.labels import Label, label_text
from api.kit.language import N_
from api.kit.language import gettext as _
from api.kit.rendering import answer, move_on
from api.kit.routes import FINANCE
from api.kit.seeing import may_see
from api.kit.sentences import then_sentence, wait_sentence
from api.kit.texts import Key, Line
from api.payments.routing import router
from models.kit.refusals import Refusal
from models.messages.payments import AttemptStatus
from models.messages.payments.collection import (
    CollectionCommand,
    CollectionPolicy,
    CollectionStatus,
    collection_workflow_id,
)
from models.payments import Collection, CollectionRules, PaymentAttempt
from models.rules.payments.collection import refusal_class

PAGE = 30
labels.register(
    "collection",
    {
        CollectionStatus.RUNNING: Label(N_("Under way"), "blue"),
        CollectionStatus.PAUSED: Label(N_("Paused"), "amber"),
        CollectionStatus.DONE: Label(N_("Ended"), "green"),
    },
)
labels.register(
    "refusal_class",
    {
        "soft": Label(N_("May be tried again"), "amber"),
        "hard": Label(N_("Never again with this card"), "red"),
        "ours": Label(N_("Nobody was asked"), "gray"),
    },
)
TONES = {
    AttemptStatus.SUCCEEDED: "green", AttemptStatus.REFUSED: "red", AttemptStatus.UNKNOWN: "orange",
    AttemptStatus.CREATED: "blue", AttemptStatus.NOT_SENT: "amber", AttemptStatus.CANCELLED: "gray",
}  # fmt: skip


class Saying(Input):
    """A command about one collection."""

    command_id: Key


class NewRules(Input):
    """The days after which a refused card is tried again."""

    retry_after_days: Line

    @field_validator("retry_after_days")
    @classmethod
    def _are_days(cls, value: str) -> str:
        parts = [part.strip() for part in value.split(",")]
        if not all(part.isascii() and part.isdigit() and 1 <= int(part[:4]) <= 60 for part in parts):
            raise ValueError("invalid_form")
        if len(parts) > 10:
            raise ValueError("invalid_form")
        return ",".join(str(int(part)) for part in parts)


@dataclass(frozen=True)
class Sum:
    """How many attempts stand like this, and over how much."""

    status: AttemptStatus
    count: int
    amount_minor: int


@dataclass(frozen=True)
class Row:
    """One collection with its sums."""

    id: str
    day: date
    status: CollectionStatus
    run_id: str
    started_at: datetime
    ended_at: datetime | None
    sums: Mapping[AttemptStatus, Sum]

    @property
    def count(self) -> int:
        """How many were written."""
        return sum(one.count for one in self.sums.values())

    @property
    def asked(self) -> int:
        """How many have an end, or may have one."""
        waiting = (AttemptStatus.CREATED, AttemptStatus.NOT_SENT)
        return self.count - sum(self.of(status).count for status in waiting)

    def of(self, status: str) -> Sum:
        """The attempts that stand like this."""
        found = AttemptStatus(status)
        return self.sums.get(found, Sum(found, 0, 0))


@dataclass(frozen=True)
class Listed:
    """The collections, the newest first, and the rules that hold from the next one on."""

    rows: tuple[Row, ...]
    retry_after_days: str
    version: int


@dataclass(frozen=True)
class Refusals:
    """How often one reason was given."""

    code: str
    kind: str
    count: int
    amount_minor: int


@dataclass(frozen=True)
class Shown:
    """One collection while it goes on, and afterwards."""

    row: Row
    refusals: tuple[Refusals, ...]
    policy: Mapping[str, Any]
    waits_for: str
    waits_until: datetime | None
    then: str
    can_pause: bool
    can_resume: bool

    @property
    def chart(self) -> Markup:
        """Attempts by how they stand."""
        bars = [
            charts.Bar(label_text(status, "attempt"), self.row.of(status).count, TONES[status])
            for status in AttemptStatus
            if self.row.of(status).count
        ]
        return charts.bars(_("Payments by how they stand"), bars)


@router.get("/payments/collections", may=FINANCE)
async def index(request: Request, desk: Desk) -> Response:
    """List the collections."""
    return answer(request, "payments/collections.html", await listed(desk))


@router.get("/payments/collections/{collection_id}", may=FINANCE, row="collection")
async def show(request: Request, desk: Desk, collection_id: Key) -> Response:
    """Show one collection, live while it goes on."""
    return answer(request, "payments/collection.html", await shown(desk, collection_id))


@router.post("/payments/collections/{collection_id}/pause", may=FINANCE, row="collection")
async def pause(
    request: Request, desk: Desk, collection_id: Key, sent: Typed[Saying] = typed(Saying)
) -> Response:
    """Stop asking; what is under way is finished."""
    return await said(request, desk, collection_id, "pause", sent.value)


@router.post("/payments/collections/{collection_id}/resumption", may=FINANCE, row="collection")
async def resume(
    request: Request, desk: Desk, collection_id: Key, sent: Typed[Saying] = typed(Saying)
) -> Response:
    """Go on asking."""
    return await said(request, desk, collection_id, "resume", sent.value)


@router.post("/payments/collections/rules", may=FINANCE)
async def change_rules(request: Request, desk: Desk, sent: Typed[NewRules] = typed(NewRules)) -> Response:
    """A new version of the rules; collections that run keep theirs."""
    if sent.value is None:
        page = await listed(desk)
        return answer(request, "payments/collections.html", page, status=422, form=sent.form)
    last = await desk.session.scalar(
        select(func.max(col(CollectionRules.version))).where(may_see(desk.person, CollectionRules))
    )
    days = [int(part) for part in sent.value.retry_after_days.split(",")]
    row = CollectionRules(
        version=int(last or 0) + 1, terms={"retry_after_days": days}, author_id=desk.person.id,
        created_at=datetime.now(UTC),
    )  # fmt: skip
    desk.session.add(row)
    await desk.commit()
    return move_on(request, "/payments/collections", data={"version": row.version})


async def said(
    request: Request, desk: DeskAt, collection_id: str, name: str, given: Saying | None
) -> Response:
    """Say a command to a collection that has not ended."""
    row = await desk.one(Collection, collection_id)
    if given is None:
        raise Refusal("invalid_form")
    wanted = CollectionStatus.RUNNING if name == "pause" else CollectionStatus.PAUSED
    if row.status is not wanted:
        raise Refusal("collection_not_running" if name == "pause" else "collection_not_paused")
    order = CollectionCommand(given.command_id, desk.person.id, datetime.now(UTC))
    told = await say(desk, collection_workflow_id(row.day), name, order)
    return move_on(request, f"/payments/collections/{row.id}", data={"status": told.value})


async def listed(desk: DeskAt) -> Listed:
    """The latest collections and the rules in force."""
    query = desk.visible(Collection).order_by(col(Collection.day).desc()).limit(PAGE)
    found = list(await desk.session.scalars(query))
    sums = await sums_of(desk, [one.id for one in found])
    newest = desk.visible(CollectionRules).order_by(col(CollectionRules.version).desc()).limit(1)
    rules = (await desk.session.scalars(newest)).first()
    days = (rules.terms if rules else {}).get("retry_after_days") or CollectionPolicy().retry_after_days
    rows = tuple(row_of(one, sums.get(one.id, {})) for one in found)
    return Listed(rows, ", ".join(map(str, days)), rules.version if rules else 0)


async def shown(desk: DeskAt, collection_id: str) -> Shown:
    """One collection with everything that is counted of it."""
    found = await desk.one(Collection, collection_id)
    sums = await sums_of(desk, [found.id])
    code = col(PaymentAttempt.code)
    query = (
        select(code, func.count(), func.sum(col(PaymentAttempt.amount_minor)))
        .where(may_see(desk.person, PaymentAttempt), col(PaymentAttempt.collection_id) == found.id)
        .where(col(PaymentAttempt.status) == AttemptStatus.REFUSED)
        .group_by(code)
        .order_by(func.count().desc(), code)
    )
    refused = tuple(
        Refusals(name, refusal_class(name).value, count, int(amount))
        for name, count, amount in (await desk.session.execute(query)).all()
    )
    waits = wait_sentence(found.waits_for, {}) if found.waits_for else ""
    then = {"provider_away": "ask_again", "collection_lookup": "look_up"}.get(found.waits_for, "")
    return Shown(
        row_of(found, sums.get(found.id, {})), refused, found.policy, waits, found.waits_until,
        then_sentence(then), found.status is CollectionStatus.RUNNING,
        found.status is CollectionStatus.PAUSED,
    )  # fmt: skip


async def sums_of(desk: DeskAt, ids: list[str]) -> dict[str, dict[AttemptStatus, Sum]]:
    """Attempts of these collections by status, counted where they are."""
    place, status = col(PaymentAttempt.collection_id), col(PaymentAttempt.status)
    query = (
        select(place, status, func.count(), func.sum(col(PaymentAttempt.amount_minor)))
        .where(may_see(desk.person, PaymentAttempt), place.in_(ids))
        .group_by(place, status)
    )
    sums: dict[str, dict[AttemptStatus, Sum]] = {}
    for name, stands, count, amount in (await desk.session.execute(query)).all():
        sums.setdefault(str(name), {})[stands] = Sum(stands, count, int(amount))
    return sums


def row_of(found: Collection, sums: Mapping[AttemptStatus, Sum]) -> Row:
    """A collection as a list shows it."""
    return Row(found.id, found.day, found.status, found.run_id, found.started_at, found.ended_at, sums)
