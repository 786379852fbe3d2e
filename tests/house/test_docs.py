"""The documents say what the code does."""

import ast
import re
from pathlib import Path

from models.kit import settings
from ops import messages
from tests.house.tree import ROOT, tree_of, words


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs/settings.md").read_text()
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.M))
    read = {
        node.args[0].value for node in ast.walk(tree_of(Path("models/kit/settings.py")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "_read"
        and isinstance(node.args[0], ast.Constant)
    }  # fmt: skip

    assert read | {"DATABASE_URL", "DATABASE_WORKER_URL", "DATABASE_OWNER_URL"} == documented
    assert set(settings.names()) <= documented


def test_every_word_is_a_room() -> None:
    assert len(words()) == len(set(words())) >= 17


def test_every_decision_is_listed() -> None:
    files = {path.name for path in (ROOT / "docs/decisions").glob("*.md") if path.name != "README.md"}
    listed = set(re.findall(r"\((\d{4}-[a-z0-9-]+\.md)\)", (ROOT / "docs/decisions/README.md").read_text()))

    assert files == listed


def test_links_between_documents_lead_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_list_of_messages_is_current() -> None:
    """Run `python -m ops.messages` to renew it."""
    assert (ROOT / "docs/messages.md").read_text() == messages.page()
