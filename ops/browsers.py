"""Find a Chromium for the browser tests, or install one."""

import os
import shutil
import subprocess
import sys

DRIVER_NEEDS = "libatomic1"  # Playwright's driver does not start without it, and a bare Debian has none
NAMES = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium", "fonts-noto-cjk", "fonts-noto-color-emoji", DRIVER_NEEDS)
ASK_PLAYWRIGHT = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


def found() -> str | None:
    """The Chromium that CHROMIUM names or that the machine has."""
    named = os.environ.get("CHROMIUM")
    if named:
        if shutil.which(named) is None:
            raise SystemExit(f"CHROMIUM={named} is no program.")
        return shutil.which(named)
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install(*packages: str) -> bool:
    """Install Debian's packages where we may."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", *command], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
        )
        if done.returncode != 0:
            return False
    return True


def from_debian() -> str | None:
    """Debian's Chromium with the fonts that Korean and emoji need."""
    return found() if install(*PACKAGES) else None


def driver_runs() -> bool:
    """Whether Playwright's own driver starts on this machine."""
    ask = [sys.executable, "-m", "playwright", "--version"]
    return subprocess.run(ask, capture_output=True, check=False).returncode == 0


def from_playwright() -> str | None:
    """Install the Chromium that Playwright brings."""
    if (
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False).returncode
        != 0
    ):
        return None
    asked = subprocess.run(
        [sys.executable, "-c", ASK_PLAYWRIGHT], capture_output=True, text=True, check=False
    )
    return shutil.which(asked.stdout.strip())


def chromium() -> str:
    """The path of a Chromium that runs; having none and getting none is a failure, never a skip."""
    if not driver_runs() and not (install(DRIVER_NEEDS) and driver_runs()):
        raise SystemExit(f"Playwright's driver does not start here: install {DRIVER_NEEDS}.")
    for source in (found, from_debian, from_playwright):
        path = source()
        if path is not None:
            return path
    raise SystemExit("No Chromium was found and none could be installed: install one or set CHROMIUM.")
