"""The words and rooms of the house, read from CONTRIBUTING.md, and its source files."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("models", "workflows", "activities", "api", "sandbox", "bench", "ops")


@cache
def words() -> tuple[str, ...]:
    """The domain words, from the table in CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return tuple(re.findall(r"^\| `([a-z_]+)` \|", text, re.M))


@cache
def files(*suffixes: str) -> tuple[Path, ...]:
    """Every file that git tracks or would track, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    paths = (Path(line) for line in sorted(set(listed)))
    return tuple(
        path for path in paths if (not suffixes or path.suffix in suffixes) and (ROOT / path).exists()
    )


@cache
def python_files() -> tuple[Path, ...]:
    """Product code: rooms only, no tests, no frozen migrations."""
    return tuple(
        path
        for path in files(".py")
        if path.parts[0] in (*ROOMS, "app.py", "worker.py") and "versions" not in path.parts
    )


@cache
def tree_of(path: Path) -> ast.Module:
    """The parsed source of one file."""
    return ast.parse((ROOT / path).read_text(), filename=str(path))


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports, `from a import b` as both `a` and `a.b`."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found
