"""What is promised to whom: written as drafts, published by somebody else, kept by running tickets."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field
from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit import signing
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import ADMINS, STAFF
from api.kit.texts import Key, MaybeLine
from api.tickets.promise_rows import HOURS_ROWS, LINE_ROWS, Choices, choices, terms_of, values_of
from api.tickets.retimings import retime
from api.tickets.routing import router
from models.kit.records import from_record, to_record
from models.kit.refusals import Refusal
from models.messages.catalogue import VersionStatus
from models.messages.staff import Role
from models.messages.tickets.promises import PROBLEMS, PromiseTerms, RetimingWhy, Target
from models.rules.tickets.clocks import OFFICE, policy_problems
from models.staff import Account
from models.tickets import PromisePolicy, TicketPromise

Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
PAGE = "/tickets/promises/{version}"
STEPS = {
    VersionStatus.REVIEW: {VersionStatus.DRAFT},
    VersionStatus.DRAFT: {VersionStatus.REVIEW},
    VersionStatus.PUBLISHED: {VersionStatus.REVIEW},
    VersionStatus.RETIRED: {VersionStatus.PUBLISHED},
}


class PromiseDraft(Input):
    """The rows of a draft: working hours first, then the lines from top to bottom."""

    seq: Number
    hours_name: list[MaybeLine] = []
    hours_days: list[MaybeLine] = []
    hours_from: list[MaybeLine] = []
    hours_to: list[MaybeLine] = []
    hours_holidays: list[MaybeLine] = []
    line_name: list[MaybeLine] = []
    line_tier: list[MaybeLine] = []
    line_product: list[MaybeLine] = []
    line_channel: list[MaybeLine] = []
    line_kind: list[MaybeLine] = []
    line_priority: list[MaybeLine] = []
    line_first: list[MaybeLine] = []
    line_next: list[MaybeLine] = []
    line_resolve: list[MaybeLine] = []
    line_hours: list[MaybeLine] = []
    line_pauses: list[MaybeLine] = []
    note: MaybeLine = ""


class PromiseStep(Input):
    """Where a version shall go; `seq` says which state of it was seen."""

    status: VersionStatus
    seq: Number


class PromiseFrom(Input):
    """The version that a new draft begins as; without one as the newest stands."""

    version: Number = 0


class PromiseRetiming(Input):
    """A version shall hold for open tickets, too."""

    command_id: Key


@dataclass(frozen=True)
class PromiseVersion:
    """One version in the list."""

    version: int
    status: VersionStatus
    author: str
    reviewer: str
    published_at: datetime | None
    note: str
    made_from: int | None
    tickets: int  # open ones that were promised this


@dataclass(frozen=True)
class PromisesPage:
    """One version among all, or none yet."""

    policy: PromisePolicy | None
    terms: PromiseTerms
    versions: tuple[PromiseVersion, ...]
    is_mine: bool
    may_edit: bool
    has_draft: bool
    values: dict[str, Any]
    choices: Choices
    hours_rows: int = HOURS_ROWS
    line_rows: int = LINE_ROWS

    @property
    def next_steps(self) -> tuple[VersionStatus, ...]:
        """Where this version may go from here."""
        if self.policy is None:
            return ()
        return tuple(to for to, since in STEPS.items() if self.policy.status in since)


@router.get("/tickets/promises", may=STAFF)
async def promises_index(request: Request, desk: Desk) -> Response:
    """Show what holds or is being written, and all versions beside it."""
    return answer(request, "tickets/promises.html", await promises_page(desk, None))


@router.get(PAGE, may=STAFF, row="promise_policy")
async def show_promises(request: Request, desk: Desk, version: Number) -> Response:
    """Show one version; a draft of one's own as a form."""
    return answer(request, "tickets/promises.html", await promises_page(desk, version))


@router.post("/tickets/promises", may=ADMINS)
async def draft_promises(
    request: Request, desk: Desk, sent: Typed[PromiseFrom] = typed(PromiseFrom)
) -> Response:
    """Begin a draft as another version stands; of one that was replaced it is a roll back."""
    if sent.value is None:
        raise Refusal("invalid_form")
    await desk.session.execute(text("select pg_advisory_xact_lock(hashtextextended('promise_policies', 0))"))
    rows = list(await desk.session.scalars(newest_first(desk)))
    if any(one.status in (VersionStatus.DRAFT, VersionStatus.REVIEW) for one in rows):
        raise Refusal("item_draft_open")
    wanted = sent.value.version
    began = await desk.one(PromisePolicy, wanted) if wanted else rows[0] if rows else None
    number = rows[0].version + 1 if rows else 1
    row = {
        "version": number, "status": VersionStatus.DRAFT, "author_id": desk.person.id, "note": "",
        "terms": began.terms if began else to_record(PromiseTerms((OFFICE,))), "seq": 0,
        "made_from": began.version if began else None, "created_at": datetime.now(UTC),
    }  # fmt: skip
    await desk.session.execute(insert(PromisePolicy).values(row).inline())
    await noted(desk, number, "draft")
    await desk.commit()
    return move_on(request, PAGE.format(version=number), data={"version": number})


@router.post(PAGE, may=ADMINS, row="promise_policy")
async def edit_promises(
    request: Request, desk: Desk, version: Number, sent: Typed[PromiseDraft] = typed(PromiseDraft)
) -> Response:
    """Store a draft; what cannot work is said at its row."""
    form = sent.form
    if sent.value is not None:
        found = await editable(desk, version)
        terms, wrong = terms_of(sent.value.model_dump())
        wrong |= {} if wrong else {place: _(PROBLEMS[code]) for place, code in policy_problems(terms)}
        if not wrong:
            await store(desk, found, sent.value.seq, {"terms": to_record(terms), "note": sent.value.note})
            await noted(desk, version, "edited")
            await desk.commit()
            return move_on(request, PAGE.format(version=version), data={"version": version})
        form = Form(sent.form.values, {**sent.form.errors, **wrong})
    page = await promises_page(desk, version)
    return answer(request, "tickets/promises.html", page, form=form, status=422)


@router.post(f"{PAGE}/status", may=ADMINS, row="promise_policy")
async def move_promises(
    request: Request, desk: Desk, version: Number, sent: Typed[PromiseStep] = typed(PromiseStep)
) -> Response:
    """Take a version one step further; whoever wrote it never publishes it."""
    found = await desk.one(PromisePolicy, version)
    if sent.value is None:
        raise Refusal("invalid_form")
    wish = sent.value
    if found.status not in STEPS[wish.status]:
        is_final = found.status in (VersionStatus.PUBLISHED, VersionStatus.RETIRED)
        raise Refusal("version_final" if is_final else "version_wrong_step")
    changes: dict[str, Any] = {"status": wish.status}
    if wish.status is VersionStatus.PUBLISHED:
        if found.author_id == desk.person.id:
            raise Refusal("own_review")
        if policy_problems(from_record(PromiseTerms, found.terms)):
            raise Refusal("policy_empty")
        changes |= {"reviewer_id": desk.person.id, "published_at": datetime.now(UTC)}
        before = col(PromisePolicy.status) == VersionStatus.PUBLISHED
        retired = {"status": VersionStatus.RETIRED, "seq": PromisePolicy.seq + 1}
        quietly = {"synchronize_session": False}
        await desk.session.execute(
            update(PromisePolicy).where(before).values(retired), execution_options=quietly
        )
    await store(desk, found, wish.seq, changes)
    await noted(desk, version, f"to_{wish.status}")
    await desk.commit()
    return move_on(request, PAGE.format(version=version), data={"status": wish.status})


@router.post(f"{PAGE}/retiming", may=ADMINS, row="promise_policy")
async def retime_promises(
    request: Request, desk: Desk, version: Number, sent: Typed[PromiseRetiming] = typed(PromiseRetiming)
) -> Response:
    """Let the published version hold for open tickets, too; each one's timeline says so."""
    found = await desk.one(PromisePolicy, version)
    if sent.value is None:
        raise Refusal("invalid_form")
    if found.status is not VersionStatus.PUBLISHED:
        raise Refusal("version_wrong_step")
    details = {"version": version}
    retiming = await retime(
        desk, f"ret_{desk.person.id}.{sent.value.command_id}", RetimingWhy.POLICY, details, version
    )
    await noted(desk, version, "retiming")
    await desk.commit()
    return move_on(request, "/tickets/calendar#retimings", data={"retiming": retiming})


async def promises_page(desk: DeskAt, version: int | None) -> PromisesPage:
    """One version among all of them."""
    rows = list(await desk.session.scalars(newest_first(desk).limit(200)))
    first = next((one for one in rows if one.status is not VersionStatus.RETIRED), rows[0] if rows else None)
    policy = await desk.one(PromisePolicy, version) if version is not None else first
    terms = from_record(PromiseTerms, policy.terms) if policy else PromiseTerms()
    return PromisesPage(
        policy, terms, await versions_of(desk, rows),
        policy is not None and policy.author_id == desk.person.id, Role.ADMIN in desk.person.roles,
        any(one.status in (VersionStatus.DRAFT, VersionStatus.REVIEW) for one in rows), values_of(terms),
        await choices(desk),
    )  # fmt: skip


def newest_first(desk: DeskAt) -> Any:
    """All versions."""
    return desk.visible(PromisePolicy).order_by(col(PromisePolicy.version).desc())


async def versions_of(desk: DeskAt, rows: list[PromisePolicy]) -> tuple[PromiseVersion, ...]:
    """The versions with who wrote and published them, and how many open tickets keep each."""
    accounts = {one.author_id for one in rows} | {one.reviewer_id or "" for one in rows}
    named = desk.visible(Account).with_only_columns(col(Account.id), col(Account.name))
    found = await desk.session.execute(named.where(col(Account.id).in_(accounts)))
    names = {row[0]: row[1] for row in found}
    kept = (
        desk.visible(TicketPromise)
        .with_only_columns(col(TicketPromise.policy_version), func.count())
        .where(col(TicketPromise.ended_at).is_(None), col(TicketPromise.target) == Target.RESOLVE)
        .group_by(col(TicketPromise.policy_version))
    )
    tickets = {row[0]: int(row[1]) for row in await desk.session.execute(kept)}
    return tuple(
        PromiseVersion(
            one.version, one.status, names.get(one.author_id, "–"), names.get(one.reviewer_id or "", ""),
            one.published_at, one.note, one.made_from, tickets.get(one.version, 0),
        )
        for one in rows
    )  # fmt: skip


async def editable(desk: DeskAt, version: int) -> PromisePolicy:
    """A draft of one's own; what one wrote oneself, one may not publish."""
    found = await desk.one(PromisePolicy, version)
    if found.status in (VersionStatus.PUBLISHED, VersionStatus.RETIRED):
        raise Refusal("version_final")
    if found.status is not VersionStatus.DRAFT:
        raise Refusal("version_wrong_step")
    if found.author_id != desk.person.id:
        raise Refusal("draft_of_another")
    return found


async def store(desk: DeskAt, found: PromisePolicy, seq: int, changes: dict[str, Any]) -> None:
    """Change a version if nobody else has meanwhile."""
    mine = col(PromisePolicy.version) == found.version, col(PromisePolicy.seq) == seq
    statement = update(PromisePolicy).where(*mine).values(**changes, seq=seq + 1)
    done: Any = await desk.session.execute(statement.execution_options(synchronize_session=False))
    if done.rowcount != 1:
        raise Refusal("changed_meanwhile")


async def noted(desk: DeskAt, version: int, act: str) -> None:
    """One line in the audit log."""
    who = desk.person
    subject = f"promise_policy:{version}"
    await signing.note(desk.session, who.id, who.address, f"tickets.promises.{act}", subject)
