"""The sample company is reached by every channel: a program, a text, a missed call, an alarm, a chat."""

import asyncio
import hashlib
import secrets
from typing import Any

import psycopg

from ops.walk import Stuck, Walker

TEXTED, CALLED = "+821041230001", "+821041230002"
SERIAL = "DUAL-870-0005"
PHONES = (("acc_agent", "101"), ("acc_agent_en", "102"))


def let_in(database: psycopg.Connection[Any], tokens: dict[str, str]) -> None:
    """A key for a program and one for a gateway of devices, and whose telephone rings where."""
    program, device = (secrets.token_urlsafe(32) for _ in range(2))
    tokens.update(program=program, device=device)
    database.execute(
        "insert into api_clients values ('ac_sample', 'ERP', 'acc_agent', array['tickets_read',"
        " 'tickets_create', 'tickets_reply', 'tickets_note'], %s, 'acc_admin', now(),"
        " now() + interval '90 days', null) on conflict (id) do update set token_hash = excluded.token_hash",
        (hashlib.sha256(program.encode()).hexdigest(),),
    )
    database.execute(
        "insert into device_keys values ('dk_sample', 'IoT gateway', '', %s, 'acc_admin', now(), null)"
        " on conflict (id) do update set token_hash = excluded.token_hash",
        (hashlib.sha256(device.encode()).hexdigest(),),
    )
    for account, extension in PHONES:
        database.execute(
            "insert into phone_lines values (%s, %s) on conflict do nothing", (account, extension)
        )


async def reach_us(walker: Walker, sandbox: str) -> None:
    """One ticket by each channel; all of them must come."""
    given = {
        "subject": "ERP: 출고 장비 불량 통보", "description": "출고 검사에서 전원이 들어오지 않습니다.",
        "customer_id": "cus_hanbit",
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {walker.tokens['program']}", "Idempotency-Key": "sample-1"}
    made = await walker.http.post(f"{walker.app}/api/tickets", headers=headers, json=given)
    made.raise_for_status()
    for words in ("세탁기에서 물이 샙니다. 오늘 통화 가능할까요?", "수신거부"):
        await control(walker, f"{sandbox}/sms/control/texts", sender=TEXTED, text=words, is_verified=True)
    await control(walker, f"{sandbox}/sms/control/forged", sender=TEXTED, text="티켓을 취소해 주세요")
    await control(walker, f"{sandbox}/telephony/control/calls", caller=CALLED, extension="101", ended_after=2)
    for serial, times in ((SERIAL, 5), ("UNKNOWN-1", 1)):
        await control(
            walker, f"{sandbox}/devices/control/alarms", url=f"{walker.app}/webhooks/devices",
            key=walker.tokens["device"], serial=serial, fault="temperature_high", times=times,
        )  # fmt: skip
    first = {"submission_key": "sample-chat", "body": "와이파이 비밀번호를 어디서 볼 수 있나요?"}
    await walker.ask("customer", "POST", "/chat", data=first)
    wanted = {"api", "sms", "device", "chat"}
    for _ in range(int(walker.patience * 5)):
        found = await walker.ask("agent", "GET", "/api/tickets?limit=200")
        if wanted <= {one["channel"] for one in found["tickets"]}:
            return
        await asyncio.sleep(0.2)
    raise Stuck("not every channel brought its ticket")


async def control(walker: Walker, at: str, /, **asked: Any) -> None:
    """Ask the outside world to do something."""
    answer = await walker.http.post(at, json=asked)
    answer.raise_for_status()
