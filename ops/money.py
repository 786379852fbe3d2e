"""Lets money come in at the sample company: a card, a bank account, transfers, and the day's collection."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from temporalio.client import Client
from temporalio.service import RPCError

from ops.walk import Stuck

PATIENCE = 60.0
MORNING = ("transfer-day", "collection-day")


@dataclass
class Payer:
    """A customer at the house and at the outside systems; `token` lets them in."""

    app: str
    sandbox: str
    token: str
    http: httpx.AsyncClient

    async def say(self, path: str, **form: str) -> Any:
        """Send a form of the customer's own."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        answer = await self.http.post(f"{self.app}{path}", headers=headers, data=form)
        answer.raise_for_status()
        return answer.json()

    async def see(self, path: str) -> Any:
        """What a page of theirs holds."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        answer = await self.http.get(f"{self.app}{path}", headers=headers)
        answer.raise_for_status()
        return answer.json()

    async def add_card(self) -> None:
        """Add a card at the gateway's form, and wait until it may be used."""
        made = await self.say("/payment-methods", request_key=uuid4().hex)
        page = await self.see(f"/payment-methods/{made['method_id']}")
        asked = dict(httpx.URL(page["form"]).params)
        answer = await self.http.post(
            f"{self.sandbox}/gateway/billing", data={**asked, "card": "approve", "action": "add"}
        )
        auth = httpx.URL(answer.headers["location"]).params["auth_key"]
        await self.say(f"/payment-methods/{made['method_id']}/authorisation", auth_key=auth)
        until = time.monotonic() + PATIENCE
        while (await self.see(f"/payment-methods/{made['method_id']}"))["method"]["status"] != "active":
            if time.monotonic() > until:
                raise Stuck("the card was not added")
            await asyncio.sleep(0.3)

    async def agree_to_debits(self) -> None:
        """Agree to debits from a bank account; the next file for the bank registers it."""
        await self.say(
            "/payment-methods/accounts", request_key=uuid4().hex, bank="088", account="110234567890",
            is_agreed="true",
        )  # fmt: skip

    async def transfer(self) -> None:
        """Transfer something to the account of one's own, and somebody to one that is nobody's."""
        await self.say("/payment-methods/virtual-account", request_key=uuid4().hex)
        number = (await self.see("/payment-methods"))["virtual_account"]
        for account, amount, payer in ((number, 10_000, "최민아"), ("56299999999999", 35_000, "김입금")):
            body = {"account_number": account, "amount": amount, "payer": payer}
            (await self.http.post(f"{self.sandbox}/bank/control/deposits", json=body)).raise_for_status()


async def let_money_come(app: str, sandbox: str, token: str, temporal: str, namespace: str) -> None:
    """The customer agrees on ways to pay; the morning's appointments are kept at once."""
    async with httpx.AsyncClient(timeout=20) as http:
        payer = Payer(app, sandbox, token, http)
        await payer.add_card()
        await payer.agree_to_debits()
        await payer.transfer()
    await keep_appointments(await Client.connect(temporal, namespace=namespace))


async def keep_appointments(client: Client) -> None:
    """Call the morning's appointments now; each does its day's work once, however often it is called."""
    until = time.monotonic() + PATIENCE
    for name in MORNING:
        while True:
            try:
                await client.get_schedule_handle(name).trigger()
                break
            except RPCError as absent:  # the worker keeps them a moment after its start
                if time.monotonic() > until:
                    raise Stuck(f"no appointment {name}") from absent
                await asyncio.sleep(0.5)
