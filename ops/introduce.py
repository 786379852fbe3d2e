"""Tell the sandbox's gateway, carrier, warehouse and telephones where the house hears their events.

`python -m ops.introduce` reads the addresses of NEIGHBOURS, PUBLIC_URL and their secrets.
"""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

EVENTS = "/systems/gateway/webhook"
# Who tells us what happened, and where the house hears it.
NEIGHBOURS = {
    "GATEWAY": EVENTS,
    "CARRIER": "/webhooks/carrier",
    "BANK": "/systems/bank/webhook",
    "STOCK": "/webhooks/stock",
    "SMS": "/webhooks/sms",
    "TELEPHONY": "/webhooks/telephony",
}


def introduce(
    system_url: str, house_url: str, secret: str, seconds: float = 30, events: str = EVENTS
) -> None:
    """Register the house; safe to repeat, the last registration counts."""
    hook = json.dumps({"url": house_url.rstrip("/") + events, "secret": secret}).encode()
    request = Request(
        f"{system_url.rstrip('/')}/control/webhook",
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
                raise SystemExit(f"{system_url} did not take our registration: {error}") from error
        time.sleep(0.5)


def setting(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """A setting from the environment or from its file."""
    return environment.get(name) or Path(environment[f"{name}_FILE"]).read_text().strip()


if __name__ == "__main__":
    house = setting("PUBLIC_URL")
    for name, events in NEIGHBOURS.items():
        introduce(setting(f"{name}_URL"), house, setting(f"{name}_WEBHOOK_SECRET"), events=events)
