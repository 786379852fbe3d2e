"""The laws of the house (design: CONTRIBUTING.md). A law that is not tested drifts."""

import ast
import re
import sys
from pathlib import Path

import pytest
from temporalio import activity, workflow

import worker
from models.kit.engine import engine_for
from models.kit.settings import settings
from tests.house.tree import ROOT, files, imports, python_files, tree_of, words

HOUSE = {"models", "workflows", "activities", "api", "templates", "ops", "sandbox", "bench"}
# Rooms may hold these beside the words, because every word needs them.
BESIDE = {
    "workflows": set(),
    "activities": set(),
    "api": {"home"},
    "models": set(),
    "models/messages": {"sentences", "letters"},
    "models/rules": {"calendars"},
}
BANNED = re.compile(
    r"^(utils?|helpers?|common|base|core|services?|managers?|misc)$|_v\d+$|_(utils?|helpers?)$"
)
ALLOWED_FROM_OUTSIDE = {
    "models/messages": set(),
    "models/rules": set(),
    "models": {"sqlmodel", "sqlalchemy"},
    "workflows": {"temporalio"},
}
HTTP = {
    "httpx",
    "smtplib",
    "aiosmtplib",
    "imaplib",
    "requests",
    "socket",
    "aiohttp",
    "aiosmtpd",
    "imap_tools",
}


def room(path: Path) -> str:
    """`models/messages`, `models/rules`, `activities/connectors`, any `…/kit`, or the top folder."""
    parts = path.parts[:-1]
    if len(parts) > 1 and parts[1] in ("messages", "rules", "kit", "connectors", "migrations"):
        return "/".join(parts[:2])
    return parts[0] if parts else str(path)


PRODUCT = [path for path in python_files() if path.name != "__init__.py"]
ROOM_FILES = [path for path in PRODUCT if room(path) in BESIDE]


@pytest.mark.parametrize("path", ROOM_FILES, ids=str)
def test_a_file_beside_kit_is_one_of_the_words(path: Path) -> None:
    depth = len(Path(room(path)).parts)
    word = path.parts[depth].removesuffix(".py")

    assert word in {*words(), *BESIDE[room(path)]}


def test_template_folders_are_words() -> None:
    allowed = {*words(), "home", "components", "letters"}
    folders = {
        path.parts[1]
        for path in files(".html", ".txt")
        if path.parts[0] == "templates" and len(path.parts) > 2
    }

    assert folders <= allowed


@pytest.mark.parametrize("path", files(".py", ".html", ".css", ".js"), ids=str)
def test_names_say_what_a_thing_is(path: Path) -> None:
    assert not any(
        BANNED.search(part.removesuffix(path.suffix))
        for part in path.parts
        if path.name != "base.html" and path.name != "base.css"
    )


PURE_KIT = ("models.kit.money", "models.kit.ids", "models.kit.refusals")
MAY_IMPORT = {
    "models/messages": ("models.messages",),
    "models/rules": ("models.messages", "models.rules", *PURE_KIT),
    "workflows": ("models.messages", "models.rules", *PURE_KIT, "workflows"),
    "activities": ("models", "activities", "templates"),
    "api": ("models", "workflows", "api"),
    "models": ("models",),
    "sandbox": ("sandbox", "models.messages"),
}


def may_import(path: Path) -> tuple[str, ...]:
    """Prefixes of the house that a file may import; a workflow also the names of its own activities."""
    if path.parts[:2] in (("models", "messages"), ("models", "rules")):
        return MAY_IMPORT["/".join(path.parts[:2])]
    own = (f"activities.{path.parts[1].removesuffix('.py')}",) if path.parts[0] == "workflows" else ()
    return (*MAY_IMPORT[path.parts[0]], *own)


def is_under(name: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a dotted name is one of the prefixes or lies below one; a bare parent package is harmless."""
    return any(name == p or name.startswith(p + ".") or p.startswith(name + ".") for p in prefixes)


@pytest.mark.parametrize("path", [p for p in PRODUCT if p.parts[0] in MAY_IMPORT], ids=str)
def test_rooms_import_only_what_they_may(path: Path) -> None:
    names = imports(path)
    house = {name for name in names if name.split(".")[0] in HOUSE}
    outside = {name.split(".")[0] for name in names} - HOUSE - set(sys.stdlib_module_names)

    assert [name for name in sorted(house) if not is_under(name, may_import(path))] == []
    if room(path) in ALLOWED_FROM_OUTSIDE:
        assert outside <= ALLOWED_FROM_OUTSIDE[room(path)]


@pytest.mark.parametrize(
    "path", [p for p in PRODUCT if p.parts[0] in HOUSE - {"ops", "sandbox", "bench"}], ids=str
)
def test_only_connectors_leave_the_house(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}

    assert room(path) == "activities/connectors" or not roots & HTTP


@pytest.mark.parametrize("path", [p for p in PRODUCT if p.parts[0] == "workflows"], ids=str)
def test_workflows_import_the_house_through_one_door(path: Path) -> None:
    """Outside the pass-through block an enum is a second enum (docs/decisions/0004)."""
    doors = [node for node in tree_of(path).body if isinstance(node, ast.With)]

    assert len(doors) <= 1
    for node in tree_of(path).body:
        if isinstance(node, ast.ImportFrom) and path.name not in ("payloads.py", "search.py"):
            assert (node.module or "").split(".")[0] not in HOUSE


@pytest.mark.parametrize("path", [p for p in PRODUCT if room(p) in ("workflows", "activities")], ids=str)
def test_a_word_calls_only_its_own_activities(path: Path) -> None:
    for name in imports(path):
        if name.startswith("activities.") and not name.startswith(
            ("activities.kit", "activities.connectors")
        ):
            assert name.split(".")[1] == path.parts[1].removesuffix(".py"), name


@pytest.mark.parametrize("path", files(".py", ".html", ".css", ".js"), ids=str)
def test_files_stay_readable(path: Path) -> None:
    lines = (ROOT / path).read_text().count("\n")
    limits = {".html": 150, ".py": 400, ".css": 400, ".js": 400}

    if "versions" not in path.parts:  # written once by a tool, never edited: decision 0011
        assert lines <= limits[path.suffix]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "models/migrations/versions").glob("*.py")), ids=lambda p: p.stem
)
def test_a_migration_is_not_undone(path: Path) -> None:
    """Decision 0011: the shape without the data, or the data without the rights, would be given back."""
    [back] = [one for one in tree_of(path).body if getattr(one, "name", "") == "downgrade"]

    assert isinstance(back, ast.FunctionDef)
    assert ast.unparse(back.body[0]) == "raise NotImplementedError('restore a backup instead')"


@pytest.mark.parametrize("path", python_files(), ids=str)
def test_everything_public_says_what_it_is(path: Path) -> None:
    tree = tree_of(path)
    missing = [] if ast.get_docstring(tree) else ["module"]
    for node in tree.body:
        if isinstance(
            node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) and not node.name.startswith("_"):
            is_enum = isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(b) for b in node.bases)
            if not ast.get_docstring(node) and not is_enum and not node.name.endswith("_workflow_id"):
                missing.append(node.name)

    assert missing == []


@pytest.mark.parametrize("path", python_files(), ids=str)
def test_functions_stay_short(path: Path) -> None:
    long = [
        node.name for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= 40
    ]  # fmt: skip

    assert long == []


@pytest.mark.parametrize("path", [p for p in PRODUCT if p.parts[0] in HOUSE - {"ops", "bench"}], ids=str)
def test_nobody_swallows_every_exception(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            gives_on = path.parts[:2] == ("api", "kit") and ast.unparse(node.body[-1]) == "raise"
            assert (
                gives_on
                or path == Path("api/kit/refusals.py")
                or caught
                not in (
                    "everything",
                    "Exception",
                    "BaseException",
                )
            ), node.lineno


@pytest.mark.parametrize("path", files(".html", ".txt"), ids=str)
def test_templates_never_trust_text(path: Path) -> None:
    text = (ROOT / path).read_text()

    if path.parts[0] == "templates":
        assert not re.search(
            r"\|\s*safe|autoescape false|\son[a-z]+=|style=|<script(?![^>]*src=)|hx-on|javascript:", text
        )


PERSONAL = re.compile(r"name$|phone|mail|address|postcode|receiver|birth|account_number")


@pytest.mark.parametrize("path", files(".html"), ids=str)
def test_no_address_bar_holds_what_is_personal(path: Path) -> None:
    """A form that is sent by GET asks for nothing that says who or where somebody is."""
    for form in re.findall(r"<form[^>]*method=\"get\".*?</form>", (ROOT / path).read_text(), re.S):
        asked = set(re.findall(r"""(?:name=|ui\.\w+\(form, )["'](\w+)["']""", form))
        assert not {name for name in asked if PERSONAL.search(name)}, path


def test_no_third_party_file_is_committed() -> None:
    committed = [
        str(path) for path in files()
        if path.suffix in (".woff2", ".woff", ".ttf", ".otf")
        or ".min." in path.name
        or {"vendor", "node_modules"} & set(path.parts)
    ]  # fmt: skip

    assert committed == []


def named(kind: str, name_in: str) -> set[str]:
    """Wire names given by `@workflow.defn(name=…)` or `@activity.defn(name=…)`."""
    found = set()
    for path in python_files():
        if path.parts[0] == name_in:
            found |= set(re.findall(rf"@{kind}\.defn\(\s*name=\"([^\"]+)\"", (ROOT / path).read_text()))
    return found


def test_every_workflow_and_activity_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "GATEWAY_SECRET", "GATEWAY_WEBHOOK_SECRET", "SYSTEMS_TOKEN"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("PAYLOAD_KEYS", "k1:" + "A" * 43 + "=")
    monkeypatch.setenv("DATABASE_WORKER_URL", "postgresql://nobody@127.0.0.1/none")
    setting = settings.__wrapped__("DATABASE_WORKER_URL")
    registered = worker.activities(engine_for(setting.database_url), setting)
    acts = {activity._Definition.must_from_callable(act).name for some in registered.values() for act in some}
    lives = {workflow._Definition.must_from_class(life).name for life in worker.WORKFLOWS}

    assert lives == named("workflow", "workflows")
    assert acts == named("activity", "activities")


@pytest.mark.parametrize("path", [p for p in PRODUCT if p.parts[0] in ("workflows", "activities")], ids=str)
def test_wire_names_are_explicit(path: Path) -> None:
    text = (ROOT / path).read_text()

    assert not re.search(r"@(workflow|activity)\.defn\s*$|@(workflow|activity)\.defn\(\)", text, re.M)
