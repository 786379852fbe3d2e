"""Policies: written as drafts, published by somebody else, kept by the cases that began with them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field
from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.dunning.routing import router
from api.dunning.words import PROBLEMS
from api.kit import labels, signing
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import answer, move_on
from api.kit.routes import AGENTS, FINANCE
from api.kit.texts import MaybeLine
from models.dunning import DunningCase, DunningPolicy
from models.kit.records import from_record, to_record
from models.kit.refusals import Refusal
from models.messages.catalogue import VersionStatus
from models.messages.dunning import PolicyStep, PolicyTerms, StepKind
from models.messages.staff import Role
from models.rules.dunning import CHANNELS, LETTERS, policy_problems, today
from models.staff import Account

ROWS = 14
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
Days = Annotated[int, Field(ge=0, le=365)]
STEPS = {
    VersionStatus.REVIEW: {VersionStatus.DRAFT},
    VersionStatus.DRAFT: {VersionStatus.REVIEW},
    VersionStatus.PUBLISHED: {VersionStatus.REVIEW},
    VersionStatus.RETIRED: {VersionStatus.PUBLISHED},
}


class PolicyDraft(Input):
    """The terms of a draft: one row for each step."""

    seq: Number
    step_days: list[MaybeLine] = []
    step_kind: list[MaybeLine] = []
    step_minimum: list[MaybeLine] = []
    step_letter: list[MaybeLine] = []
    step_channel: list[MaybeLine] = []
    charges_while_suspended: bool = False
    resume_within_minutes: Annotated[int, Field(ge=5, le=1440)] = 60
    longest_promise_days: Days = 14
    promises_allowed: Annotated[int, Field(ge=0, le=12)] = 2
    longest_hold_days: Days = 60
    smallest_minor: Annotated[int, Field(ge=0, le=10**9)] = 1_000
    effective_from: date
    note: MaybeLine = ""


class Moved(Input):
    """Where a version shall go; `seq` says which state of it was seen."""

    status: VersionStatus
    seq: Number


class Nothing(Input):
    """A new draft is asked for."""


@dataclass(frozen=True)
class Line:
    """One version in the list."""

    version: int
    status: VersionStatus
    effective_from: date
    author: str
    reviewer: str
    published_at: datetime | None
    note: str
    cases: int  # open ones that keep it


@dataclass(frozen=True)
class PolicyPage:
    """One version among all, or none yet."""

    policy: DunningPolicy | None
    terms: PolicyTerms
    versions: tuple[Line, ...]
    is_mine: bool
    may_edit: bool
    values: dict[str, Any]
    rows: int = ROWS

    @property
    def next_steps(self) -> tuple[VersionStatus, ...]:
        """Where this version may go from here."""
        if self.policy is None:
            return ()
        return tuple(to for to, since in STEPS.items() if self.policy.status in since)

    @property
    def kinds(self) -> tuple[tuple[str, str], ...]:
        """The kinds of steps, for a select."""
        return (("", "–"), *((one.value, labels.label_text(one, "dunning_step")) for one in StepKind))

    @property
    def letters(self) -> tuple[tuple[str, str], ...]:
        """The letters of a reminder."""
        return (("", "–"), *((one, labels.label_text(one, "dunning_letter")) for one in LETTERS))

    @property
    def channels(self) -> tuple[tuple[str, str], ...]:
        """The ways to write to somebody."""
        return tuple((one, labels.label_text(one, "dunning_channel")) for one in CHANNELS)


@router.get("/dunning/policies", may=AGENTS | FINANCE)
async def index(request: Request, desk: Desk) -> Response:
    """Show the newest version, and all others beside it."""
    return answer(request, "dunning/policies.html", await policy_page(desk, None))


@router.get("/dunning/policies/{version}", may=AGENTS | FINANCE, row="dunning_policy")
async def show(request: Request, desk: Desk, version: Number) -> Response:
    """Show one version; a draft of one's own as a form."""
    return answer(request, "dunning/policies.html", await policy_page(desk, version))


@router.post("/dunning/policies", may=FINANCE)
async def create(request: Request, desk: Desk, sent: Typed[Nothing] = typed(Nothing)) -> Response:
    """Start a draft with the terms of the newest version."""
    if sent.value is None:
        raise Refusal("invalid_form")
    await desk.session.execute(text("select pg_advisory_xact_lock(hashtextextended('dunning_policies', 0))"))
    newest = await desk.session.scalar(
        desk.visible(DunningPolicy).order_by(col(DunningPolicy.version).desc()).limit(1)
    )
    number = newest.version + 1 if newest else 1
    now = datetime.now(UTC)
    row = {
        "version": number, "status": VersionStatus.DRAFT, "effective_from": today(now) + timedelta(days=1),
        "terms": newest.terms if newest else to_record(PolicyTerms(())), "author_id": desk.person.id,
        "note": "", "created_at": now, "seq": 0,
    }  # fmt: skip
    await desk.session.execute(insert(DunningPolicy).values(row).inline())
    await noted(desk, number, "draft")
    await desk.commit()
    return move_on(request, f"/dunning/policies/{number}", data={"version": number})


@router.post("/dunning/policies/{version}", may=FINANCE, row="dunning_policy")
async def edit(
    request: Request, desk: Desk, version: Number, sent: Typed[PolicyDraft] = typed(PolicyDraft)
) -> Response:
    """Store a draft; what cannot work is said at its field."""
    form = sent.form
    if sent.value is not None:
        found = await editable(desk, version)
        terms, wrong = terms_of(sent.value)
        if not wrong:
            changes = {
                "terms": to_record(terms), "effective_from": sent.value.effective_from,
                "note": sent.value.note,
            }  # fmt: skip
            await store(desk, found, sent.value.seq, changes)
            await noted(desk, version, "edited")
            await desk.commit()
            return move_on(request, f"/dunning/policies/{version}", data={"version": version})
        form = sent.wrong("steps", wrong)
    page = await policy_page(desk, version)
    return answer(request, "dunning/policies.html", page, form=form, status=422)


@router.post("/dunning/policies/{version}/status", may=FINANCE, row="dunning_policy")
async def move(request: Request, desk: Desk, version: Number, sent: Typed[Moved] = typed(Moved)) -> Response:
    """Take a version one step further; whoever wrote it never publishes it."""
    found = await desk.one(DunningPolicy, version)
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
        if policy_problems(from_record(PolicyTerms, found.terms)):
            raise Refusal("policy_empty")
        changes |= {"reviewer_id": desk.person.id, "published_at": datetime.now(UTC)}
    await store(desk, found, wish.seq, changes)
    await noted(desk, version, f"to_{wish.status}")
    await desk.commit()
    return move_on(request, f"/dunning/policies/{version}", data={"status": wish.status})


def terms_of(draft: PolicyDraft) -> tuple[PolicyTerms, str]:
    """The policy that was typed, and what is wrong with it."""
    steps, columns = [], (draft.step_minimum, draft.step_letter, draft.step_channel)
    for position, (days, kind) in enumerate(zip(draft.step_days, draft.step_kind, strict=False)):
        if not days and not kind:
            continue
        minimum, letter, channel = (one[position] if position < len(one) else "" for one in columns)
        if not (days.isascii() and days.isdigit() and len(days) < 5) or kind not in set(StepKind):
            return PolicyTerms(()), _("Each step needs its days and what happens.")
        if minimum and not (minimum.isascii() and minimum.isdigit() and len(minimum) < 12):
            return PolicyTerms(()), _("Please enter whole amounts.")
        steps.append(PolicyStep(int(days), StepKind(kind), int(minimum or 0), channel, letter))
    terms = PolicyTerms(
        tuple(steps), draft.charges_while_suspended, draft.resume_within_minutes,
        draft.longest_promise_days, draft.promises_allowed, draft.longest_hold_days, draft.smallest_minor,
    )  # fmt: skip
    problems = policy_problems(terms)
    return terms, _(PROBLEMS[problems[0]]) if problems else ""


async def policy_page(desk: DeskAt, version: int | None) -> PolicyPage:
    """One version among all of them."""
    query = desk.visible(DunningPolicy).order_by(col(DunningPolicy.version).desc()).limit(200)
    rows = list(await desk.session.scalars(query))
    newest = rows[0] if rows else None
    policy = await desk.one(DunningPolicy, version) if version is not None else newest
    terms = from_record(PolicyTerms, policy.terms) if policy else PolicyTerms(())
    is_finance = bool(desk.person.roles & {Role.FINANCE, Role.ADMIN})
    return PolicyPage(
        policy, terms, await lines(desk, rows), policy is not None and policy.author_id == desk.person.id,
        is_finance, values_of(terms),
    )  # fmt: skip


def values_of(terms: PolicyTerms) -> dict[str, Any]:
    """The rows of the form as they are stored."""
    return {
        "step_days": [one.days for one in terms.steps],
        "step_kind": [one.kind.value for one in terms.steps],
        "step_minimum": [one.minimum_minor or "" for one in terms.steps],
        "step_letter": [one.letter for one in terms.steps],
        "step_channel": [one.channel for one in terms.steps],
    }


async def lines(desk: DeskAt, rows: list[DunningPolicy]) -> tuple[Line, ...]:
    """The versions with who wrote and published them, and how many open cases keep each."""
    accounts = {one.author_id for one in rows} | {one.reviewer_id or "" for one in rows}
    named = desk.visible(Account).with_only_columns(col(Account.id), col(Account.name))
    found = await desk.session.execute(named.where(col(Account.id).in_(accounts)))
    names = {row[0]: row[1] for row in found}
    kept = (
        desk.visible(DunningCase)
        .with_only_columns(col(DunningCase.policy_version), func.count())
        .where(col(DunningCase.status) == "open")
        .group_by(col(DunningCase.policy_version))
    )
    cases = {row[0]: int(row[1]) for row in await desk.session.execute(kept)}
    return tuple(
        Line(
            one.version, one.status, one.effective_from, names.get(one.author_id, "–"),
            names.get(one.reviewer_id or "", ""), one.published_at, one.note, cases.get(one.version, 0),
        )
        for one in rows
    )  # fmt: skip


async def editable(desk: DeskAt, version: int) -> DunningPolicy:
    """A draft of one's own; what one wrote oneself, one may not publish."""
    found = await desk.one(DunningPolicy, version)
    if found.status in (VersionStatus.PUBLISHED, VersionStatus.RETIRED):
        raise Refusal("version_final")
    if found.status is not VersionStatus.DRAFT:
        raise Refusal("version_wrong_step")
    if found.author_id != desk.person.id:
        raise Refusal("draft_of_another")
    return found


async def store(desk: DeskAt, found: DunningPolicy, seq: int, changes: dict[str, Any]) -> None:
    """Change a version if nobody else has meanwhile."""
    mine = col(DunningPolicy.version) == found.version, col(DunningPolicy.seq) == seq
    statement = update(DunningPolicy).where(*mine).values(**changes, seq=seq + 1)
    done: Any = await desk.session.execute(statement.execution_options(synchronize_session=False))
    if done.rowcount != 1:
        raise Refusal("changed_meanwhile")


async def noted(desk: DeskAt, version: int, act: str) -> None:
    """One line in the audit log."""
    who = desk.person
    await signing.note(
        desk.session, who.id, who.address, f"dunning.policy.{act}", f"dunning_policy:{version}"
    )
