"""What must hold before anything is tested: format, lint, types, translations, the laws of the house.

`python -m ops.check` makes every step; `python -m ops.check lint types` makes two."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
STEPS = {
    "format": [str(BIN / "ruff"), "format", "--check", "."],
    "lint": [str(BIN / "ruff"), "check", "."],
    "types": [str(BIN / "mypy"), "."],
    "translations": [sys.executable, "-m", "ops.translations", "--check"],
    "house": [sys.executable, "-m", "ops.test", "house"],
}


def main() -> int:
    """Run the steps that were asked for, say which are red, and fail if any is."""
    asked = sys.argv[1:] or list(STEPS)
    if unknown := set(asked) - set(STEPS):
        print(
            f"There is no step {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}.", file=sys.stderr
        )
        return 2
    red = []
    for name in asked:
        command = STEPS[name]
        print(f"--- {name}", flush=True)
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            red.append(name)
    print(f"check: {', '.join(red)} failed" if red else "check: all good", flush=True)
    return 1 if red else 0


if __name__ == "__main__":
    raise SystemExit(main())
