"""Run the tests folder by folder, stopping at the first red one; the last line counts passed and failed.

`python -m ops.test` runs all; `python -m ops.test rules api` runs two; SEED=… repeats a run's random choices;
TEST_PROCESSES=… says how many processes share a part whose files stand alone.
"""

import os
import secrets
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from ops import browsers

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
PARTS = ("house", "rules", "activities", "workflows", "replay", "api", "journeys", "browser", "faults")
# Parts whose files stand alone: each process has its own PostgreSQL and Temporal, and takes whole files.
SIDE_BY_SIDE = frozenset({"activities", "workflows", "api", "browser"})


@dataclass(frozen=True)
class Count:
    """How many tests of a part passed and failed; errors and skips are failures: they prove nothing."""

    passed: int
    failed: int


def paths(part: str) -> list[str]:
    """What pytest is pointed at for a part: a folder, or files that lie directly in tests/."""
    places = [TESTS / part]
    if part == "house":
        places += [path for path in sorted(TESTS.glob("test_*.py")) if path.name != "test_replay.py"]
    if part == "replay":
        places.append(TESTS / "test_replay.py")
    return [str(place) for place in places if place.exists()]


def counted(report: Path) -> Count:
    """Read pytest's report."""
    if not report.exists():
        return Count(0, 0)
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    numbers = {
        key: sum(int(suite.get(key, 0)) for suite in suites)
        for key in ("tests", "failures", "errors", "skipped")
    }
    bad = numbers["failures"] + numbers["errors"] + numbers["skipped"]
    return Count(numbers["tests"] - bad, bad)


def run(part: str, seed: str) -> Count:
    """Run one part; nothing to run counts as one failure."""
    begun = time.monotonic()
    print(f"--- {part}", flush=True)
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"}
    env["SEED"] = seed
    if part == "browser":
        env["CHROMIUM"] = browsers.chromium()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", f"--hypothesis-seed={seed}", f"--junitxml={report}"]
        if part in SIDE_BY_SIDE:
            command += ["-n", os.environ.get("TEST_PROCESSES", "2"), "--dist", "loadfile"]
        where = paths(part)
        code = subprocess.run([*command, *where], cwd=ROOT, env=env, check=False).returncode if where else 5
        count = counted(report)
    if count.passed + count.failed == 0:
        print(f"{part}: no tests were run, and that is a failure.")
        count = Count(0, 1)
    elif code != 0 and count.failed == 0:
        count = Count(count.passed, 1)
    print(
        f"{part}: {count.passed} passed, {count.failed} failed in {time.monotonic() - begun:.0f} s",
        flush=True,
    )
    return count


def main() -> int:
    """Run the parts that were asked for, in the fixed order."""
    asked = sys.argv[1:] or list(PARTS)
    unknown = set(asked) - set(PARTS)
    if unknown:
        print(
            f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.", file=sys.stderr
        )
        return 2
    seed = os.environ.get("SEED") or str(secrets.randbelow(2**32))
    print(f"SEED={seed}", flush=True)
    total = Count(0, 0)
    for part in (part for part in PARTS if part in asked):
        count = run(part, seed)
        total = Count(total.passed + count.passed, total.failed + count.failed)
        if count.failed:
            break
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
