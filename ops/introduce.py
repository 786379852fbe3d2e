"""Tell the sandbox's payment gateway where the house hears its events, as one does at a real gateway's desk.

`python -m ops.introduce` reads GATEWAY_URL, PUBLIC_URL and GATEWAY_WEBHOOK_SECRET (or its _FILE).
"""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

EVENTS = "/systems/gateway/webhook"


def introduce(gateway_url: str, house_url: str, secret: str, seconds: float = 30) -> None:
    """Register the house; safe to repeat, the last registration counts."""
    hook = json.dumps({"url": house_url.rstrip("/") + EVENTS, "secret": secret}).encode()
    request = Request(
        f"{gateway_url.rstrip('/')}/control/webhook",
        data=hook,
        method="PUT",
        headers={"content-type": "application/json"},
    )
    until = time.monotonic() + seconds
    while True:
        try:
            with urlopen(request, timeout=5):
                return
        except URLError as error:
            if time.monotonic() > until:
                raise SystemExit(f"The gateway did not take our registration: {error}") from error
        time.sleep(0.5)


def setting(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """A setting from the environment or from its file."""
    return environment.get(name) or Path(environment[f"{name}_FILE"]).read_text().strip()


if __name__ == "__main__":
    introduce(setting("GATEWAY_URL"), setting("PUBLIC_URL"), setting("GATEWAY_WEBHOOK_SECRET"))
