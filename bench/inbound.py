"""A mail comes in until an agent's open page hears of its ticket, and how many mails a second are taken in.

The whole way: SMTP, the letterbox, outbox, workflow, reader process, tables, live update. A quarter of N
mails (200) goes one by one, then N come eight at a time. Aims: p95 ≤ 2,000 ms, ≥ 5 mails/s on two cores."""

import asyncio
import smtplib
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import psycopg

from bench import kit
from bench.company import make_company
from ops.parts import Letterbox, Temporal, answers, wait_until
from ops.plan import ROOT, Plan
from ops.postgres import free_port

NAMES = (
    "PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT", "SANDBOX_PORT", "METRICS_PORT", "STRIPE_PORT", "TRYTON_PORT",
    "MAIL_PORT",
)  # fmt: skip


def a_mail(number: int, to: str) -> bytes:
    """One mail as a person writes it."""
    message = EmailMessage()
    message["From"] = f"Person {number} <person{number}@bench.example>"
    message["To"], message["Subject"] = to, f"No picture {number}."
    message["Message-ID"] = f"<{number}.{time.time_ns()}@bench.example>"
    message.set_content("There is no picture since this morning.\n" * 8)
    return message.as_bytes()


def send(port: int, number: int, to: str) -> None:
    """Hand one over and wait for the yes."""
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.sendmail(f"person{number}@bench.example", [to], a_mail(number, to))


@asynccontextmanager
async def listening(plan: Plan, token: str, topic: str) -> AsyncIterator[asyncio.Queue[float]]:
    """An agent's open page: when it hears of something, the time is put down."""
    heard: asyncio.Queue[float] = asyncio.Queue()
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    address = plan.local("PORT", f"/events?topics={topic}")

    async def listen() -> None:
        async with (
            httpx.AsyncClient(timeout=None) as client,
            client.stream("GET", address, headers=headers) as page,
        ):
            page.raise_for_status()
            async for line in page.aiter_lines():
                if line.startswith(("event:", "data:")) and topic in line:
                    heard.put_nowait(time.perf_counter())

    ear = asyncio.create_task(listen())
    await asyncio.sleep(1)
    if ear.done():
        ear.result()
    yield heard
    ear.cancel()


async def one_by_one(plan: Plan, token: str, mails: int) -> list[float]:
    """From the first byte until the queue, asked anew because its page heard something, shows the ticket."""
    times = []
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    async with listening(plan, token, "tickets") as heard, httpx.AsyncClient(headers=headers) as client:
        for number in range(mails):
            begun = time.perf_counter()
            await asyncio.to_thread(send, plan.ports["MAIL_PORT"], number, "help@ieum.example")
            words = {"to": "/tickets", "more": {"view": "open"}, "q": f"No picture {number}."}
            kept = (await client.post(plan.local("PORT", "/home/words"), json=words)).json()["location"]
            while not (await client.get(plan.local("PORT", kept))).json()["rows"]:
                await asyncio.wait_for(heard.get(), 60)
            times.append((time.perf_counter() - begun) * 1000)
    return sorted(times)


async def together(plan: Plan, url: str, mails: int) -> float:
    """How many a second are kept, read and in their place when they come eight at a time."""
    lanes = asyncio.Semaphore(8)

    async def one(number: int) -> None:
        async with lanes:
            await asyncio.to_thread(send, plan.ports["MAIL_PORT"], 10_000 + number, "help@ieum.example")

    def left() -> Any:
        with psycopg.connect(url) as connection:
            return connection.execute(
                "select count(*) from inbound_mails where status = 'received'"
            ).fetchone()

    begun = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(mails)))
    while (await asyncio.to_thread(left))[0]:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    return mails / (time.perf_counter() - begun)


def main() -> None:
    """Run the parts that a mail passes, and print the line."""
    mails = kit.asked(200)
    with kit.folder() as place, kit.migrated(place) as (cluster, urls, secrets), ExitStack() as ends:
        ports = {name: free_port() for name in NAMES} | {"POSTGRES_PORT": cluster.port}
        plan = Plan(Path(place), ports, secrets, cluster.url(), True, "ieum")
        (place / "files").mkdir()
        (place / "logs").mkdir(exist_ok=True)
        token = make_company(urls.worker)
        temporal, letterbox = Temporal(plan), Letterbox(plan)
        for part in (temporal, letterbox):
            part.start()
            ends.callback(part.stop, 5)
            if not wait_until(part.is_ready, part.is_alive, 60):
                raise SystemExit(f"{part.name} did not answer: {part.last_lines()}")
        for name, role, ready in (("worker", "worker", "METRICS_PORT"), ("app", "app", "PORT")):
            path = "/metrics" if name == "worker" else "/health/ready"
            words = "temporal_num_pollers{" if name == "worker" else ""
            child = subprocess.Popen(
                plan.command(name),
                cwd=ROOT,
                env=plan.environment(role),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            ends.callback(child.wait, 30)
            ends.callback(child.terminate)
            address = plan.local(ready, path)
            if not wait_until(lambda a=address, w=words: answers(a, w), lambda c=child: c.poll() is None, 60):  # type: ignore[misc]
                raise SystemExit(f"{name} did not answer")
        times = asyncio.run(one_by_one(plan, token, max(10, mails // 4)))
        rate = asyncio.run(together(plan, urls.owner, mails))
        with psycopg.connect(urls.owner) as owner:
            tickets = owner.execute("select count(*) from tickets where channel = 'email'").fetchone()
    kit.report(
        p50_ms=round(statistics.median(times), 1), p95_ms=round(times[int(len(times) * 0.95)], 1),
        mails_per_s=round(rate, 1), n=len(times) + mails, tickets=tickets[0] if tickets else 0,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
