"""Rules on tickets: the list, one version with its faults, review, publishing, history and the way back."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field
from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit import signing
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import ADMINS, STAFF
from api.kit.texts import MaybeLine, MaybeParagraph
from api.tickets import rule_trials
from api.tickets.routing import router
from api.tickets.rule_pages import OPEN, PAGE, STEPS, rule_page, rules_page, team_names, versions_of
from api.tickets.rule_rows import KEY, faults, rule_of
from models.kit.records import from_record, to_record
from models.kit.refusals import Refusal
from models.messages.catalogue import VersionStatus
from models.messages.tickets.automation import (
    TicketRule,
    Trigger,
)
from models.tickets import RuleVersion

Number = Annotated[int, Field(ge=0, le=2**31 - 1)]


class NewRule(Input):
    """What a rule is called in addresses and lines."""

    name: MaybeLine = ""


class RuleDraft(Input):
    """A rule as it is typed; `seq` says which state of it was seen."""

    seq: Number
    name_ko: MaybeLine = ""
    name_en: MaybeLine = ""
    trigger: Trigger
    target: MaybeLine = ""
    after: MaybeLine = ""
    minutes: Annotated[int, Field(ge=0, le=200_000)] = 0
    position: Annotated[int, Field(ge=0, le=1000)] = 100
    condition: list[MaybeParagraph] = []
    action_kind: list[MaybeLine] = []
    action_value: list[MaybeLine] = []
    action_ko: list[MaybeParagraph] = []
    action_en: list[MaybeParagraph] = []
    note: MaybeLine = ""


class RuleStep(Input):
    """Where a version shall go; `seq` says which state of it was seen."""

    status: VersionStatus
    seq: Number


class RuleFrom(Input):
    """The version that a new draft begins as; an older one is a roll back."""

    version: Number


@router.get("/tickets/rules", may=STAFF)
async def rules_index(request: Request, desk: Desk) -> Response:
    """Show every rule with what holds and what is being written."""
    return answer(request, "tickets/rules.html", await rules_page(desk))


@router.post("/tickets/rules", may=ADMINS)
async def create_rule(request: Request, desk: Desk, sent: Typed[NewRule] = typed(NewRule)) -> Response:
    """Begin a rule with an empty draft."""
    name = sent.value.name if sent.value is not None else ""
    if sent.value is None or not KEY.match(name):
        form = sent.wrong("name", _("Small letters, digits and hyphens, beginning with a letter."))
        return answer(request, "tickets/rules.html", await rules_page(desk), form=form, status=422)
    row = draft_row(desk, TicketRule(name, 1, "", "", Trigger.OPENED))
    new = insert(RuleVersion).values(row).on_conflict_do_nothing().returning(col(RuleVersion.version))
    if (await desk.session.execute(new)).first() is None:
        form = sent.wrong("name", _("There is such a rule already."))
        return answer(request, "tickets/rules.html", await rules_page(desk), form=form, status=422)
    await noted(desk, name, 1, "created")
    await desk.commit()
    return move_on(request, PAGE.format(rule_key=name, version=1), data={"key": name, "version": 1})


@router.get(PAGE, may=STAFF, row="ticket_rule")
async def show_rule(request: Request, desk: Desk, rule_key: str, version: Number) -> Response:
    """Show one version; its draft as a form with every fault at its place."""
    page = await rule_page(desk, rule_key, version)
    return answer(request, "tickets/rule.html", page, form=Form({}, page.faults), block="trial")


@router.post("/tickets/rules/{rule_key}/versions", may=ADMINS, row="ticket_rule")
async def take_rule_up(
    request: Request, desk: Desk, rule_key: str, sent: Typed[RuleFrom] = typed(RuleFrom)
) -> Response:
    """Begin a new draft as an older version stands; of one that was replaced it is a roll back."""
    if sent.value is None:
        raise Refusal("invalid_form")
    old = await desk.one(RuleVersion, (rule_key, sent.value.version))
    lock = text("select pg_advisory_xact_lock(hashtextextended(:key, 0))")
    await desk.session.execute(lock, {"key": f"ticket_rule:{rule_key}"})
    rows = await versions_of(desk, rule_key)
    if any(one.status in OPEN for one in rows):
        raise Refusal("item_draft_open")
    number = rows[0].version + 1
    definition = from_record(TicketRule, {**old.definition, "version": number})
    row = draft_row(desk, definition, old.version)
    await desk.session.execute(insert(RuleVersion).values(row).inline())
    await noted(desk, rule_key, number, "draft")
    await desk.commit()
    path = PAGE.format(rule_key=rule_key, version=number)
    return move_on(request, path, data={"key": rule_key, "version": number})


@router.post(PAGE, may=ADMINS, row="ticket_rule")
async def write_rule(
    request: Request, desk: Desk, rule_key: str, version: Number, sent: Typed[RuleDraft] = typed(RuleDraft)
) -> Response:
    """Store a draft, faults and all: they are shown at their places, and nothing faulty is published."""
    row = await desk.one(RuleVersion, (rule_key, version))
    if sent.value is None:
        page = await rule_page(desk, rule_key, version)
        return answer(request, "tickets/rule.html", page, form=sent.form, status=422)
    if row.status is not VersionStatus.DRAFT:
        raise Refusal("version_wrong_step" if row.status is VersionStatus.REVIEW else "version_final")
    rule = rule_of(rule_key, version, sent.value.model_dump())
    writers = row.writers if desk.person.id in row.writers else [*row.writers, desk.person.id]
    changes = {
        "definition": to_record(rule), "writers": writers, "note": sent.value.note,
        "written_at": datetime.now(UTC),
    }  # fmt: skip
    await store(desk, row, sent.value.seq, changes)
    await noted(desk, rule_key, version, "edited")
    wrong = faults(rule, await team_names(desk))
    await desk.commit()
    path = PAGE.format(rule_key=rule_key, version=version)
    return move_on(request, path, data={"version": version, "problems": wrong})


@router.post(f"{PAGE}/status", may=ADMINS, row="ticket_rule")
async def move_rule(
    request: Request, desk: Desk, rule_key: str, version: Number, sent: Typed[RuleStep] = typed(RuleStep)
) -> Response:
    """Take a version one step further; no writer of it publishes it, and nothing with faults goes on."""
    row = await desk.one(RuleVersion, (rule_key, version))
    if sent.value is None:
        raise Refusal("invalid_form")
    wish = sent.value
    if row.status not in STEPS[wish.status]:
        is_final = row.status in (VersionStatus.PUBLISHED, VersionStatus.RETIRED)
        raise Refusal("version_final" if is_final else "version_wrong_step")
    changes: dict[str, Any] = {"status": wish.status}
    goes_on = wish.status in (VersionStatus.REVIEW, VersionStatus.PUBLISHED)
    if goes_on and faults(from_record(TicketRule, row.definition), await team_names(desk)):
        raise Refusal("item_has_problems")
    if wish.status is VersionStatus.PUBLISHED:
        if desk.person.id in row.writers:
            raise Refusal("own_review")
        mine = col(RuleVersion.rule_key) == rule_key, col(RuleVersion.status) == VersionStatus.PUBLISHED
        retired = {"status": VersionStatus.RETIRED, "seq": RuleVersion.seq + 1}
        quietly = {"synchronize_session": False}
        await desk.session.execute(
            update(RuleVersion).where(*mine).values(retired), execution_options=quietly
        )
        changes |= {"reviewer_id": desk.person.id, "published_at": datetime.now(UTC)}
    await store(desk, row, wish.seq, changes)
    await noted(desk, rule_key, version, f"to_{wish.status}")
    await desk.commit()
    path = PAGE.format(rule_key=rule_key, version=version)
    return move_on(request, path, data={"status": wish.status})


@router.post(f"{PAGE}/trial", may=ADMINS, row="ticket_rule")
async def try_rule(
    request: Request,
    desk: Desk,
    rule_key: str,
    version: Number,
    sent: Typed[rule_trials.Tried] = typed(rule_trials.Tried),
) -> Response:
    """Have the rule asked about the tickets of the past month; nothing is changed and nobody told."""
    row = await desk.one(RuleVersion, (rule_key, version))
    if sent.value is None:
        raise Refusal("invalid_form")
    if faults(from_record(TicketRule, row.definition), await team_names(desk)):
        raise Refusal("item_has_problems")
    since = datetime.now(UTC) - timedelta(days=sent.value.days)
    trial = await rule_trials.begin(desk, row, sent.value.request_key, since)
    await noted(desk, rule_key, version, "tried")
    await desk.commit()
    path = PAGE.format(rule_key=rule_key, version=version)
    return move_on(request, f"{path}#trial", data={"trial": trial})


# Writing


def draft_row(desk: DeskAt, rule: TicketRule, made_from: int | None = None) -> dict[str, Any]:
    """The row of a new draft."""
    now = datetime.now(UTC)
    return {
        "rule_key": rule.key, "version": rule.version, "status": VersionStatus.DRAFT,
        "definition": to_record(rule), "note": "", "made_from": made_from, "writers": [desk.person.id],
        "created_at": now, "written_at": now, "seq": 0,
    }  # fmt: skip


async def store(desk: DeskAt, row: RuleVersion, seq: int, changes: dict[str, Any]) -> None:
    """Change a version if nobody else has meanwhile."""
    mine = (
        col(RuleVersion.rule_key) == row.rule_key, col(RuleVersion.version) == row.version,
        col(RuleVersion.seq) == seq,
    )  # fmt: skip
    statement = update(RuleVersion).where(*mine).values(**changes, seq=seq + 1)
    done: Any = await desk.session.execute(statement.execution_options(synchronize_session=False))
    if done.rowcount != 1:
        raise Refusal("changed_meanwhile")


async def noted(desk: DeskAt, key: str, version: int, act: str) -> None:
    """One line in the audit log."""
    who, subject = desk.person, f"ticket_rule:{key}:{version}"
    await signing.note(desk.session, who.id, who.address, f"tickets.rule.{act}", subject)
