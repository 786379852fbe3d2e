"""The form of a rule: typed rows as conditions and actions, and what is wrong with them, at its place."""

import re
from collections.abc import Mapping
from typing import Any

from api.kit.language import gettext as _
from api.kit.language import locale
from models.kit.expressions import Flaw, check
from models.messages.employee_requests.problems import PROBLEMS as FLAWS
from models.messages.tickets import Priority
from models.messages.tickets.automation import (
    MOST_ACTIONS,
    MOST_CONDITIONS,
    PROBLEMS,
    SCOPE,
    ActionKind,
    After,
    RuleAction,
    TicketRule,
    Trigger,
)
from models.messages.tickets.promises import Target

TAG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z")
KEY = re.compile(r"[a-z][a-z0-9-]{1,39}\Z")
WRITES = (ActionKind.REPLY, ActionKind.ASK)
NEAR_TARGETS = (Target.FIRST_REPLY, Target.NEXT_REPLY, Target.RESOLVE)
LONGEST_WAIT = 60 * 24 * 90  # minutes


def rule_of(key: str, version: int, typed: Mapping[str, Any]) -> TicketRule:
    """The rule that was typed, faults and all; empty rows are left out."""
    trigger = Trigger(typed["trigger"])
    actions = []
    for kind, value, korean, english in zip(
        typed["action_kind"], _as_long(typed, "action_value"), _as_long(typed, "action_ko"),
        _as_long(typed, "action_en"), strict=False,
    ):  # fmt: skip
        if kind in set(ActionKind):
            texts = {"ko": korean, "en": english} if kind in WRITES else {"value": value}
            actions.append(RuleAction(ActionKind(kind), **texts))
    return TicketRule(
        key, version, typed["name_ko"], typed["name_en"], trigger,
        tuple(one for one in typed["condition"] if one.strip())[:MOST_CONDITIONS],
        tuple(actions)[:MOST_ACTIONS], typed["position"],
        target=typed["target"] if trigger is Trigger.NEAR else "",
        after=typed["after"] if trigger is Trigger.AFTER else "",
        minutes=typed["minutes"] if trigger in (Trigger.NEAR, Trigger.AFTER) else 0,
    )  # fmt: skip


def _as_long(typed: Mapping[str, Any], name: str) -> list[str]:
    given = list(typed[name])
    return given + [""] * (len(typed["action_kind"]) - len(given))


def values_of(rule: TicketRule) -> dict[str, Any]:
    """The rows of the form as they are stored."""
    return {
        "condition": list(rule.conditions),
        "action_kind": [one.kind.value for one in rule.actions],
        "action_value": [one.value for one in rule.actions],
        "action_ko": [one.ko for one in rule.actions],
        "action_en": [one.en for one in rule.actions],
    }


def faults(rule: TicketRule, teams: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a rule, as sentences by place: "condition.1", "action.0", "minutes"."""
    wrong: dict[str, str] = {}
    if not (rule.name_ko and rule.name_en):
        wrong["name_ko" if not rule.name_ko else "name_en"] = fault("no_name")
    if rule.trigger in (Trigger.NEAR, Trigger.AFTER) and not 0 < rule.minutes <= LONGEST_WAIT:
        wrong["minutes"] = fault("no_minutes")
    if rule.trigger is Trigger.NEAR and rule.target not in NEAR_TARGETS:
        wrong["target"] = fault("no_target")
    if rule.trigger is Trigger.AFTER and rule.after not in set(After):
        wrong["after"] = fault("no_after")
    if not rule.actions:
        wrong["actions"] = fault("no_actions")
    for place, text in enumerate(rule.conditions):
        if found := check(text, SCOPE, "yes_no"):
            wrong[f"condition.{place}"] = " ".join(said(one) for one in found)
    for place, action in enumerate(rule.actions):
        if code := _fault_of(action, teams):
            wrong[f"action.{place}"] = fault(code)
    asks = any(one.kind is ActionKind.ASK for one in rule.actions)
    if asks and rule.trigger is Trigger.STATUS and not any("status" in one for one in rule.conditions):
        wrong["actions"] = fault("endless")
    return wrong


def fault(code: str) -> str:
    """What a code says."""
    return _(PROBLEMS[code])


def _fault_of(action: RuleAction, teams: Mapping[str, str]) -> str:
    if action.kind is ActionKind.TEAM:
        return "" if action.value in teams else "no_team"
    if action.kind is ActionKind.TAG:
        return "" if TAG.match(action.value) else "bad_tag"
    if action.kind is ActionKind.PRIORITY:
        return "" if action.value in set(Priority) else "bad_priority"
    if action.kind in WRITES:
        return "" if action.ko.strip() and action.en.strip() else "no_text"
    return ""


def said(flaw: Flaw) -> str:
    """What is wrong with an expression, as a sentence."""
    return _(FLAWS[flaw.code], **flaw.values)


def name_of(rule: TicketRule) -> str:
    """What a rule is called by this reader."""
    return (rule.name_ko if locale() == "ko" else rule.name_en) or rule.key
