"""Writes docs/messages.md: every message of every word, read from the code."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs/messages.md"
HEAD = """# Messages

Made by `python -m ops.messages`; a test keeps it current. Dataclasses cross Temporal; fields are only ever
added, with defaults.
"""


def first_line(node: ast.AST) -> str:
    """The first sentence of a docstring, or nothing."""
    text = (
        ast.get_docstring(node)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        else None
    )
    return (text or "").split("\n")[0]


def dataclasses_of(path: Path) -> list[tuple[str, str, str]]:
    """Name, fields and sentence of each message of a word."""
    rows = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and any(
            "dataclass" in ast.unparse(mark) for mark in node.decorator_list
        ):
            parts = [ast.unparse(part) for part in node.body if isinstance(part, ast.AnnAssign)]
            rows.append(
                (node.name, ", ".join(f"`{part.split(' = ')[0]}`" for part in parts), first_line(node))
            )
    return rows


def handlers_of(path: Path) -> list[tuple[str, str, str]]:
    """Kind, name and sentence of each update, signal, query and activity in a file."""
    rows = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in map(ast.unparse, node.decorator_list):
                kind, _, rest = mark.removeprefix("workflow.").partition("(")
                if mark.startswith("workflow.") and kind in ("update", "signal", "query"):
                    rows.append((kind, node.name, first_line(node)))
                elif mark.startswith("activity.defn"):
                    rows.append(("activity", rest.split("=")[1].strip("'\")"), first_line(node)))
    return sorted(rows)


def files_of(room: str, word: str) -> list[Path]:
    """The one file of a word in a room, or all in its folder."""
    single = ROOT / room / f"{word}.py"
    return [single] if single.exists() else sorted((ROOT / room / word).glob("*.py"))


def page() -> str:
    """The whole document."""
    parts = [HEAD]
    for word in sorted({path.stem for path in (ROOT / "models/messages").iterdir()}):
        messages = [row for path in files_of("models/messages", word) for row in dataclasses_of(path)]
        handlers = sorted(
            row
            for room in ("workflows", "activities")
            for path in files_of(room, word)
            for row in handlers_of(path)
        )
        if not messages and not handlers:
            continue
        parts.append(f"\n## {word}\n")
        if handlers:
            parts.append("| kind | name | what |\n|---|---|---|")
            parts += [f"| {kind} | `{name}` | {what} |" for kind, name, what in handlers]
            parts.append("")
        if messages:
            parts.append("| message | fields | what |\n|---|---|---|")
            parts += [f"| `{name}` | {fields} | {what} |" for name, fields, what in messages]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if TARGET.exists() and TARGET.read_text() == page() else "docs/messages.md is not current")
    TARGET.write_text(page())
