"""Fresh secrets: for one copy of the house, or as the files that compose.yaml mounts. Needs only Python.

`python3 -m ops.keys deploy/secrets` writes the files that are missing and never touches one that is there.
"""

import base64
import os
import secrets
import sys
from pathlib import Path

SECRETS = (
    "SECRET_KEY", "PAYLOAD_KEYS", "GATEWAY_SECRET", "GATEWAY_WEBHOOK_SECRET", "CARRIER_WEBHOOK_SECRET",
    "SYSTEMS_TOKEN", "ACCOUNTING_PASSWORD", "IMAP_PASSWORD",
    "BANK_WEBHOOK_SECRET", "STOCK_WEBHOOK_SECRET", "SMS_WEBHOOK_SECRET", "TELEPHONY_WEBHOOK_SECRET",
)  # fmt: skip
WEBHOOKS = (
    "GATEWAY_WEBHOOK_SECRET", "CARRIER_WEBHOOK_SECRET", "BANK_WEBHOOK_SECRET", "STOCK_WEBHOOK_SECRET",
    "SMS_WEBHOOK_SECRET", "TELEPHONY_WEBHOOK_SECRET",
)  # fmt: skip
ROLES = ("ieum_owner", "ieum_app", "ieum_worker")
URLS = {"DATABASE_OWNER_URL": "ieum_owner", "DATABASE_URL": "ieum_app", "DATABASE_WORKER_URL": "ieum_worker"}
READABLE_BY_CONTAINERS = 0o644


def new_secrets() -> dict[str, str]:
    """A value for every secret; the webhook secret has the form of the Standard Webhooks specification."""
    made = {name: secrets.token_urlsafe(32) for name in SECRETS}
    made["PAYLOAD_KEYS"] = "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()
    for name in WEBHOOKS:
        made[name] = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    return made | {role: secrets.token_urlsafe(24) for role in ROLES}


def keep(path: Path, value: str) -> str:
    """The value in this file; written there first when the file is missing."""
    if not path.exists():
        path.write_text(value)
        path.chmod(
            READABLE_BY_CONTAINERS
        )  # the folder is closed; a container sees the one file, as another user
    return path.read_text().strip()


def write_files(folder: Path) -> list[str]:
    """One file per secret; the database addresses repeat the passwords of their roles."""
    folder.mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
    fresh = new_secrets()
    kept = {name: keep(folder / name.lower(), value) for name, value in fresh.items()}
    for name in ("postgres", "temporal"):
        kept[name] = keep(folder / name, secrets.token_urlsafe(24))
    for name, role in URLS.items():
        kept[name] = keep(folder / name.lower(), f"postgresql://{role}:{kept[role]}@postgres:5432/ieum")
    return sorted(name.lower() for name in kept)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("Usage: python3 -m ops.keys FOLDER")
    print(f"{sys.argv[1]}: {', '.join(write_files(Path(sys.argv[1])))}")
