"""What must hold before anything is tested: format, lint, types, the laws of the house, translations."""

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
    """Run every step, say which are red, and fail if any is."""
    red = []
    for name, command in STEPS.items():
        print(f"--- {name}", flush=True)
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            red.append(name)
    print(f"check: {', '.join(red)} failed" if red else "check: all good", flush=True)
    return 1 if red else 0


if __name__ == "__main__":
    raise SystemExit(main())
