"""What the pages of rules on tickets show: all rules, and one version with everything known about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col

from api.kit import labels
from api.kit.desk import DeskAt
from api.kit.language import locale
from api.tickets import rule_trials
from api.tickets.rule_rows import NEAR_TARGETS, faults, name_of, values_of
from models.kit.records import from_record
from models.messages.catalogue import VersionStatus
from models.messages.staff import Role
from models.messages.tickets.automation import (
    MOST_ACTIONS,
    MOST_CONDITIONS,
    SCOPE,
    ActionKind,
    After,
    TicketRule,
    Trigger,
)
from models.staff import Account, Team
from models.tickets import RuleVersion

PAGE = "/tickets/rules/{rule_key}/versions/{version}"
OPEN = (VersionStatus.DRAFT, VersionStatus.REVIEW)
STEPS = {
    VersionStatus.REVIEW: {VersionStatus.DRAFT},
    VersionStatus.DRAFT: {VersionStatus.REVIEW},
    VersionStatus.PUBLISHED: {VersionStatus.REVIEW},
    VersionStatus.RETIRED: {VersionStatus.PUBLISHED},
}


@dataclass(frozen=True)
class RuleLine:
    """One rule in the list."""

    key: str
    name: str
    trigger: Trigger
    version: int
    status: VersionStatus
    position: int
    draft: int  # the version that is being written or reviewed; 0: none
    actions: tuple[ActionKind, ...]


@dataclass(frozen=True)
class RulesPage:
    """All rules, in the order in which they are asked."""

    rules: tuple[RuleLine, ...]
    may_edit: bool


@dataclass(frozen=True)
class History:
    """One version in the history."""

    version: int
    status: VersionStatus
    writers: str
    reviewer: str
    written_at: datetime
    note: str
    made_from: int | None


@dataclass(frozen=True)
class RulePage:
    """One version of a rule with everything that can be known about it."""

    key: str
    row: RuleVersion
    rule: TicketRule
    name: str
    faults: dict[str, str]
    versions: tuple[History, ...]
    may_edit: bool
    is_writer: bool
    has_draft: bool
    teams: dict[str, str]
    values: dict[str, Any]
    trial: rule_trials.Trial | None
    condition_rows: int = MOST_CONDITIONS
    action_rows: int = MOST_ACTIONS

    @property
    def path(self) -> str:
        """The address of this version."""
        return PAGE.format(rule_key=self.key, version=self.row.version)

    @property
    def next_steps(self) -> tuple[VersionStatus, ...]:
        """Where this version may go from here."""
        return tuple(to for to, since in STEPS.items() if self.row.status in since)

    @property
    def scope(self) -> tuple[tuple[str, str], ...]:
        """What conditions may ask."""
        return tuple((f"{of}.{name}", kind) for of, names in SCOPE.items() for name, kind in names.items())

    @property
    def pairs(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """What the selects offer."""
        return {
            "trigger": tuple((one.value, labels.label_text(one, "rule_trigger")) for one in Trigger),
            "target": (
                ("", "–"), *((one.value, labels.label_text(one, "promise_target")) for one in NEAR_TARGETS)
            ),
            "after": (("", "–"), *((one.value, labels.label_text(one, "rule_after")) for one in After)),
            "action": (
                ("", "–"), *((one.value, labels.label_text(one, "rule_action")) for one in ActionKind)
            ),
        }  # fmt: skip


async def rules_page(desk: DeskAt) -> RulesPage:
    """All rules."""
    query = desk.visible(RuleVersion).order_by(col(RuleVersion.rule_key), col(RuleVersion.version).desc())
    newest: dict[str, list[RuleVersion]] = {}
    for row in await desk.session.scalars(query.limit(5_000)):
        newest.setdefault(row.rule_key, []).append(row)
    lines = [rule_line(key, rows) for key, rows in newest.items()]
    lines.sort(key=lambda one: (one.trigger, one.position, one.key))
    return RulesPage(tuple(lines), Role.ADMIN in desk.person.roles)


def rule_line(key: str, rows: list[RuleVersion]) -> RuleLine:
    """What holds of a rule, else the newest of it."""
    shown = next((one for one in rows if one.status is VersionStatus.PUBLISHED), rows[0])
    draft = next((one for one in rows if one.status in OPEN), None)
    rule = from_record(TicketRule, shown.definition)
    return RuleLine(
        key, name_of(rule), rule.trigger, shown.version, shown.status, rule.position,
        draft.version if draft else 0, tuple(one.kind for one in rule.actions),
    )  # fmt: skip


async def rule_page(desk: DeskAt, rule_key: str, version: int) -> RulePage:
    """One version with all that is shown of it."""
    row = await desk.one(RuleVersion, (rule_key, version))
    rule, teams = from_record(TicketRule, row.definition), await team_names(desk)
    rows = await versions_of(desk, rule_key)
    return RulePage(
        rule_key, row, rule, name_of(rule), faults(rule, teams), await history_of(desk, rows),
        Role.ADMIN in desk.person.roles, desk.person.id in row.writers,
        any(one.status in OPEN for one in rows), teams, values_of(rule),
        await rule_trials.newest_of(desk, row),
    )  # fmt: skip


async def versions_of(desk: DeskAt, rule_key: str) -> list[RuleVersion]:
    """All versions of a rule, the newest first."""
    query = desk.visible(RuleVersion).where(col(RuleVersion.rule_key) == rule_key)
    return list(await desk.session.scalars(query.order_by(col(RuleVersion.version).desc()).limit(500)))


async def history_of(desk: DeskAt, rows: list[RuleVersion]) -> tuple[History, ...]:
    """The versions with the names of who wrote and who published them."""
    hands = {name for one in rows for name in (*one.writers, one.reviewer_id or "")}
    named = desk.visible(Account).with_only_columns(col(Account.id), col(Account.name))
    found = await desk.session.execute(named.where(col(Account.id).in_(hands)))
    names: Mapping[str, str] = {line[0]: line[1] for line in found}
    return tuple(
        History(
            one.version, one.status, ", ".join(names.get(name, "–") for name in one.writers),
            names.get(one.reviewer_id or "", ""), one.written_at, one.note, one.made_from,
        )
        for one in rows
    )  # fmt: skip


async def team_names(desk: DeskAt) -> dict[str, str]:
    """Every team's name by its id."""
    query = desk.visible(Team).with_only_columns(col(Team.id), col(Team.name_ko), col(Team.name_en))
    rows = await desk.session.execute(query.order_by(col(Team.id)))
    return {row[0]: row[1] if locale() == "ko" else row[2] for row in rows}
