"""Catalogue items for tests: a small whole one, and the world in which it can be carried out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from models.messages.employee_requests.items import (
    Approval,
    Approver,
    ApproverKind,
    Call,
    Category,
    Field,
    FieldKind,
    Item,
    Step,
    StepKind,
    Task,
)
from models.messages.knowledge import Audience
from models.rules.employee_requests.judging import World
from models.rules.knowledge import reads
from ops.knowledge import read_all

SHIPPED = tuple(sorted((Path(__file__).parents[2] / "ops" / "items").glob("*.yaml")))
TEAMS = frozenset({"tm_hr", "tm_it", "tm_finance", "tm_legal", "tm_workplace", "tm_purchasing"})


def texts(word: str) -> dict[str, str]:
    """A text in both languages."""
    return {"ko": f"{word} 한글", "en": word}


def an_approval(step_id: str = "approval", **changes: Any) -> Step:
    """The manager decides."""
    approval = replace(Approval((Approver(ApproverKind.MANAGER),)), **changes)
    return Step(step_id, StepKind.APPROVAL, texts("Approval"), approval=approval)


def a_task(step_id: str = "work", team: str = "tm_it") -> Step:
    """A team does something."""
    return Step(step_id, StepKind.TASK, texts("Task"), task=Task(team, texts("Do it")))


def an_account(step_id: str = "account") -> Step:
    """An account is made in the directory."""
    call = Call("directory", "create_account", {"person": "me.id"}, "remove_account")
    return Step(step_id, StepKind.CALL, texts("Account"), call=call)


def an_item(*steps: Step, **changes: Any) -> Item:
    """An item with an amount that the manager approves and IT carries out."""
    item = Item(
        "thing", texts("Thing"), texts("A thing"), Category.IT, "laptop", "tm_it",
        steps or (an_approval(), a_task()), form=(Field("amount", FieldKind.MONEY, texts("Amount")),),
    )  # fmt: skip
    return replace(item, **changes)


def the_world(**changes: Any) -> World:
    """The departments and operations that the shipped items count on."""
    articles = {one.key: reads(Audience.EMPLOYEES, one.audience) for one in read_all()}
    known = {"there": True, "ours": False, **articles}
    return replace(World(teams=TEAMS, items={"contract_review": ()}, articles=known), **changes)
