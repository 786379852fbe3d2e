"""How the house is set up and run: the lock, the ports, the secrets, the children, the counting."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from ops import browsers, database, keys, lock, plan
from ops import test as runner
from ops.postgres import Cluster, free_port
from ops.processes import Process, is_running
from ops.temporal import BINARY, TemporalServer

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text()


def test_the_lock_pins_everything_with_hashes_and_names_no_index() -> None:
    blocks = [block for block in re.split(r"^(?=\w)", LOCK.partition("\n")[2], flags=re.MULTILINE) if block]

    assert len(blocks) > 80
    for block in blocks:
        assert re.fullmatch(r"[a-z0-9-]+==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+\n", block), block[:80]


def test_the_lock_holds_every_package_that_we_ask_for_by_name() -> None:
    together, alone = lock.wanted()
    pinned = {pin.split("==")[0] for pin in lock.pinned()}
    asked = {lock.canonical(re.split(r"[\[=<>~]", line)[0]) for line in [*together, *alone]}

    assert alone
    assert asked <= pinned, asked - pinned


@pytest.mark.parametrize(
    ("wheel", "fits"),
    [
        ("nh3-0.3.8-cp38-abi3-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", True),
        ("uvloop-0.23.0-cp311-cp311-macosx_10_9_x86_64.whl", True),
        ("uvloop-0.23.0-cp314-cp314t-manylinux_2_28_x86_64.whl", False),
        ("uvloop-0.23.0-cp310-cp310-manylinux_2_28_x86_64.whl", False),
        ("httpx-0.28.1-py3-none-any.whl", True),
        ("pillow-13.0.0-cp313-cp313-win_amd64.whl", False),
        ("pillow-13.0.0.tar.gz", False),
    ],
)
def test_only_wheels_of_supported_machines_are_pinned(wheel: str, fits: bool) -> None:
    assert lock.fits(wheel) is fits


def test_a_port_that_was_asked_for_is_used_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        taken = busy.getsockname()[1]
        monkeypatch.setenv("PORT", str(taken))
        with pytest.raises(SystemExit, match=f"PORT={taken} is in use"):
            plan.choose_ports(tmp_path)

        monkeypatch.delenv("PORT")
        monkeypatch.setitem(plan.PORTS, "PORT", taken)
        chosen = plan.choose_ports(tmp_path)

    assert chosen["PORT"] != taken
    assert len(set(chosen.values())) == len(plan.PORTS)
    assert plan.choose_ports(tmp_path) == chosen


def test_secrets_are_made_once_and_are_nobody_elses_business(tmp_path: Path) -> None:
    first = plan.kept_secrets(tmp_path)
    second = plan.kept_secrets(tmp_path)

    assert first == second
    assert set(first) == {*keys.SECRETS, *keys.ROLES, plan.ERP}
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_what_the_environment_says_wins_also_as_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUN_DIR", str(tmp_path))
    monkeypatch.setenv("LOG_LEVEL", "debug")
    monkeypatch.setenv("SECRET_KEY_FILE", "/somewhere")

    made = plan.make_plan()

    assert made.environment("app")["LOG_LEVEL"] == "debug"
    assert "SECRET_KEY" not in made.environment("app")
    assert "ieum_app:" in made.environment("app")["DATABASE_URL"]
    assert "DATABASE_URL" not in made.environment("worker")


def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    script = f"""
import time
from pathlib import Path
from ops.processes import Process
child = Process("sleeper", ["sleep", "300"])
child.start()
Path({str(tmp_path / "pid")!r}).write_text(str(child.pid))
time.sleep(300)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    until = time.monotonic() + 20
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    child = int((tmp_path / "pid").read_text())
    assert is_running(child, "sleep")

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    until = time.monotonic() + 10
    while is_running(child, "sleep") and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(child, "sleep")


def test_a_child_that_ignores_us_is_killed_and_its_last_run_is_shown(tmp_path: Path) -> None:
    stubborn = "trap '' TERM; echo deaf; while true; do sleep 0.1; done"
    child = Process("stubborn", ["sh", "-c", stubborn], log=tmp_path / "log")
    for _ in range(2):
        child.start()
        until = time.monotonic() + 5
        while "deaf" not in child.last_lines() and time.monotonic() < until:
            time.sleep(0.05)
        child.stop(patience=0.3)

    assert not child.is_alive()
    assert child.ended_with() == -signal.SIGKILL
    assert child.last_lines() == "deaf"


def test_temporal_keeps_its_workflows_through_a_power_cut(tmp_path: Path) -> None:
    server = TemporalServer(tmp_path / "temporal.db", free_port(), free_port(), log=tmp_path / "log").start()
    at = ["--address", server.address]
    ask = [str(BINARY), "workflow", "count", *at, "-q", "Stage = 'waiting'"]
    try:
        start = [
            "workflow",
            "start",
            "--type",
            "T",
            "--task-queue",
            "q",
            "--search-attribute",
            'Stage="waiting"',
        ]
        subprocess.run([str(BINARY), *start, *at], check=True, capture_output=True)
        server.kill()
        assert not server.is_serving()

        server.start()

        assert "Total: 1" in subprocess.run(ask, check=True, capture_output=True, text=True).stdout
    finally:
        server.stop()


def test_preparing_a_database_twice_changes_nothing(cluster: Cluster) -> None:
    passwords = dict.fromkeys(keys.ROLES, "test")
    first = database.prepare(cluster.url(), "prepared", passwords)
    second = database.prepare(cluster.url(), "prepared", passwords)

    assert first == second
    with psycopg.connect(second.app) as app:
        assert app.execute("select current_user").fetchone() == ("ieum_app",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("create table mine (id int)")


@pytest.mark.parametrize(
    ("tests", "passed", "failed"),
    [
        ("def test_a(): pass", 1, 0),
        ("def test_a(): pass\ndef test_b(): assert 0", 1, 1),
        ("import pytest\n@pytest.mark.skip\ndef test_a(): pass", 0, 1),
        ("raise OSError", 0, 1),
        ("", 0, 1),
    ],
)
def test_a_skip_an_error_and_an_empty_part_count_as_failures(
    tests: str, passed: int, failed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "test_rules.py").write_text(tests)
    monkeypatch.setattr(runner, "TESTS", tmp_path)

    assert runner.run("rules", "1") == runner.Count(passed, failed)


def test_a_browser_that_is_named_but_missing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")

    with pytest.raises(SystemExit, match="is no program"):
        browsers.chromium()


def test_make_alone_prints_every_target_with_its_help() -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    shown = subprocess.run(["make"], cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout

    assert re.findall(r"^  make (\w+) ", shown, re.MULTILINE) == [
        "demo", "up", "down", "test", "check", "bench", "histories", "migrate"
    ]  # fmt: skip


@pytest.mark.parametrize("program", ["worker", "app"])
def test_a_program_knows_every_table_that_its_rows_point_at(program: str) -> None:
    """A foreign key to a table that was never imported fails at the first stored row, not at the start."""
    asked = f"import {program}; from sqlmodel import SQLModel; print(len(SQLModel.metadata.sorted_tables))"
    told = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert told.returncode == 0, told.stderr[-800:]
    assert int(told.stdout) > 50
