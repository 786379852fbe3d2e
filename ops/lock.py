"""Write requirements.lock: every package of requirements.in at one version, with its published hashes.

`python -m ops.lock` keeps the versions of the present lock where it can; `--upgrade` takes the newest.
"""

import json
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WANTED = ROOT / "requirements.in"
LOCK = ROOT / "requirements.lock"
PYTHONS = range(11, 15)
MACHINES = r"(linux|macosx).*(x86_64|aarch64|arm64|universal2)"
OLD_ENOUGH = r"py3\d*|cp3[0-9]|cp31[0-4]"
HEAD = "# Made by `python -m ops.lock` from requirements.in; do not edit.\n"

# Run by the clean environment's own pip: which files of these versions does the configured index publish?
ASK_PIP = """
import json, sys
from pip._internal.commands.install import InstallCommand
from pip._internal.index.collector import parse_links
from pip._internal.models.link import Link
from pip._internal.utils.temp_dir import global_tempdir_manager
command = InstallCommand("install", "")
with global_tempdir_manager(), command.main_context():
    options, _ = command.parse_args([])
    finder = command._build_package_finder(options, command.get_default_session(options))
    files = {}
    for name in json.load(sys.stdin):
        places = finder.search_scope.get_index_urls_locations(name)
        remote = [Link(place) for place in places if place.startswith("http")]
        pages = [finder._link_collector.fetch_response(place) for place in remote]
        files[name] = {
            link.filename: link.as_hashes()._allowed["sha256"][0]
            for page in pages if page is not None
            for link in parse_links(page) if not link.is_yanked and link.has_hash
        }
json.dump(files, sys.stdout)
"""


def canonical(name: str) -> str:
    """A package's name as indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted() -> tuple[list[str], list[str]]:
    """The requirements to resolve, and those that are taken alone."""
    lines = [line for line in WANTED.read_text().splitlines() if line and not line.startswith("#")]
    alone = [line.split("#")[0].strip() for line in lines if line.endswith("# alone")]
    return [line.split("#")[0].strip() for line in lines if not line.endswith("# alone")], alone


def pinned() -> list[str]:
    """`name==version` of every package in the present lock."""
    if not LOCK.exists():
        return []
    return re.findall(r"^([A-Za-z0-9._-]+==[^\s\\]+)", LOCK.read_text(), re.MULTILINE)


def report(python: Path, *arguments: str) -> dict[str, str]:
    """What pip would install, name to version."""
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--dry-run",
        "--only-binary",
        ":all:",
        "--report",
        "-",
    ]
    done = subprocess.run([*command, *arguments], check=True, stdout=subprocess.PIPE)
    items = json.loads(done.stdout)["install"]
    return {canonical(item["metadata"]["name"]): item["metadata"]["version"] for item in items}


def resolve(python: Path, *, upgrade: bool) -> dict[str, str]:
    """One version for each package that the requirements need."""
    together, alone = wanted()
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("" if upgrade else "\n".join(pinned()))
        constraints.flush()
        versions = report(python, "--constraint", constraints.name, *together)
    return versions | report(python, "--no-deps", *alone)


def fits(filename: str) -> bool:
    """Whether a wheel runs on a machine that we support: CPython 3.11 to 3.14 on Linux or macOS, 64 bits."""
    if not filename.endswith(".whl"):
        return False
    pythons, abis, platforms = (set(part.split(".")) for part in filename[: -len(".whl")].split("-")[-3:])
    ours = {f"cp3{minor}" for minor in PYTHONS}
    here = "any" in platforms or any(re.search(MACHINES, platform) for platform in platforms)
    exact = bool(ours & pythons) and bool(ours & abis)
    stable = bool({"abi3", "none"} & abis) and any(re.fullmatch(OLD_ENOUGH, python) for python in pythons)
    return here and (exact or stable)


def version_of(filename: str) -> str:
    """The version that a wheel's name carries."""
    return filename.split("-")[1] if filename.endswith(".whl") else ""


def same_version(one: str, other: str) -> bool:
    """Versions are compared by their numbers: wheels may write 1.0 where the index says 1.0.0."""
    return one.replace("_", "-") == other or re.sub(r"(\.0)+$", "", one) == re.sub(r"(\.0)+$", "", other)


def hashes(python: Path, versions: dict[str, str]) -> dict[str, list[str]]:
    """The published sha256 of every wheel of these versions that fits."""
    asked = subprocess.run([str(python), "-c", ASK_PIP], input=json.dumps(sorted(versions)), check=True,
                           stdout=subprocess.PIPE, text=True)  # fmt: skip
    published = json.loads(asked.stdout)
    found: dict[str, list[str]] = {}
    for name, version in versions.items():
        files = published[name].items()
        found[name] = sorted(
            sha for file, sha in files if fits(file) and same_version(version_of(file), version)
        )
        if not found[name]:
            raise SystemExit(f"No wheel of {name} {version} that we could pin.")
    return found


def main() -> None:
    """Resolve in a clean environment and write the lock."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--upgrade", "pip"], check=True)
        versions = resolve(python, upgrade="--upgrade" in sys.argv[1:])
        sums = hashes(python, versions)
    blocks = [
        " \\\n    ".join([f"{name}=={versions[name]}", *(f"--hash=sha256:{sha}" for sha in sums[name])])
        for name in sorted(versions)
    ]
    LOCK.write_text(HEAD + "\n".join(blocks) + "\n")
    print(f"{LOCK.name}: {len(blocks)} packages, {sum(map(len, sums.values()))} hashes.")


if __name__ == "__main__":
    main()
