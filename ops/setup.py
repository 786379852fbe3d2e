"""Make the environment: .venv from requirements.lock, assets, translations. Needs only Python and pip."""

import hashlib
import importlib.util
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
NEWEST_KNOWN = (3, 14)


def fingerprint(*paths: Path, salt: str = "") -> str:
    """One hash over the names and contents of files."""
    digest = hashlib.sha256(salt.encode())
    for path in sorted(paths):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def step(name: str, wanted: str, words: str, commands: list[list[str]]) -> None:
    """Run the commands unless the stamp of this step says that they ran for the same inputs."""
    stamp = VENV / f"{name}.stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Set-up: {words} …", flush=True)
    begun = time.monotonic()
    for command in commands:
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            raise SystemExit(f"Set-up stopped: {words} failed. The lines above say why.")
    stamp.write_text(wanted)
    print(f"Set-up: {words} took {time.monotonic() - begun:.0f} s.", flush=True)


def has(module: str) -> bool:
    """Whether the Python that runs this has a module."""
    return importlib.util.find_spec(module) is not None


def refuse_unfit_python() -> None:
    """Say in one sentence what is missing before anything is made."""
    if not (3, 11) <= sys.version_info[:2] <= NEWEST_KNOWN:
        raise SystemExit(
            f"Ieum needs CPython 3.11 to {'.'.join(map(str, NEWEST_KNOWN))}, and this is "
            f"{sys.version.split()[0]}: install one and run `make PYTHON=python3.11 …`."
        )
    if not has("venv"):
        raise SystemExit(
            "Python's venv module is missing: install it (Debian: apt-get install python3-venv)."
        )
    if not has("ensurepip") and not has("pip"):
        raise SystemExit("pip is missing: install it (Debian: apt-get install python3-pip python3-venv).")


def make_environment() -> None:
    """A virtual environment with exactly the locked packages; anew when the lock or the Python changed."""
    own_pip = has("ensurepip")
    make = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    pip = [str(PYTHON), "-m", "pip"]
    if not own_pip:  # Debian without python3-venv: the machine's pip installs into the environment
        make.insert(3, "--without-pip")
        pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    install = [*pip, "install", "-qq", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    install += ["--disable-pip-version-check", "-r", str(LOCK)]
    wanted = fingerprint(LOCK, salt=f"{sys.version_info[:2]} {VENV}")
    step("packages", wanted, "installing the locked packages", [make, install])


def make_assets() -> None:
    """Front-end files under static/vendor; ops.assets itself knows whether they are up to date."""
    if not (ROOT / "static" / "vendor").is_dir():
        print("Set-up: building the assets …", flush=True)
    done = subprocess.run(
        [str(PYTHON), "-m", "ops.assets"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0 or "up to date" not in done.stdout:
        print(done.stdout, end="", flush=True)
    if done.returncode != 0:
        raise SystemExit("Set-up stopped: building the assets failed. The lines above say why.")


def make_translations() -> None:
    """Compiled translations; again when a text changed or a compiled file is missing."""
    catalogues = sorted((ROOT / "locales").glob("*/*.po"))
    for language in {path.parent for path in catalogues}:
        if not (language / "LC_MESSAGES" / "messages.mo").exists():
            (VENV / "translations.stamp").unlink(missing_ok=True)
    wanted = fingerprint(ROOT / "ops" / "translations.py", *catalogues)
    step("translations", wanted, "compiling the translations", [[str(PYTHON), "-m", "ops.translations"]])


def main() -> None:
    """Do what is missing; nothing when nothing changed."""
    refuse_unfit_python()
    make_environment()
    make_assets()
    make_translations()


if __name__ == "__main__":
    main()
