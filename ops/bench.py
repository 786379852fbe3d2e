"""Run one benchmark of bench/ by name, or say which there are."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """`python -m ops.bench NAME [N]`: the number goes to the benchmark as its argument and as N."""
    name, *rest = sys.argv[1:] or [""]
    files = (ROOT / "bench").glob("*.py")
    known = sorted(path.stem for path in files if "__main__" in path.read_text())
    if name not in known:
        print(f"make bench WHAT={'|'.join(known) or '(none yet)'}", file=sys.stderr)
        return 2
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"}
    env |= {"N": rest[0]} if rest else {}
    return subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *rest], cwd=ROOT, env=env, check=False
    ).returncode


if __name__ == "__main__":
    raise SystemExit(main())
