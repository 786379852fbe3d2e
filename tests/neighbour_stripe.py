"""An independent Stripe in a process of its own: it ignores idempotency keys, the harder case."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.postgres import free_port

SECRET = "sk_test_ieum_0123456789"


@dataclass(frozen=True)
class Stripe:
    """A running localstripe, asked with a plain client."""

    url: str
    client: httpx.Client

    def customer(self, card: str = "pm_card_visa") -> str:
        """A customer with a card: the billing key as our connector keeps it."""
        made = self.client.post("/v1/customers", data={"metadata[from]": "test"}).json()
        method = self.client.get(f"/v1/payment_methods/{card}").json()["id"]
        attached = self.client.post(f"/v1/payment_methods/{method}/attach", data={"customer": made["id"]})
        attached.raise_for_status()
        return f"{made['id']} {method}"

    def charges(self) -> list[dict[str, Any]]:
        """Every charge whose money moved."""
        listed = self.client.get("/v1/charges", params={"limit": 100}).json()["data"]
        return [one for one in listed if one["status"] == "succeeded"]


@pytest.fixture(scope="module")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stripe]:
    """One localstripe for a file of tests."""
    port = free_port()
    command = [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"]
    log = (tmp_path_factory.mktemp("stripe") / "log").open("w")
    process = subprocess.Popen(
        command, cwd=Path(log.name).parent, env=dict(os.environ), stdout=log, stderr=log
    )
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, auth=(SECRET, ""), timeout=10, trust_env=False) as client:
        until = time.monotonic() + 30
        while True:
            try:
                client.get("/v1/customers")
                break
            except httpx.TransportError:
                assert process.poll() is None, "localstripe ended while it started"
                assert time.monotonic() < until, "localstripe did not start"
                time.sleep(0.1)
        yield Stripe(url, client)
    process.terminate()
    process.wait(20)
    log.close()
